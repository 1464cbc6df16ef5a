"""start/fit: mean and covariance of the rows of a matrix."""

import torch

from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise
from course_lib.metrics.frechet import Moments
from course_lib.models.gaussian import fit_gaussian

NUMBERS = ("x",)


def rows_to_fit(seed: int) -> list[Case]:
    g = generator(seed)

    def draw(n, d):
        mixing = torch.eye(d) + torch.randn(d, d, generator=g)
        return {"x": 1 + 2 * torch.rand(d, generator=g) + torch.randn(n, d, generator=g) @ mixing}

    return [
        Case("a few rows", draw(pick(6, 9, g), 3), seed, NUMBERS),
        Case("fewer rows than dimensions", draw(4, pick(5, 7, g)), seed + 1, NUMBERS, strided=True),
        Case("many rows of two numbers", draw(pick(40, 60, g), 2), seed + 2, NUMBERS),
    ]


FIT = Exercise(
    "start/fit", points=2, reference=fit_gaussian, inputs=rows_to_fit, absolute=1e-5, also=(Moments,)
)


@FIT.accept
def fit_by_cov(x):
    return x.mean(0), torch.cov(x.T)


@FIT.accept
def fit_by_outer_products(x):
    centred = x - x.mean(0, keepdim=True)
    return x.mean(0), torch.einsum("ni,nj->ij", centred, centred) / (x.shape[0] - 1)


@FIT.accept
def fit_by_second_moments(x):
    n, mean = len(x), x.sum(0) / len(x)
    return mean, (x.T @ x - n * torch.outer(mean, mean)) / (n - 1)


@FIT.mistake
def fit_with_n(x):
    """The covariance is divided by n. The mean was estimated from the same rows, which makes the scatter too
    small: divide by n - 1."""
    centred = x - x.mean(0)
    return x.mean(0), centred.T @ centred / len(x)


@FIT.mistake
def fit_without_division(x):
    """The covariance is a sum, and grows with the number of rows. Divide by n - 1."""
    centred = x - x.mean(0)
    return x.mean(0), centred.T @ centred


@FIT.mistake
def fit_without_centring(x):
    """The mean is not subtracted, so the matrix measures the distance from 0, not the spread. Use
    x - mean."""
    return x.mean(0), x.T @ x / (len(x) - 1)


@FIT.mistake
def fit_without_centring_with_n(x):
    """The mean is not subtracted, so the matrix measures the distance from 0, not the spread (and it is
    divided by n, not by n - 1). Use x - mean."""
    return x.mean(0), x.T @ x / len(x)


@FIT.mistake
def fit_with_one_mean(x):
    """x.mean() is one number for everything. Each dimension has its own mean: x.mean(dim=0)."""
    centred = x - x.mean()
    return x.mean(), centred.T @ centred / (len(x) - 1)


@FIT.mistake
def fit_of_columns(x):
    """The average goes over the wrong axis: x.mean(dim=1) is the mean of each image. Average over the rows,
    dim=0."""
    centred = x - x.mean(1, keepdim=True)
    return x.mean(1), centred @ centred.T / (len(x) - 1)


@FIT.mistake
def fit_by_cov_of_columns(x):
    """torch.cov wants variables in rows, and your matrix compares the images with each other. Hand it x.T."""
    return x.mean(0), torch.cov(x)


@FIT.mistake
def fit_with_the_outer_product_turned(x):
    """Your matrix is (n, n): it compares images with each other. Pixels with pixels is centred.T @ centred,
    (d, d)."""
    centred = x - x.mean(0)
    return x.mean(0), centred @ centred.T / (len(x) - 1)


@FIT.mistake
def fit_of_variances(x):
    """You return the variances alone, (d,). The covariance is a matrix (d, d): how each dimension varies with
    each other one."""
    return x.mean(0), x.var(0)


@FIT.mistake
def fit_of_deviations(x):
    """You return standard deviations, (d,). The covariance is a matrix (d, d), with the variances on its
    diagonal."""
    return x.mean(0), x.std(0)


@FIT.mistake
def fit_of_independent_dimensions(x):
    """Off the diagonal your matrix is 0, as if every dimension went its own way. Keep the products of
    different dimensions: centred.T @ centred."""
    return x.mean(0), x.var(0).diag()


@FIT.mistake
def fit_with_deviations_on_the_diagonal(x):
    """Your matrix has the standard deviations on its diagonal and 0 elsewhere. The diagonal holds variances,
    the rest how two dimensions vary together."""
    return x.mean(0), x.std(0).diag()


@FIT.mistake
def fit_of_correlations(x):
    """That is the correlation, which is 1 on the diagonal whatever the spread. The covariance keeps the
    scale: do not divide by the standard deviations."""
    return x.mean(0), torch.corrcoef(x.T)


@FIT.mistake
def fit_of_sums(x):
    """Your mean is a sum: divide it by the number of rows, or call x.mean(dim=0)."""
    return x.sum(0), torch.cov(x.T)
