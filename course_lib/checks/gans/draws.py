"""What the exercises of the GAN family draw, and what they look at in a game of two turns."""

from functools import cache

import torch
from torch import Tensor

from course_lib.checks.exercise import Case, Network
from course_lib.checks.observe import Observation


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pick(low: int, high: int, g: torch.Generator) -> int:
    """A size in low..high: an answer must hold for every shape, not for the notebook's."""
    return int(torch.randint(low, high + 1, (), generator=g))


def small_generator(inputs: int, outputs: int, seed: int) -> Network:
    return Network((("Linear", inputs, outputs),), seed)


def small_discriminator(inputs: int, seed: int) -> Network:
    return Network((("Linear", inputs, 1), ("Flatten", 0)), seed)


def statistics_of_turns(case: Case, seen: Observation) -> dict[str, Tensor]:
    """The three losses of two turns, and what each teaches: D learns from `real` and `fake`, G from `fool`.

    D's gradient of `fool` does not matter: its optimizer forgets it before D's own turn.
    """
    found = {f"the value of `{key}`": seen.outputs[key] for key in ("real", "fake", "fool")}
    for key, net in (("real", "D"), ("fake", "D"), ("fool", "G")):
        for name, gradient in gradients_of(case, seen, key, net).items():
            found[f"the gradient of `{key}` with respect to {name}"] = gradient
    for key in ("real", "fake"):
        lost = [g.abs().sum() for name, g in seen.gradients.get(key, {}).items() if name.startswith("G.")]
        found[f"the gradient that reaches G from `{key}`"] = torch.stack([torch.zeros(()), *lost]).sum()
    return found


def gradients_of(case: Case, seen: Observation, key: str, net: str) -> dict[str, Tensor]:
    """The gradient of one output with respect to each weight of a network, zero where none arrives."""
    gradients = seen.gradients.get(key, {})
    names = {f"{net}.{name}": shape for name, shape in weight_shapes(case.args[net])}
    return {name: gradients[name] if name in gradients else torch.zeros(names[name]) for name in names}


@cache
def weight_shapes(net: Network) -> list[tuple[str, torch.Size]]:
    return [(name, weight.shape) for name, weight in net.build().named_parameters()]
