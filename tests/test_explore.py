"""Sliders, and the picture that remains without them."""

import io

import nbformat
import pytest
import torch
from nbclient import NotebookClient
from PIL import Image

from course_lib.notebook import explore as module
from course_lib.notebook.explore import animate, control, explore, gif_bytes, some_values, still

CELL = """
import torch
from course_lib.notebook.explore import explore, animate
square = lambda t, on: torch.full((1, 1, 8, 8), t)
explore(square, alt="a square that grows brighter", t=(-1.0, 1.0, 0.0), on=True)
animate([torch.full((1, 1, 8, 8), v) for v in (-1.0, 1.0)], alt="a square that blinks")
"""


def test_the_strip_shows_the_first_slider_and_leaves_the_others_at_their_start():
    seen = []

    def draw(t, label, on):
        seen.append((t, label, on))
        return torch.zeros(1, 1, 8, 8)

    pictures, labels = still(draw, {"t": (0, 100, 50), "label": ["a", "b"], "on": True})
    assert [t for t, _, _ in seen] == [0, 14, 29, 43, 57, 71, 86, 100]
    assert {rest for _, *rest in map(tuple, seen) for rest in [tuple(rest)]} == {("a", True)}
    assert len(pictures) == 8 and labels[0] == "0" and labels[-1] == "100"


@pytest.mark.parametrize(
    ("slider", "values"),
    [
        (True, [False, True]),
        (["a", "b"], ["a", "b"]),
        ((0, 3, 1), [0, 1, 2, 3]),
        ((0, 1, 2, 3, 4), [0, 1, 2, 3, 4]),
    ],
)
def test_values_of_the_strip(slider, values):
    assert some_values(slider) == values


def test_pictures_too_many_for_one_row_stand_in_rows_alike():
    """Eight of which seven fit: not seven and a lone one."""
    wide = (560 // 7) - 4
    paper = module.grid_of([Image.new("RGB", (wide, 50))] * 8, ["x"] * 8)
    assert paper.width == 4 * (wide + 4)


def test_controls_start_where_they_are_told():
    pytest.importorskip("ipywidgets")
    assert control("t", (0, 10, 4)).value == 4
    slider = control("z", (-2.0, 2.0, 0.5, 0.25))
    assert (slider.min, slider.max, slider.value, slider.step) == (-2, 2, 0.5, 0.25)
    assert control("k", ["a", "b"]).options == ("a", "b") and control("on", True).value is True


def test_a_range_that_runs_downwards_is_a_slider_all_the_same():
    for slider in ((9, 0, 4), (1.0, -1.0, 0.5)):
        made = module.control("t", slider)
        assert (made.min, made.max, made.value) == (slider[1], slider[0], slider[2])


@pytest.fixture
def live(monkeypatch):
    """Calls `show_sliders`, and returns the widgets by name; the picture is "picture"."""
    widgets = pytest.importorskip("ipywidgets")
    shown, made = [], {}
    monkeypatch.setattr("IPython.display.publish_display_data", lambda data, **_: shown.append(data))
    monkeypatch.setattr(module, "control", lambda name, s: made.setdefault(name, control(name, s)))
    picture = widgets.HTML()
    monkeypatch.setattr(widgets, "HTML", lambda: picture)

    def show(draw, **sliders):
        module.show_sliders(draw, "a square", sliders)
        assert "application/vnd.jupyter.widget-view+json" in shown[0]
        return made | {"picture": picture}

    return show


def test_moving_a_slider_draws_anew(live):
    drawn = []
    live(lambda t: drawn.append(t) or torch.zeros(1, 1, 8, 8), t=(0, 10, 4))["t"].value = 7
    assert drawn == [4, 7]


def test_words_are_written_into_a_box_and_what_cannot_be_drawn_is_said(live):
    drawn = []

    def draw(size, prompt):
        if "<blue>" in prompt:
            raise ValueError("the model has never seen the word '<blue>'")
        drawn.append(prompt)
        return torch.zeros(1, 1, 8, 8)

    made = live(draw, size=(0, 3, 1), prompt="red hair")
    box, picture = made["prompt"], made["picture"]
    assert type(box).__name__ == "Text" and not box.continuous_update and "<img" in picture.value
    box.value = "<blue> hair"
    assert picture.value == "<p>the model has never seen the word &#x27;&lt;blue&gt;&#x27;</p>"
    box.value = "a hat"
    assert drawn == ["red hair", "a hat"] and "<img" in picture.value
    pictures, labels = still(draw, {"prompt": "a hat", "size": (0, 3, 1)})
    assert len(pictures) == 1 and labels == ["a hat"]


def test_no_slider_and_no_alt_are_refused():
    with pytest.raises(ValueError, match="at least one slider"):
        explore(lambda: torch.zeros(1, 1, 8, 8), alt="nothing")
    with pytest.raises(ValueError, match="alt is empty"):
        explore(lambda t: torch.zeros(1, 1, 8, 8), alt="", t=True)


def test_an_animation_is_small_and_has_its_frames(monkeypatch):
    frames = [torch.full((4, 1, 28, 28), v) for v in (-1.0, 0.0, 1.0)]
    gif = Image.open(io.BytesIO(gif_bytes(frames)))
    assert gif.n_frames == 3 and gif.info["loop"] == 0 and gif.info["duration"] == 1000
    monkeypatch.setattr(module, "MOST_BYTES", 10)
    with pytest.raises(ValueError, match="fewer frames"):
        animate(frames, alt="squares")


def test_a_notebook_run_without_a_front_end_keeps_the_strip_and_no_widget():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    NotebookClient(notebook, timeout=120).execute()
    strip, gif = notebook.cells[0].outputs
    assert strip.metadata["image/png"]["alt"].startswith("a square that grows brighter; for t = -1,")
    assert gif.metadata["image/gif"]["alt"] == "a square that blinks" and "image/gif" in gif.data
    assert "widgets" not in notebook.metadata
