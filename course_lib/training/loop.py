"""The training loop of every lesson: a generator that moves each player once on each batch.

A VAE or a DDPM is a game of one player; a GAN is a game of two. `train` only moves the players and says what
it saw: logging, averaging of weights, checkpoints and early stopping belong to the caller, who writes them as
the body of a `for`. (An unconsumed `train(...)` therefore does nothing at all.)
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from torch.optim import Optimizer

from course_lib.device import Precision, float32
from course_lib.errors import CourseError
from course_lib.types import Batch, Losses, LossFn

Budget = Callable[[int], float]  # steps done so far -> progress; training ends when it reaches 1
Schedule = Callable[[float], float]  # progress in [0, 1] -> factor on the learning rate


@dataclass(frozen=True)
class Player:
    name: str
    loss: LossFn
    optimizer: Optimizer


@dataclass(frozen=True)
class Step:
    index: int  # 0 for the first step of the run, also after a resume
    batch: Batch
    losses: dict[str, Losses]  # player's name -> its terms, detached, still on the device
    progress: float  # share of the budget that is used, in [0, 1]


def train(
    players: Sequence[Player],
    batches: Iterator[Batch],
    steps: int | Budget,
    *,
    start: int = 0,
    schedule: Schedule | None = None,
    precision: Precision = float32,
) -> Iterator[Step]:
    """Every player moves once on each batch; yields after the move.

    `steps` is a number of steps, or a budget: `seconds(60)`, `cpu_seconds(240)`.
    `start` is the number of steps already done by the run that is resumed; `batches` must begin there too.
    `schedule` scales each optimizer's own learning rate: `schedule=warm_down`.
    `precision` wraps the forward pass only: `precision=fast_precision()`.
    """
    budget = steps_budget(steps) if isinstance(steps, int) else steps
    if budget(start) >= 1:
        return
    for index in count(start):
        batch = next(batches, None)
        if batch is None:
            raise CourseError(
                f"The batches ended after {index} steps, before the budget did: "
                "give train an endless iterator, as Batches is."
            )
        if schedule is not None:
            set_learning_rates(players, schedule(min(budget(index), 1.0)))
        seen: dict[str, Losses] = {}
        for player in players:
            with precision():
                losses = player.loss(batch)
            player.optimizer.zero_grad(set_to_none=True)
            sum(losses.values()).backward()
            player.optimizer.step()
            seen[player.name] = {name: value.detach() for name, value in losses.items()}
        progress = budget(index + 1)
        yield Step(index, batch, seen, min(progress, 1.0))
        if progress >= 1:
            return


def steps_budget(total: int) -> Budget:
    """A budget counted in steps."""
    return lambda done: done / total if total > 0 else 1.0


def seconds(total: float | int, used: float = 0.0, clock: Callable[[], float] = time.perf_counter) -> Budget:
    """A budget in wall seconds, counted from the first look at it. `used` is what a resumed run had spent."""
    began: list[float] = []

    def progress(done: int) -> float:
        if not began:
            began.append(clock())
        return (used + clock() - began[0]) / total if total > 0 else 1.0

    return progress


def cpu_seconds(total: float | int, used: float = 0.0) -> Budget:
    """A budget in processor seconds of this process, all threads together: fair on a shared machine."""
    return seconds(total, used, time.process_time)


def warm_down(progress: float, hold: float = 0.3, floor: float = 0.02) -> float:
    """Full learning rate for the first `hold` of the budget, then linearly down to `floor` at its end."""
    return 1.0 if progress < hold else floor + (1 - floor) * (1 - progress) / (1 - hold)


def warm_up_down(progress: float, up: float = 0.05) -> float:
    """`warm_down` after a rise from a tenth over the first `up` of the budget, for a steep start."""
    return min(1.0, 0.1 + 0.9 * progress / up) * warm_down(progress)


def set_learning_rates(players: Sequence[Player], factor: float) -> None:
    """Set every optimizer to factor times the learning rate it was made with (kept as initial_lr)."""
    for player in players:
        for group in player.optimizer.param_groups:
            group["lr"] = group.setdefault("initial_lr", group["lr"]) * factor
