"""The course's own judge: a small network that reads images well, and whose last hidden layer compares them.

After LeNet-5 (LeCun et al. 1998): two convolutions and 84 features; with BatchNorm, ReLU and max pooling
instead of tanh and averages. Trained by scripts/train_features.py, shipped in weights/ as safetensors.
"""

import json
from itertools import pairwise
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from course_lib.errors import CourseError
from course_lib.types import Features, Images

Logits = Float[Tensor, "b y"]
SHAPE = "channels", "size", "heads", "widths"  # what a file must say to build its network again


class LeNet(nn.Module):
    """Images (b, channels, size, size) -> features (b, 84) and probabilities (b, sum of heads).

    heads: how many classes each question has; (10,) is one question with ten answers. The probabilities of
    a question sum to 1. widths: the channels of each convolution, after which the image is half as large.
    """

    dim = 84

    def __init__(
        self,
        channels: int = 1,
        size: int = 28,
        heads: tuple[int, ...] = (10,),
        widths: tuple[int, ...] = (16, 32),
    ):
        super().__init__()
        self.channels, self.size, self.heads, self.widths = channels, size, tuple(heads), tuple(widths)
        stages = [layer for pair in pairwise((channels, *widths)) for layer in stage(*pair)]
        left = size >> len(widths)  # pixels a side
        self.body = nn.Sequential(*stages, nn.Flatten(), nn.Linear(widths[-1] * left**2, self.dim), nn.ReLU())
        self.head = nn.Linear(self.dim, sum(self.heads))

    def forward(self, x: Images) -> tuple[Features, Logits]:
        features = self.body(x)
        questions = self.head(features).split(self.heads, dim=1)
        return features, torch.cat([logits.softmax(1) for logits in questions], 1)

    def logits(self, x: Images) -> tuple[Logits, ...]:
        """Before the softmax, one tensor for each question: what the cross-entropy wants."""
        return self.head(self.body(x)).split(self.heads, dim=1)


def stage(inputs: int, outputs: int) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, 5, padding=2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        nn.MaxPool2d(2),
    ]


def save_lenet(net: LeNet, path: Path, record: dict) -> None:
    """The weights as safetensors; its shape and `record` (seed, accuracy, ...) in the file's metadata."""
    shape = {name: getattr(net, name) for name in SHAPE}
    state = {name: value.cpu().contiguous() for name, value in net.state_dict().items()}
    save_file(state, path, {name: json.dumps(value) for name, value in (record | shape).items()})


def load_lenet(path: Path) -> LeNet:
    """The network in eval mode. CourseError if the file is missing or damaged."""
    if not path.exists():
        raise CourseError(
            f"The weights {path} are missing: make them with `python scripts/train_features.py {path.stem}`."
        )
    try:
        with safe_open(path, "pt") as file:
            record = {name: json.loads(value) for name, value in file.metadata().items()}
            channels, size, heads, widths = (record[name] for name in SHAPE)
            net = LeNet(channels, size, tuple(heads), tuple(widths))
            net.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    except (SafetensorError, OSError, RuntimeError, KeyError, ValueError, AttributeError):
        raise CourseError(f"The weights {path} are damaged: install the course again.") from None
    return net.eval().requires_grad_(False)
