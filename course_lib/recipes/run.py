"""One training by the command line: a folder that can be gone on with, sampled and scored.

runs/x/run.json      model, data, seed: what makes it this run
runs/x/last.pt       the checkpoint (training/checkpoint.py)
runs/x/losses.csv    step, processor seconds, and every term of the loss
"""

import csv
import io
import json
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from tqdm import tqdm

from course_lib.data.batches import Batches
from course_lib.device import fast_precision
from course_lib.errors import CourseError
from course_lib.notebook.show import in_notebook
from course_lib.recipes.many import Processes
from course_lib.recipes.recipe import Model
from course_lib.recipes.table import recipe_for
from course_lib.recipes.worlds import World, find_world
from course_lib.training.checkpoint import Checkpoint
from course_lib.training.ema import EMA
from course_lib.training.loop import Budget, Step, cpu_seconds, seconds, steps_budget, train
from course_lib.types import Batch
from course_lib.writing import write_whole

SAVE_EVERY = 20.0  # seconds
LOG_EVERY = 20  # steps


@dataclass(frozen=True)
class Length:
    """How long a training lasts: 2,000 "steps", 60 "seconds" of wall time, or 60 "cpu-seconds"."""

    unit: str
    amount: float | int

    def spent(self, run: Checkpoint) -> float | int:
        """What the run has used so far, in this unit."""
        return {"steps": run.step, "seconds": run.used, "cpu-seconds": run.used_cpu}[self.unit]

    def passed(self, run: Checkpoint) -> bool:
        """Whether it was trained for longer than this; the last step of a time may end a little after it."""
        slack = 0 if self.unit == "steps" else 1 + 0.1 * self.amount
        return self.spent(run) > self.amount + slack

    def budget(self, run: Checkpoint) -> Budget:
        if self.unit == "steps":
            return steps_budget(int(self.amount))
        if self.unit == "seconds":
            return seconds(self.amount, used=run.used)
        return cpu_seconds(self.amount, used=run.used_cpu)


@dataclass(frozen=True)
class Settings:
    model: str
    data: str
    seed: int
    wide: bool = False  # networks of the gpu tier's widths


class Run:
    """A model in its folder, restored to where its last checkpoint left it."""

    def __init__(self, folder: Path, settings: Settings, processes: Processes | None = None):
        self.folder, self.settings, self.processes = folder, settings, processes or Processes()
        self.world: World = find_world(settings.data, settings.wide)
        self.recipe = recipe_for(settings.model, self.world)
        torch.manual_seed(settings.seed)
        self.model: Model = self.recipe.build(self.world)
        self.processes.tie(self.model)
        self.ema = EMA(self.model.nets[self.model.sampled], self.model.ema)
        optimizers = {f"adam {player.name}": player.optimizer for player in self.model.players}
        parts = {**self.model.nets, **optimizers, "ema": self.ema}
        self.checkpoint = Checkpoint(folder, parts, asdict(settings) | weights_of(self.model))
        self.steps = self.checkpoint.restore()

    def train(self, length: Length) -> bool:
        """Train to the end of the budget; False if it was stopped before, saved."""
        steps = train(
            self.model.players,
            self.processes.share(self.batches(), self.model.batch),
            self.processes.agree(length.budget(self.checkpoint)),
            start=self.steps,
            schedule=self.model.schedule,
            precision=fast_precision(),
        )
        first = self.processes.first
        if first:
            bar = shown(steps, self.settings.model)
            steps = self.checkpoint.keep(bar, every=None, every_seconds=SAVE_EVERY)
        else:
            torch.manual_seed(self.settings.seed + 7919 * self.processes.rank)  # other codes, other noise
        with Log(self.folder / "losses.csv", self.steps, self.checkpoint) if first else nullcontext() as log:
            for step in steps:
                self.ema.update()
                if step.index % LOG_EVERY == 0:
                    losses = self.losses(step)  # to which every process adds its share
                    if first:
                        log.write(step.index, losses)
        if not first:
            return True
        self.steps = self.checkpoint.step
        return self.checkpoint.progress >= 1 or length.spent(self.checkpoint) >= length.amount

    def batches(self) -> Iterator[Batch]:
        """The run's batches, from where it stands."""
        if self.model.batches is not None:
            return self.model.batches(self.settings.seed).starting_at(self.steps)
        return Batches(self.world.load(), self.model.batch, seed=self.settings.seed, start=self.steps)

    def losses(self, step: Step) -> dict[str, float]:
        """Each term, averaged over the processes; all of them must ask."""
        terms = {
            f"{p}: {name}": value for p, by_name in step.losses.items() for name, value in by_name.items()
        }
        values = self.processes.mean(torch.stack([value.float() for value in terms.values()]))
        return dict(zip(terms, values.tolist(), strict=True))


