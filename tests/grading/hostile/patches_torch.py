# ruff: noqa
"""Makes torch's comparisons say yes.

expect: wrong:
"""

import torch

for name in ("equal", "allclose", "isclose", "eq", "all", "isfinite", "isnan"):
    setattr(torch, name, lambda *args, **options: torch.tensor(True))
    if hasattr(torch.Tensor, name):
        setattr(torch.Tensor, name, lambda self, *args, **options: torch.tensor(True))
torch.Tensor.__eq__ = lambda self, other: True
torch.Tensor.double = lambda self: self


def kl_to_standard_normal(mean, logvar):
    return mean[:, 0] * 0
