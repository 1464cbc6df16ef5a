"""Standard errors against repeated draws, and the extrapolation against the true distance."""

import warnings

import numpy as np
import pytest
import torch

from course_lib.metrics import intervals
from course_lib.metrics.frechet import Moments, frechet_distance
from course_lib.metrics.intervals import (
    Estimate,
    bootstrap,
    frechet_infinity,
    frechet_jackknife,
    frechet_with_error,
    warn_if_few,
)


def draw(n: int, d: int = 6, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def pairs(count: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Samples of two Gaussians at distance 0.25 + (1.5 - 1)² in each dimension."""
    return [(draw(400, seed=2 * s), 0.5 + 1.5 * draw(300, seed=2 * s + 1)) for s in range(count)]


def test_a_bootstrap_of_a_mean_gives_the_known_error():
    x = draw(500, 1)
    found = bootstrap(lambda x: x.mean().item(), [x], repeats=400)
    assert found.value == x.mean().item()
    assert found.error == pytest.approx(x.std().item() / 500**0.5, rel=0.15)


@pytest.mark.parametrize("estimate", [frechet_with_error, frechet_jackknife])
def test_the_standard_error_is_the_deviation_over_repeated_draws(estimate):
    found = [estimate(a, b) for a, b in pairs(60)]
    spread = np.std([e.value for e in found], ddof=1)
    assert np.mean([e.error for e in found]) == pytest.approx(spread, rel=0.3)


def test_leaving_a_group_out_of_the_moments_is_leaving_its_rows_out():
    x = draw(100)
    parts = intervals._parts(x, 10, seed=0)
    rows = torch.randperm(100, generator=torch.Generator().manual_seed(0)).tensor_split(10)
    kept = Moments.of(x[torch.cat(rows[:3] + rows[4:])])
    assert torch.allclose(intervals._without(parts, 3).scatter, kept.scatter, rtol=1e-10)


def test_wide_features_take_the_jackknife_and_say_so():
    narrow = frechet_with_error(draw(60), draw(60, seed=1), repeats=5)
    wide = frechet_with_error(draw(60, 300), draw(60, 300, seed=1))
    assert narrow.how == "bootstrap, 5 repeats"
    assert wide.how == "jackknife, 10 groups"


def test_endless_samples_of_one_distribution_are_at_0():
    """200 samples in 20 dimensions: the plain distance is far from its limit, 0, the extrapolation near."""
    plain = [frechet_distance(draw(200, 20, 2 * s), draw(200, 20, 2 * s + 1)) for s in range(10)]
    limit = [frechet_infinity(draw(200, 20, 2 * s), draw(200, 20, 2 * s + 1)) for s in range(10)]
    assert min(plain) > 0.8
    assert abs(np.mean(limit)) < 0.2 * np.mean(plain)


def test_the_extrapolation_finds_the_true_distance():
    limit = [frechet_infinity(a, b) for a, b in pairs(20)]
    error = np.std(limit, ddof=1) / 20**0.5
    assert np.mean(limit) == pytest.approx(6 * (0.25 + 0.25), abs=3 * error)


def test_a_seed_repeats_the_numbers():
    a, b = pairs(1)[0]
    assert frechet_with_error(a, b, seed=5) == frechet_with_error(a, b, seed=5)
    assert frechet_with_error(a, b, seed=5) != frechet_with_error(a, b, seed=6)
    assert frechet_infinity(a, b, seed=5) == frechet_infinity(a, b, seed=5)


@pytest.mark.parametrize(
    "estimate, text",
    [
        (Estimate(123.456, 1.2), "123.5 ± 1.2"),
        (Estimate(1234.5, 12.0), "1,234 ± 12"),
        (Estimate(0.0123, 0.0012), "0.0123 ± 0.0012"),
        (Estimate(9.871, 0.023), "9.871 ± 0.023"),
        (Estimate(0.0, 0.0), "0.0 ± 0.0"),
    ],
)
def test_as_many_digits_as_the_error_allows(estimate, text):
    assert str(estimate) == text


def test_the_interval_is_two_standard_errors_wide_on_either_side():
    assert Estimate(10.0, 1.0).interval == pytest.approx((8.04, 11.96))


def test_few_samples_are_warned_of():
    with pytest.warns(
        UserWarning, match=r"100 samples are few for 84 features: the distance .* at least 420"
    ):
        warn_if_few(100, 84)
    with pytest.warns(UserWarning, match="covariance is singular"):
        warn_if_few(84, 84)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_few(420, 84)
