"""Precision, recall, density and coverage where they are known, against loops, and against a library."""

import pytest
import torch

from course_lib.metrics import neighbours, precision_recall
from course_lib.metrics.precision_recall import precision_recall as measure


def draw(n: int, d: int = 4, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def by_loops(real, generated, k, k_density):
    """The four definitions as the papers print them, one pair at a time."""

    def distances(a, b):
        return torch.cdist(a.double(), b.double(), compute_mode="donot_use_mm_for_euclid_dist").tolist()

    def ball_radii(x, k):
        return [sorted(row)[k] for row in distances(x, x)]

    r_real, r_density, r_generated = (
        ball_radii(real, k),
        ball_radii(real, k_density),
        ball_radii(generated, k),
    )
    to_real, to_generated = distances(generated, real), distances(real, generated)
    n, m = len(real), len(generated)
    precision = sum(any(d <= r for d, r in zip(row, r_real, strict=True)) for row in to_real) / m
    recall = sum(any(d <= r for d, r in zip(row, r_generated, strict=True)) for row in to_generated) / n
    density = sum(sum(d <= r for d, r in zip(row, r_density, strict=True)) for row in to_real) / (
        k_density * m
    )
    coverage = sum(min(row) <= r for row, r in zip(to_generated, r_density, strict=True)) / n
    return precision, recall, density, coverage


@pytest.mark.parametrize("block", [4096, 11])
@pytest.mark.parametrize("k, k_density", [(3, 5), (1, 2), (4, 4)])
def test_agrees_with_loops(block, k, k_density, monkeypatch):
    monkeypatch.setattr(neighbours, "BLOCK", block)
    monkeypatch.setattr(precision_recall, "BLOCK", block)
    real, generated = draw(60), 0.4 + 0.8 * draw(50, seed=1)
    found = measure(real, generated, k, k_density)
    ours = (found.precision, found.recall, found.density, found.coverage)
    assert ours == pytest.approx(by_loops(real, generated, k, k_density), rel=1e-12)
    assert len(set(ours)) == 4 and min(ours) > 0 and max(ours) < 1.5  # an example that can tell them apart


def test_agrees_with_torch_fidelity():
    theirs = pytest.importorskip(
        "torch_fidelity.metric_prc", reason="torch-fidelity is not installed (extra: test)"
    )
    real, generated = draw(300, 8).double(), 0.4 + 0.7 * draw(200, 8, seed=1).double()
    expected = theirs.prc_features_to_metric(generated, real, prc_neighborhood=3, verbose=False)
    found = measure(real, generated)
    assert found.precision == pytest.approx(expected["precision"])
    assert found.recall == pytest.approx(expected["recall"])


def test_the_same_set_twice():
    x = draw(100)
    found = measure(x, x)
    assert (found.precision, found.recall, found.coverage) == (1, 1, 1)
    assert found.density == pytest.approx(by_loops(x, x, 3, 5)[2])  # the rim of a ball belongs to it


def test_far_apart():
    found = measure(draw(100), 100 + draw(100, seed=1))
    assert (found.precision, found.recall, found.density, found.coverage) == (0, 0, 0, 0)


def test_a_collapsed_model_is_precise_and_forgets():
    real = torch.cat([draw(200), 50 + draw(200, seed=1)])
    found = measure(real, draw(300, seed=2))
    assert found.precision > 0.9 and found.density > 0.8
    assert found.recall < 0.6 and found.coverage < 0.55


def test_one_outlier_fools_recall_but_not_coverage():
    """Naeem et al., figure 1: a lone generated outlier draws a huge ball; those around the real stay."""
    real = torch.cat([draw(200), 20 + draw(200, seed=1)])
    generated = torch.cat([draw(300, seed=2), torch.full((1, 4), 40.0)])
    found = measure(real, generated)
    assert found.recall > 0.9
    assert found.coverage < 0.55


@pytest.mark.parametrize(
    "real, generated, words",
    [
        (draw(5), draw(50), "at least 6 samples on each side, got 5"),
        (draw(50), draw(50, d=3), "different width, 4 and 3"),
        (draw(50), draw(50) / 0, "NaN or infinity"),
    ],
)
def test_bad_input_is_named(real, generated, words):
    with pytest.raises(ValueError, match=words):
        measure(real, generated)
