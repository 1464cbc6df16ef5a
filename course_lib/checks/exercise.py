"""What an exercise is: data. The oracle, the right answers and the wrong ones stand side by side.

    KL = Exercise("vae/kl", points=2, reference=kl_to_standard_normal, inputs=gaussian_parameters)

    @KL.accept
    def kl_by_distributions(mean, logvar): ...

    @KL.mistake
    def kl_without_half(mean, logvar):
        '''Your KL is twice the right one: the factor 1/2 of the Gaussian's exponent is missing.'''

A `Case` is one draw of inputs. It holds only tensors, numbers, text and `Network` descriptions, so that a
grader can send it to another process and run the student's function there.
"""

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Network:
    """A small network as data: `Network((("Linear", 2, 8), ("Tanh",), ("Linear", 8, 1)), seed=3)`.

    An exercise whose function takes networks gets the built module; gradients with respect to its parameters
    are compared like those of any other input.
    """

    layers: tuple[tuple, ...]  # (name in torch.nn, *its arguments)
    seed: int = 0

    def build(self) -> nn.Module:
        net = nn.Sequential(*(getattr(nn, kind)(*sizes) for kind, *sizes in self.layers))
        return fill(net, self.seed)


@dataclass(frozen=True)
class Optimizer:
    """An optimizer as data, over a network of the same case: `Optimizer("SGD", of="G", lr=0.1)`."""

    kind: str  # its name in torch.optim
    of: str
    lr: float

    def build(self, net: nn.Module) -> torch.optim.Optimizer:
        return getattr(torch.optim, self.kind)(net.parameters(), lr=self.lr)


@dataclass(frozen=True)
class Case:
    """One draw of inputs, and how the function is called on it."""

    label: str  # reads after "for": "a batch of one"
    # Passed by position; the names are for messages. A dict of tensors is a batch.
    args: dict[str, Tensor | dict[str, Tensor] | Network | Optimizer | int | float | str]
    seed: int = (
        0  # of torch's generator during the call, and of the vectors the outputs' gradients go through
    )
    constants: tuple[str, ...] = ()  # inputs that are data: no gradient with respect to them is asked
    # Networks that the function is to change: their weights after the call are compared, and no gradients.
    changes: tuple[str, ...] = ()
    strided: bool = False  # hand over tensors that are not contiguous
    calls: int = 1  # 2: call again without seeding anew, for functions that must draw fresh noise
    probe: Tensor | None = None  # where the answer is a network: what goes through it
    most_operations: int = 3_000  # torch calls before the function is stopped


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that students give, and the words that teach its author."""

    answer: Callable
    words: str

    @property
    def name(self) -> str:
        return self.answer.__name__


@dataclass(frozen=True, eq=False)
class Exercise:
    """One exercise. `accept` and `mistake` enter the functions beneath them into its catalogue."""

    name: str  # "lesson/exercise": the part before the slash is the module in course_lib/checks
    points: int
    reference: Callable
    inputs: Callable[[int], list[Case]]  # seed -> several draws, edge cases among them
    accepts: list[Callable] = field(default_factory=list)  # other right answers
    mistakes: list[Mistake] = field(default_factory=list)
    tolerance: float = 1e-3  # relative; wide enough for another right order of float32 arithmetic
    absolute: float = 1e-6
    # For a randomised function: (case, observation) -> named numbers that are compared instead of the values.
    statistics: Callable[..., dict[str, Tensor]] | None = None
    also: tuple[Callable, ...] = ()  # functions elsewhere in the course that would do as the answer

    @property
    def secrets(self) -> tuple[Callable, ...]:
        """All of the course that is an answer: what graded code must not find."""
        return (self.reference, *self.accepts, *self.also)

    def accept(self, fn: Callable) -> Callable:
        """Decorates another right answer."""
        self.accepts.append(fn)
        return fn

    def mistake(self, fn: Callable) -> Callable:
        """Decorates a wrong answer; its docstring is what its author is told."""
        self.mistakes.append(Mistake(fn, " ".join(fn.__doc__.split())))
        return fn


@lru_cache(maxsize=64)  # all answers of one exercise are asked for the same gradients
def cotangent(shape: torch.Size | tuple[int, ...], seed: int) -> Tensor:
    """The random vector that an output's gradient goes through: a function of (shape, seed) alone."""
    return torch.randn(tuple(shape), generator=torch.Generator().manual_seed(seed + 1))


@torch.no_grad()
def fill(net: nn.Module, seed: int) -> nn.Module:
    """Give every parameter values that depend only on its shape and its rank among those of the same shape.

    So two networks of the same layers get the same weights, whatever their layers are called and in whichever
    order they were registered. Spread 1 / sqrt(inputs of the unit), as a fresh layer has.
    """
    rank: dict[tuple[int, ...], int] = {}
    for weight in net.parameters():
        shape = tuple(weight.shape)
        rank[shape] = rank.get(shape, 0) + 1
        weight.copy_(weights(shape, rank[shape], seed))
    return net


@lru_cache(maxsize=32)  # all mistakes of one exercise are filled alike
def weights(shape: tuple[int, ...], rank: int, seed: int) -> Tensor:
    fan_in = max(math.prod(shape[1:]), 1)
    generator = torch.Generator().manual_seed(zlib.crc32(repr((seed, rank, shape)).encode()))
    return torch.randn(shape, generator=generator) / fan_in**0.5
