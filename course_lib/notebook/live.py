"""Training that can be watched: progress and time left, losses, samples so far, and a way to stop.

    for step in watch(train(players, batches, 2_000), draw=lambda: sample_vae(vae, 16), alt="digits so far"):
        ...

In a notebook there are two outputs: a line of text, renewed twice a second, and a picture, renewed as often
as 3 % of the training's processor time allow. The last of each stays in the saved notebook. In a terminal
there is a bar, elsewhere nothing. The losses are read from the device when they are shown, not at every step.
With checkpoints: `run.keep(watch(train(...)))`.
"""

import math
import sys
import time
import uuid
from array import array
from collections.abc import Callable, Iterator
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from course_lib.notebook.chart import draw_chart
from course_lib.notebook.panel import Panel, Silent, open_panel
from course_lib.notebook.show import PAPER, display_png, encode_png, grid, in_notebook, png_fast, require_alt
from course_lib.training.interrupt import StopAfterStep
from course_lib.training.loop import Step
from course_lib.types import Images

SHARE = 0.02  # of the processor time, for everything that is shown
READ_EVERY = 256  # steps, at most, between two looks at the losses


class Watch:
    """The steps of a training, one by one, and in `history` what was seen: {"recon": [412.3, ...], ...}.

    `stopped` says why it ended before its budget did ("by you", "NaN", "early"), and is empty otherwise.
    """

    def __init__(self, steps: Iterator[Step], view: "View"):
        self._view = view
        self._steps = watched(steps, view)  # knows nothing of self: `break` ends it at once, without a cycle

    @property
    def history(self) -> dict[str, array]:
        self._view.read()
        return self._view.history

    @property
    def stopped(self) -> str:
        return self._view.stopped

    def __iter__(self) -> "Watch":
        return self

    def __next__(self) -> Step:
        return next(self._steps)


def watch(
    steps: Iterator[Step],
    *,
    draw: Callable[[], Images] | None = None,
    alt: str = "the samples so far",
    every: float | int = 0.5,
    label: str = "training",
    columns: int | None = None,
) -> Watch:
    """Pass the steps of `train` on, and show how it goes.

    `draw` gives the samples to look at, from fixed noise; its random numbers do not disturb the training's.
    `alt` says in words what they show. `every` is the shortest time between two pictures, in seconds.
    `columns` is the width of their grid, in images.
    Ctrl-C, the notebook's ■ and the Stop button end the loop after the step they fall in, without an error,
    so that the next cells go on. So does a loss that is NaN or infinite.
    """
    require_alt(alt)
    return Watch(steps, View(draw, alt, every, label, columns))


def watched(steps: Iterator[Step], view: "View") -> Iterator[Step]:
    """The generator behind `Watch`."""
    with StopAfterStep() as stop:
        view.open()
        try:
            for step in steps:
                view.see(step)
                yield step
                if stop.asked:
                    view.stopped = "by you"
                    break
                view.refresh()
                if view.stopped:
                    break
        except KeyboardInterrupt:  # the second one, or where no handler could be set
            view.stopped = "by you"
        finally:
            view.close()


