"""latent/scale: the number that brings codes to a spread of 1, from the first batch."""

import torch

from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise
from course_lib.models.latent import latent_scale


def first_batches(seed: int) -> list[Case]:
    g = generator(seed)

    def draw(b, c, side, spread, shift):
        each = torch.linspace(0.5, 1.5, c).view(c, 1, 1) * torch.linspace(0.7, 1.3, b).view(b, 1, 1, 1)
        return {"z": spread * (each * torch.randn(b, c, side, side, generator=g) + shift)}

    sizes = 12, pick(3, 5, g), 8
    return [
        Case("codes that spread too far", draw(*sizes, 6.0, 1.5), seed, ("z",), strided=True),
        Case("codes that spread too little", draw(11, 4, 7, 0.1, -1.0), seed + 1, ("z",)),
    ]


SCALE = Exercise("latent/scale", points=1, reference=latent_scale, inputs=first_batches)


@SCALE.accept
def scale_by_hand(z):
    return ((z - z.mean()) ** 2).mean() ** -0.5


@SCALE.accept
def scale_of_flat(z):
    return z.flatten().std().reciprocal()


@SCALE.accept
def scale_by_moments(z):
    z = z.double()
    return (1.0 / (z.square().mean() - z.mean().square()).sqrt()).float()


@SCALE.mistake
def scale_that_is_the_spread(z):
    """That is the standard deviation itself. The codes are multiplied by the scale, so it is 1 / std."""
    return z.std()


@SCALE.mistake
def scale_by_variance(z):
    """You divide by the variance. A code multiplied by 1 / std has spread 1: take the square root first."""
    return 1 / z.var()


@SCALE.mistake
def scale_of_channels(z):
    """Each channel gets a scale of its own. The paper's is one number for all, over batch, channels and
    places together: z.std() without dim."""
    return 1 / z.std(dim=(0, 2, 3))


@SCALE.mistake
def scale_of_images(z):
    """Each image gets a scale of its own: how bright an image's code is would be lost. One number for the
    whole batch."""
    return 1 / z.flatten(1).std(dim=1)


@SCALE.mistake
def scale_of_average_images(z):
    """You average the spreads of single images, which leaves out how images differ from each other. Take the
    std of all numbers at once."""
    return 1 / z.flatten(1).std(dim=1).mean()


@SCALE.mistake
def scale_of_average_channels(z):
    """You average the spreads of single channels, and the root of a sum is no sum of roots. Take the std of
    all numbers at once."""
    return 1 / z.std(dim=(0, 2, 3)).mean()


@SCALE.mistake
def scale_without_mean(z):
    """The mean was not taken off: that is the root of the mean square. std is the spread around the mean."""
    return 1 / z.square().mean().sqrt()


@SCALE.mistake
def scale_by_largest(z):
    """You bring the largest number to 1. The scale makes the standard deviation 1, as that of the noise
    is."""
    return 1 / z.abs().max()


@SCALE.mistake
def scale_by_absolute(z):
    """That is the mean distance from the mean, not the root of the mean squared one: use z.std()."""
    return 1 / (z - z.mean()).abs().mean()


@SCALE.mistake
def scale_that_scales(z):
    """You return the scaled codes. Return the number alone: it is used again for every batch, and undone
    before decoding."""
    return z / z.std()


@SCALE.mistake
def scale_by_root_of_std(z):
    """z.std() is the root of the variance already: you take the root twice."""
    return z.std() ** -0.5


@SCALE.mistake
def scale_of_first_image(z):
    """Only the first image was measured. The scale is over all numbers of the batch."""
    return 1 / z[0].std()
