"""The Inception Score where it is known, against loops, and against the published library."""

import math

import numpy as np
import pytest
import torch

from course_lib.metrics.inception_score import inception_score, score_of


def draw(n: int, classes: int = 10, seed: int = 0) -> torch.Tensor:
    return (3 * torch.randn(n, classes, generator=torch.Generator().manual_seed(seed))).softmax(1)


def test_clear_and_even_classes_score_their_number():
    assert inception_score(torch.eye(10).repeat(100, 1), splits=2).value == pytest.approx(10, rel=0.05)
    assert score_of(torch.eye(10).repeat(100, 1).double()) == pytest.approx(10)


def test_one_class_or_no_clear_class_scores_1():
    one = torch.eye(10)[3].expand(200, 10)
    assert inception_score(one).value == pytest.approx(1)
    assert inception_score(torch.full((200, 10), 0.1)).value == pytest.approx(1)


def test_agrees_with_loops():
    p = draw(50).double()
    q = p.mean(0)
    kl = [sum(float(a) * math.log(a / b) for a, b in zip(row, q, strict=True)) for row in p]
    assert score_of(p) == pytest.approx(math.exp(np.mean(kl)), rel=1e-10)


def test_agrees_with_torch_fidelity():
    theirs = pytest.importorskip(
        "torch_fidelity.metric_isc", reason="torch-fidelity is not installed (extra: test)"
    )
    p = draw(500).double()
    p = p / p.sum(1, keepdim=True)
    order = torch.randperm(500, generator=torch.Generator().manual_seed(0))  # as ours shuffles
    expected = theirs.isc_features_to_metric(p[order].log(), splits=10, shuffle=False)
    score = inception_score(p, splits=10, seed=0)
    assert score.value == pytest.approx(expected["inception_score_mean"], rel=1e-10)
    assert score.error == pytest.approx(expected["inception_score_std"] / 9**0.5, rel=1e-8)


def test_the_standard_error_is_the_deviation_over_repeated_draws():
    scores = [inception_score(draw(500, seed=s)) for s in range(60)]
    spread = np.std([score.value for score in scores], ddof=1)
    assert np.mean([score.error for score in scores]) == pytest.approx(spread, rel=0.25)


@pytest.mark.parametrize("p", [torch.randn(100, 10), torch.full((100, 10), math.nan), torch.rand(100, 10)])
def test_logits_are_not_probabilities(p):
    with pytest.raises(ValueError, match="softmax them"):
        inception_score(p)


def test_too_few_images():
    with pytest.raises(ValueError, match="10 splits, 12 images"):
        inception_score(draw(12))