def weights_of(model: Model) -> dict[str, str]:
    """What makes it another run if the course's own weights are made anew."""
    return {"borrowed": model.borrowed.weights} if model.borrowed else {}


class Log:
    """Rows of losses.csv; when a run goes on, those after its checkpoint are written anew."""

    def __init__(self, path: Path, start: int, run: Checkpoint):
        self.path, self.start, self.run = path, start, run
        self.head: list[str] = []

    def __enter__(self) -> "Log":
        rows = []
        if self.start and self.path.exists():
            with self.path.open(newline="") as file:
                head, *rows = list(csv.reader(file)) or [[]]
            whole = [row for row in rows if len(row) == len(head)]  # a kill may tear the last
            rows, self.head = [row for row in whole if int(row[0]) < self.start], head
        text = io.StringIO(newline="")
        csv.writer(text).writerows([self.head, *rows] if self.head else [])
        write_whole(self.path, text.getvalue())
        self.file = self.path.open("a", newline="")
        self.rows = csv.writer(self.file)
        self.began = time.process_time() - self.run.used_cpu
        return self

    def write(self, step: int, losses: dict[str, float]) -> None:
        if not self.head:
            self.head = ["step", "cpu_seconds", *losses]
            self.rows.writerow(self.head)
        used = time.process_time() - self.began
        self.rows.writerow([step, f"{used:.2f}", *(f"{value:.6g}" for value in losses.values())])
        self.file.flush()  # a run that is killed goes on from its checkpoint, whose rows must be there

    def __exit__(self, *_) -> None:
        self.file.close()


def shown(steps: Iterator[Step], label: str) -> Iterator[Step]:
    """Pass the steps on beside a bar with the time left; the bar counts thousandths of the budget.

    In a notebook it goes to stdout: what comes by stderr is shown there as if something were wrong.
    """
    layout = "{desc} {percentage:3.0f}% |{bar}| {elapsed} so far, {remaining} left{postfix}"
    file = sys.stdout if in_notebook() else sys.stderr
    with tqdm(total=1000, desc=label, bar_format=layout, mininterval=0.5, file=file) as bar:
        for step in steps:
            if int(1000 * step.progress) > bar.n:
                bar.set_postfix_str(f"step {step.index + 1:,}", refresh=False)
                bar.update(int(1000 * step.progress) - bar.n)
            yield step


def start_run(folder: Path, settings: Settings) -> Run:
    """A new run in a folder that holds none yet."""
    processes = Processes()
    if processes.first:
        if (folder / "run.json").exists():
            raise CourseError(
                f"{folder} holds a run already: add --resume to go on with it, or name another --out."
            )
        recipe_for(settings.model, find_world(settings.data))  # before anything is written
        write_whole(folder / "run.json", json.dumps(asdict(settings), indent=2) + "\n")
    return Run(folder, settings, processes)


def open_run(folder: Path) -> Run:
    """The run that the folder holds, restored."""
    return Run(folder, read_settings(folder))


def read_settings(folder: Path) -> Settings:
    path = folder / "run.json"
    if not path.exists():
        raise CourseError(f"{folder} holds no run: `course train MODEL --out {folder}` makes one.")
    try:
        return Settings(**json.loads(path.read_text("utf-8")))
    except (ValueError, TypeError) as error:
        raise CourseError(f"{path} is damaged ({error}): delete the folder and train again.") from error
