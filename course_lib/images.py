"""The one range of the course and the two doors into it: uint8 outside, float32 in [-1, 1] inside."""

import torch
from torch import Tensor

from course_lib.types import Bytes, Images


def to_uint8(x: Images) -> Bytes:
    """[-1, 1] -> 0..255, rounded to nearest; values outside the range are clipped."""
    return (x.float() * 127.5 + 127.5).round_().clamp_(0, 255).to(torch.uint8)


def from_uint8(x: Bytes) -> Images:
    """0..255 -> float32 in [-1, 1]. `to_uint8(from_uint8(x))` is x, bit for bit."""
    return x.float().div_(127.5).sub_(1)


def require_images(
    x: Tensor, name: str = "images", *, channels: int | None = None, slack: float = 0.05
) -> Images:
    """x itself if it is a batch of images of this course, otherwise a ValueError that says what is wrong.

    `slack` is how far outside [-1, 1] a value may lie (a Gaussian decoder may overshoot a little).
    """
    expected = f"expected {name} as float (b, {channels or 'c'}, h, w) in [-1, 1]"
    if not isinstance(x, Tensor):
        raise ValueError(f"{expected}, got {type(x).__name__}")
    if not x.is_floating_point():
        raise ValueError(f"{expected}, got {x.dtype}: convert with from_uint8(x)")
    if x.ndim != 4 or (channels is not None and x.shape[1] != channels):
        raise ValueError(f"{expected}, got shape {tuple(x.shape)}")
    if x.numel() == 0:
        raise ValueError(f"{expected}, got an empty batch {tuple(x.shape)}")
    if not torch.isfinite(x).all():
        raise ValueError(f"{expected}, got {int((~torch.isfinite(x)).sum())} values that are NaN or infinite")
    low, high = x.min().item(), x.max().item()
    if low < -1 - slack or high > 1 + slack:
        raise ValueError(f"{expected}, got values from {low:.2f} to {high:.2f}")
    return x
