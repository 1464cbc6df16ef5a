"""Our GANs against those of the public scripts, at equal processor seconds, under one judge.

    OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE python tests/benchmarks/bench_gans.py [seconds] [name ...]

The baselines are written anew from the settings that such scripts share: images through a DataLoader, as
32x32 where the script says so, float32, Adam (2e-4; 0.5, 0.999), a sigmoid at the end of D. Each model gets
the same processor seconds (240 by default) on the whole training set, and is judged by the Fréchet distance
of the course's digit features, 5,000 samples. Prints a line a model, and the ratios; use an idle machine.
"""

import json
import sys
import time

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from course_lib.data.batches import Batches
from course_lib.data.digits import digits
from course_lib.device import evaluating, fast_precision, place
from course_lib.images import from_uint8
from course_lib.metrics.evaluate import conditional_accuracy, evaluate
from course_lib.metrics.features import digits_extractor
from course_lib.models import cgan, dcgan, gan
from course_lib.models.gan import Game, draw_codes, gan_players, sample_gan
from course_lib.training.ema import EMA
from course_lib.training.loop import cpu_seconds, train, warm_down

CODES = 100  # the scripts' z
N = 5_000  # samples judged


# ------------------------------------------------------------------------------------------- the baselines


def public_gan() -> tuple[nn.Module, nn.Module, int]:
    """Linear layers 128 to 1,024 with BatchNorm(momentum 0.8), LeakyReLU in both networks, at 28x28."""
    layers: list[nn.Module] = [nn.Linear(CODES, 128), nn.LeakyReLU(0.2)]
    for a, b in ((128, 256), (256, 512), (512, 1024)):
        layers += [nn.Linear(a, b), nn.BatchNorm1d(b, 0.8), nn.LeakyReLU(0.2)]
    G = nn.Sequential(*layers, nn.Linear(1024, 784), nn.Tanh(), nn.Unflatten(1, (1, 28, 28)))
    D = nn.Sequential(
        nn.Flatten(), nn.Linear(784, 512), nn.LeakyReLU(0.2), nn.Linear(512, 256), nn.LeakyReLU(0.2),
        nn.Linear(256, 1), nn.Sigmoid(),
    )  # fmt: skip
    return G, D, 28


def public_dcgan() -> tuple[nn.Module, nn.Module, int]:
    """Upsampling and 3x3 convolutions, dropout in D, at 32x32."""
    G = nn.Sequential(
        nn.Linear(CODES, 128 * 64), nn.Unflatten(1, (128, 8, 8)), nn.BatchNorm2d(128),
        nn.Upsample(scale_factor=2), nn.Conv2d(128, 128, 3, 1, 1),
        nn.BatchNorm2d(128, 0.8), nn.LeakyReLU(0.2),
        nn.Upsample(scale_factor=2), nn.Conv2d(128, 64, 3, 1, 1), nn.BatchNorm2d(64, 0.8), nn.LeakyReLU(0.2),
        nn.Conv2d(64, 1, 3, 1, 1), nn.Tanh(),
    )  # fmt: skip
    layers: list[nn.Module] = []
    for a, b in ((1, 16), (16, 32), (32, 64), (64, 128)):
        layers += [nn.Conv2d(a, b, 3, 2, 1), nn.LeakyReLU(0.2), nn.Dropout2d(0.25)]
        layers += [nn.BatchNorm2d(b, 0.8)] if a > 1 else []
    D = nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * 4, 1), nn.Sigmoid())
    for layer in (*G, *D):  # these scripts draw convolutions from N(0, 0.02)
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
    return G, D, 32


class Told(nn.Module):
    """A network that gets an embedded label appended to its flat input, as the scripts' CGAN does."""

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net, self.embed = net, nn.Embedding(10, 10)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.net(torch.cat([x.flatten(1), self.embed(y)], dim=1))


def public_cgan() -> tuple[nn.Module, nn.Module, int]:
    """Embedded labels, least squares, dropout 0.4 in D, at 32x32."""
    layers: list[nn.Module] = [nn.Linear(CODES + 10, 128), nn.LeakyReLU(0.2)]
    for a, b in ((128, 256), (256, 512), (512, 1024)):
        layers += [nn.Linear(a, b), nn.BatchNorm1d(b, 0.8), nn.LeakyReLU(0.2)]
    G = Told(nn.Sequential(*layers, nn.Linear(1024, 1024), nn.Tanh(), nn.Unflatten(1, (1, 32, 32))))
    D = Told(
        nn.Sequential(
            nn.Linear(1034, 512), nn.LeakyReLU(0.2), nn.Linear(512, 512), nn.Dropout(0.4), nn.LeakyReLU(0.2),
            nn.Linear(512, 512), nn.Dropout(0.4), nn.LeakyReLU(0.2), nn.Linear(512, 1),
        )
    )  # fmt: skip
    return G, D, 32


