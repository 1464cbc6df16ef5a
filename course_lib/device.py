"""Which device, which tier, which precision: decided once here, so that lessons need not ask."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Literal, get_args

import torch
from torch import nn

Tier = Literal["smoke", "cpu", "gpu"]  # seconds (tests) | minutes on two cores | the paper's sizes


@cache
def pick_device() -> torch.device:
    """CUDA, else Apple's MPS, else the CPU. `COURSE_DEVICE` overrides."""
    if name := os.environ.get("COURSE_DEVICE"):
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def pick_tier() -> Tier:
    """The sizes a lesson uses: `COURSE_TIER` if set, else gpu where there is CUDA, else cpu."""
    tier = os.environ.get("COURSE_TIER") or ("gpu" if pick_device().type == "cuda" else "cpu")
    if tier not in get_args(Tier):
        raise ValueError(f"COURSE_TIER is {tier!r}; it must be one of {', '.join(get_args(Tier))}")
    return tier


@cache
def has_fast_bfloat16(device: torch.device) -> bool:
    """True where bfloat16 products are done in hardware: recent CUDA, or a CPU with AVX512-BF16 or AMX."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return False


Precision = Callable[[], AbstractContextManager]


def float32() -> AbstractContextManager:
    """The plain precision: no autocast."""
    return nullcontext()


def fast_precision(device: torch.device | None = None) -> Precision:
    """bfloat16 autocast where the hardware is quick at it, else float32. Use as `with precision(): ...`.

    On a CPU of one or two cores it also leaves torch a single thread: with two, beside other work, training a
    small VAE was seen to fall from 3,283 to 68 images a processor second (two runs of two; not every time).
    """
    device = device or pick_device()
    if not has_fast_bfloat16(device):
        return float32
    if device.type == "cpu" and (os.cpu_count() or 1) <= 2:
        torch.set_num_threads(1)
    return lambda: torch.autocast(device.type, dtype=torch.bfloat16)


def place(net: nn.Module, device: torch.device | None = None) -> nn.Module:
    """The net on the device, with channels last in memory where bfloat16 convolutions want it so."""
    device = device or pick_device()
    return net.to(device, memory_format=torch.channels_last if has_fast_bfloat16(device) else None)


@contextmanager
def evaluating(*nets: nn.Module):
    """Borrow eval mode without gradients, and give every net its own mode back."""
    modes = [net.training for net in nets]
    for net in nets:
        net.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for net, mode in zip(nets, modes, strict=True):
            net.train(mode)


@contextmanager
def one_thread():
    """Borrow a single thread of torch's, for work in small pieces that cutting up further makes slower."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