class View:
    """What `watch` has seen, and when it showed it last."""

    def __init__(
        self,
        draw: Callable[[], Images] | None,
        alt: str,
        every: float | int,
        label: str,
        columns: int | None = None,
    ):
        self.draw, self.alt, self.every, self.label, self.columns = draw, alt, every, label, columns
        self.history: dict[str, array] = {}
        self.stopped = ""
        self.last: Step | None = None
        self.first = 0  # index of the first step seen
        self._unread: list[dict[str, dict[str, Tensor]]] = []
        self._panel: Panel = Silent()
        self._picture = ""  # display id of the picture, once there is one
        self._pictures = in_notebook()
        self._next_line = self._next_picture = self._began = time.perf_counter()
        self._began_cpu, self._spent, self._cost = time.process_time(), 0.0, 0.02
        self._began_progress = 0.0

    def open(self) -> None:
        self._panel = open_panel(self.label)
        self._began, self._began_cpu = time.perf_counter(), time.process_time()

    def see(self, step: Step) -> None:
        """Remember the step; its losses stay on the device for now."""
        if self.last is None:
            self.first = step.index
            self._began_progress = step.progress
        self.last = step
        self._unread.append(step.losses)
        if len(self._unread) >= READ_EVERY:
            self.read()

    def read(self) -> None:
        """Fetch the losses that were not looked at yet, all at once; a NaN among them ends the training."""
        unread, self._unread = self._unread, []
        if not unread or not any(unread[0].values()):
            return
        many = len(unread[0]) > 1
        names = [(player, term) for player, terms in unread[0].items() for term in terms]
        rows = torch.stack([losses[player][term].float() for losses in unread for player, term in names])
        values = rows.view(len(unread), len(names)).double().cpu()
        for k, (player, term) in enumerate(names):
            name = f"{player}: {term}" if many else term
            column = values[:, k].tolist()
            if not self.stopped and not all(map(math.isfinite, column)):
                self._not_finite(name, column)
            self.history.setdefault(name, array("d")).extend(column)

    def _not_finite(self, name: str, column: list[float]) -> None:
        value = next(v for v in column if not math.isfinite(v))
        step = self.first + len(self.history.get(name, ())) + column.index(value)
        self.stopped = "NaN"
        print(
            f"The loss {name!r} is {value} since step {step}, so the training was stopped: "
            "build the networks anew and try a smaller learning rate.",
            file=sys.stderr,
        )

    def refresh(self) -> None:
        """Show the line and the picture if it is time and their share of the processor is not used up."""
        now = time.perf_counter()
        if now < self._next_line:
            return
        began = time.process_time()
        self._next_line = now + self.every
        self.read()
        self._panel.update(self.line(), self.last.progress)
        self._spent += time.process_time() - began
        allowed = SHARE * (time.process_time() - self._began_cpu)  # this picture, and the last one
        if self._pictures and now >= self._next_picture and self._spent + 2 * self._cost <= allowed:
            self.picture()
            self._next_picture = now + self.every

    def picture(self, encode: Callable[[Image.Image], bytes] = png_fast) -> None:
        """Draw the losses and the samples, and measure what that costs."""
        began = time.process_time()
        if picture := self.compose():
            new = not self._picture
            self._picture = self._picture or uuid.uuid4().hex
            display_png(encode(picture), self.words(), self._picture, update=not new)
        self._cost = time.process_time() - began
        self._spent += self._cost

    def compose(self) -> Image.Image | None:
        """The chart of the losses beside the grid of the samples, as far as there are any."""
        parts = [draw_chart(self.history, self.first)] if self.history else []
        if self.draw is not None:
            with undisturbed():
                images = self.draw()
            parts.append(grid(images, columns=self.columns or (4 if len(images) <= 16 else 8)))
        if not parts:
            return None
        paper = Image.new("RGB", (sum(p.width for p in parts), max(p.height for p in parts)), PAPER)
        x = 0
        for part in parts:
            paper.paste(part, (x, 0))
            x += part.width
        return paper

    def words(self) -> str:
        """The alt text of the picture as it is now."""
        done = f"after {self.last.index + 1:,} steps"
        losses = ", ".join(f"{name} {values[-1]:.4g}" for name, values in self.history.items())
        chart = [f"the losses {done} ({losses})"] if self.history else []
        return "; ".join(chart + ([f"{self.alt}, {done}"] if self.draw is not None else []))

    def line(self) -> str:
        """Share done, step, time left, losses."""
        progress, since = self.last.progress, time.perf_counter() - self._began
        moved = progress - self._began_progress
        left = f"{clock(since * (1 - progress) / moved)} left" if moved > 0 else ""
        return self._joined(f"{progress:.0%}", f"step {self.last.index + 1:,}", left)

    def last_line(self) -> str:
        """What remains to be read when it is over."""
        steps = f"step {self.last.index + 1:,}"
        done = f"stopped at {steps} ({self.stopped})" if self.stopped else f"{self.last.index + 1:,} steps"
        return self._joined(done, clock(time.perf_counter() - self._began))

    def _joined(self, *parts: str) -> str:
        losses = [f"{name} {values[-1]:.4g}" for name, values in self.history.items()]
        return f"{self.label}: " + " · ".join([part for part in parts if part] + losses)

    def close(self) -> None:
        """Leave the last line and the last picture behind, and no button."""
        if self.last is None:
            self._panel.close("")
            return
        self.read()
        if self.last.progress < 1 and not self.stopped:
            self.stopped = "early"  # `break`, an error in the loop's body, or batches that ran out
        if self._pictures:
            self.picture(encode_png)
        self._panel.close(self.last_line())


class undisturbed:
    """Random numbers drawn inside do not change those drawn after: on the CPU and on the GPU in use."""

    def __enter__(self) -> None:
        cuda = torch.cuda.is_available() and torch.cuda.is_initialized()
        self._fork: Any = torch.random.fork_rng(devices=[torch.cuda.current_device()] if cuda else [])
        self._fork.__enter__()

    def __exit__(self, *error) -> None:
        self._fork.__exit__(*error)


def clock(seconds: float | int) -> str:
    """83 -> "1:23"."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
