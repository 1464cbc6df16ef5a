"""Pictures in a notebook: grids of images and curves, each with alt text, each small enough to keep in git.

A picture is one output in three forms: `text/html`, an <img> with its alt text, since JupyterLab and
nbconvert give an `image/png` none; `image/png` for whatever reads no HTML; and the alt text as `text/plain`.
Outside IPython the alt text is printed.
"""

import base64
import html
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from course_lib.images import require_images, to_uint8
from course_lib.types import Images

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GAP = 2  # pixels between two images
INK, PAPER = (40, 40, 40), (255, 255, 255)
CELL = 56  # an image is enlarged to about this many pixels
LARGE = 30_000  # bytes of a picture in a notebook
LETTERS = 13  # pixels: height of the text of a label
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#444444")  # Okabe and Ito


def show(
    images: Images,
    *,
    alt: str,
    columns: int = 8,
    title: str | None = None,
    scale: int | None = None,
    labels: Sequence[str] | None = None,
) -> None:
    """Show the images as one grid. `alt` says in words what is to be seen; it is not optional.

    `scale` enlarges by a whole number (default: to about 56 pixels). `labels` are written under the images.
    """
    display_png(png_bytes(images, columns=columns, title=title, scale=scale, labels=labels), alt)


def show_figure(fig: "Figure", *, alt: str) -> None:
    """Show a matplotlib figure and close it."""
    display_png(figure_png(fig), alt)


def plot_curves(
    curves: Mapping[str, Sequence[float]],
    *,
    alt: str,
    xlabel: str = "step",
    ylabel: str = "loss",
    log: bool = False,
) -> None:
    """One line per name, over its index or, for a list of (x, y) pairs, over x. `log` scales the y axis."""
    show_figure(draw_curves(curves, xlabel=xlabel, ylabel=ylabel, log=log), alt=alt)


def display_png(
    png: bytes, alt: str, display_id: str | None = None, *, update: bool = False, kind: str = "image/png"
) -> None:
    """Put a finished PNG (or GIF) into the cell's output; outside IPython, print its alt text."""
    require_alt(alt)
    if not in_notebook():
        if not update:
            print(f"[picture: {alt}]")
        return
    from IPython.display import publish_display_data

    publish_display_data(
        png_bundle(png, alt, kind),
        metadata={kind: {"alt": alt}},
        transient={"display_id": display_id} if display_id else {},
        update=update,
    )


def png_bundle(png: bytes, alt: str, kind: str = "image/png") -> dict[str, str]:
    """The three forms of a picture, by media type."""
    code = base64.b64encode(png).decode("ascii")
    return {"text/html": html_image(png, alt, kind), kind: code, "text/plain": alt}


def html_image(picture: bytes, alt: str, kind: str = "image/png", width: int | None = None) -> str:
    """An <img> that carries its picture with it, and its alt text."""
    code = base64.b64encode(picture).decode("ascii")
    size = f' width="{width}"' if width else ""
    return f'<img alt="{html.escape(alt)}"{size} src="data:{kind};base64,{code}">'


