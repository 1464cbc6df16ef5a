"""Is what it draws real, and does it draw all that is real: two questions that one distance mixes up.

Precision and recall: Kynkäänniemi et al. (arXiv:1904.06991), eq. (1) and (2). Density and coverage: Naeem et
al. (arXiv:2002.09797), eq. (3) and (5). A set's manifold is drawn as balls: one around each of its features,
reaching to the k-th nearest other feature of that set.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from course_lib.metrics.neighbours import nearest, squared_distances
from course_lib.metrics.require import OtherFeatures, require_features, require_same_width
from course_lib.types import Features

BLOCK = 1024
TIE = 1 + 1e-9  # a feature on the rim of a ball is inside, whichever way its distance was rounded


@dataclass(frozen=True)
class Manifolds:
    precision: float  # share of the generated inside some real ball, in [0, 1]
    recall: float  # share of the real inside some generated ball, in [0, 1]
    density: float  # real balls around a generated feature, on average, over k: 1 is usual, more is possible
    coverage: float  # share of the real balls with something generated inside, in [0, 1]


def precision_recall(real: Features, generated: OtherFeatures, k: int = 3, k_density: int = 5) -> Manifolds:
    """All four. k = 3 for precision and recall, k = 5 for density and coverage are the papers' choices."""
    for side in (real, generated):
        require_features(side, at_least=max(k, k_density) + 1)
    require_same_width(real.shape[1], generated.shape[1])
    of_real = radii(real, [k, k_density])
    around_generated, reached = balls_around(generated, real, of_real)
    around_real, _ = balls_around(real, generated, radii(generated, [k]))
    return Manifolds(
        precision=_share(around_generated[:, 0] > 0),
        recall=_share(around_real[:, 0] > 0),
        density=around_generated[:, 1].double().mean().item() / k_density,
        coverage=_share(reached[:, 1]),
    )


def radii(features: Features, ks: list[int]) -> Float64[Tensor, "n k"]:
    """The distance from each feature to its k-th nearest other, a column for each k."""
    found = nearest(features, features, max(ks) + 1)  # the nearest of all is the feature itself
    return found.distance[:, ks]


def balls_around(
    points: OtherFeatures, centres: Features, radius: Float64[Tensor, "n k"]
) -> tuple[Int[Tensor, "m k"], Float[Tensor, "n k"]]:
    """How many balls each point is in, and for each ball 1 if any point is in it; a column for each k."""
    counts, reached = [], torch.zeros_like(radius)
    limit = radius.square() * TIE
    for block in points.split(BLOCK):
        distances = squared_distances(block, centres)
        inside = [distances <= column for column in limit.T]
        counts.append(torch.stack([hits.sum(1) for hits in inside], 1))
        reached = torch.maximum(reached, torch.stack([hits.any(0) for hits in inside], 1).double())
    return torch.cat(counts), reached


def _share(hits: Tensor) -> float:
    return hits.double().mean().item()
