"""Train the network whose features the course's distances use: `python scripts/train_features.py digits`.

Writes course_lib/metrics/weights/digits.safetensors, with the seed, the data and the held-out accuracy in its
metadata, and the same record beside it as digits.json. Two minutes on one core, with all of MNIST.
"""

import json
import sys
import time

import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib.data.batches import Batches, ImageSet
from course_lib.data.digits import digits
from course_lib.device import evaluating, pick_device
from course_lib.images import from_uint8
from course_lib.metrics.features import WEIGHTS
from course_lib.metrics.lenet import LeNet, save_lenet
from course_lib.training.loop import Player, train, warm_down
from course_lib.types import Batch, Images, Losses

SEED = 0
EPOCHS = 8
BATCH = 128  # images
RATE = 2e-3  # Adam's learning rate, at its height
SHIFT = 2  # pixels by which a training digit may sit off its place


def shifted(x: Images, generator: torch.Generator) -> Images:
    """The whole batch moved by up to SHIFT pixels either way, on a dark ground."""
    down, right = torch.randint(0, 2 * SHIFT + 1, (2,), generator=generator).tolist()
    height, width = x.shape[2:]
    return F.pad(x, [SHIFT] * 4, value=-1.0)[:, :, down : down + height, right : right + width]


def train_digits() -> None:
    torch.manual_seed(SEED)
    device = pick_device()
    training, held_out = digits("train"), digits("test")
    net = LeNet().to(device)
    generator = torch.Generator().manual_seed(SEED)

    def loss(batch: Batch) -> Losses:
        (logits,) = net.logits(shifted(batch["image"], generator))
        return {"cross-entropy": F.cross_entropy(logits, batch["label"])}

    batches = Batches(training, BATCH, seed=SEED, device=device)
    steps = EPOCHS * batches.per_epoch
    players = [Player("LeNet", loss, torch.optim.Adam(net.parameters(), lr=RATE))]
    began = time.process_time()
    for step in train(players, batches, steps, schedule=warm_down):
        if step.index % batches.per_epoch == 0:
            print(f"step {step.index:,} of {steps:,}, {time.process_time() - began:.0f} processor seconds")
    record = {
        "accuracy": round(accuracy(net, held_out), 4),
        "held_out": len(held_out["label"]),
        "trained_on": len(training["label"]),
        "epochs": EPOCHS,
        "seed": SEED,
        "torch": torch.__version__.split("+")[0],
    }
    WEIGHTS.mkdir(exist_ok=True)
    save_lenet(net, WEIGHTS / "digits.safetensors", record)
    (WEIGHTS / "digits.json").write_text(json.dumps(record, indent=2) + "\n")
    print(json.dumps(record))


def accuracy(net: LeNet, data: ImageSet) -> float:
    """The share of images of which the likeliest class is the label."""
    device = next(net.parameters()).device

    def right(images: Tensor, labels: Tensor) -> Tensor:
        return net(from_uint8(images).to(device))[1].argmax(1).cpu() == labels

    with evaluating(net):
        parts = [
            right(*rows) for rows in zip(data["image"].split(500), data["label"].split(500), strict=True)
        ]
    return torch.cat(parts).double().mean().item()


if __name__ == "__main__":
    if sys.argv[1:] != ["digits"]:
        sys.exit("Say which: python scripts/train_features.py digits")
    train_digits()
