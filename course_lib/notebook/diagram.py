"""The drawings that open each lesson: SVG files of the package, shown with alt text, from no network."""

from importlib.resources import files

from course_lib.notebook.show import html_image, in_notebook, require_alt


def show_diagram(name: str, *, alt: str, width: int = 760) -> None:
    """Show notebook/diagrams/NAME.svg. Outside IPython the alt text is printed."""
    require_alt(alt)
    svg = files("course_lib.notebook").joinpath("diagrams", f"{name}.svg").read_bytes()
    if not in_notebook():
        print(f"[picture: {alt}]")
        return
    from IPython.display import display

    display({"text/html": html_image(svg, alt, "image/svg+xml", width), "text/plain": alt}, raw=True)
