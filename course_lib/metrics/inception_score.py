"""The Inception Score: every image of one clear class, and all classes about equally often.

Salimans et al., "Improved Techniques for Training GANs" (arXiv:1606.03498), section 4:
exp(E_x KL(p(y|x) || p(y))), from 1 (no class is clear, or only one is drawn) to the number of classes. It
never looks at real images.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.metrics.intervals import Estimate
from course_lib.metrics.require import double

Probabilities = Float[Tensor, "n y"]


def inception_score(probabilities: Probabilities, *, splits: int = 10, seed: int = 0) -> Estimate:
    """Mean over `splits` parts, as the paper has it, and the standard error of that mean.

    probabilities: p(y|x), a row per image that sums to 1. ValueError if they do not, or with too few images.
    """
    p = require_probabilities(probabilities)
    if splits < 2 or len(p) < 2 * splits:
        raise ValueError(
            f"expected at least 2 splits and 2 images in each, got {splits} splits, {len(p)} images"
        )
    order = torch.randperm(len(p), generator=torch.Generator().manual_seed(seed)).to(p.device)
    scores = [score_of(p[rows]) for rows in order.tensor_split(splits)]
    return Estimate(float(np.mean(scores)), float(np.std(scores, ddof=1) / splits**0.5), f"{splits} splits")


def score_of(p: Probabilities) -> float:
    """exp(E_x KL(p(y|x) || p(y))), with p(y) the mean over these images; 0 log 0 is 0."""
    marginal = p.mean(0, keepdim=True).expand_as(p)
    kl = (torch.xlogy(p, p) - torch.xlogy(p, marginal)).sum(1)
    return kl.mean().exp().item()


def require_probabilities(p: Probabilities) -> Probabilities:
    p = double(p)
    off = (p.sum(1) - 1).abs().max().item()
    if not (off < 1e-3 and p.min() >= 0):
        raise ValueError(
            f"expected rows of probabilities that sum to 1, got a row off by {off:.3g}: softmax them"
        )
    return p
