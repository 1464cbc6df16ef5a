"""The extractor: any size, grey or colour, in batches, leaving no trace; its networks load or say why."""

import sys

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from course_lib.errors import CourseError
from course_lib.metrics import features
from course_lib.metrics.features import FeatureExtractor, fit_to, lenet_extractor, resize, to_channels
from course_lib.metrics.lenet import LeNet, load_lenet, save_lenet


class Tiny(nn.Module):
    """BatchNorm and dropout, so that a forgotten eval mode shows."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Flatten(), nn.Linear(64, 5), nn.BatchNorm1d(5), nn.Dropout(0.5), nn.ReLU()
        )
        self.head = nn.Linear(5, 3)

    def forward(self, x):
        features = self.body(x)
        return features, self.head(features).softmax(1)


def tiny(**settings) -> FeatureExtractor:
    torch.manual_seed(0)
    return FeatureExtractor("tiny", 5, 3, Tiny().train(), fit_to(8, 1), **settings)


def images(n: int = 7, channels: int = 1, size: int = 8) -> torch.Tensor:
    return torch.rand(n, channels, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("channels, size", [(1, 8), (3, 8), (1, 28), (3, 64), (3, 5)])
def test_any_size_grey_or_colour(channels, size):
    found, probabilities = tiny()(images(7, channels, size))
    assert found.shape == (7, 5) and probabilities.shape == (7, 3)
    assert torch.allclose(probabilities.sum(1), torch.ones(7))


def test_batches_make_no_difference_and_nothing_is_left_behind():
    whole, parts = tiny(batch=100), tiny(batch=2)
    before = {name: value.clone() for name, value in whole.net.state_dict().items()}
    x = images()
    assert torch.allclose(whole(x)[0], parts(x)[0], atol=1e-6)
    assert torch.equal(whole(x)[0], whole(x)[0])
    assert not whole(x)[0].requires_grad
    assert whole.net.training and whole.net.body[3].training
    assert all(torch.equal(value, before[name]) for name, value in whole.net.state_dict().items())


def test_autocast_if_asked():
    plain = tiny()(images())[0]
    rounded = tiny(precision=lambda: torch.autocast("cpu", dtype=torch.bfloat16))(images())[0]
    assert rounded.dtype == torch.float32
    assert not torch.equal(plain, rounded) and torch.allclose(plain, rounded, atol=0.05)


def test_half_precision_images_are_taken():
    assert tiny()(images().bfloat16())[0].dtype == torch.float32


def test_shrinking_smooths_and_a_fitting_size_is_left_alone():
    noise = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0)).sign()
    assert resize(noise, 8).std() < 0.15  # 1/8 for means of 8x8; without antialiasing four pixels count, 1/2
    x = images()
    assert resize(x, 8) is x


def test_grey_and_colour():
    grey = images()
    assert torch.allclose(to_channels(to_channels(grey, 3), 1), grey, atol=1e-6)
    green = torch.tensor([-1.0, 1.0, -1.0]).view(1, 3, 1, 1)
    assert to_channels(green, 1).item() == pytest.approx(2 * 0.587 - 1, abs=1e-6)
    with pytest.raises(ValueError, match="1 or 3 channels, got 4"):
        to_channels(images(channels=4), 3)


def test_a_network_that_is_not_what_it_says():
    torch.manual_seed(0)
    with pytest.raises(ValueError, match="should give 6 features and 3 probabilities"):
        FeatureExtractor("tiny", 6, 3, Tiny(), fit_to(8, 1))(images())


@pytest.mark.parametrize(
    "bad, words", [(images() * 9, "values from"), (images() / 0, "NaN"), (images(0), "empty batch")]
)
def test_what_is_not_images_is_named(bad, words):
    with pytest.raises(ValueError, match=words):
        tiny()(bad)


def test_a_lenet_goes_to_a_file_and_back(tmp_path):
    torch.manual_seed(0)
    net = LeNet(channels=3, size=32, heads=(2, 4)).eval()
    save_lenet(net, tmp_path / "faces.safetensors", {"seed": 0, "accuracy": 0.99})
    extractor = lenet_extractor(tmp_path / "faces.safetensors", "faces-LeNet")
    assert (extractor.dim, extractor.classes, extractor.exclusive) == (84, 6, False)
    x = images(5, 3, 32)
    found, probabilities = extractor(x)
    expected = net(x)
    assert torch.equal(found, expected[0]) and torch.equal(probabilities, expected[1])
    assert torch.allclose(probabilities[:, :2].sum(1), torch.ones(5))


def test_weights_that_are_missing_or_damaged(tmp_path):
    with pytest.raises(
        CourseError, match=r"missing: make them with `python scripts/train_features.py digits`"
    ):
        load_lenet(tmp_path / "digits.safetensors")
    save_lenet(LeNet(), tmp_path / "whole.safetensors", {})
    whole = (tmp_path / "whole.safetensors").read_bytes()
    (tmp_path / "short.safetensors").write_bytes(whole[:-100])
    (tmp_path / "empty.safetensors").write_bytes(b"")
    save_file({"x": torch.zeros(2)}, tmp_path / "other.safetensors")
    for name in ("short", "empty", "other"):
        with pytest.raises(CourseError, match="damaged: install the course again"):
            load_lenet(tmp_path / f"{name}.safetensors")


def test_inception_without_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch_fidelity.feature_extractor_inceptionv3", None)
    with pytest.raises(CourseError, match="pip install torch-fidelity"):
        features.inception_extractor()


def test_inception_without_a_network(monkeypatch):
    theirs = pytest.importorskip(
        "torch_fidelity.feature_extractor_inceptionv3",
        reason="torch-fidelity is not installed (extra: test)",
    )

    def no_network(*_, **__):
        raise OSError("Name or service not known")

    monkeypatch.setattr(theirs, "load_state_dict_from_url", no_network)
    with pytest.raises(
        CourseError, match=r"could not be downloaded .*Name or service not known.*digits, faces"
    ):
        features.inception_extractor()


def test_inception_with_weights_at_hand(monkeypatch):
    """Random weights in place of the download: what goes in and comes out is as it will be."""
    theirs = pytest.importorskip(
        "torch_fidelity.feature_extractor_inceptionv3",
        reason="torch-fidelity is not installed (extra: test)",
    )
    monkeypatch.setattr(theirs, "load_state_dict_from_url", lambda *_, **__: {})
    monkeypatch.setattr(theirs.FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
    extractor = features.inception_extractor()
    found, probabilities = extractor(images(2, 1, 28))
    assert found.shape == (2, 2048) and probabilities.shape == (2, 1008)
    assert torch.allclose(probabilities.sum(1), torch.ones(2), atol=1e-5)
