"""start/sample: draws from a Gaussian with a given covariance."""

import torch
from torch import Tensor

from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise
from course_lib.checks.observe import Observation
from course_lib.checks.start.draws import spread
from course_lib.models.gaussian import draw_gaussian

PARAMETERS = ("mean", "covariance")


def gaussians_to_draw(seed: int) -> list[Case]:
    g = generator(seed)

    def ask(d, n, dtype=torch.float32):
        mean, covariance = 3 + 2 * torch.rand(d, generator=g), spread(d, g)
        return {"mean": mean.to(dtype), "covariance": covariance.to(dtype), "n": n}

    return [
        Case("many draws", ask(3, 4096), seed, PARAMETERS, calls=2),
        Case("one draw in float64", ask(pick(2, 5, g), 1, torch.float64), seed + 1, PARAMETERS),
    ]


def draw_statistics(case: Case, seen: Observation) -> dict[str, Tensor]:
    """What draws must satisfy whatever their noise: with the mean subtracted and the right root undone they
    are standard normal. Shares and averages, so that any root and any generator will do."""
    mean, covariance = case.args["mean"].double(), case.args["covariance"].double()
    x = seen.outputs[""].double()
    if x.shape != (case.args["n"], len(mean)):
        raise ValueError("not draws")
    if len(x) < 500:
        return {"whether all draws are finite": x.isfinite().all().double()}
    white = undo(covariance, x - mean)
    found = {
        "the average of the draws, less the mean, in standard deviations": white.mean(0),
        "the spread of the draws, with the right covariance undone,": white.std(0),
        "the covariance of the draws, with the right one undone,": torch.cov(white.T),
        "the share of draws beyond two standard deviations, times ten": 10
        * (white.abs() > 2).double().mean(),
    }
    if seen.again:
        change = undo(covariance, seen.again[""].double() - x)
        found["the change from one call to the next, in standard deviations"] = change.std() / 2**0.5
    return found


def undo(covariance: Tensor, x: Tensor) -> Tensor:
    """inverse(L) x for each row."""
    return torch.linalg.solve_triangular(torch.linalg.cholesky(covariance), x.T, upper=False).T


SAMPLE = Exercise(
    "start/sample",
    points=2,
    reference=draw_gaussian,
    inputs=gaussians_to_draw,
    statistics=draw_statistics,
    tolerance=0.1,
    absolute=0.15,  # six standard errors of the variances of 4,096 draws
)


@SAMPLE.accept
def draw_by_distributions(mean, covariance, n):
    return torch.distributions.MultivariateNormal(mean, covariance).sample((n,))


@SAMPLE.accept
def draw_in_columns(mean, covariance, n):
    L = torch.linalg.cholesky(covariance)
    return (mean[:, None] + L @ torch.randn(len(mean), n, dtype=mean.dtype)).T


@SAMPLE.accept
def draw_by_eigenvectors(mean, covariance, n):
    values, vectors = torch.linalg.eigh(covariance)
    return mean + (torch.randn(n, mean.shape[0]).to(mean) * values.sqrt()) @ vectors.T


@SAMPLE.accept
def draw_by_upper_root(mean, covariance, n):
    return torch.randn(n, len(mean), dtype=mean.dtype) @ torch.linalg.cholesky(covariance, upper=True) + mean


@SAMPLE.mistake
def draw_with_the_root_turned(mean, covariance, n):
    """The root is the wrong way round: these draws have the covariance L'L, not LL'. With one draw a row it
    is eps @ L.T."""
    return mean + torch.randn(n, len(mean), dtype=mean.dtype) @ torch.linalg.cholesky(covariance)


@SAMPLE.mistake
def draw_with_the_covariance_as_root(mean, covariance, n):
    """You multiply the noise by the covariance itself. Its root goes there: L = torch.linalg.cholesky(
    covariance)."""
    return mean + torch.randn(n, len(mean), dtype=mean.dtype) @ covariance


@SAMPLE.mistake
def draw_independently(mean, covariance, n):
    """Only the diagonal is used, so the dimensions do not vary together. Multiply the noise by the whole root
    L."""
    return mean + torch.randn(n, len(mean), dtype=mean.dtype) * covariance.diagonal().sqrt()


@SAMPLE.mistake
def draw_independently_with_variances(mean, covariance, n):
    """Only the diagonal is used, and as it is: those are variances, and the dimensions do not vary together.
    Multiply the noise by the whole root L."""
    return mean + torch.randn(n, len(mean), dtype=mean.dtype) * covariance.diagonal()


@SAMPLE.mistake
def draw_with_the_root_of_each_entry(mean, covariance, n):
    """covariance.sqrt() takes the root of each entry, NaN where one is negative. The root of a matrix is
    torch.linalg.cholesky(covariance)."""
    return mean + torch.randn(n, len(mean), dtype=mean.dtype) @ covariance.sqrt().T


@SAMPLE.mistake
def draw_without_covariance(mean, covariance, n):
    """The covariance is not used: these draws vary by 1 in every dimension, each on its own."""
    return mean + torch.randn(n, len(mean), dtype=mean.dtype)


@SAMPLE.mistake
def draw_without_mean(mean, covariance, n):
    """The mean is missing: your draws lie about 0. Add it to every row."""
    return torch.randn(n, len(mean), dtype=mean.dtype) @ torch.linalg.cholesky(covariance).T


@SAMPLE.mistake
def draw_one_noise(mean, covariance, n):
    """All n draws are the same: the noise has the shape (d,). Draw n rows of it, (n, d)."""
    eps = torch.randn(len(mean), dtype=mean.dtype)
    return (mean + eps @ torch.linalg.cholesky(covariance).T).expand(n, -1)


@SAMPLE.mistake
def draw_one_number_a_row(mean, covariance, n):
    """Within a row all dimensions share one noise value. Draw noise of shape (n, d), not (n, 1)."""
    eps = torch.randn(n, 1, dtype=mean.dtype).expand(-1, len(mean))
    return mean + eps @ torch.linalg.cholesky(covariance).T


@SAMPLE.mistake
def draw_uniform_noise(mean, covariance, n):
    """The noise is uniform in [0, 1) (torch.rand). It must be standard normal: torch.randn, with an n."""
    return mean + torch.rand(n, len(mean), dtype=mean.dtype) @ torch.linalg.cholesky(covariance).T


@SAMPLE.mistake
def draw_the_same_again(mean, covariance, n):
    """Every call gives the same draws, because you seed inside the function. Leave the seed to the caller."""
    eps = torch.randn(n, len(mean), generator=generator(0), dtype=mean.dtype)
    return mean + eps @ torch.linalg.cholesky(covariance).T


@SAMPLE.mistake
def draw_nothing(mean, covariance, n):
    """You return the mean n times, without noise. Add eps @ L.T, with eps standard normal."""
    return mean.expand(n, -1).clone()
