# ruff: noqa
"""Answers a complex number whose real part may pass.

expect: wrong:
"""

import torch


def kl_to_standard_normal(mean, logvar):
    right = 0.5 * (mean**2 + logvar.exp() - 1 - logvar).sum(dim=1)
    return torch.complex(right, right + 1)
