"""What a model is to the command line: networks that are kept, players that move, and a sampler."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from course_lib.recipes.worlds import World
from course_lib.training.loop import Player, Schedule, warm_down
from course_lib.types import Images

Sampler = Callable[[nn.Module, int, Tensor | None], Images]  # (network, how many, their conditions)


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

    def parameters(self) -> int:
        """Numbers in the network that draws: what has to be kept to make pictures."""
        return sum(weight.numel() for weight in self.nets[self.sampled].parameters())


@dataclass(frozen=True)
class Recipe:
    name: str
    lesson: str  # where it is explained
    summary: str
    build: Callable[[World], Model]
    worlds: tuple[str, ...] = ("digits", "faces")
