"""ddpm/velocity: image and noise from a guess of v (Salimans and Ho, arXiv:2202.00512, appendix D)."""

import torch

from course_lib.checks.ddpm.draws import noise, random_abar
from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise


def split_velocity(xt, v, t, abar):
    """(x0, eps) from x_t and v = sqrt(abar) eps - sqrt(1 - abar) x0."""
    a = abar[t].view(-1, *[1] * (xt.ndim - 1))
    return a.sqrt() * xt - (1 - a).sqrt() * v, (1 - a).sqrt() * xt + a.sqrt() * v


def images_and_velocities(seed: int) -> list[Case]:
    g = generator(seed)
    steps = pick(7, 10, g)
    abar = random_abar(steps, g)

    def draw(size, t):
        return {"xt": noise(*size, g=g), "v": noise(*size, g=g), "t": torch.tensor(t), "abar": abar}

    several = (2 + torch.randperm(steps - 2, generator=g)[:3]).tolist()
    data = ("abar",)
    return [
        Case("three images, each at its own step", draw((3, 3, 3, 3), several), seed, data, strided=True),
        Case("two points, at the first and the last step", draw((2, 2), [1, steps]), seed + 1, data),
    ]


VELOCITY = Exercise("ddpm/velocity", points=2, reference=split_velocity, inputs=images_and_velocities)


def roots(xt, t, abar):
    a = abar[t].view(-1, *[1] * (xt.ndim - 1))
    return a.sqrt(), (1 - a).sqrt()


@VELOCITY.accept
def split_in_turn(xt, v, t, abar):
    c, s = roots(xt, t, abar)
    x0 = c * xt - s * v
    return x0, (xt - c * x0) / s  # eq. (4) solved for eps


@VELOCITY.accept
def split_by_rotation(xt, v, t, abar):
    angle = torch.arccos(abar[t].sqrt()).reshape([-1] + [1] * (xt.dim() - 1))
    return angle.cos() * xt - angle.sin() * v, angle.sin() * xt + angle.cos() * v


@VELOCITY.accept
def split_from_the_noise(xt, v, t, abar):
    c, s = roots(xt, t, abar)
    eps = s * xt + c * v
    return [(xt - s * eps) / c, eps]


@VELOCITY.mistake
def split_the_other_way_around(xt, v, t, abar):
    """You return the noise first. The order is (x0, eps)."""
    c, s = roots(xt, t, abar)
    return s * xt + c * v, c * xt - s * v


@VELOCITY.mistake
def split_with_minus_v(xt, v, t, abar):
    """The sign of v is wrong in both: with v = sqrt(abar) eps - sqrt(1 - abar) x0, the image has a minus
    before v and the noise a plus."""
    c, s = roots(xt, t, abar)
    return c * xt + s * v, s * xt - c * v


@VELOCITY.mistake
def split_that_adds_v_to_the_image(xt, v, t, abar):
    """The image has the wrong sign before v: v points from the image towards the noise, so it is taken
    away, sqrt(abar) xt - sqrt(1 - abar) v."""
    c, s = roots(xt, t, abar)
    return c * xt + s * v, s * xt + c * v


@VELOCITY.mistake
def split_that_subtracts_v_from_the_noise(xt, v, t, abar):
    """The noise has the wrong sign before v: eps = sqrt(1 - abar) xt + sqrt(abar) v."""
    c, s = roots(xt, t, abar)
    return c * xt - s * v, s * xt - c * v


@VELOCITY.mistake
def split_without_roots(xt, v, t, abar):
    """The square roots are missing: the factors are sqrt(abar) and sqrt(1 - abar), cosine and sine of one
    angle."""
    c, s = roots(xt, t, abar)
    return c**2 * xt - s**2 * v, s**2 * xt + c**2 * v


@VELOCITY.mistake
def split_with_swapped_roots(xt, v, t, abar):
    """sqrt(abar) and sqrt(1 - abar) have changed places. At t = 0 abar is 1, and there the image must be xt
    itself."""
    c, s = roots(xt, t, abar)
    return s * xt - c * v, c * xt + s * v


@VELOCITY.mistake
def split_one_step_early(xt, v, t, abar):
    """You read abar one place too early: abar[0] = 1 is the clean image, so step t is abar[t]."""
    c, s = roots(xt, t - 1, abar)
    return c * xt - s * v, s * xt + c * v


@VELOCITY.mistake
def split_as_if_v_were_noise(xt, v, t, abar):
    """You treat v as if it were eps. It is a mix of noise and image: x0 is sqrt(abar) xt -
    sqrt(1 - abar) v."""
    c, s = roots(xt, t, abar)
    return (xt - s * v) / c, v


@VELOCITY.mistake
def split_as_if_v_were_the_image(xt, v, t, abar):
    """You treat v as if it were x0. It is a mix of noise and image: x0 = sqrt(abar) xt - sqrt(1 - abar) v."""
    c, s = roots(xt, t, abar)
    return v, (xt - c * v) / s


@VELOCITY.mistake
def split_by_columns(xt, v, t, abar):
    """abar[t] met the columns of the image: torch lines up shapes from the right. Give it a 1 for every axis
    behind the batch."""
    c, s = abar[t].sqrt(), (1 - abar[t]).sqrt()
    return c * xt - s * v, s * xt + c * v


@VELOCITY.mistake
def split_for_the_image_only(xt, v, t, abar):
    """The second value is not the noise but what is left of x_t without the image. Divide it by
    sqrt(1 - abar)."""
    c, s = roots(xt, t, abar)
    x0 = c * xt - s * v
    return x0, xt - c * x0


@VELOCITY.mistake
def split_detached(xt, v, t, abar):
    """The values are right, but v is detached: a loss on x0 or eps could not teach the network that said
    v."""
    c, s = roots(xt, t, abar)
    v = v.detach()
    return c * xt - s * v, s * xt + c * v
