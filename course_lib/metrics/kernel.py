"""The kernel distance (KID): the squared maximum mean discrepancy of features, which few samples do not bias.

Bińkowski et al., "Demystifying MMD GANs" (arXiv:1801.01401), section 4, with k(x, y) = (x·y / d + 1)³. The
unbiased estimator of Gretton et al. (2012), eq. (3), leaves out k(x_i, x_i); so it may fall below 0.
"""

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from course_lib.metrics.intervals import Estimate
from course_lib.metrics.require import OtherFeatures, double, require_features, require_same_width
from course_lib.types import Features


def polynomial_kernel(x: Features, y: OtherFeatures) -> Float64[Tensor, "n m"]:
    """k(x_i, y_j) = (x_i·y_j / d + 1)³."""
    return (double(x) @ double(y).T / x.shape[1] + 1) ** 3


def squared_mmd(x: Features, y: OtherFeatures) -> float:
    """The unbiased estimate of E k(x, x') + E k(y, y') - 2 E k(x, y), from all pairs."""
    require_features(x, at_least=2)
    require_features(y, at_least=2)
    require_same_width(x.shape[1], y.shape[1])
    return _mean_of_pairs(x) + _mean_of_pairs(y) - 2 * polynomial_kernel(x, y).mean().item()


def _mean_of_pairs(x: Features) -> float:
    n, k = len(x), polynomial_kernel(x, x)
    return ((k.sum() - k.trace()) / (n * (n - 1))).item()


def kernel_distance(x: Features, y: OtherFeatures, *, subsets: int = 10, seed: int = 0) -> Estimate:
    """KID with a standard error: the mean of `subsets` estimates from parts of the sets that do not overlap.

    Parts without common members are independent, so their deviation / √subsets is the error of the mean. (The
    usual "± std" over overlapping subsets is the spread of one subset, not the error of the KID.)
    """
    if subsets < 2:
        raise ValueError(f"a standard error needs at least 2 subsets, got {subsets}")
    require_features(x, at_least=2 * subsets)
    require_features(y, at_least=2 * subsets)
    generator = torch.Generator().manual_seed(seed)
    values = [
        squared_mmd(x[rows.to(x.device)], y[others.to(y.device)])
        for rows, others in zip(
            torch.randperm(len(x), generator=generator).tensor_split(subsets),
            torch.randperm(len(y), generator=generator).tensor_split(subsets),
            strict=True,
        )
    ]
    return Estimate(
        float(np.mean(values)), float(np.std(values, ddof=1) / subsets**0.5), f"{subsets} subsets"
    )