def train_public(name: str, data: dict, budget: float):
    """The loop that these scripts share; G first, then D, both losses from labels of ones and zeros."""
    G, D, size = {"gan": public_gan, "dcgan": public_dcgan, "cgan": public_cgan}[name]()
    loss = F.mse_loss if name == "cgan" else F.binary_cross_entropy
    adam_G, adam_D = (torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999)) for net in (G, D))
    loader = DataLoader(TensorDataset(data["image"], data["label"]), batch_size=64, shuffle=True)
    began, steps = time.process_time(), 0
    while time.process_time() - began < budget:
        for x, y in loader:
            x = from_uint8(x)
            x = x if size == 28 else F.interpolate(x, size=size, mode="bilinear", antialias=True)
            told, asked = ((y,), (torch.randint(10, y.shape),)) if name == "cgan" else ((), ())
            fake = G(torch.randn(len(x), CODES), *asked)
            ones, zeros = torch.ones(len(x), 1), torch.zeros(len(x), 1)
            adam_G.zero_grad()
            loss(D(fake, *asked), ones).backward()
            adam_G.step()
            adam_D.zero_grad()
            ((loss(D(x, *told), ones) + loss(D(fake.detach(), *asked), zeros)) / 2).backward()
            adam_D.step()
            steps += 1
            if time.process_time() - began >= budget:
                break

    def sample(z: Tensor, *y: Tensor) -> Tensor:
        with evaluating(G):
            x = G(z, *y)
            return x if size == 28 else F.interpolate(x, size=28, mode="bilinear", antialias=True)

    return sample, CODES, steps * loader.batch_size


# ------------------------------------------------------------------------------------------------- ours


def smoothed_players(G: nn.Module, D: nn.Module, game: Game):
    return gan_players(G, D, game, gan.smoothed_discriminator_loss)


def our_gan(game: Game):
    return gan.make_generator(game.d), gan.make_discriminator(), smoothed_players


def our_dcgan(game: Game):
    sizes = {"channels": 1, "size": 28, "maps": 16, "smallest": 4}
    return dcgan.make_generator(game.d, **sizes), dcgan.make_discriminator(**sizes), smoothed_players


def our_cgan(game: Game):
    return *cgan.make_conditional_dcgan(game.d, lambda: cgan.OneHot(10), 10), cgan.matching_players


OURS = {
    "gan": (our_gan, gan.DIGITS),
    "dcgan": (our_dcgan, dcgan.DIGITS),
    "cgan": (our_cgan, cgan.CONVOLUTIONAL_DIGITS),
}


def train_ours(name: str, data: dict, budget: float):
    make, game = OURS[name]
    G, D, players = make(game)
    G, D = place(G), place(D)
    ema, steps = EMA(G, game.ema), 0
    batches = Batches(data, game.batch * game.k)
    for step in train(
        players(G, D, game), batches, cpu_seconds(budget), schedule=warm_down, precision=fast_precision()
    ):
        ema.update()
        steps = step.index + 1
    return lambda z, *y: sample_gan(ema.net, z, *y), game.d, steps * batches.size


# ------------------------------------------------------------------------------------------------- judge


def judged(name: str, budget: float, sample, d: int, seen: int) -> dict:
    told = name == "cgan"
    began = time.process_time()
    sample(draw_codes(1_000, d), *([torch.arange(1_000) % 10] if told else []))
    drawn = 1_000 / (time.process_time() - began)
    score = evaluate(lambda n: sample(draw_codes(n, d), *([torch.arange(n) % 10] if told else [])), n=N)
    low, high = score.fid.interval
    row = {"images a CPU-second": round(seen / budget), "samples a CPU-second": round(drawn)}
    row |= {"fid": round(score.fid.value, 1), "interval": [round(low, 1), round(high, 1)]}
    row |= {"precision": round(score.manifolds.precision, 3), "recall": round(score.manifolds.recall, 3)}
    if told:
        y = torch.arange(N) % 10
        row["accuracy"] = round(
            conditional_accuracy(sample(draw_codes(N, d), y), y, digits_extractor()).value, 4
        )
    return row


def main(budget: float, names: list[str]) -> None:
    data = digits("train")
    print(f"{budget:.0f} processor seconds each, {len(data['image']):,} digits, {N:,} samples", flush=True)
    for name in names:
        rows = {}
        for kind, trainer in (("ours", train_ours), ("public", train_public)):
            torch.manual_seed(0)
            rows[kind] = judged(name, budget, *trainer(name, data, budget))
            print(name, kind, json.dumps(rows[kind]), flush=True)
        print(f"{name}: ours / public = {rows['ours']['fid'] / rows['public']['fid']:.3f}", flush=True)


if __name__ == "__main__":
    seconds, *chosen = sys.argv[1:] or ["240"]
    main(float(seconds), chosen or list(OURS))
