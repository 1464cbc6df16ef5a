"""ddpm/guidance: classifier-free guidance (Ho and Salimans, arXiv:2207.12598), by its scale."""

import torch

from course_lib.checks.ddpm.draws import noise
from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise


def guide(without, with_label, scale):
    """without + scale (with_label - without): scale 1 leaves the guess with the label as it is."""
    return without + scale * (with_label - without)


def two_guesses(seed: int) -> list[Case]:
    g = generator(seed)

    def draw(size, scale):
        return {"without": noise(*size, g=g), "with_label": noise(*size, g=g), "scale": scale}

    data = ("without", "with_label")
    scale = pick(25, 45, g) / 10
    return [
        Case("a guided batch", draw((3, 1, 4, 4), scale), seed, data, strided=True),
        Case("scale 1", draw((2, 2), 1.0), seed + 1, data),
        Case("scale 0: the label is not heard", draw((1, 3, 2, 2), 0.0), seed + 2, data),
    ]


GUIDANCE = Exercise("ddpm/guidance", points=1, reference=guide, inputs=two_guesses)


@GUIDANCE.accept
def guide_by_lerp(without, with_label, scale):
    return torch.lerp(without, with_label, scale)


@GUIDANCE.accept
def guide_by_shares(without, with_label, scale):
    return (1 - scale) * without + scale * with_label


@GUIDANCE.accept
def guide_by_weight(without, with_label, scale):
    w = scale - 1  # the paper's w
    return (1 + w) * with_label - w * without


@GUIDANCE.mistake
def guide_by_the_paper(without, with_label, scale):
    """You go one difference too far: you start at `with_label`, or take the scale for the paper's w, where 0
    means no guidance. Here it is scale = 1 + w: start at `without`, and 1 means none."""
    return (1 + scale) * with_label - scale * without


@GUIDANCE.mistake
def guide_with_swapped_guesses(without, with_label, scale):
    """The two guesses have changed places: you walk away from the label. Start at `without` and go towards
    `with_label`."""
    return with_label + scale * (without - with_label)


@GUIDANCE.mistake
def guide_backwards(without, with_label, scale):
    """You go from `without` in the wrong direction: the difference is with_label - without."""
    return without + scale * (without - with_label)


@GUIDANCE.mistake
def guide_by_the_difference(without, with_label, scale):
    """You return only the difference, scaled. It is added to the guess without the label."""
    return scale * (with_label - without)


@GUIDANCE.mistake
def guide_by_scaling(without, with_label, scale):
    """You multiply the guess with the label. That makes all noise larger, not the label louder: only the
    difference of the two guesses is scaled."""
    return scale * with_label


@GUIDANCE.mistake
def guide_by_adding(without, with_label, scale):
    """You add the scaled guess instead of the scaled difference: subtract `without` from `with_label`
    first."""
    return without + scale * with_label


@GUIDANCE.mistake
def guide_by_average(without, with_label, scale):
    """You average the two guesses, whatever the scale. Guidance goes beyond the guess with the label where
    scale is above 1."""
    return (without + with_label) / 2


@GUIDANCE.mistake
def guide_ignoring_scale(without, with_label, scale):
    """You return the guess with the label and ignore the scale."""
    return with_label + 0 * without


@GUIDANCE.mistake
def guide_with_a_ceiling(without, with_label, scale):
    """The scale is cut off at 1. Above 1 is where guidance begins: go beyond the guess with the label."""
    return without + min(scale, 1.0) * (with_label - without)


@GUIDANCE.mistake
def guide_and_shrink(without, with_label, scale):
    """You divide by the sum of the factors. They add up to 1 as they are: (1 - scale) and scale."""
    return (without + scale * (with_label - without)) / (1 + scale)
