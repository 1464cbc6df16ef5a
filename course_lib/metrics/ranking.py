"""Which of several models is better, and which only luckier: what a table of scores allows to say.

Kynkäänniemi et al., Improved Precision and Recall Metric for Assessing Generative Models, arXiv:1904.06991.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from course_lib.types import Scalar

Scores = Float[Tensor, " m"]  # one for each model


def mean_and_error(scores: Float[Tensor, " r"]) -> tuple[Scalar, Scalar]:
    """The mean of r trainings' scores, and its standard error, s / sqrt(r), with s^2 over r - 1."""
    return scores.mean(), scores.std(correction=1) / len(scores) ** 0.5


def places(distance: Scores, error: Scores) -> Int[Tensor, " m"]:
    """For each model 1 + the number of models that are clearly better; small distances are good.

    Clearly: by more than 1.96 standard errors of the *difference*, which is sqrt(e_i^2 + e_j^2) if the two
    were measured on their own. Models that cannot be told apart so share a place.
    """
    ahead = distance[:, None] - distance[None, :]  # (i, j): by how much j is better than i
    doubt = 1.96 * (error[:, None].square() + error[None, :].square()).sqrt()
    return 1 + (ahead > doubt).sum(dim=1)


def covered(
    points: Float[Tensor, "n d"], centres: Float[Tensor, "m d"], radii: Float[Tensor, " m"]
) -> Scalar:
    """The share of the points that lie in a ball around at least one centre (arXiv:1904.06991, eq. 1).

    With the balls around real images this is the precision of fakes, with those around fakes the recall.
    """
    inside = torch.cdist(points, centres) <= radii  # (point, centre)
    return inside.any(dim=1).float().mean()


def pareto_front(precision: Scores, recall: Scores) -> Bool[Tensor, " m"]:
    """Which models are beaten by none: no other is at least as good in both and better in one."""
    at_least = (precision[None, :] >= precision[:, None]) & (recall[None, :] >= recall[:, None])
    better = (precision[None, :] > precision[:, None]) | (recall[None, :] > recall[:, None])
    return ~(at_least & better).any(dim=1)
