"""The Gaussian against truths known in closed form."""

import math

import pytest
import torch
from scipy.integrate import quad
from torch.distributions import MultivariateNormal

from course_lib.images import from_uint8, to_uint8
from course_lib.metrics.frechet import frechet_distance
from course_lib.models.gaussian import (
    GREY,
    draw_gaussian,
    fit_gaussian,
    fit_images,
    fit_pixels,
    frechet_1d,
    frechet_gaussians,
    from_moments,
    log_likelihood,
    sample_gaussian,
)


def covariance(d: int, seed: int = 0) -> torch.Tensor:
    A = torch.randn(d, 2 * d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return A @ A.T / d


def images(n: int, side: int = 3, seed: int = 0) -> torch.Tensor:
    """Whole grey levels whose pixels hang together."""
    g = torch.Generator().manual_seed(seed)
    rows = 0.3 * torch.randn(n, side * side, generator=g) @ torch.randn(side * side, side * side, generator=g)
    return from_uint8(to_uint8(rows.view(n, 1, side, side).clamp(-1, 1)))


def test_fit_is_torch_cov():
    x = torch.randn(20, 4) * torch.arange(1.0, 5.0) + 7
    mean, cov = fit_gaussian(x)
    torch.testing.assert_close(mean, x.mean(0))
    torch.testing.assert_close(cov, torch.cov(x.T))


def test_draws_have_the_mean_and_the_covariance():
    torch.manual_seed(0)
    mean, cov, n = torch.tensor([1.0, -2.0, 5.0]).double(), covariance(3), 200_000
    x = draw_gaussian(mean, cov, n)
    assert ((x.mean(0) - mean).abs() < 5 * cov.diagonal().sqrt() / math.sqrt(n)).all()
    scale = torch.outer(cov.diagonal(), cov.diagonal()).sqrt()
    assert ((torch.cov(x.T) - cov).abs() < 5 * scale * math.sqrt(2 / n)).all()


def test_frechet_in_one_dimension_is_the_mean_square_of_the_cheapest_move():
    """The integral of (quantile_a - quantile_b)², which is what the distance is defined as."""
    m_a, s_a, m_b, s_b = 0.3, 1.5, -0.8, 0.4
    normal = lambda z: math.exp(-z * z / 2) / math.sqrt(2 * math.pi)  # noqa: E731
    cost, _ = quad(lambda z: (m_a + s_a * z - m_b - s_b * z) ** 2 * normal(z), -12, 12)
    found = frechet_1d(*(torch.tensor([v], dtype=torch.float64) for v in (m_a, s_a**2, m_b, s_b**2)))
    assert found.item() == pytest.approx(cost, rel=1e-9)


def test_frechet_of_opposite_correlations_is_known():
    """S_a S_b = (1 - r²) I, so the distance is 4 - 4 sqrt(1 - r²): 1.6 for r = 0.8."""
    r, zero = 0.8, torch.zeros(2, dtype=torch.float64)
    a, b = (torch.tensor([[1, sign * r], [sign * r, 1]], dtype=torch.float64) for sign in (1, -1))
    assert frechet_gaussians(zero, a, zero, b).item() == pytest.approx(1.6, abs=1e-12)


def test_frechet_agrees_with_the_metric_and_with_one_dimension():
    x, y = torch.randn(200, 5).double(), (torch.randn(300, 5) @ covariance(5, 1).float() + 1).double()
    mine = frechet_gaussians(*fit_gaussian(x), *fit_gaussian(y)).item()
    assert mine == pytest.approx(frechet_distance(x, y), rel=1e-9)
    (m_a, v_a), (m_b, v_b) = fit_gaussian(x[:, :1]), fit_gaussian(y[:, :1])
    flat = frechet_1d(m_a, v_a[0], m_b, v_b[0])
    torch.testing.assert_close(flat[0], frechet_gaussians(m_a, v_a, m_b, v_b))


def test_log_likelihood_is_the_average_over_the_grey_level():
    torch.manual_seed(0)
    x = images(400)
    model, some = fit_images(x), x[:6]
    u = GREY * (torch.rand(20_000, 1, 9, dtype=torch.float64) - 0.5)
    exact = MultivariateNormal(model.mean, scale_tril=model.L)
    draws = exact.log_prob(some.double().flatten(1) + u) + 9 * math.log(GREY)
    error = 5 * draws.std(0) / math.sqrt(len(u)) + 1e-4
    assert ((log_likelihood(model, some).double() - draws.mean(0)).abs() < error).all()


def test_log_likelihood_is_at_most_the_log_probability_of_the_grey_level():
    """One pixel: the probability of its level is an integral of the density, and no bound may exceed it."""
    mean, var = torch.tensor([0.1], dtype=torch.float64), torch.tensor([[3e-5]], dtype=torch.float64)
    model = from_moments(mean, var, (1, 1, 1))
    level = from_uint8(torch.full((1, 1, 1, 1), 140, dtype=torch.uint8))
    normal = torch.distributions.Normal(mean, model.L[0])
    centre = level.flatten().double()
    truth = (normal.cdf(centre + GREY / 2) - normal.cdf(centre - GREY / 2)).log().item()
    found = log_likelihood(model, level).item()
    assert truth - 0.2 < found <= truth


def test_a_pixel_that_is_always_black_costs_almost_nothing():
    x = images(300)
    x[:, :, 0, 0] = -1
    model = fit_pixels(x)
    assert torch.isfinite(log_likelihood(model, x)).all()
    without = fit_pixels(x.flatten(1)[:, 1:].view(300, 1, 1, 8))
    black = log_likelihood(model, x) - log_likelihood(without, x.flatten(1)[:, 1:].view(300, 1, 1, 8))
    torch.testing.assert_close(
        black, torch.full((300,), -0.5 * math.log(2 * math.pi * math.e / 12)), atol=1e-3, rtol=0
    )


def test_no_other_gaussian_is_more_likely():
    """The fit has the largest likelihood (up to n - 1 for n, which matters little here)."""
    x = images(2_000, side=2)
    mean, cov = fit_gaussian(x.double().flatten(1))
    best = log_likelihood(fit_images(x), x).mean()
    for other in (
        from_moments(mean + 0.05, cov, (1, 2, 2)),
        from_moments(mean, 1.2 * cov, (1, 2, 2)),
        fit_pixels(x),
    ):
        assert log_likelihood(other, x).mean() < best - 1e-3


def test_samples_are_images_with_the_model_s_moments_and_follow_the_seed():
    x = images(4_000) * 0.3
    model = fit_images(x)
    torch.manual_seed(3)
    sample = sample_gaussian(model, 20_000)
    torch.manual_seed(3)
    assert torch.equal(sample, sample_gaussian(model, 20_000))
    assert sample.shape == (20_000, 1, 3, 3) and sample.dtype == torch.float32 and sample.abs().max() <= 1
    assert frechet_distance(sample.flatten(1), x.flatten(1)) < 0.01
    assert frechet_distance(sample_gaussian(fit_pixels(x), 20_000).flatten(1), x.flatten(1)) > 0.05


def test_parameters_are_counted_once():
    assert fit_images(images(50)).parameters == 9 + 45
