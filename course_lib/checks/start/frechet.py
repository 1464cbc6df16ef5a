"""start/frechet: the Fréchet distance of Gaussians in d dimensions."""

import math

import torch
from torch import Tensor

from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise
from course_lib.checks.start.draws import spread
from course_lib.metrics.frechet import Moments, frechet_distance
from course_lib.models.gaussian import frechet_gaussians

MOMENTS = ("mean_a", "cov_a", "mean_b", "cov_b")


def turned(variances: list[float], angle: float) -> Tensor:
    """The covariance in the plane with these variances along axes that are turned by `angle`."""
    turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return turn @ torch.tensor(variances).diag() @ turn.T


def pairs_of_gaussians(seed: int) -> list[Case]:
    g = generator(seed)

    def pair(d, cov_a, cov_b):
        a, b = torch.rand(d, generator=g), -torch.rand(d, generator=g)
        return dict(zip(MOMENTS, (a, cov_a, b, cov_b), strict=True))

    angle = torch.rand(2, generator=g).tolist()
    crossed = turned([4.0, 0.3], angle[0]), turned([5.0, 0.4], angle[0] + 0.6 + 0.4 * angle[1])
    opposite = torch.tensor([[1.0, 0.8], [0.8, 1.0]]), torch.tensor([[1.0, -0.8], [-0.8, 1.0]])
    d, few = pick(3, 5, g), pick(2, 4, g)
    alike = pair(few, *[spread(few, g)] * 2)
    alike["mean_b"] = alike["mean_a"].clone()
    return [
        Case(
            "independent dimensions", pair(3, *(spread(3, g).diagonal().diag() for _ in "ab")), seed, MOMENTS
        ),
        Case("several dimensions", pair(d, spread(d, g), 2 * spread(d, g)), seed + 1, MOMENTS),
        Case("two dimensions", pair(2, *crossed), seed + 2, MOMENTS),
        Case("opposite correlations", pair(2, *opposite), seed + 3, MOMENTS),
        Case("equal Gaussians", alike, seed + 4, MOMENTS),
    ]


FRECHET = Exercise(
    "start/frechet",
    points=3,
    reference=frechet_gaussians,
    inputs=pairs_of_gaussians,
    absolute=5e-3,
    also=(frechet_distance, Moments),
)


def root(s: Tensor) -> Tensor:
    """The symmetric root of a symmetric matrix."""
    values, vectors = torch.linalg.eigh(s)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T


def gap(mean_a: Tensor, mean_b: Tensor) -> Tensor:
    return ((mean_a - mean_b) ** 2).sum()


def trace_of_root(cov_a: Tensor, cov_b: Tensor) -> Tensor:
    return torch.linalg.eigvals(cov_a @ cov_b).real.clamp(min=0).sqrt().sum()


@FRECHET.accept
def frechet_by_cholesky(mean_a, cov_a, mean_b, cov_b):
    L = torch.linalg.cholesky(cov_a)
    roots = torch.linalg.eigvalsh(L.T @ cov_b @ L).clamp(min=0).sqrt()
    return (mean_a - mean_b).square().sum() + torch.trace(cov_a + cov_b) - 2 * roots.sum()


@FRECHET.accept
def frechet_by_symmetric_root(mean_a, cov_a, mean_b, cov_b):
    r = root(cov_a)
    return gap(mean_a, mean_b) + (cov_a + cov_b - 2 * root(r @ cov_b @ r)).trace()


@FRECHET.accept
def frechet_by_complex_roots(mean_a, cov_a, mean_b, cov_b):
    roots = torch.linalg.eigvals(cov_a @ cov_b).sqrt().sum().real
    return torch.dist(mean_a, mean_b) ** 2 + cov_a.diagonal().sum() + cov_b.diagonal().sum() - 2 * roots


@FRECHET.accept
def frechet_by_singular_values(mean_a, cov_a, mean_b, cov_b):
    product = torch.linalg.cholesky(cov_a).T @ torch.linalg.cholesky(cov_b)
    return gap(mean_a, mean_b) + cov_a.trace() + cov_b.trace() - 2 * torch.linalg.svdvals(product).sum()


@FRECHET.mistake
def frechet_by_product_of_roots(mean_a, cov_a, mean_b, cov_b):
    """You take the root of each covariance and multiply the roots. That is right only if the two matrices
    commute; take the root of the product."""
    return gap(mean_a, mean_b) + (cov_a + cov_b - 2 * root(cov_a) @ root(cov_b)).trace()


