"""start/to_uint8: from images in [-1, 1] to bytes."""

import torch
from torch import Tensor

from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise
from course_lib.checks.start.draws import grey_levels
from course_lib.images import to_uint8


def images_to_convert(seed: int) -> list[Case]:
    """Values up to 0.4 grey levels beside a whole one (so that no rounding rule matters), some outside."""
    g = generator(seed)

    def near_levels(*shape):
        levels = grey_levels(*shape, g=g).float() + 0.8 * torch.rand(shape, generator=g) - 0.4
        return {"x": levels / 127.5 - 1}

    grey = torch.linspace(-1, 1, 256)[torch.randperm(256, generator=g)].view(1, 1, 16, 16)
    outside = 1.5 * (2 * torch.rand(pick(2, 4, g), 1, 6, 6, generator=g) - 1)
    outside = torch.where(outside.abs() > 1.02, outside, near_levels(*outside.shape)["x"])
    return [
        Case("all 256 grey levels", {"x": grey}, seed),
        Case("images in colour", near_levels(pick(2, 4, g), 3, pick(4, 6, g), 5), seed + 1, strided=True),
        Case("values outside [-1, 1]", {"x": outside}, seed + 2),
    ]


TO_UINT8 = Exercise("start/to_uint8", points=2, reference=to_uint8, inputs=images_to_convert)


@TO_UINT8.accept
def bytes_by_half_more(x):
    return (x * 127.5 + 128).clamp(0, 255).to(torch.uint8)


@TO_UINT8.accept
def bytes_by_unit_range(x):
    return torch.round((x.clamp(-1, 1) + 1) / 2 * 255).byte()


@TO_UINT8.accept
def bytes_by_minimum(x):
    levels = torch.floor(127.5 * (x + 1) + 0.5)
    return torch.minimum(torch.maximum(levels, torch.tensor(0.0)), torch.tensor(255.0)).to(torch.uint8)


def wrapped(x: Tensor) -> Tensor:
    """To bytes as processors of today do it: modulo 256. (What torch does outside 0..255 is not defined.)"""
    return x.to(torch.int64).to(torch.uint8)


@TO_UINT8.mistake
def bytes_cut_off(x):
    """The fraction is cut off: .to(torch.uint8) turns 100.9 into 100, and every picture gets a little darker.
    Call .round() first."""
    return (x * 127.5 + 127.5).clamp(0, 255).to(torch.uint8)


@TO_UINT8.mistake
def bytes_that_wrap(x):
    """Values outside [-1, 1] wrap around: 257 becomes 1, so a pixel that is too white turns black. Clamp to
    0..255 before .to(torch.uint8)."""
    return wrapped((x * 127.5 + 127.5).round())


@TO_UINT8.mistake
def bytes_cut_off_that_wrap(x):
    """Two things are missing: .round(), since .to(torch.uint8) cuts the fraction off, and .clamp(0, 255),
    since values outside wrap around."""
    return wrapped(x * 127.5 + 127.5)


@TO_UINT8.mistake
def bytes_of_unit_range(x):
    """You treat x as if it ran from 0 to 1: everything darker than middle grey becomes black. Move [-1, 1] to
    [0, 2] first, then scale."""
    return (x * 255).round().clamp(0, 255).to(torch.uint8)


@TO_UINT8.mistake
def bytes_of_unit_range_that_wrap(x):
    """You multiply by 255 as if x ran from 0 to 1, and the negative values wrap around. Move [-1, 1] to
    [0, 2] first, scale by 127.5, and clamp."""
    return wrapped((x * 255).round())


@TO_UINT8.mistake
def bytes_without_half(x):
    """The range is stretched too far: (x + 1) runs from 0 to 2, so it is multiplied by 127.5, not by 255."""
    return ((x + 1) * 255).round().clamp(0, 255).to(torch.uint8)


@TO_UINT8.mistake
def bytes_without_shift(x):
    """The shift is missing: x * 127.5 runs from -127.5 to 127.5. Add 127.5, so that -1 becomes 0."""
    return (x * 127.5).round().clamp(0, 255).to(torch.uint8)


@TO_UINT8.mistake
def bytes_of_128(x):
    """You scale by 128. From 0 to 255 there are 255 steps, so one half of them is 127.5: -1 must give 0 and 1
    must give 255, exactly."""
    return (x * 128 + 128).round().clamp(0, 255).to(torch.uint8)


@TO_UINT8.mistake
def bytes_of_127(x):
    """You scale by 127 about 128, so black becomes 1. Half of the 255 steps is 127.5: x * 127.5 + 127.5."""
    return (x * 127 + 128).round().clamp(0, 255).to(torch.uint8)


@TO_UINT8.mistake
def bytes_of_stretched_batch(x):
    """You stretch each batch to its own darkest and brightest pixel, so the same image looks different in
    another batch. The range is always [-1, 1]."""
    return ((x - x.min()) / (x.max() - x.min()) * 255).round().to(torch.uint8)


@TO_UINT8.mistake
def bytes_upside_down(x):
    """Black and white are exchanged: -1 is black and becomes 0, 1 is white and becomes 255."""
    return (127.5 - x * 127.5).round().clamp(0, 255).to(torch.uint8)
