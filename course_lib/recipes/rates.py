"""How quick this machine trains, with its fast precision and without."""

import time

import torch

from course_lib.device import fast_precision, float32, pick_device, place
from course_lib.models.ddpm import V, cosine_schedule, ddpm_player
from course_lib.models.unet import DIGITS, UNet
from course_lib.training.loop import train


def training_rates(batch: int = 64, repeats: int = 3) -> tuple[float, float]:
    """Images a second that lesson 06's network learns from, in float32 and in `fast_precision`.

    The quickest of a few steps each, taken in turn; on a CPU in processor seconds, so that other programs
    hardly matter. Takes about a second.
    """
    device = pick_device()
    nets = {float32: UNet(DIGITS).to(device), fast_precision(device): place(UNet(DIGITS), device)}
    images = torch.rand(batch, 1, 28, 28, device=device) * 2 - 1
    given = {"image": images, "label": torch.zeros(batch, dtype=torch.long, device=device)}
    players = {
        precision: ddpm_player(net, cosine_schedule(), prediction=V) for precision, net in nets.items()
    }
    best = dict.fromkeys(nets, float("inf"))
    for _ in range(1 + repeats):  # the first warms up, and is never the quickest
        for precision, player in players.items():
            began = now(device.type)
            list(train([player], iter([given]), 1, precision=precision))
            best[precision] = min(best[precision], now(device.type) - began)
    plain, fast = (batch / seconds for seconds in best.values())
    return plain, fast


def now(device: str) -> float:
    """Processor seconds on a CPU; on a GPU wall seconds, when all that was asked of it is done."""
    if device != "cuda":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()
