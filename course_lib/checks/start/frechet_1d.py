"""start/frechet_1d: the Fréchet distance of Gaussians in one dimension."""

import torch

from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise
from course_lib.models.gaussian import frechet_1d


def pairs_of_one_dimension(seed: int) -> list[Case]:
    g = generator(seed)

    def draw(k):
        means = [2 * torch.randn(k, generator=g) for _ in "ab"]
        variances = [0.2 + 4 * torch.rand(k, generator=g) for _ in "ab"]
        return {"mean_a": means[0], "var_a": variances[0], "mean_b": means[1], "var_b": variances[1]}

    alike = draw(3)
    alike |= {"mean_b": alike["mean_a"].clone(), "var_b": alike["var_a"].clone()}
    return [
        Case("several pairs", draw(pick(5, 9, g)), seed),
        Case("one pair", draw(1), seed + 1),
        Case("equal Gaussians", alike, seed + 2),
    ]


FRECHET_1D = Exercise(
    "start/frechet_1d", points=2, reference=frechet_1d, inputs=pairs_of_one_dimension, absolute=1e-5
)


@FRECHET_1D.accept
def frechet_1d_by_deviations(mean_a, var_a, mean_b, var_b):
    return (mean_a - mean_b) ** 2 + (var_a.sqrt() - var_b.sqrt()) ** 2


@FRECHET_1D.accept
def frechet_1d_by_roots(mean_a, var_a, mean_b, var_b):
    return (mean_b - mean_a).square() + var_a + var_b - 2 * torch.sqrt(var_a) * torch.sqrt(var_b)


@FRECHET_1D.accept
def frechet_1d_by_powers(mean_a, var_a, mean_b, var_b):
    return torch.pow(mean_a - mean_b, 2) + (var_a + var_b - 2 * (var_a * var_b) ** 0.5)


@FRECHET_1D.mistake
def frechet_1d_of_squared_variances(mean_a, var_a, mean_b, var_b):
    """The root is missing from the last term: 2 sqrt(var_a var_b), not 2 var_a var_b."""
    return (mean_a - mean_b) ** 2 + var_a + var_b - 2 * var_a * var_b


@FRECHET_1D.mistake
def frechet_1d_without_two(mean_a, var_a, mean_b, var_b):
    """The factor 2 of the last term is missing: for two equal Gaussians the distance must be 0."""
    return (mean_a - mean_b) ** 2 + var_a + var_b - (var_a * var_b).sqrt()


@FRECHET_1D.mistake
def frechet_1d_with_the_root_of_everything(mean_a, var_a, mean_b, var_b):
    """The factor 2 has slipped under the root: 2 sqrt(var_a var_b), not sqrt(2 var_a var_b)."""
    return (mean_a - mean_b) ** 2 + var_a + var_b - (2 * var_a * var_b).sqrt()


@FRECHET_1D.mistake
def frechet_1d_without_square(mean_a, var_a, mean_b, var_b):
    """The difference of the means is not squared: a mean too small by 3 is as bad as one too large by 3."""
    return (mean_a - mean_b) + var_a + var_b - 2 * (var_a * var_b).sqrt()


@FRECHET_1D.mistake
def frechet_1d_with_absolute(mean_a, var_a, mean_b, var_b):
    """The difference of the means enters as it is; eq. (6) has its square."""
    return (mean_a - mean_b).abs() + var_a + var_b - 2 * (var_a * var_b).sqrt()


@FRECHET_1D.mistake
def frechet_1d_of_means(mean_a, var_a, mean_b, var_b):
    """Only the means are compared. A model that draws the same average image again and again would be
    perfect: add the terms of the variances."""
    return (mean_a - mean_b) ** 2 + 0 * (var_a + var_b)


@FRECHET_1D.mistake
def frechet_1d_of_variances(mean_a, var_a, mean_b, var_b):
    """The means are left out: two Gaussians of equal spread would be equal wherever they lie."""
    return var_a + var_b - 2 * (var_a * var_b).sqrt() + 0 * (mean_a + mean_b)


@FRECHET_1D.mistake
def frechet_1d_by_squared_variances(mean_a, var_a, mean_b, var_b):
    """You square the variances, as if they were standard deviations. The last terms are var_a + var_b - 2
    sqrt(var_a var_b), which is (sqrt(var_a) - sqrt(var_b))²."""
    return (mean_a - mean_b) ** 2 + (var_a - var_b) ** 2


@FRECHET_1D.mistake
def frechet_1d_with_plus(mean_a, var_a, mean_b, var_b):
    """The last term has the wrong sign: it is subtracted, so that equal Gaussians have distance 0."""
    return (mean_a - mean_b) ** 2 + var_a + var_b + 2 * (var_a * var_b).sqrt()


@FRECHET_1D.mistake
def frechet_1d_unsquared(mean_a, var_a, mean_b, var_b):
    """You take the root at the end. What everybody calls FID is the squared distance."""
    squared = (mean_a - mean_b) ** 2 + var_a + var_b - 2 * (var_a * var_b).sqrt()
    return squared.clamp(min=1e-12).sqrt()


@FRECHET_1D.mistake
def frechet_1d_summed(mean_a, var_a, mean_b, var_b):
    """You add all pairs together. Each entry is a pair of Gaussians of its own: return (k,)."""
    return ((mean_a - mean_b) ** 2 + var_a + var_b - 2 * (var_a * var_b).sqrt()).sum()
