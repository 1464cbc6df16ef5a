"""From images to the features in which they are compared, and the class probabilities of a score.

A distance is only as good as its features, and two distances can be compared only in the same ones: an
extractor therefore has a name, and every printed result bears it ("FID (digits-LeNet, 5,000 v 5,000)").
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from course_lib.device import Precision, evaluating, float32
from course_lib.errors import CourseError
from course_lib.images import require_images, to_uint8
from course_lib.metrics.lenet import load_lenet
from course_lib.metrics.require import OtherImages
from course_lib.types import Features, Images

Probabilities = Float[Tensor, "n y"]
WEIGHTS = Path(__file__).parent / "weights"
GREY = (0.299, 0.587, 0.114)  # how bright red, green and blue look (ITU-R BT.601)


@dataclass(frozen=True)
class FeatureExtractor:
    """Images of the course, of any size, grey or colour -> features (n, dim) and probabilities (n, classes).

    `net` maps what `prepare` made of a batch to (features, probabilities), which come back on the CPU.
    """

    name: str  # as it stands in printed results: "digits-LeNet"
    dim: int
    classes: int
    net: nn.Module
    prepare: Callable[[Images], Tensor]
    exclusive: bool = True  # one class per image, so that an Inception Score has a meaning
    batch: int = 250
    precision: Precision = float32

    def __call__(self, images: Images) -> tuple[Features, Probabilities]:
        """In batches, in eval mode, without gradients, on the device of `net`. ValueError if not images."""
        require_images(images)
        device = next(self.net.parameters()).device
        parts = []
        with evaluating(self.net), self.precision():
            for batch in images.split(self.batch):
                features, probabilities = self.net(self.prepare(batch.to(device).float()))
                parts.append((features.float().cpu(), probabilities.float().cpu()))
        features, probabilities = (torch.cat(rows) for rows in zip(*parts, strict=True))
        self._require_widths(features, probabilities)
        return features, probabilities

    def to(self, device: torch.device | str) -> "FeatureExtractor":
        """This extractor with its network moved there."""
        self.net.to(device)
        return self

    def _require_widths(self, features: Tensor, probabilities: Tensor) -> None:
        got = tuple(features.shape[1:]), tuple(probabilities.shape[1:])
        if got != ((self.dim,), (self.classes,)):
            raise ValueError(
                f"{self.name} should give {self.dim} features and {self.classes} probabilities per image, "
                f"but its network gave {got[0]} and {got[1]}"
            )


def fit_to(size: int, channels: int) -> Callable[[Images], OtherImages]:
    """Prepares images of any size and colour for a network that wants (b, channels, size, size)."""
    return lambda x: to_channels(resize(x, size), channels)


def resize(x: Images, size: int) -> OtherImages:
    """To size x size, smoothed where it shrinks (Parmar et al., arXiv:2104.11222); as it is if it fits."""
    if x.shape[2:] == (size, size):
        return x
    return F.interpolate(x, (size, size), mode="bilinear", antialias=True)


def to_channels(x: Images, channels: int) -> OtherImages:
    """Grey to colour by repeating, colour to grey by brightness; ValueError for anything else."""
    if x.shape[1] == channels:
        return x
    if x.shape[1] == 1:
        return x.expand(-1, channels, -1, -1)
    if x.shape[1] == 3 and channels == 1:
        weights = torch.tensor(GREY, dtype=x.dtype, device=x.device).view(1, 3, 1, 1)
        return (x * weights).sum(1, keepdim=True)
    raise ValueError(
        f"expected images with 1 or 3 channels, got {x.shape[1]}: pick the channels to be compared"
    )


def digits_extractor(device: torch.device | str = "cpu") -> FeatureExtractor:
    """84 features of a LeNet that reads handwritten digits, and its 10 classes. Ships with the course."""
    return lenet_extractor(WEIGHTS / "digits.safetensors", "digits-LeNet", device)


def faces_extractor(device: torch.device | str = "cpu") -> FeatureExtractor:
    """84 features of a LeNet that names the attributes of the course's faces; the classes of each in turn."""
    return lenet_extractor(WEIGHTS / "faces.safetensors", "faces-LeNet", device)


def lenet_extractor(path: Path, name: str, device: torch.device | str = "cpu") -> FeatureExtractor:
    """The extractor made of a LeNet in a safetensors file; CourseError if it is missing or damaged."""
    net = load_lenet(path).to(device)
    exclusive = len(net.heads) == 1
    prepare = fit_to(net.size, net.channels)
    return FeatureExtractor(name, net.dim, sum(net.heads), net, prepare, exclusive)


def inception_extractor(device: torch.device | str = "cpu") -> FeatureExtractor:
    """The 2,048 features of the original FID and the 1,008 classes of the original Inception Score.

    The network comes through torch-fidelity and is downloaded once (91 MB). CourseError if it cannot be had.
    Images pass as uint8 colour, at their own size: the network resizes them as the original did.
    """
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except ImportError:
        raise CourseError(
            "Inception features need the package torch-fidelity: run `pip install torch-fidelity`."
        ) from None
    try:
        net = FeatureExtractorInceptionV3("inception-v3-compat", ["2048", "logits_unbiased"])
    except (OSError, RuntimeError) as error:  # no network, a time-out; a damaged download
        raise CourseError(
            f"The Inception network could not be downloaded ({error}): connect to the internet, "
            "or use the course's own features (digits, faces)."
        ) from None
    return FeatureExtractor(
        name="Inception-v3",
        dim=2048,
        classes=1008,
        net=_Softmax(net).to(device),
        prepare=lambda x: to_uint8(to_channels(x, 3)),
        batch=50,
    )


class _Softmax(nn.Module):
    """(features, logits) -> (features, probabilities)."""

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features, logits = self.net(x)
        return features, logits.softmax(1)
