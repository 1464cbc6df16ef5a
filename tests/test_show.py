"""Pictures: what is in the PNG, what is in the notebook, and the alt text that every one of them carries."""

import base64
import io
import re
from html import unescape

import nbformat
import numpy as np
import pytest
import torch
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from PIL import Image

from course_lib.notebook import show as module
from course_lib.notebook.show import draw_curves, figure_png, grid, plot_curves, png_bytes, save_png, show


def opened(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def blobs(n: int, channels: int = 1, size: int = 28) -> torch.Tensor:
    """Smooth pictures, about as hard to compress as digits."""
    torch.manual_seed(0)
    coarse = torch.rand(n, channels, 5, 5) * 2 - 1
    return torch.nn.functional.interpolate(coarse, size, mode="bilinear")


def test_every_image_is_where_it_belongs_and_no_pixel_is_smoothed():
    images = torch.stack([torch.full((1, 4, 4), v) for v in (-1.0, 0.0, 1.0)])
    picture = opened(png_bytes(images, columns=2, scale=3))
    gap = module.GAP
    assert picture.shape == (2 * (12 + gap) + gap, 2 * (12 + gap) + gap, 3)
    assert (picture[gap : gap + 12, gap : gap + 12] == 0).all()
    assert (picture[gap : gap + 12, 2 * gap + 12 : -gap] == 128).all()
    assert (picture[2 * gap + 12 : -gap, gap : gap + 12] == 255).all()


def test_colours_survive():
    red = torch.tensor([1.0, -1.0, -1.0]).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    assert (opened(png_bytes(red, scale=1))[2:6, 2:6] == [255, 0, 0]).all()


def test_the_palette_changes_no_pixel_of_a_colour_grid():
    images = (torch.rand(4, 3, 8, 8) > 0.5).float() * 2 - 1
    assert (opened(png_bytes(images)) == np.asarray(grid(images))).all()


def test_a_large_coloured_picture_gives_up_shades_in_a_notebook_and_none_in_a_file(tmp_path):
    small, large = blobs(4, channels=3), blobs(96, channels=3, size=32)
    assert (opened(png_bytes(small)) == np.asarray(grid(small))).all()
    save_png(large, tmp_path / "sheet.png")
    whole = (tmp_path / "sheet.png").read_bytes()
    assert (opened(whole) == np.asarray(grid(large))).all()
    seen = opened(png_bytes(large)).astype(int)
    assert len(png_bytes(large)) < len(whole) / 2
    assert abs(seen - np.asarray(grid(large))).mean() < 12


@pytest.mark.parametrize("n", [8, 16, 24, 32, 48, 64, 96])
def test_the_paper_is_white_however_many_shades_are_left(n):
    assert (opened(png_bytes(blobs(n, channels=3, size=32)))[0, 0] == 255).all()


@pytest.mark.parametrize("bits", [8, 6, 5])
def test_with_fewer_shades_paper_stays_white_and_ink_black(bits):
    grey = Image.fromarray(np.arange(256, dtype=np.uint8)[None].repeat(3, 0).T[None].copy())
    found = np.asarray(module.with_shades(grey, bits)).astype(int)
    assert (found[0, 0] == 0).all() and (found[0, 255] == 255).all()
    assert len(np.unique(found)) == 2**bits and abs(found - np.asarray(grey)).max() <= 255 / (2**bits - 1)


def test_small_images_are_enlarged_and_large_ones_are_not():
    assert opened(png_bytes(torch.zeros(1, 1, 28, 28))).shape[0] == 56 + 2 * module.GAP
    assert opened(png_bytes(torch.zeros(1, 1, 256, 256))).shape[0] == 256 + 2 * module.GAP


def test_64_digits_stay_below_40_kilobytes():
    assert len(png_bytes(blobs(64))) < 40_000


def test_values_outside_the_range_are_clipped_for_the_eye():
    assert (opened(png_bytes(torch.full((1, 1, 4, 4), 1.7), scale=1))[2:6, 2:6] == 255).all()


@pytest.mark.parametrize("bad", [torch.zeros(2, 28, 28), torch.full((1, 1, 4, 4), float("nan"))])
def test_what_is_no_image_is_refused_in_words(bad):
    with pytest.raises(Exception, match=r"expected images|NaN|shape|type"):
        png_bytes(bad)


def test_two_channels_and_a_wrong_number_of_labels_are_refused_in_words():
    with pytest.raises(ValueError, match="1 or 3 channels"):
        png_bytes(torch.zeros(1, 2, 4, 4))
    with pytest.raises(ValueError, match="got 1 labels for 2 images"):
        png_bytes(torch.zeros(2, 1, 4, 4), labels=["a"])


@pytest.mark.parametrize("alt", ["", "  "])
def test_a_picture_without_alt_text_is_refused(alt):
    with pytest.raises(ValueError, match="alt is empty"):
        show(torch.zeros(1, 1, 4, 4), alt=alt)


def test_outside_a_notebook_the_alt_text_is_printed(capsys):
    show(torch.zeros(1, 1, 4, 4), alt="one grey square")
    assert capsys.readouterr().out == "[picture: one grey square]\n"


def test_saved_pictures_open(tmp_path):
    save_png(blobs(3), tmp_path / "three.png")
    assert Image.open(tmp_path / "three.png").size == (3 * 58 + 2, 60)


def test_gradients_do_not_hinder():
    png_bytes(torch.zeros(1, 1, 4, 4, requires_grad=True))


def test_curves_have_their_names_and_their_own_x(capsys):
    fig = draw_curves({"a": [1.0, 2.0], "b": [(10, 3.0), (20, 4.0)]}, log=True)
    lines = fig.axes[0].lines
    assert [line.get_label() for line in lines] == ["a", "b"]
    assert lines[1].get_xdata().tolist() == [10, 20] and lines[1].get_ydata().tolist() == [3, 4]
    assert fig.axes[0].get_yscale() == "log"
    assert len(figure_png(fig)) < 30_000
    plot_curves({"a": [1.0]}, alt="a point")
    assert "a point" in capsys.readouterr().out


def test_a_shown_pyplot_figure_is_closed():
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    module.show_figure(pyplot.figure(), alt="nothing")
    assert pyplot.get_fignums() == []


def test_a_saved_notebook_and_its_html_carry_the_alt_text():
    code = """import torch
from course_lib.notebook.show import show
show(torch.zeros(1, 1, 4, 4), alt='a "grey" <square>')"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, timeout=120).execute()
    (output,) = notebook.cells[0].outputs
    assert output.metadata["image/png"]["alt"] == output.data["text/plain"] == 'a "grey" <square>'
    assert opened(base64.b64decode(output.data["image/png"])).shape == (60, 60, 3)
    html, _ = HTMLExporter().from_notebook_node(notebook)
    (alt,) = re.findall(r"<img alt=(?:'([^']*)')", html)
    assert unescape(alt) == 'a "grey" <square>'
    assert "No description has been provided" not in html