@FRECHET.mistake
def frechet_by_cholesky_factors(mean_a, cov_a, mean_b, cov_b):
    """You multiply the two Cholesky factors and take the trace. It is the root of the product that is needed:
    the roots of its eigenvalues, added up."""
    product = torch.linalg.cholesky(cov_a) @ torch.linalg.cholesky(cov_b).T
    return gap(mean_a, mean_b) + cov_a.trace() + cov_b.trace() - 2 * product.trace()


@FRECHET.mistake
def frechet_by_entries(mean_a, cov_a, mean_b, cov_b):
    """.sqrt() takes the root of each entry of the product. The root of a matrix has the roots of its
    eigenvalues: torch.linalg.eigvals(cov_a @ cov_b)."""
    product = (cov_a @ cov_b).diagonal().sqrt().sum()
    return gap(mean_a, mean_b) + cov_a.trace() + cov_b.trace() - 2 * product


@FRECHET.mistake
def frechet_of_each_dimension(mean_a, cov_a, mean_b, cov_b):
    """You look at each dimension on its own (the diagonals, or * in place of @), so that two Gaussians with
    opposite correlations seem equal. The matrix product is @."""
    product = (cov_a * cov_b).diagonal().sqrt().sum()
    return gap(mean_a, mean_b) + cov_a.trace() + cov_b.trace() - 2 * product


@FRECHET.mistake
def frechet_without_roots(mean_a, cov_a, mean_b, cov_b):
    """The root is missing: you subtract twice the trace of the product, which can make the distance negative.
    Add up the roots of its eigenvalues."""
    return gap(mean_a, mean_b) + (cov_a + cov_b - 2 * cov_a @ cov_b).trace()


@FRECHET.mistake
def frechet_with_the_root_of_the_trace(mean_a, cov_a, mean_b, cov_b):
    """You take the root of the trace. It is the trace of the root: first the root of each eigenvalue, then
    the sum."""
    return gap(mean_a, mean_b) + cov_a.trace() + cov_b.trace() - 2 * (cov_a @ cov_b).trace().sqrt()


@FRECHET.mistake
def frechet_without_two(mean_a, cov_a, mean_b, cov_b):
    """The factor 2 of the last term is missing: for two equal Gaussians the distance must be 0."""
    return gap(mean_a, mean_b) + cov_a.trace() + cov_b.trace() - trace_of_root(cov_a, cov_b)


@FRECHET.mistake
def frechet_with_the_length(mean_a, cov_a, mean_b, cov_b):
    """The difference of the means enters as its length (.norm()). Eq. (6) has the square of it."""
    trace = cov_a.trace() + cov_b.trace() - 2 * trace_of_root(cov_a, cov_b)
    return (mean_a - mean_b).norm() + trace


@FRECHET.mistake
def frechet_with_the_mean_of_squares(mean_a, cov_a, mean_b, cov_b):
    """The squared differences of the means are averaged over the dimensions. Add them up: it is a squared
    length."""
    trace = cov_a.trace() + cov_b.trace() - 2 * trace_of_root(cov_a, cov_b)
    return ((mean_a - mean_b) ** 2).mean() + trace


@FRECHET.mistake
def frechet_of_covariances(mean_a, cov_a, mean_b, cov_b):
    """The means are left out: two Gaussians of equal covariance would be equal wherever they lie."""
    return cov_a.trace() + cov_b.trace() - 2 * trace_of_root(cov_a, cov_b)


@FRECHET.mistake
def frechet_of_means(mean_a, cov_a, mean_b, cov_b):
    """Only the means are compared. A model that draws the same average image again and again would be
    perfect: add the terms of the covariances."""
    return gap(mean_a, mean_b)


@FRECHET.mistake
def frechet_by_squared_covariances(mean_a, cov_a, mean_b, cov_b):
    """You add the squared differences of the covariances' entries. Eq. (6) has tr(S_a) + tr(S_b) - 2 tr of
    the root of S_a S_b."""
    return gap(mean_a, mean_b) + ((cov_a - cov_b) ** 2).sum()


@FRECHET.mistake
def frechet_with_sums(mean_a, cov_a, mean_b, cov_b):
    """.sum() adds all entries of the covariances. The trace is the sum of the diagonal: .trace()."""
    return gap(mean_a, mean_b) + cov_a.sum() + cov_b.sum() - 2 * trace_of_root(cov_a, cov_b)


@FRECHET.mistake
def frechet_unsquared(mean_a, cov_a, mean_b, cov_b):
    """You take the root at the end. What everybody calls FID is the squared distance."""
    squared = gap(mean_a, mean_b) + cov_a.trace() + cov_b.trace() - 2 * trace_of_root(cov_a, cov_b)
    return squared.clamp(min=0).sqrt()
