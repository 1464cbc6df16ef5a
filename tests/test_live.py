"""Training that is watched: what it costs, what it leaves in the notebook, and how it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from nbclient import NotebookClient
from PIL import ImageColor
from torch import nn

from course_lib.notebook import chart, live, panel, show
from course_lib.notebook.live import watch
from course_lib.training.checkpoint import Checkpoint
from course_lib.training.loop import Step

posix = pytest.mark.skipif(os.name != "posix", reason="raises SIGINT in itself")


def steps(n: int, loss=lambda k: {"VAE": {"recon": 100.0 - k, "kl": 1.0 * k}}):
    for k in range(n):
        terms = {p: {name: torch.tensor(v) for name, v in t.items()} for p, t in loss(k).items()}
        yield Step(k, {}, terms, (k + 1) / n)


@pytest.fixture
def notebook(monkeypatch):
    """A notebook's display without a notebook: every message that would be sent."""
    messages = []

    def publish(data, metadata=None, *, transient=None, update=False, **_):
        messages.append({"data": data, "id": (transient or {}).get("display_id"), "update": update})

    monkeypatch.setattr("IPython.display.publish_display_data", publish)
    for module in (show, panel, live):
        monkeypatch.setattr(module, "in_notebook", lambda: True)
    monkeypatch.setattr(panel, "buttons_work", lambda: False)
    return messages


def test_it_passes_every_step_on_and_remembers_the_losses():
    watched = watch(steps(600))
    assert [step.index for step in watched] == list(range(600))
    assert list(watched.history) == ["recon", "kl"]
    assert list(watched.history["kl"]) == list(range(600))
    assert watched.stopped == ""


def test_two_players_keep_their_names():
    watched = watch(steps(3, lambda k: {"D": {"real": 1.0}, "G": {"fool": 2.0}}))
    list(watched)
    assert {name: list(values) for name, values in watched.history.items()} == {
        "D: real": [1.0] * 3,
        "G: fool": [2.0] * 3,
    }


def test_without_a_front_end_it_is_silent(capsys):
    list(watch(steps(300), draw=lambda: 1 / 0))
    assert capsys.readouterr() == ("", "")


def test_losses_are_not_read_at_every_step(monkeypatch):
    """Each reading waits for the GPU."""
    stacked = []
    stack = torch.stack
    monkeypatch.setattr(torch, "stack", lambda tensors: (stacked.append(len(tensors)), stack(tensors))[1])
    list(watch(steps(1_000), every=60))
    assert len(stacked) <= 5


def test_the_last_line_and_the_last_picture_stay(notebook):
    for _ in watch(
        steps(100), draw=lambda: torch.zeros(4, 1, 28, 28), alt="black squares", every=0.01, label="VAE"
    ):
        time.sleep(0.002)
    ids = list(dict.fromkeys(message["id"] for message in notebook))
    assert len(ids) == 2, "one output for the line and one for the picture"
    for id in ids:
        assert [message["update"] for message in notebook if message["id"] == id][:2] in (
            [False, True],
            [False],
        )
    final = {message["id"]: message["data"] for message in notebook}
    line, picture = (data for data in final.values())
    line, picture = (line, picture) if "image/png" in picture else (picture, line)
    assert line == {"text/plain": line["text/plain"]} and "VAE: 100 steps" in line["text/plain"]
    assert "black squares, after 100 steps" in picture["text/plain"] and "recon 1" in picture["text/plain"]
    assert len(picture["image/png"]) < 40_000


def test_it_costs_less_than_three_percent_of_the_training():
    """The middle of three measurements, each of 600 steps with pictures and 2,000 without."""
    script = [sys.executable, str(Path(__file__).with_name("watch_cost.py"))]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    runs = [
        subprocess.run(script, capture_output=True, text=True, check=True, env=environment) for _ in range(3)
    ]
    ratios = sorted(float(run.stdout) for run in runs)
    print("watched / bare, processor time of 600 steps:", [round(ratio, 3) for ratio in ratios])
    assert ratios[1] < 1.03


def test_pictures_wait_when_they_are_dear(notebook):
    """A picture of 50 ms may come about every two seconds of training, not twice a second."""

    def slow():
        end = time.process_time() + 0.05
        while time.process_time() < end:
            pass
        return torch.zeros(1, 1, 8, 8)

    began = time.process_time()
    for _ in watch(steps(10**6), draw=slow, alt="a square", every=0.02):
        if time.process_time() - began > 1.5:
            break
    assert sum("image/png" in message["data"] for message in notebook) <= 2  # the last one included


def test_the_samples_do_not_change_the_training(notebook):
    def end(draw) -> torch.Tensor:
        torch.manual_seed(0)
        for _ in watch(steps(30), draw=draw, alt="noise", every=0.0):
            torch.randn(3)
            time.sleep(0.02)
        return torch.randn(3)

    torch.testing.assert_close(end(lambda: torch.rand(4, 1, 8, 8)), end(None), rtol=0, atol=0)


def test_a_loss_that_is_nan_ends_it_with_one_sentence(capsys):
    watched = watch(steps(2_000, lambda k: {"VAE": {"recon": float("nan") if k >= 300 else 1.0}}))
    assert len(list(watched)) < 600
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "'recon' is nan since step 300" in said
    assert watched.stopped == "NaN"


@posix
def test_an_interrupt_ends_it_quietly_after_the_step(notebook):
    before = signal.getsignal(signal.SIGINT)
    watched, bodies = watch(steps(50), label="VAE"), []
    for step in watched:
        if step.index == 10:
            signal.raise_signal(signal.SIGINT)
        bodies.append(step.index)
    assert bodies[-1] == 10 and watched.stopped == "by you"
    assert signal.getsignal(signal.SIGINT) == before
    assert any("VAE: stopped at step 11 (by you)" in m["data"]["text/plain"] for m in notebook)


