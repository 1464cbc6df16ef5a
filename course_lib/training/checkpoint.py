"""Checkpoints: a run that is killed at any moment and started again ends where it would have ended.

    run = Checkpoint("runs/vae", parts={"vae": vae, "adam": adam, "ema": ema}, settings=settings)
    start = run.restore()  # steps already done; 0 for a new run
    for step in run.keep(train(players, batches.starting_at(start), 2_000, start=start), every=200):
        ema.update()

The folder holds `last.pt` and the one before it, `previous.pt`. Both are plain weights and numbers, read with
`weights_only`: nothing in them is ever executed.
"""

import os
import pickle
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch

from course_lib.errors import CourseError
from course_lib.training.interrupt import StopAfterStep
from course_lib.training.loop import Step
from course_lib.training.same_run import plain_settings, require_same_run, tensors

State = dict[str, Any]


@runtime_checkable
class Part(Protocol):
    """A network, an optimizer, an EMA: whatever changes while a run trains."""

    def state_dict(self) -> State: ...

    def load_state_dict(self, state: State) -> object: ...


class Checkpoint:
    """The saved state of one run: its parts, the random numbers, and how far it has come.

    `settings` (a dataclass or a dict) are those that make it this run; with others it is not resumed.
    """

    def __init__(self, folder: str | Path, parts: Mapping[str, Part], settings: object = None):
        self.folder, self.parts = Path(folder), dict(parts)
        self.settings = plain_settings(settings)
        self.step = 0  # whole steps done
        self.progress = 0.0  # share of the budget used
        self.used = 0.0  # wall seconds trained: `seconds(60, used=run.used)`
        self.used_cpu = 0.0  # processor seconds trained: `cpu_seconds(60, used=run.used_cpu)`
        self.saved: int | None = None  # the step of the last good checkpoint

    @property
    def last(self) -> Path:
        return self.folder / "last.pt"

    @property
    def previous(self) -> Path:
        return self.folder / "previous.pt"

    def restore(self) -> int:
        """Load the last good checkpoint into the parts and return its step; 0 where there is none.

        CourseError when the folder holds another run (other settings, parts, names or shapes; nothing is then
        loaded), or only files that cannot be read.
        """
        found = [path for path in (self.last, self.previous) if path.exists()]
        state = None
        for path in found:
            state = read(path)
            if state is not None:
                break
        if state is None:
            if not found:
                return 0
            raise CourseError(
                f"{found[0]} is cut short or damaged and there is no earlier checkpoint: "
                f"delete the folder {self.folder} to start this run again from step 0."
            )
        require_same_run(state, self.parts, self.settings, self.folder)
        if path != found[0]:
            print(
                f"{self.last} is cut short or damaged: going back to the one before, of step {state['step']}."
            )
            self.previous.replace(self.last)  # or the next save would make the damaged one `previous`
        for name, part in self.parts.items():
            part.load_state_dict(state["parts"][name])
        set_random_state(state["random"])
        self.step, self.progress, self.saved = state["step"], state["progress"], state["step"]
        self.used, self.used_cpu = state["used"], state["used_cpu"]
        return self.step

    def keep(
        self, steps: Iterator[Step], *, every: int | None = 200, every_seconds: float | None = None
    ) -> Iterator[Step]:
        """Pass the steps on, and save after the loop's body of every `every`-th one, and at the end.

        `every_seconds` saves by the clock, too or instead (`every=None`). Ctrl-C or ■ ends the loop after the
        step it falls in, saved. After `break`, or an error in the body, the last checkpoint stands as it was,
        since nobody knows how much of the body was done.
        """
        wall, cpu = time.perf_counter() - self.used, time.process_time() - self.used_cpu
        saved_at = time.perf_counter()
        with StopAfterStep() as stop:
            for step in steps:
                yield step
                self.step, self.progress = step.index + 1, step.progress
                self.used, self.used_cpu = time.perf_counter() - wall, time.process_time() - cpu
                if stop.asked:
                    break
                by_count = every is not None and self.step % every == 0
                by_clock = every_seconds is not None and time.perf_counter() - saved_at >= every_seconds
                if by_count or by_clock:
                    self.save()
                    saved_at = time.perf_counter()
            if self.step != (self.saved or 0):
                self.save()
            if stop.asked:
                print(f"Stopped after step {self.step}, saved in {self.folder}: run this again to go on.")

    def save(self) -> None:
        """Write the state as it is now: whole or not at all, and the one before it is kept.

        CourseError when it cannot be written, or holds NaN; the last good checkpoint is then still there.
        """
        kept = "" if self.saved is None else f"; the checkpoint of step {self.saved} is still there"
        state = {
            "settings": self.settings,
            "parts": {name: part.state_dict() for name, part in self.parts.items()},
            "random": random_state(),
            "step": self.step,
            "progress": self.progress,
            "used": self.used,
            "used_cpu": self.used_cpu,
        }
        if name := next((name for name, value in tensors(state["parts"]) if value.isnan().any()), None):
            raise CourseError(
                f"Step {self.step} is not saved because {name} holds NaN: try a smaller learning rate{kept}."
            )
        new = self.folder / "new.pt"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write(state, new)
            if self.last.exists():
                self.last.replace(self.previous)  # killed here, `previous` is the one that is restored
            new.replace(self.last)
            sync_folder(self.folder)
        except OSError as error:
            with suppress(OSError):
                new.unlink(missing_ok=True)
            raise CourseError(
                f"Step {self.step} could not be saved in {self.folder} ({error.strerror or error}): "
                f"make room there and call save() again{kept}."
            ) from error
        self.saved = self.step


def write(state: State, path: Path) -> None:
    """Write to the file and through to the disk. OSError when that fails."""
    with path.open("wb") as file:
        try:
            torch.save(state, file)
        except RuntimeError as error:  # torch's own words for a failed write
            raise (
                error.__context__ if isinstance(error.__context__, OSError) else OSError(str(error))
            ) from error
        file.flush()
        os.fsync(file.fileno())


def read(path: Path) -> State | None:
    """What the file holds, on the CPU, or None if it is not whole."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is not None:
                return None
        return torch.load(path, map_location="cpu", weights_only=True)
    except (zipfile.BadZipFile, RuntimeError, EOFError, pickle.UnpicklingError, KeyError):
        return None


def sync_folder(folder: Path) -> None:
    """Make the renaming itself last through a power cut, where the system can (not on Windows)."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def random_state() -> State:
    """Where torch's random numbers stand, on the CPU and on every GPU in use."""
    state: State = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        state["cuda"] = torch.cuda.get_rng_state_all()
    if torch.backends.mps.is_available():
        state["mps"] = torch.mps.get_rng_state()
    return state


def set_random_state(state: State) -> None:
    """The opposite of `random_state`; what belongs to a device that is not there is left out."""
    torch.set_rng_state(state["cpu"])
    if torch.cuda.is_available():
        for index, numbers in enumerate(state.get("cuda", [])[: torch.cuda.device_count()]):
            torch.cuda.set_rng_state(numbers, index)
    if "mps" in state and torch.backends.mps.is_available():
        torch.mps.set_rng_state(state["mps"])