def in_notebook() -> bool:
    """True in an IPython kernel (notebook, Colab, nbclient); False in a script and in a terminal."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return getattr(get_ipython(), "kernel", None) is not None


def require_alt(alt: str) -> None:
    if not alt.strip():
        raise ValueError(
            "alt is empty: say in a few words what the picture shows, for readers who cannot see it"
        )


def png_bytes(
    images: Images,
    *,
    columns: int = 8,
    title: str | None = None,
    scale: int | None = None,
    labels: Sequence[str] | None = None,
) -> bytes:
    """The grid as a compressed PNG for a notebook."""
    return encode_png(grid(images, columns=columns, title=title, scale=scale, labels=labels))


def save_png(images: Images, path: str | Path, *, columns: int = 8, scale: int | None = None) -> None:
    """Write the grid to a file, pixel for pixel."""
    Path(path).write_bytes(encode_png(grid(images, columns=columns, scale=scale), exact=True))


def grid(
    images: Images,
    *,
    columns: int = 8,
    title: str | None = None,
    scale: int | None = None,
    labels: Sequence[str] | None = None,
) -> Image.Image:
    """The images, enlarged by a whole number without smoothing, row by row on white paper."""
    pixels = to_pixels(images)
    n, h, w = pixels.shape[:3]
    if labels is not None and len(labels) != n:
        raise ValueError(f"expected one label per image, got {len(labels)} labels for {n} images")
    scale = scale or max(1, round(CELL / max(h, w)))
    columns = max(1, min(columns, n))
    rows = -(-n // columns)
    head, foot = (LETTERS + 6 if title else 0), (LETTERS + 2 if labels else 0)
    wide, high = w * scale + GAP, h * scale + foot + GAP
    paper = Image.new(
        "RGB", (max(columns * wide + GAP, text_width(title) + 2 * GAP), rows * high + GAP + head), PAPER
    )
    draw = ImageDraw.Draw(paper)
    if title:
        draw.text((GAP, GAP), title, fill=INK, font=font())
    for k, picture in enumerate(pixels):
        x, y = GAP + k % columns * wide, GAP + head + k // columns * high
        paper.paste(Image.fromarray(picture).resize((w * scale, h * scale), Image.Resampling.NEAREST), (x, y))
        if labels:
            draw.text((x + w * scale / 2, y + h * scale + 1), labels[k], fill=INK, font=font(), anchor="mt")
    return paper


@torch.no_grad()
def to_pixels(images: Images) -> np.ndarray:
    """(n, c, h, w) in [-1, 1] -> (n, h, w, 3) bytes; one grey channel becomes three equal ones."""
    images = require_images(images.detach(), slack=float("inf"))
    if images.shape[1] not in (1, 3):
        raise ValueError(f"expected images with 1 or 3 channels, got shape {tuple(images.shape)}")
    return to_uint8(images).cpu().expand(-1, 3, -1, -1).permute(0, 2, 3, 1).contiguous().numpy()


def encode_png(picture: Image.Image, exact: bool = False) -> bytes:
    """Grey pictures as 8-bit grey, pictures of few colours with a palette: smaller, and no pixel changes.

    Unless it must be exact, a coloured picture that is still large gives up its finest shades: 64, then 32
    levels of each colour, and at last all but the 256 colours that fit it best.
    """
    red, green, blue = picture.split()
    if red.tobytes() == green.tobytes() == blue.tobytes():
        return compressed(red)
    if picture.getcolors(256):
        return compressed(with_palette(picture, 256))
    for bits in (8, 6, 5):
        data = compressed(with_shades(picture, bits))
        if exact or len(data) <= LARGE:
            return data
    return compressed(with_palette(picture, 256))


def with_shades(picture: Image.Image, bits: int) -> Image.Image:
    """2^bits levels of each colour from black to white: the paper stays white, as `posterize` has it not."""
    most = 2**bits - 1
    return picture.point([round(v * most / 255) * 255 // most for v in range(256)] * 3)


def with_palette(picture: Image.Image, colours: int) -> Image.Image:
    return picture.quantize(colours, dither=Image.Dither.NONE)


def compressed(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


def png_fast(picture: Image.Image) -> bytes:
    """The same pixels in a few milliseconds and a few more bytes: for pictures that are soon replaced."""
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=4)
    return file.getvalue()


def font() -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(LETTERS - 2)


def text_width(text: str | None) -> int:
    return int(font().getlength(text)) + 1 if text else 0


def draw_curves(
    curves: Mapping[str, Sequence[float]], *, xlabel: str = "step", ylabel: str = "loss", log: bool = False
) -> "Figure":
    """The figure behind `plot_curves`: made without pyplot, so that nothing is shown twice or left open."""
    from matplotlib.figure import Figure

    fig = Figure(figsize=(6, 2.8), dpi=90, layout="constrained", facecolor="white")
    axes = fig.subplots()
    for k, (name, values) in enumerate(curves.items()):
        points = np.asarray([float(v) if not isinstance(v, tuple) else v for v in values], dtype=float)
        x, y = points.T if points.ndim == 2 else (np.arange(len(points)), points)
        axes.plot(x, y, label=name, color=COLOURS[k % len(COLOURS)], linewidth=1.6)
    axes.set(xlabel=xlabel, ylabel=ylabel, yscale="log" if log else "linear")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    if len(curves) > 1:
        axes.legend(frameon=False, fontsize=9)
    elif curves:
        axes.set_title(next(iter(curves)), fontsize=10, loc="left")
    return fig


def figure_png(fig: "Figure") -> bytes:
    """A figure as a small PNG on white paper: readable in a dark theme too. A pyplot figure is closed."""
    file = io.BytesIO()
    fig.savefig(file, format="png", facecolor="white", bbox_inches="tight", pad_inches=0.08)
    close_figure(fig)
    return encode_png_figure(Image.open(io.BytesIO(file.getvalue())).convert("RGB"))


def encode_png_figure(picture: Image.Image) -> bytes:
    """Curves have few colours: 128 of them are enough for the eye and a third of the bytes."""
    return compressed(with_palette(picture, 128))


def close_figure(fig: "Figure") -> None:
    """Close it if pyplot opened it, without importing pyplot where nobody did."""
    import sys

    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close(fig)
