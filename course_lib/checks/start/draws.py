"""What several draws of lesson 00 are made of."""

import torch
from torch import Tensor


def grey_levels(*shape: int, g: torch.Generator) -> Tensor:
    return torch.randint(256, shape, generator=g).to(torch.uint8)


def spread(d: int, g: torch.Generator) -> Tensor:
    """A covariance far from diagonal, whose variances are far from 1: L L' with L's entries of fixed size."""
    signs = 1.0 - 2.0 * torch.randint(2, (d, d), generator=g)
    L = torch.tril(signs * (1.0 + 0.3 * torch.rand(d, d, generator=g)), diagonal=-1)
    L = L + torch.diag(torch.tensor([1.6, 0.7, 1.2, 0.6, 1.4])[:d])
    return L @ L.T
