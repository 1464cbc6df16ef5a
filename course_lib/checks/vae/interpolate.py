"""vae/interpolate: points on the line between two codes."""

import torch
import torch.nn.functional as F

from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise
from course_lib.models.vae import interpolate


def two_codes(seed: int) -> list[Case]:
    g = generator(seed)

    def draw(d, steps):
        return {"a": torch.randn(d, generator=g), "b": torch.randn(d, generator=g), "steps": steps}

    return [
        Case("several steps", draw(pick(2, 5, g), pick(6, 9, g)), seed),
        Case("two steps: the ends", draw(3, 2), seed + 1),
        Case("one dimension", draw(1, 5), seed + 2),
    ]


INTERPOLATE = Exercise("vae/interpolate", points=1, reference=interpolate, inputs=two_codes)


@INTERPOLATE.accept
def interpolate_by_lerp(a, b, steps):
    return torch.lerp(a, b, torch.linspace(0, 1, steps).unsqueeze(-1))


@INTERPOLATE.accept
def interpolate_by_outer(a, b, steps):
    return a + torch.outer(torch.arange(steps) / (steps - 1), b - a)


@INTERPOLATE.accept
def interpolate_by_stacking(a, b, steps):
    return torch.stack([a + (b - a) * i / (steps - 1) for i in range(steps)])


@INTERPOLATE.mistake
def interpolate_without_end(a, b, steps):
    """The last point is missing: the line stops one step before b. torch.linspace(0, 1, steps) includes
    both ends."""
    t = torch.arange(steps)[:, None] / steps
    return (1 - t) * a + t * b


@INTERPOLATE.mistake
def interpolate_without_start(a, b, steps):
    """The first point is missing: the line begins one step after a. torch.linspace(0, 1, steps) includes
    both ends."""
    t = torch.arange(1, steps + 1)[:, None] / steps
    return (1 - t) * a + t * b


@INTERPOLATE.mistake
def interpolate_without_ends(a, b, steps):
    """Both ends are missing: the line holds only points between a and b. The first is a itself, the last
    b."""
    t = torch.linspace(0, 1, steps + 2)[1:-1, None]
    return (1 - t) * a + t * b


@INTERPOLATE.mistake
def interpolate_with_one_more(a, b, steps):
    """There is one point too many: `steps` counts the points, both ends among them, not the gaps between
    them."""
    t = torch.linspace(0, 1, steps + 1)[:, None]
    return (1 - t) * a + t * b


@INTERPOLATE.mistake
def interpolate_backwards(a, b, steps):
    """The line runs from b to a. It begins at a, where t = 0: (1 - t) a + t b."""
    t = torch.linspace(0, 1, steps)[:, None]
    return t * a + (1 - t) * b


@INTERPOLATE.mistake
def interpolate_past_the_end(a, b, steps):
    """The line runs from a to a + b. The direction is b - a: a + t (b - a)."""
    return a + torch.linspace(0, 1, steps)[:, None] * b


@INTERPOLATE.mistake
def interpolate_in_columns(a, b, steps):
    """The points are columns. Each point is a row: (steps, d), so that the decoder takes them as a batch."""
    t = torch.linspace(0, 1, steps)
    return a[:, None] * (1 - t) + b[:, None] * t


@INTERPOLATE.mistake
def interpolate_on_the_sphere(a, b, steps):
    """These points lie on an arc (slerp), not on the straight line from a to b: (1 - t) a + t b."""
    angle = torch.arccos(F.cosine_similarity(a, b, dim=0).clamp(-0.9999, 0.9999))
    t = torch.linspace(0, 1, steps)[:, None]
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)


@INTERPOLATE.mistake
def interpolate_detached(a, b, steps):
    """The values are right, but a and b are detached: no gradient can come back through the line."""
    t = torch.linspace(0, 1, steps)[:, None]
    return ((1 - t) * a + t * b).detach()
