"""KID against loops over pairs, against the published libraries, and its error against repeated draws."""

import numpy as np
import pytest
import torch

from course_lib.metrics.kernel import kernel_distance, polynomial_kernel, squared_mmd


def draw(n: int, d: int = 6, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def by_pairs(x: torch.Tensor, y: torch.Tensor) -> float:
    """Gretton et al. (2012), eq. (3), pair by pair."""

    def k(a, b):
        return (float(a.double() @ b.double()) / len(a) + 1) ** 3

    within_x = np.mean([k(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j])
    within_y = np.mean([k(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j])
    return within_x + within_y - 2 * np.mean([k(a, b) for a in x for b in y])


def test_agrees_with_loops_over_pairs():
    x, y = draw(9), 1 + 2 * draw(7, seed=1)
    assert squared_mmd(x, y) == pytest.approx(by_pairs(x, y), rel=1e-10)


def test_agrees_with_torchmetrics():
    kid = pytest.importorskip("torchmetrics.image.kid", reason="torchmetrics is not installed (extra: test)")
    x, y = draw(50).double(), 1 + draw(50, seed=1).double()
    assert squared_mmd(x, y) == pytest.approx(kid.poly_mmd(x, y).item(), rel=1e-10)


def test_agrees_with_torch_fidelity():
    theirs = pytest.importorskip(
        "torch_fidelity.metric_kid", reason="torch-fidelity is not installed (extra: test)"
    )
    x, y = draw(40).double(), 1 + draw(40, seed=1).double()
    settings = {"kid_subsets": 1, "kid_subset_size": 40, "verbose": False}
    expected = theirs.kid_features_to_metric(x, y, **settings)["kernel_inception_distance_mean"]
    assert squared_mmd(x, y) == pytest.approx(expected, rel=1e-10)


def test_two_halves_of_one_set_are_at_0_on_average():
    """Unbiased: the mean over many draws is 0 within its error; leaving k(x, x) in would show at once."""
    values = [squared_mmd(draw(20, seed=2 * s), draw(20, seed=2 * s + 1)) for s in range(200)]
    error = np.std(values) / len(values) ** 0.5
    assert abs(np.mean(values)) < 3 * error
    assert min(values) < 0


def test_the_standard_error_is_the_deviation_over_repeated_draws():
    pairs = [kernel_distance(draw(200, seed=2 * s), 0.5 + draw(300, seed=2 * s + 1)) for s in range(60)]
    spread = np.std([kid.value for kid in pairs], ddof=1)
    assert np.mean([kid.error for kid in pairs]) == pytest.approx(spread, rel=0.25)


def test_the_kernel_is_the_papers():
    x = torch.tensor([[1.0, 2.0]])
    assert polynomial_kernel(x, x).item() == pytest.approx((5 / 2 + 1) ** 3)


def test_a_seed_repeats_the_number():
    x, y = draw(100), draw(100, seed=1)
    assert kernel_distance(x, y, seed=3) == kernel_distance(x, y, seed=3)
    assert kernel_distance(x, y, seed=3) != kernel_distance(x, y, seed=4)


@pytest.mark.parametrize(
    "x, y, words",
    [
        (draw(12), draw(100), "at least 20 samples"),
        (draw(100), draw(100, d=5), "different width, 6 and 5"),
        (draw(100) / 0, draw(100), "NaN or infinity in 100 of 100 rows"),
    ],
)
def test_bad_input_is_named(x, y, words):
    with pytest.raises(ValueError, match=words):
        kernel_distance(x, y)