def test_a_hard_interrupt_in_a_step_ends_it_quietly_too():
    def interrupted():
        yield from steps(3)
        raise KeyboardInterrupt

    watched = watch(interrupted())
    assert len(list(watched)) == 3 and watched.stopped == "by you"


@posix
@pytest.mark.parametrize("outside", ["keep", "watch"])
def test_stopped_with_checkpoints_it_is_saved_in_both_orders(tmp_path, outside):
    run = Checkpoint(tmp_path, {"net": nn.Linear(1, 1)})
    loop = run.keep(watch(steps(50))) if outside == "keep" else watch(run.keep(steps(50)))
    for step in loop:
        if step.index == 10:
            signal.raise_signal(signal.SIGINT)
    assert Checkpoint(tmp_path, {"net": nn.Linear(1, 1)}).restore() == 11


def test_break_leaves_the_last_picture_at_once(notebook):
    for step in watch(steps(50), label="VAE"):
        if step.index == 5:
            break
    assert any("VAE: stopped at step 6 (early)" in m["data"]["text/plain"] for m in notebook)
    assert any("image/png" in m["data"] for m in notebook)


def test_no_steps_leave_nothing(notebook):
    assert list(watch(steps(0))) == [] and notebook == []


def test_a_terminal_gets_a_bar(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    for _ in watch(steps(20), every=0.0, label="VAE"):
        pass
    assert "VAE: 20 steps" in capsys.readouterr().err


def test_the_button_stops_the_loop_and_leaves_no_widget(notebook, monkeypatch):
    """The click arrives in another thread, while the loop runs (a subshell of the kernel in JupyterLab)."""
    ipywidgets = pytest.importorskip("ipywidgets")
    monkeypatch.setattr(panel, "buttons_work", lambda: True)
    opened = []
    init = panel.ButtonPanel.__init__
    monkeypatch.setattr(panel.ButtonPanel, "__init__", lambda self: (init(self), opened.append(self))[0])
    known = getattr(ipywidgets.Widget, "_instances", None) or ipywidgets.widgets.widget._instances
    before = set(known)
    watched = watch(steps(10**6), every=0.0)
    for step in watched:
        if step.index == 20:
            import threading

            clicker = threading.Thread(target=opened[0].button.click)
            clicker.start()
            clicker.join()
    assert watched.stopped == "by you" and step.index < 1_000
    assert set(known) == before, "widgets are left open"
    shown = {m["id"]: m["data"] for m in notebook}
    assert not any("application/vnd.jupyter.widget-view+json" in data for data in shown.values())


CELL = """
import time, torch
from course_lib.notebook.live import watch
from course_lib.training.loop import Step
def steps():
    for k in range(40):
        time.sleep(0.005)
        yield Step(k, {}, {"VAE": {"recon": torch.tensor(40.0 - k)}}, (k + 1) / 40)
for step in watch(steps(), draw=lambda: torch.zeros(4, 1, 8, 8), alt="four squares", every=0.05):
    pass
"""


def test_a_notebook_run_without_a_front_end_keeps_a_picture_and_no_widget():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    NotebookClient(notebook, timeout=120).execute()
    outputs = notebook.cells[0].outputs
    assert [output.output_type for output in outputs] == ["display_data"] * 2
    line, picture = outputs
    assert line.data == {"text/plain": line.data["text/plain"]} and "40 steps" in line.data["text/plain"]
    assert "four squares, after 40 steps" in picture.metadata["image/png"]["alt"]
    assert "widgets" not in notebook.metadata
    nbformat.validate(notebook)


@pytest.mark.parametrize(
    "values", [[3.0], [float("nan")] * 3, [-1.0, 2.0], [5.0] * 9, [1e-3, 1e3] * 300, [0.0, 0.0], []]
)
def test_charts_of_awkward_values_can_be_drawn(values):
    assert chart.draw_chart({"loss": values}).size == (chart.WIDTH, chart.HEIGHT)


def test_a_legend_goes_on_in_a_new_line_where_the_picture_ends():
    assert chart.legend([200.0, 150.0, 100.0, 500.0], 430) == [(48, 6), (262, 6), (48, 20), (48, 34)]
    assert chart.legend([], 430) == []


def test_seven_curves_have_seven_colours_and_all_their_names():
    """Lesson 05's seven terms: the legend was cut off at the fifth."""
    curves = {f"player {k}: a term": [float(k), k + 1.0] for k in range(7)}
    picture = np.asarray(chart.draw_chart(curves))
    rows = slice(6 + 2 * chart.LINE, 6 + 3 * chart.LINE)  # the third line of the legend
    assert (picture[rows] != 255).any() and (picture[:50, -4:] == 255).all()
    colours = {tuple(pixel) for pixel in picture[:48, chart.LEFT :].reshape(-1, 3).tolist()}
    assert len(colours & {ImageColor.getrgb(colour) for colour in show.COLOURS}) == 7


def test_chart_means_are_means():
    positions, means = chart.bin_means(torch.arange(301.0).numpy())
    assert len(means) <= chart.POINTS and means[0] == pytest.approx(positions[0])
    assert means[-1] == pytest.approx(positions[-1]) == 300


@pytest.mark.parametrize(
    ("low", "high", "ticks"), [(0, 10, [0, 5, 10]), (1200, 1499, [1200, 1300, 1400]), (3, 3, [3])]
)
def test_ticks_are_round(low, high, ticks):
    assert chart.nice_ticks(low, high, 3) == ticks


@pytest.mark.parametrize(("seconds", "words"), [(5.2, "0:05"), (83, "1:23"), (3_725, "1:02:05")])
def test_clock(seconds, words):
    assert live.clock(seconds) == words
