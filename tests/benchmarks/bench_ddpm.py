"""Our DDPM against those of public libraries, at equal processor seconds, under one judge.

    OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE python tests/benchmarks/bench_ddpm.py [seconds] [n] [name ...]

Peers, each as its own page trains it: denoising-diffusion-pytorch (lucidrains) with dim 32, batch 32, Adam
8e-5, EMA 0.995, v-prediction, sigmoid schedule; and the class-conditional U-Net for MNIST of Hugging Face's
diffusion course, made with diffusers (widths 32, 64, 64, batch 128, Adam 1e-3, eps, cosine schedule). Both
in float32 with images through a DataLoader. A network that needs sides which 8 divides gets digits padded to
32x32, and its samples are cut back, so that none loses to a resize.

Every model gets the same processor seconds (240 by default), then makes n samples (1,000) by the same 20
steps of DPM-Solver++ (ours 5,000 too), judged by the Fréchet distance of the course's digit features. A line
of JSON each; what was seen is kept in ddpm.md.
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
from course_lib.models.ddpm import EPS, V, cosine_schedule, ddpm_player, denoiser, from_betas
from course_lib.models.samplers import guided, sample_dpm_solver
from course_lib.models.unet import DIGITS, UNet
from course_lib.training.ema import EMA
from course_lib.training.loop import cpu_seconds, train, warm_up_down

STEPS = 20  # of DPM-Solver++, for every model


# ------------------------------------------------------------------------------------------------- ours


def ours(data: dict, budget: float):
    schedule = cosine_schedule()
    net = place(UNet(DIGITS))
    ema, precision, batch = EMA(net, 0.999), fast_precision(), 64
    player, seen = ddpm_player(net, schedule, 2e-3, V), 0
    for _ in train(
        [player], Batches(data, batch), cpu_seconds(budget), schedule=warm_up_down, precision=precision
    ):
        ema.update()
        seen += batch

    def sample(y: Tensor, scale: float = 1.0) -> Tensor:
        net = ema.net if scale == 1 else guided(ema.net, scale)
        denoise = denoiser(net, schedule, y, prediction=V, precision=precision)
        return sample_dpm_solver(denoise, torch.randn(len(y), 1, 28, 28), schedule, STEPS)

    return sample, seen, net


# ------------------------------------------------------------------------------------------------- peers


def train_public(loss, nets: nn.Module, data: dict, budget: float, batch: int, rate: float, decay: float):
    """The loop that these pages share: a DataLoader, Adam, an average of the weights."""
    adam, ema, seen = torch.optim.Adam(nets.parameters(), lr=rate), EMA(nets, decay), 0
    loader = DataLoader(
        TensorDataset(data["image"], data["label"]), batch_size=batch, shuffle=True, drop_last=True
    )
    began = time.process_time()
    while time.process_time() - began < budget:
        for x, y in loader:
            adam.zero_grad()
            loss(from_uint8(x), y).backward()
            adam.step()
            ema.update()
            seen += batch
            if time.process_time() - began >= budget:
                break
    return ema.net, seen


def lucidrains(data: dict, budget: float):
    from denoising_diffusion_pytorch import GaussianDiffusion, Unet

    diffusion = GaussianDiffusion(Unet(dim=32, channels=1, flash_attn=False), image_size=32)

    def loss(x: Tensor, y: Tensor) -> Tensor:
        return diffusion((F.pad(x, (2, 2, 2, 2), value=-1.0) + 1) / 2)  # it takes [0, 1]

    net, seen = train_public(loss, diffusion, data, budget, batch=32, rate=8e-5, decay=0.995)
    schedule = from_betas(diffusion.betas)

    def sample(y: Tensor, scale: float = 1.0) -> Tensor:
        denoise = denoiser(lambda xt, t: net.model(xt, t - 1), schedule, prediction=V)
        with evaluating(net):
            return sample_dpm_solver(denoise, torch.randn(len(y), 1, 32, 32), schedule, STEPS)[
                :, :, 2:-2, 2:-2
            ]

    return sample, seen, diffusion.model


class HuggingFace(nn.Module):
    """The class-conditional network of that course: the label as 4 learned planes beside the image."""

    def __init__(self):
        super().__init__()
        from diffusers import UNet2DModel

        self.embed = nn.Embedding(10, 4)
        self.net = UNet2DModel(
            sample_size=28, in_channels=5, out_channels=1,
            layers_per_block=2, block_out_channels=(32, 64, 64),
            down_block_types=("DownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D"),
            up_block_types=("AttnUpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
        )  # fmt: skip

    def forward(self, xt: Tensor, t: Tensor, y: Tensor) -> Tensor:
        planes = self.embed(y)[:, :, None, None].expand(-1, -1, *xt.shape[2:])
        return self.net(torch.cat([xt, planes], dim=1), t).sample


def diffusers(data: dict, budget: float):
    from diffusers import DDPMScheduler

    scheduler = DDPMScheduler(beta_schedule="squaredcos_cap_v2")
    made = HuggingFace()

    def loss(x: Tensor, y: Tensor) -> Tensor:
        eps, t = torch.randn_like(x), torch.randint(0, 999, (len(x),))  # 999, as the page has it
        return F.mse_loss(made(scheduler.add_noise(x, eps, t), t, y), eps)

    net, seen = train_public(loss, made, data, budget, batch=128, rate=1e-3, decay=0.995)

    def sample(y: Tensor, scale: float = 1.0) -> Tensor:
        denoise = denoiser(lambda xt, t: net(xt, t - 1, y), cosine_schedule(), prediction=EPS)
        with evaluating(net):
            return sample_dpm_solver(denoise, torch.randn(len(y), 1, 28, 28), cosine_schedule(), STEPS)

    return sample, seen, made


MODELS = {"ours": ours, "denoising-diffusion-pytorch": lucidrains, "diffusers": diffusers}


# ------------------------------------------------------------------------------------------------- judge


def judged(name: str, sample, n: int) -> dict:
    began = time.process_time()
    images = torch.cat([sample((torch.arange(100) + i) % 10) for i in range(0, n, 100)])
    rate = n / (time.process_time() - began)
    score = evaluate(images.clamp(-1, 1), n=n)
    low, high = score.fid.interval
    row = {"n": n, "fid": round(score.fid.value, 1), "interval": [round(low, 1), round(high, 1)]}
    row |= {"precision": round(score.manifolds.precision, 3), "recall": round(score.manifolds.recall, 3)}
    row["samples a CPU-second"] = round(rate, 2)
    y = torch.arange(n) % 10
    row["accuracy"] = round(conditional_accuracy(images, y, digits_extractor()).value, 4)
    if name == "ours":
        told = torch.cat([sample(part, 2.0) for part in y.split(100)])
        row["accuracy, guided by 2"] = round(conditional_accuracy(told, y, digits_extractor()).value, 4)
    return row


def main(budget: float, n: int, names: list[str]) -> None:
    data = digits("train")
    print(f"{budget:.0f} processor seconds each, {len(data['image']):,} digits, {n:,} samples", flush=True)
    for name in names:
        torch.manual_seed(0)
        began = time.process_time()
        sample, seen, net = MODELS[name](data, budget)
        row = {"parameters": sum(weight.numel() for weight in net.parameters())}
        row["images a CPU-second"] = round(seen / (time.process_time() - began), 1)
        for count in (n, 5_000) if name == "ours" else (n,):
            print(name, json.dumps(row | judged(name, sample, count)), flush=True)


if __name__ == "__main__":
    seconds, n, *chosen = [*sys.argv[1:], *["240", "1000"][len(sys.argv[1:]) :]]
    main(float(seconds), int(n), chosen or list(MODELS))
