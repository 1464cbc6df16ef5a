# ruff: noqa
"""Returns nothing at all, in a shape whose product overflows.

expect: wrong: has shape
"""

import torch


def kl_to_standard_normal(mean, logvar):
    return (mean.sum() + logvar.sum()) * torch.empty(0, 2**31, 2**20)
