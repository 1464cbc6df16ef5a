"""latent/guided_step: one step towards a picture of the prompt, by DDIM under classifier-free guidance."""

import torch

from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise
from course_lib.models.samplers import ddim_step, guided


def guided_step(v_words, v_empty, z, abar_t, abar_s, w):
    """z at noise level abar_t -> at abar_s, by the guess v_empty + w (v_words - v_empty)."""
    v = v_empty + w * (v_words - v_empty)
    z_0 = abar_t**0.5 * z - (1 - abar_t) ** 0.5 * v
    eps = (1 - abar_t) ** 0.5 * z + abar_t**0.5 * v
    return abar_s**0.5 * z_0 + (1 - abar_s) ** 0.5 * eps


def guesses(seed: int) -> list[Case]:
    g = generator(seed)

    def draw(b, c, side, abar_t, abar_s, w):
        shape = b, c, side, side
        codes = {name: torch.randn(shape, generator=g) for name in ("v_words", "v_empty", "z")}
        return codes | {"abar_t": abar_t, "abar_s": abar_s, "w": w}

    return [
        Case("a step in the middle", draw(pick(2, 3, g), 3, pick(2, 3, g), 0.35, 0.6, 3.0), seed),
        Case("the first step, from pure noise", draw(1, 2, 3, 0.0, 0.1, 1.5), seed + 1),
        Case("the last step, to the code itself", draw(2, 2, 2, 0.9, 1.0, 2.0), seed + 2, strided=True),
    ]


GUIDED_STEP = Exercise(
    "latent/guided_step", points=3, reference=guided_step, inputs=guesses, also=(ddim_step, guided)
)


def step(v, z, abar_t, abar_s):
    a, s = abar_t**0.5, (1 - abar_t) ** 0.5
    return abar_s**0.5 * (a * z - s * v) + (1 - abar_s) ** 0.5 * (s * z + a * v)


@GUIDED_STEP.accept
def step_by_lerp(v_words, v_empty, z, abar_t, abar_s, w):
    return step(torch.lerp(v_empty, v_words, w), z, abar_t, abar_s)


@GUIDED_STEP.accept
def step_by_shares(v_words, v_empty, z, abar_t, abar_s, w):
    v = w * v_words + (1 - w) * v_empty
    a_t, a_s = torch.tensor(abar_t), torch.tensor(abar_s)
    z_0 = a_t.sqrt() * z - (1 - a_t).sqrt() * v
    eps = a_t.sqrt() * v + (1 - a_t).sqrt() * z
    return z_0 * a_s.sqrt() + eps * (1 - a_s).sqrt()


@GUIDED_STEP.accept
def step_by_angles(v_words, v_empty, z, abar_t, abar_s, w):
    v = v_words + (w - 1) * (v_words - v_empty)
    angle = torch.arccos(torch.tensor(abar_t).sqrt()) - torch.arccos(torch.tensor(abar_s).sqrt())
    return torch.cos(angle) * z - torch.sin(angle) * v


@GUIDED_STEP.accept
def step_by_guiding_the_codes(v_words, v_empty, z, abar_t, abar_s, w):
    return (1 - w) * step(v_empty, z, abar_t, abar_s) + w * step(v_words, z, abar_t, abar_s)


@GUIDED_STEP.mistake
def step_without_guidance(v_words, v_empty, z, abar_t, abar_s, w):
    """The guidance is missing: you follow v_words alone, as if w were 1."""
    return step(v_words, z, abar_t, abar_s)


@GUIDED_STEP.mistake
def step_without_prompt(v_words, v_empty, z, abar_t, abar_s, w):
    """The prompt is not heard: you follow v_empty alone, as if w were 0."""
    return step(v_empty, z, abar_t, abar_s)


@GUIDED_STEP.mistake
def step_with_one_more(v_words, v_empty, z, abar_t, abar_s, w):
    """Your guidance is w + 1: in this course v = v_empty + w (v_words - v_empty), and w = 1 is the prompt
    alone."""
    return step((1 + w) * v_words - w * v_empty, z, abar_t, abar_s)


@GUIDED_STEP.mistake
def step_away_from_the_words(v_words, v_empty, z, abar_t, abar_s, w):
    """The guidance points away from the prompt: it goes from v_empty towards v_words."""
    return step(v_words + w * (v_empty - v_words), z, abar_t, abar_s)


