"""Train the network in whose features the course compares images: `python scripts/train_features.py digits`.

`digits` learns to read MNIST, `faces` to name the attributes of the course's drawn faces. Each writes
course_lib/metrics/weights/NAME.safetensors, with the settings, the data and the held-out accuracy in its
metadata, and the same record beside it as NAME.json. Two minutes on one core for digits (with all of MNIST),
six for faces.
"""

import hashlib
import json
import sys
import time
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib.data.batches import Batches, ImageSet
from course_lib.data.digits import digits
from course_lib.data.faces import ATTRIBUTES, faces
from course_lib.device import evaluating, pick_device
from course_lib.images import from_uint8
from course_lib.metrics.features import WEIGHTS
from course_lib.metrics.lenet import LeNet, save_lenet
from course_lib.training.loop import Player, train, warm_down
from course_lib.types import Batch, Bytes, Images, Losses


@dataclass(frozen=True)
class Digits:
    seed: int = 0
    epochs: int = 8
    batch: int = 128  # images
    rate: float = 2e-3  # Adam's learning rate, at its height
    shift: int = 2  # pixels by which a training digit may sit off its place

    def data(self) -> tuple[ImageSet, ImageSet]:
        """To train on, and held out."""
        return digits("train"), digits("test")

    def net(self) -> LeNet:
        return LeNet()

    def augment(self, x: Images, generator: torch.Generator) -> Images:
        return shifted(F.pad(x, [self.shift] * 4, value=-1.0), self.shift, generator)

    def finish(self, net: LeNet, images: Bytes) -> None:
        """The features stay as they came out."""


@dataclass(frozen=True)
class Faces:
    """Mostly photos, the style of the distances; other lights, blur and noise, for what a model may draw."""

    seed: int = 2_000_001  # of the faces too; no lesson and no reference of `evaluate` uses these seeds
    seed_held_out: int = 2_000_002
    photos: int = 24_000
    others: int = 3_000  # in painting and as many at night, of further faces
    held_out: int = 5_000  # photos
    epochs: int = 11
    batch: int = 128  # images
    rate: float = 2e-3  # Adam's learning rate, at its height
    shift: int = 1  # pixels
    noise: float = 0.1  # largest standard deviation, where white is 1 and black -1
    widths: tuple[int, ...] = (24, 48, 64)
    variance: float = 14.0  # of a feature on average; as the digits' has, so that distances are of one size

    def data(self) -> tuple[ImageSet, ImageSet]:
        parts = [faces(self.photos, seed=self.seed)]
        for index, style in enumerate(("painting", "night")):
            start = self.photos + index * self.others
            parts.append(faces(self.others, seed=self.seed, style=style, start=start))
        whole = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        return whole, faces(self.held_out, seed=self.seed_held_out)

    def net(self) -> LeNet:
        return LeNet(3, 32, tuple(len(values) for values in ATTRIBUTES.values()), self.widths)

    def augment(self, x: Images, generator: torch.Generator) -> Images:
        """Every fourth image blurred, every other fourth noisy; half are as they were drawn."""
        x = shifted(F.pad(x, [self.shift] * 4, mode="replicate"), self.shift, generator).clone()
        x[0::4] = F.avg_pool2d(F.pad(x[0::4], [1] * 4, mode="replicate"), 3, stride=1)
        noise = torch.randn(x[2::4].shape, generator=generator).to(x.device)
        strength = self.noise * torch.rand(len(noise), 1, 1, 1, generator=generator).to(x.device)
        x[2::4] = (x[2::4] + strength * noise).clamp(-1, 1)
        return x

    def finish(self, net: LeNet, images: Bytes) -> None:
        scale_features(net, images[:2_000], self.variance)


KINDS = {"digits": Digits(), "faces": Faces()}
QUESTIONS = {"digits": ("label",), "faces": tuple(ATTRIBUTES)}  # one head of the network for each


def train_features(kind: str) -> None:
    settings, questions = KINDS[kind], QUESTIONS[kind]
    torch.manual_seed(settings.seed)
    device = pick_device()
    training, held_out = settings.data()
    net = settings.net().to(device)
    generator = torch.Generator().manual_seed(settings.seed)

    def loss(batch: Batch) -> Losses:
        logits = net.logits(settings.augment(batch["image"], generator))
        pairs = zip(questions, logits, strict=True)
        return {name: F.cross_entropy(answer, batch[name]) for name, answer in pairs}

    batches = Batches(training, settings.batch, seed=settings.seed, device=device)
    steps = settings.epochs * batches.per_epoch
    players = [Player("LeNet", loss, torch.optim.Adam(net.parameters(), lr=settings.rate))]
    began = time.process_time()
    for step in train(players, batches, steps, schedule=warm_down):
        if step.index % batches.per_epoch == 0:
            total, spent = sum(step.losses["LeNet"].values()), time.process_time() - began
            print(f"step {step.index:,} of {steps:,}, loss {total:.3f}, {spent:.0f} processor s", flush=True)
    settings.finish(net, training["image"])
    found = accuracy(net, held_out, questions)
    record = {
        "accuracy": found if len(found) > 1 else found[questions[0]],
        "held_out": len(held_out["image"]),
        "trained_on": len(training["image"]),
        "settings": asdict(settings),
        "settings_hash": settings_hash(kind),
        "torch": torch.__version__.split("+")[0],
    }
    WEIGHTS.mkdir(exist_ok=True)
    save_lenet(net, WEIGHTS / f"{kind}.safetensors", record)
    (WEIGHTS / f"{kind}.json").write_text(json.dumps(record, indent=2) + "\n")
    print(json.dumps(record))


def settings_hash(kind: str) -> str:
    """Tells weights that were trained with other settings than the script has now."""
    return hashlib.sha256(json.dumps(asdict(KINDS[kind])).encode()).hexdigest()[:16]


def shifted(padded: Images, shift: int, generator: torch.Generator) -> Images:
    """The whole batch moved by up to `shift` pixels either way: a part of images with a rim that wide."""
    down, right = torch.randint(0, 2 * shift + 1, (2,), generator=generator).tolist()
    height, width = padded.shape[2] - 2 * shift, padded.shape[3] - 2 * shift
    return padded[:, :, down : down + height, right : right + width]


def scale_features(net: LeNet, images: Bytes, variance: float) -> None:
    """Bring the features to this average variance on these images; the answers stay the same."""
    last, device = net.body[-2], next(net.parameters()).device
    with evaluating(net), torch.no_grad():
        features, _ = net(from_uint8(images).to(device))
        factor = (variance / features.var(0).mean()).sqrt()
        last.weight *= factor
        last.bias *= factor
        net.head.weight /= factor


def accuracy(net: LeNet, data: ImageSet, questions: tuple[str, ...]) -> dict[str, float]:
    """For each question, the share of images of which the likeliest answer is the right one."""
    device = next(net.parameters()).device
    with evaluating(net):
        parts = [net.logits(from_uint8(images).to(device)) for images in data["image"].split(500)]

    def share(answers: tuple[Tensor, ...], name: str) -> float:
        right = torch.cat(answers).argmax(1).cpu() == data[name]
        return round(right.double().mean().item(), 4)

    return {
        name: share(answers, name) for name, answers in zip(questions, zip(*parts, strict=True), strict=True)
    }


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in KINDS:
        sys.exit(f"Say which: python scripts/train_features.py {' or '.join(KINDS)}")
    train_features(sys.argv[1])
