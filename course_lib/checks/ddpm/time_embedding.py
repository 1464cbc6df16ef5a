"""ddpm/time_embedding: a time as sines and cosines of many speeds (Vaswani et al., arXiv:1706.03762)."""

import math

import torch

from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise
from course_lib.models.unet import time_embedding


def step_numbers(seed: int) -> list[Case]:
    g = generator(seed)

    def draw(b, d, high):
        return {"t": torch.randint(1, high, (b,), generator=g), "d": d}

    d = 2 * pick(4, 8, g)
    return [
        Case("as many steps as numbers", draw(d, d, 1000), seed),
        Case("the clean image, t = 0", {"t": torch.tensor([0]), "d": 6}, seed + 1),
        Case("four numbers each", draw(5, 4, 50), seed + 2),
    ]


TIME_EMBEDDING = Exercise(
    "ddpm/time_embedding",
    points=1,
    reference=time_embedding,
    inputs=step_numbers,
    absolute=2e-4,  # sin(999) in float32 is that uncertain
)


@TIME_EMBEDDING.accept
def embedding_by_logarithm(t, d):
    speed = 10_000 ** (-torch.arange(d // 2) / (d // 2 - 1))
    angle = t.float().unsqueeze(1) * speed.unsqueeze(0)
    return torch.hstack([torch.sin(angle), torch.cos(angle)])


@TIME_EMBEDDING.accept
def embedding_by_outer_product(t, d):
    speed = torch.logspace(0, -4, d // 2)
    angle = torch.outer(t.float(), speed)
    return torch.cat((angle.sin(), angle.cos()), -1)


@TIME_EMBEDDING.accept
def embedding_by_shifted_sine(t, d):
    i = torch.arange(d)
    speed = torch.exp((i % (d // 2)) * (-math.log(10_000) / (d // 2 - 1)))
    return torch.sin(t.view(-1, 1) * speed + (i >= d // 2) * math.pi / 2)


def angles(t, d, power=lambda i, half: -i / (half - 1), base=10_000.0):
    half = d // 2
    i = torch.arange(half).double()
    return (t[:, None].double() * base ** power(i, half)).float()


def both(angle):
    return torch.cat([angle.sin(), angle.cos()], dim=1)


@TIME_EMBEDDING.mistake
def embedding_with_swapped_halves(t, d):
    """The cosines stand first. A network would learn as well from that, but a trained one would misread it:
    here the sines come first, torch.cat([sin, cos], dim=1)."""
    angle = angles(t, d)
    return torch.cat([angle.cos(), angle.sin()], dim=1)


@TIME_EMBEDDING.mistake
def embedding_interleaved(t, d):
    """Sines and cosines take turns. Here all sines come first, then all cosines: torch.cat, not
    torch.stack."""
    angle = angles(t, d)
    return torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1)


@TIME_EMBEDDING.mistake
def embedding_one_too_slow(t, d):
    """The speeds run from i = 1. The first is i = 0, of speed 1: torch.arange(half) begins with 0."""
    return both(angles(t, d, lambda i, half: -(i + 1) / (half - 1)))


@TIME_EMBEDDING.mistake
def embedding_not_to_the_end(t, d):
    """You divide i by d/2 (as the Transformer does), so the slowest speed is not reached. Here the speeds run
    from 1 to 1/10000 with both ends: divide by d/2 - 1."""
    return both(angles(t, d, lambda i, half: -i / half))


@TIME_EMBEDDING.mistake
def embedding_divided_by_d(t, d):
    """You divide i by d, so the speeds reach only about 1/100. There are d/2 of them: divide by d/2 - 1."""
    return both(angles(t, d, lambda i, half: -i / (2 * half)))


@TIME_EMBEDDING.mistake
def embedding_ever_faster(t, d):
    """The minus sign of the exponent is missing: the speeds grow up to 10000, and neighbouring steps get
    numbers that have nothing in common."""
    return both(angles(t, d, lambda i, half: i / (half - 1)))


@TIME_EMBEDDING.mistake
def embedding_in_degrees(t, d):
    """The angle is turned from degrees to radians. It is in radians already: sin(t * speed)."""
    return both(angles(t, d) * math.pi / 180)


@TIME_EMBEDDING.mistake
def embedding_in_full_turns(t, d):
    """The angle is multiplied by 2 pi. At i = 0 that makes every whole step the same angle: leave it at
    t * speed."""
    return both(angles(t, d) * 2 * math.pi)


@TIME_EMBEDDING.mistake
def embedding_of_sines(t, d):
    """There are only sines. sin(a) does not tell a from pi - a; the cosine beside it does."""
    angle = angles(t, d)
    return torch.cat([angle.sin(), angle.sin()], dim=1)


@TIME_EMBEDDING.mistake
def embedding_of_one_speed(t, d):
    """All speeds are the same. They differ: 10000 ** (-i / (d/2 - 1)) for i = 0, 1, ..., the quick ones for
    single steps, the slow ones for the whole chain."""
    return both(angles(t, d, lambda i, half: 0 * i))


@TIME_EMBEDDING.mistake
def embedding_of_base_thousand(t, d):
    """The slowest speeds are too fast: the base is 10,000, not 1,000."""
    return both(angles(t, d, base=1000.0))


@TIME_EMBEDDING.mistake
def embedding_in_columns(t, d):
    """The embeddings are columns. Each step is a row: (b, d), so that a linear layer can take them."""
    return both(angles(t, d)).T


@TIME_EMBEDDING.mistake
def embedding_under_each_other(t, d):
    """Sines and cosines are joined along the batch. They belong into one row: dim=1."""
    angle = angles(t, d)
    return torch.cat([angle.sin(), angle.cos()], dim=0)


@TIME_EMBEDDING.mistake
def embedding_twice_as_wide(t, d):
    """You make d sines and d cosines, 2 d numbers. Half of d are sines, the other half cosines."""
    return both(angles(t, 2 * d))
