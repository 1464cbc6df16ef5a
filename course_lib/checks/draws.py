"""What every lesson's draws begin with."""

import torch


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pick(low: int, high: int, g: torch.Generator) -> int:
    """A size in low..high: an answer must hold for every shape, not for the notebook's."""
    return int(torch.randint(low, high + 1, (), generator=g))
