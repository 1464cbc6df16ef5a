"""Sliders over a picture, and the still picture that remains when no kernel is there to answer them.

    explore(decode, alt="a digit at a point of the latent plane", z1=(-2.0, 2.0, 0.0), z2=(-2.0, 2.0, 0.0))

The output is a strip of pictures, one per value of the first slider; it stays in the saved notebook. Below
it, in JupyterLab, VS Code and Colab, stand the sliders with the picture of the moment. They are widgets of
the running kernel only: they are not shown where no front end is (nbclient, nbval).
"""

import html
import io
from collections.abc import Callable, Sequence
from typing import Any

import torch
from PIL import Image, ImageDraw

from course_lib.notebook.panel import front_end_is_there
from course_lib.notebook.show import (
    INK,
    LETTERS,
    PAPER,
    display_png,
    encode_png,
    font,
    grid,
    html_image,
    in_notebook,
    png_fast,
    require_alt,
)
from course_lib.types import Images

Slider = Sequence[Any] | bool | str  # (low, high, start[, step]) | choices | on or off | words to write
STILLS = 8  # pictures in the strip
MOST_BYTES = 400_000  # of an animation


def explore(draw: Callable[..., Images], *, alt: str, **sliders: Slider) -> None:
    """Show `draw(**values)` under sliders: (low, high, start[, step]), a list of choices, or a bool each.

    A str is a box to write into, and `draw` may raise a ValueError that says what it cannot draw. Without a
    front end only the strip is shown: `draw` along the first slider, the others at their start.
    """
    require_alt(alt)
    if not sliders:
        raise ValueError("explore needs at least one slider, such as t=(0, 1, 0.5)")
    strip, labels = still(draw, sliders)
    first = next(iter(sliders))
    display_png(encode_png(grid_of(strip, labels)), f"{alt}; for {first} = {', '.join(labels)}")
    if in_notebook() and front_end_is_there():
        show_sliders(draw, alt, sliders)


def still(draw: Callable[..., Images], sliders: dict[str, Slider]) -> tuple[list[Image.Image], list[str]]:
    """One picture for each of a few values of the first slider."""
    first, *_ = sliders
    start = {name: first_value(slider) for name, slider in sliders.items()}
    values = some_values(sliders[first])
    with torch.no_grad():
        pictures = [grid(draw(**(start | {first: value}))) for value in values]
    return pictures, [f"{v:.3g}" if isinstance(v, float) else str(v) for v in values]


def grid_of(pictures: Sequence[Image.Image], labels: Sequence[str]) -> Image.Image:
    """The pictures in one row (or more, where they are wide), each with its value under it."""
    wide, high = max(p.width for p in pictures) + 4, max(p.height for p in pictures) + LETTERS + 4
    columns = max(1, min(len(pictures), 560 // wide))
    columns = -(-len(pictures) // -(-len(pictures) // columns))  # rows alike: 4 and 4, not 7 and 1
    paper = Image.new("RGB", (columns * wide, -(-len(pictures) // columns) * high), PAPER)
    pen = ImageDraw.Draw(paper)
    for k, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        x, y = k % columns * wide, k // columns * high
        paper.paste(picture, (x + 2, y))
        pen.text((x + wide / 2, y + picture.height + 1), label, fill=INK, font=font(), anchor="mt")
    return paper


def is_range(slider: Slider) -> bool:
    """(low, high, start[, step]) and not a tuple of choices."""
    numbers = isinstance(slider, tuple) and len(slider) in (3, 4)
    return numbers and all(isinstance(v, int | float) and not isinstance(v, bool) for v in slider)


def first_value(slider: Slider) -> Any:
    """Where the slider stands at the start."""
    if isinstance(slider, bool | str):
        return slider
    return slider[2] if is_range(slider) else slider[0]


def some_values(slider: Slider) -> list[Any]:
    """The few values of a slider that the strip shows: its ends and evenly spaced ones between."""
    if isinstance(slider, bool):
        return [False, True]
    if isinstance(slider, str):
        return [slider]
    if not is_range(slider):
        return list(slider)[:STILLS]
    low, high = slider[:2]
    whole = all(isinstance(v, int) for v in slider)
    values = [low + (high - low) * k / (STILLS - 1) for k in range(STILLS)]
    return sorted({round(v) for v in values}) if whole else values


def show_sliders(draw: Callable[..., Images], alt: str, sliders: dict[str, Slider]) -> None:
    """The live part: widgets of ipywidgets 7 or 8, and an image that follows them."""
    import ipywidgets
    from IPython.display import publish_display_data

    picture = ipywidgets.HTML()  # widgets.Image has no alt text
    controls = {name: control(name, slider) for name, slider in sliders.items()}

    def redraw(_: object = None) -> None:
        try:
            with torch.no_grad():
                images = draw(**{name: widget.value for name, widget in controls.items()})
        except ValueError as error:  # of a widget nobody would see it
            picture.value = f"<p>{html.escape(str(error))}</p>"
            return
        picture.value = html_image(png_fast(grid(images, scale=max(1, 168 // max(images.shape[-2:])))), alt)

    for widget in controls.values():
        widget.observe(redraw, names="value")
    redraw()
    box = ipywidgets.VBox([*controls.values(), picture])
    view = {"version_major": 2, "version_minor": 0, "model_id": box.model_id}
    publish_display_data({"application/vnd.jupyter.widget-view+json": view, "text/plain": f"sliders: {alt}"})


def control(name: str, slider: Slider):
    """The widget for one slider."""
    import ipywidgets

    if isinstance(slider, bool):
        return ipywidgets.Checkbox(value=slider, description=name)
    if isinstance(slider, str):  # told when Enter is pressed, not at every letter
        wide = ipywidgets.Layout(width="min(100%, 46rem)")
        return ipywidgets.Text(value=slider, description=name, continuous_update=False, layout=wide)
    if not is_range(slider):
        return ipywidgets.Dropdown(options=list(slider), value=slider[0], description=name)
    first, last, start, *step = slider
    low, high = min(first, last), max(first, last)  # the strip may run downwards, a slider cannot
    if all(isinstance(v, int) for v in slider):
        return ipywidgets.IntSlider(start, low, high, *(step or [1]), description=name)
    return ipywidgets.FloatSlider(
        value=start, min=low, max=high, step=step[0] if step else (high - low) / 50, description=name
    )


def animate(frames: Sequence[Images], *, alt: str, seconds: float | int = 3) -> None:
    """A looping GIF of grids, of at most 400 KB, with alt text."""
    require_alt(alt)
    data = gif_bytes(frames, seconds)
    if len(data) > MOST_BYTES:
        raise ValueError(
            f"the animation has {len(data):,} bytes, the most is {MOST_BYTES:,}: show fewer frames"
        )
    display_png(data, alt, kind="image/gif")


def gif_bytes(frames: Sequence[Images], seconds: float | int = 3) -> bytes:
    """The frames as a GIF that runs for so many seconds."""
    pictures = [grid(images).quantize(64, dither=Image.Dither.NONE) for images in frames]
    file = io.BytesIO()
    wait = round(1000 * seconds / len(pictures))
    pictures[0].save(
        file, "GIF", save_all=True, append_images=pictures[1:], duration=wait, loop=0, optimize=True
    )
    return file.getvalue()
