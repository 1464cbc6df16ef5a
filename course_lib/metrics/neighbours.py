"""Nearest neighbours, in pixels or in features: is a sample new, or a memory of the training set?"""

from dataclasses import dataclass

import torch
from jaxtyping import Float64, Int
from torch import Tensor

from course_lib.images import from_uint8, require_images
from course_lib.metrics.require import (
    OtherBytes,
    OtherFeatures,
    OtherImages,
    double,
    require_features,
    require_same_width,
)
from course_lib.types import Features, Images

BLOCK = 2048  # rows at a time on either side: at most 32 MiB of distances, which exist three times over


@dataclass(frozen=True)
class Neighbours:
    distance: Float64[Tensor, "n k"]  # Euclidean, nearest first
    index: Int[Tensor, "n k"]  # rows of the bank


def nearest(queries: Features, bank: OtherFeatures, k: int = 1) -> Neighbours:
    """The k rows of the bank nearest to each query. One that is in the bank finds itself at distance 0."""
    require_features(queries)
    require_features(bank)
    require_same_width(queries.shape[1], bank.shape[1])
    if not 1 <= k <= len(bank):
        raise ValueError(f"expected k from 1 to the {len(bank)} rows of the bank, got {k}")
    found = [_nearest_of_block(block, bank, k) for block in queries.split(BLOCK)]
    return Neighbours(torch.cat([f.distance for f in found]), torch.cat([f.index for f in found]))


def nearest_images(samples: Images, training: OtherImages | OtherBytes, k: int = 1) -> Neighbours:
    """The k training images nearest to each sample in pixels: the distance is the root of the summed squares.

    For the distance in features, call `nearest` on what an extractor gives for both.
    """
    training = from_uint8(training) if training.dtype == torch.uint8 else training
    require_images(samples, "samples")
    require_images(training, "training images")
    if samples.shape[1:] != training.shape[1:]:
        raise ValueError(
            f"the samples are {tuple(samples.shape[1:])}, the training images {tuple(training.shape[1:])}: "
            f"bring them to one size and one number of channels"
        )
    return nearest(samples.flatten(1), training.flatten(1).to(samples.device), k)


def squared_distances(a: Features, b: OtherFeatures) -> Float64[Tensor, "n m"]:
    """|a_i - b_j|² for all pairs, in float64: |a|² + |b|² - 2ab about b's mean, so that little cancels."""
    centre = double(b).mean(0)
    a, b = double(a) - centre, double(b) - centre
    squares = a.square().sum(1, keepdim=True) + b.square().sum(1)
    return torch.addmm(squares, a, b.T, alpha=-2).clamp_(min=0)


def _nearest_of_block(queries: Features, bank: OtherFeatures, k: int) -> Neighbours:
    values, indices = [], []
    for start in range(0, len(bank), BLOCK):
        distances = squared_distances(queries, bank[start : start + BLOCK])
        best = distances.topk(min(k, distances.shape[1]), largest=False)
        values.append(best.values)
        indices.append(best.indices + start)
    best = torch.cat(values, 1).topk(k, largest=False)
    index = torch.cat(indices, 1).gather(1, best.indices)
    exact = torch.stack([(double(queries) - double(bank[column])).norm(dim=1) for column in index.T], 1)
    exact, order = exact.sort(dim=1, stable=True)  # the expansion rounds; a copy must be at exactly 0
    return Neighbours(exact, index.gather(1, order))
