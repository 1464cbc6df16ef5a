"""The drawings that open each lesson: SVG files of the package, shown with alt text, from no network."""

import base64
import html
from importlib.resources import files

from course_lib.notebook.show import in_notebook, require_alt


def show_diagram(name: str, *, alt: str, width: int = 760) -> None:
    """Show notebook/diagrams/NAME.svg. Outside IPython the alt text is printed."""
    require_alt(alt)
    svg = files("course_lib.notebook").joinpath("diagrams", f"{name}.svg").read_bytes()
    if not in_notebook():
        print(f"[picture: {alt}]")
        return
    from IPython.display import display

    code = base64.b64encode(svg).decode("ascii")
    image = f'<img alt="{html.escape(alt)}" width="{width}" src="data:image/svg+xml;base64,{code}">'
    display({"text/html": image, "text/plain": alt}, raw=True)
