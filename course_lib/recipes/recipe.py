"""What a model is to the command line: networks that are kept, players that move, and a sampler."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from course_lib.recipes.worlds import World
from course_lib.training.loop import Player, Schedule, warm_down
from course_lib.types import Images

Sampler = Callable[[nn.Module, int, Tensor | None], Images]  # (network, how many, their conditions)
PainterFn = Callable[[nn.Module, list[str]], Images]  # (network, what each picture is to show, in words)


@dataclass(frozen=True)
class Borrowed:
    """What a model takes from the course's own weights and does not train."""

    net: nn.Module  # draws, beside the model's own
    weights: str  # a file's name and hash: a run goes on with these or not at all
    note: str  # what a board with this model must say


@dataclass(frozen=True)
class Model:
    """A model ready to train, with fresh weights."""

    nets: dict[str, nn.Module]
    players: list[Player]
    batch: int  # images a step takes
    sampled: str  # the one of `nets` whose average draws the samples
    sample: Sampler
    schedule: Schedule = warm_down
    ema: float = 0.999  # decay of that average
    conditional: bool = False  # it is told what to draw
    batches: Callable[[int], Any] | None = None  # from a seed, where they are not simply the world's images
    paint: PainterFn | None = None  # for models that read words
    borrowed: Borrowed | None = None

    def parameters(self) -> int:
        """Numbers in the networks that draw: what has to be kept to make pictures."""
        nets = [self.nets[self.sampled], *([self.borrowed.net] if self.borrowed else [])]
        return sum(weight.numel() for net in nets for weight in net.parameters())


@dataclass(frozen=True)
class Recipe:
    name: str
    lesson: str  # where it is explained
    summary: str
    build: Callable[[World], Model]
    worlds: tuple[str, ...] = ("digits", "faces")
