"""Noise schedules for the exercises of lesson 06: short ones, whose steps differ enough to be told apart."""

import torch
from torch import Tensor


def random_abar(steps: int, g: torch.Generator) -> Tensor:
    """abar[0] = 1 down to abar[steps], each the product of all alphas so far: alpha = 1 - beta."""
    beta = 0.08 + 0.3 * torch.rand(steps, generator=g)
    return torch.cat([torch.ones(1), (1 - beta).cumprod(0)])


def noise(*size: int, g: torch.Generator) -> Tensor:
    return torch.randn(*size, generator=g)