@GUIDED_STEP.mistake
def step_with_the_difference(v_words, v_empty, z, abar_t, abar_s, w):
    """v is the weighed difference alone. It starts from v_empty: v_empty + w (v_words - v_empty)."""
    return step(w * (v_words - v_empty), z, abar_t, abar_s)


@GUIDED_STEP.mistake
def step_with_weighed_words(v_words, v_empty, z, abar_t, abar_s, w):
    """You add w times v_words. What is weighed is the difference that the words make: v_words - v_empty."""
    return step(v_empty + w * v_words, z, abar_t, abar_s)


@GUIDED_STEP.mistake
def step_to_the_same_level(v_words, v_empty, z, abar_t, abar_s, w):
    """The result has the noise level abar_t again: mix z_0 and eps by abar_s, the level to go to."""
    return step(v_empty + w * (v_words - v_empty), z, abar_t, abar_t)


@GUIDED_STEP.mistake
def step_to_the_end(v_words, v_empty, z, abar_t, abar_s, w):
    """You return the guess of the clean code, z_0. The step ends at noise level abar_s: add the noise of that
    level again."""
    return step(v_empty + w * (v_words - v_empty), z, abar_t, 1.0)


@GUIDED_STEP.mistake
def step_with_v_as_noise(v_words, v_empty, z, abar_t, abar_s, w):
    """You take v for the noise. The noise is eps = sqrt(1 - abar_t) z + sqrt(abar_t) v."""
    v = v_empty + w * (v_words - v_empty)
    z_0 = abar_t**0.5 * z - (1 - abar_t) ** 0.5 * v
    return abar_s**0.5 * z_0 + (1 - abar_s) ** 0.5 * v


@GUIDED_STEP.mistake
def step_with_v_as_code(v_words, v_empty, z, abar_t, abar_s, w):
    """You take v for the clean code. It is z_0 = sqrt(abar_t) z - sqrt(1 - abar_t) v."""
    v = v_empty + w * (v_words - v_empty)
    eps = (1 - abar_t) ** 0.5 * z + abar_t**0.5 * v
    return abar_s**0.5 * v + (1 - abar_s) ** 0.5 * eps


@GUIDED_STEP.mistake
def step_the_other_way(v_words, v_empty, z, abar_t, abar_s, w):
    """The step goes the other way, towards more noise: abar_t and abar_s are swapped, or the sign of v is
    turned (z_0 has the minus, eps the plus)."""
    return step(v_empty + w * (v_words - v_empty), z, abar_s, abar_t)


@GUIDED_STEP.mistake
def step_with_fresh_noise(v_words, v_empty, z, abar_t, abar_s, w):
    """You add fresh noise. DDIM goes on with the noise that it has: eps = sqrt(1 - abar_t) z + sqrt(abar_t)
    v."""
    v = v_empty + w * (v_words - v_empty)
    z_0 = abar_t**0.5 * z - (1 - abar_t) ** 0.5 * v
    return abar_s**0.5 * z_0 + (1 - abar_s) ** 0.5 * torch.randn_like(z)


@GUIDED_STEP.mistake
def step_without_roots(v_words, v_empty, z, abar_t, abar_s, w):
    """The roots are missing: abar is the share of the variance, its root that of the amplitude."""
    v = v_empty + w * (v_words - v_empty)
    z_0, eps = abar_t * z - (1 - abar_t) * v, (1 - abar_t) * z + abar_t * v
    return abar_s * z_0 + (1 - abar_s) * eps


@GUIDED_STEP.mistake
def step_by_dividing(v_words, v_empty, z, abar_t, abar_s, w):
    """That takes the guess for eps, (z - sqrt(1 - abar_t) eps) / sqrt(abar_t), which fails at abar_t = 0.
    This network guesses v."""
    eps = v_empty + w * (v_words - v_empty)
    z_0 = (z - (1 - abar_t) ** 0.5 * eps) / max(abar_t, 1e-4) ** 0.5
    return abar_s**0.5 * z_0 + (1 - abar_s) ** 0.5 * eps


@GUIDED_STEP.mistake
def step_with_detached_guess(v_words, v_empty, z, abar_t, abar_s, w):
    """The values are right, but z is detached: no gradient could come back along the steps."""
    return guided_step(v_words, v_empty, z.detach(), abar_t, abar_s, w)
