"""The Fréchet distance against what is known in closed form, and against scipy's matrix root."""

import math

import numpy as np
import pytest
import scipy.linalg
import torch

from course_lib.metrics.frechet import Moments, congruence, features_root, frechet_distance, gram


def draw(n: int, d: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def gaussian(mean: torch.Tensor, covariance: torch.Tensor) -> Moments:
    """Moments that say exactly this mean and covariance."""
    return Moments(2, mean.double(), covariance.double())


def by_scipy(a: torch.Tensor, b: torch.Tensor) -> float:
    """The formula as it is printed in the paper, with a matrix root."""
    s_a, s_b = np.cov(a.double().numpy(), rowvar=False), np.cov(b.double().numpy(), rowvar=False)
    shift = (a.double().mean(0) - b.double().mean(0)).square().sum().item()
    return shift + np.trace(s_a + s_b - 2 * scipy.linalg.sqrtm(s_a @ s_b).real)


def test_one_dimension_is_the_difference_of_means_and_of_deviations():
    a, b = 3 + 2 * draw(500, 1), -1 + 0.5 * draw(700, 1, seed=1)
    expected = (a.mean() - b.mean()) ** 2 + (a.std() - b.std()) ** 2
    assert frechet_distance(a, b) == pytest.approx(expected.item(), rel=1e-12)


def test_equal_covariances_leave_the_distance_of_the_means():
    shift = draw(1, 16, seed=1)
    for n in (200, 10):  # full rank, and fewer samples than dimensions
        x = draw(n, 16)
        assert frechet_distance(x, x + shift) == pytest.approx(shift.square().sum().item(), rel=1e-10)


def test_a_tiny_shift_of_the_means_survives():
    x = 100 * draw(200, 16)
    assert frechet_distance(x, x + 1e-7) == pytest.approx(16e-14, rel=1e-3)


def test_diagonal_covariances():
    p, q = draw(1, 40)[0].exp(), draw(1, 40, seed=1)[0].exp()
    zero = torch.zeros(40)
    expected = (p.sqrt() - q.sqrt()).square().sum().item()
    assert frechet_distance(gaussian(zero, p.diag()), gaussian(zero, q.diag())) == pytest.approx(
        expected, rel=1e-10
    )


@pytest.mark.parametrize("n", [400, 20])
def test_an_affine_map_that_is_symmetric_and_positive_is_the_optimal_transport(n):
    """For y = c + T x, T symmetric and positive: the mean of |y - x|² (Knott and Smith 1984)."""
    d = 30
    root = draw(d, d, seed=1) / d**0.5
    transport = root @ root.T + 0.1 * torch.eye(d, dtype=torch.float64)
    x = draw(n, d)
    y = x @ transport + draw(1, d, seed=2)
    move = y - x
    expected = move.mean(0).square().sum() + move.var(0).sum()
    assert frechet_distance(x, y) == pytest.approx(expected.item(), rel=1e-9)


def test_a_rotation_of_both_changes_nothing():
    a, b = draw(300, 20), 2 * draw(300, 20, seed=1) + 1
    turn = torch.linalg.qr(draw(20, 20, seed=2)).Q
    assert frechet_distance(a @ turn, b @ turn) == pytest.approx(frechet_distance(a, b), rel=1e-10)


SPECTRA = {
    "even": torch.ones(64),
    "decaying": torch.arange(1, 65).pow(-2.0),
    "steep": torch.logspace(0, -12, 64),
    "deficient": torch.cat([torch.ones(40), torch.zeros(24)]),
}


@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("n, m", [(500, 400), (500, 30), (30, 40), (63, 64)])
def test_agrees_with_the_nuclear_norm_of_the_features(spectrum, n, m):
    scale = SPECTRA[spectrum].double().sqrt()
    a, b = draw(n, 64) * scale, 1.3 * draw(m, 64, seed=1) * scale + 0.2
    root_a, root_b = ((x - x.mean(0)) / (len(x) - 1) ** 0.5 for x in (a, b))
    fidelity = np.linalg.svd((root_a @ root_b.T).numpy(), compute_uv=False).sum()
    traces = root_a.square().sum() + root_b.square().sum()
    expected = (a.mean(0) - b.mean(0)).square().sum() + traces - 2 * fidelity
    assert frechet_distance(a, b) == pytest.approx(expected.item(), rel=1e-8)
    assert frechet_distance(b, a) == pytest.approx(expected.item(), rel=1e-8)
    assert frechet_distance(Moments.of(a), Moments.of(b)) == pytest.approx(expected.item(), rel=1e-7)
    assert frechet_distance(a, Moments.of(b)) == pytest.approx(expected.item(), rel=1e-7)


@pytest.mark.parametrize("spectrum", ["even", "decaying"])
def test_agrees_with_scipys_matrix_root(spectrum):
    scale = SPECTRA[spectrum].sqrt()
    a, b = draw(500, 64).float() * scale, 1.1 * draw(500, 64, seed=1).float() * scale
    assert frechet_distance(a, b) == pytest.approx(by_scipy(a, b), rel=1e-8)


@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("n", [500, 20, 2])
def test_identical_sets_are_at_0(spectrum, n):
    x = 1e3 * draw(n, 64) * SPECTRA[spectrum].double().sqrt() + 50
    assert frechet_distance(x, x.clone()) == 0
    assert frechet_distance(Moments.of(x), Moments.of(x)) == 0
    shuffled = x.flip(0)
    assert 0 <= frechet_distance(x, shuffled) < 1e-9 * x.var(0).sum()
    assert 0 <= frechet_distance(x, Moments.of(x)) < 1e-9 * x.var(0).sum()


def test_constant_features_are_points():
    one, two = torch.ones(10, 4), torch.zeros(10, 4)
    assert frechet_distance(one, two) == 4
    assert frechet_distance(Moments.of(one), draw(50, 4)) > 0


def test_halves_merge_to_the_whole():
    x = 5 + draw(1_000, 12) * torch.arange(1, 13)
    whole, halves = Moments.of(x), Moments.of(x[:300]).merge(Moments.of(x[300:]))
    assert halves.count == 1_000
    assert torch.allclose(halves.mean, x.mean(0), rtol=1e-13)
    assert torch.allclose(halves.covariance, x.T.cov(), rtol=1e-11, atol=1e-11)
    assert frechet_distance(whole, halves) < 1e-9
    streamed = Moments.empty(12)
    for batch in (x[:300], x[300:]):
        streamed.update(batch)
    assert torch.equal(streamed.mean, halves.mean) and torch.equal(streamed.scatter, halves.scatter)


def test_merging_leaves_both_halves_as_they_were():
    left, right = Moments.of(draw(20, 3)), Moments.of(draw(20, 3, seed=1))
    before = left.scatter.clone(), right.scatter.clone()
    left.merge(right)
    Moments.empty(3).merge(left).update(draw(5, 3))
    assert torch.equal(left.scatter, before[0]) and torch.equal(right.scatter, before[1])


def test_a_stream_of_single_rows():
    x, moments = draw(50, 4), Moments.empty(4)
    for row in x:
        moments.update(row[None])
    assert torch.allclose(moments.covariance, x.T.cov(), atol=1e-12)


def test_a_large_offset_costs_no_precision():
    """Sums of squares would lose all digits here; differences from the mean do not."""
    a, b = draw(400, 8), 2 * draw(400, 8, seed=1)
    assert frechet_distance(a + 1e6, b + 1e6) == pytest.approx(frechet_distance(a, b), rel=1e-6)


@pytest.mark.parametrize(
    "a, b, words",
    [
        (torch.zeros(1, 4), torch.zeros(9, 4), "at least 2 samples"),
        (torch.zeros(9, 4), torch.zeros(9, 5), "different width, 4 and 5"),
        (torch.full((9, 4), math.nan), torch.zeros(9, 4), "NaN or infinity in 9 of 9 rows"),
    ],
)
def test_bad_input_is_named(a, b, words):
    with pytest.raises(ValueError, match=words):
        frechet_distance(a, b)


@pytest.mark.parametrize("d", [3, 256, 257, 700])
def test_half_the_work_gives_the_whole_product(d):
    x = draw(40, d)
    whole = x.T @ x
    assert torch.allclose(gram(x), whole, atol=1e-11)
    triangle, s = draw(d, d, seed=1).triu(), whole + torch.eye(d, dtype=torch.float64)
    expected = triangle @ s @ triangle.T
    assert torch.allclose(congruence(triangle, s).tril(), expected.tril(), atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("n", [2, 3, 50])
def test_a_root_of_features_has_no_row_too_many(n):
    x = 7 + draw(n, 60)
    root, mean = features_root(x)
    assert len(root) == n - 1 and torch.allclose(mean, x.mean(0))
    assert torch.allclose(root.T @ root, x.T.cov(), atol=1e-12)
    assert torch.linalg.svdvals(root)[-1] > 0.1


def test_features_on_a_few_directions_only():
    """Covariances of rank 10 in 40 dimensions, in the same directions or in others: no Cholesky."""
    low, other = draw(10, 40, seed=2), draw(10, 40, seed=3)
    a, b, c = draw(300, 10) @ low, 1.5 * draw(300, 10, seed=1) @ low, draw(300, 10, seed=4) @ other
    for x, y in ((a, b), (a, c)):
        root_x, root_y = (z - z.mean(0) for z in (x, y))
        fidelity = torch.linalg.svdvals(root_x @ root_y.T).sum() / 299
        expected = (x.mean(0) - y.mean(0)).square().sum() + x.var(0).sum() + y.var(0).sum() - 2 * fidelity
        assert frechet_distance(x, y) == pytest.approx(expected.item(), rel=1e-8)
