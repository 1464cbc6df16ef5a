"""What loader, loop, checkpoints and view cost: images per processor second, against a loop written by hand.

    OMP_WAIT_POLICY=PASSIVE python tests/benchmarks/bench_loop.py [PAIRS]

Both train the same small convolutional VAE on random 28x28 images, by turns in one process.
"""

import os
import statistics
import sys
import tempfile
import time

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from torch import nn

from course_lib.data.batches import Batches
from course_lib.images import from_uint8
from course_lib.notebook import live, panel, show
from course_lib.training.checkpoint import Checkpoint
from course_lib.training.ema import EMA
from course_lib.training.loop import Player, train

STEPS, SIZE = 150, 128
FLOOR = 0.70


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 32, 4, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 4, 2, 1), nn.ReLU(),
            nn.Flatten(), nn.Linear(64 * 49, 32),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            nn.Linear(16, 64 * 49), nn.ReLU(), nn.Unflatten(1, (64, 7, 7)),
            nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(32, 1, 4, 2, 1),
        )  # fmt: skip

    def loss(self, x):
        mean, log_variance = self.encoder(x).chunk(2, 1)
        z = mean + (log_variance / 2).exp() * torch.randn_like(mean)
        kl = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1).mean()
        return {"recon": (self.decoder(z) - x).square().flatten(1).sum(1).mean(), "kl": kl}


def bare(images: torch.Tensor) -> None:
    vae = VAE()
    adam = torch.optim.Adam(vae.parameters(), lr=1e-3)
    floats = from_uint8(images)
    for k in range(STEPS):
        i = k * SIZE % (len(floats) - SIZE)
        adam.zero_grad(set_to_none=True)
        sum(vae.loss(floats[i : i + SIZE]).values()).backward()
        adam.step()


def course(images: torch.Tensor) -> None:
    vae = VAE()
    adam, ema = torch.optim.Adam(vae.parameters(), lr=1e-3), EMA(vae)
    player = Player("VAE", lambda batch: vae.loss(batch["image"]), adam)
    z = torch.randn(16, 16)

    def draw():
        with torch.no_grad():
            return ema.net.decoder(z).clamp(-1, 1)

    with tempfile.TemporaryDirectory() as folder:
        run = Checkpoint(folder, {"vae": vae, "adam": adam, "ema": ema})
        loop = train([player], Batches({"image": images}, SIZE, device="cpu"), STEPS)
        for _ in run.keep(live.watch(loop, draw=draw, alt="samples"), every=50):
            ema.update()


def processor_seconds(job, images: torch.Tensor) -> float:
    torch.manual_seed(0)
    began = time.process_time()
    job(images)
    return time.process_time() - began


def main(pairs: int) -> int:
    for module in (show, live, panel):
        module.in_notebook = lambda: True
    panel.buttons_work = lambda: False
    images = torch.randint(0, 256, (5_000, 1, 28, 28), dtype=torch.uint8)
    import IPython.display

    IPython.display.publish_display_data = lambda *_, **__: None
    processor_seconds(course, images)  # warm up
    times = [(processor_seconds(bare, images), processor_seconds(course, images)) for _ in range(pairs)]
    ratios = [b / c for b, c in times]
    for name, column in zip(("bare", "course"), zip(*times, strict=True), strict=True):
        print(f"{name:7} {STEPS * SIZE / statistics.median(column):8.0f} images per processor second")
    median = statistics.median(ratios)
    print(
        f"ratio   {median:.3f} (median of n = {pairs}, {min(ratios):.3f} to {max(ratios):.3f}); floor {FLOOR}"
    )
    return int(median < FLOOR)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 7))
