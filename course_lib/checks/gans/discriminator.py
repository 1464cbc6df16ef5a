"""dcgan/discriminator: the table's discriminator, for pictures of 64 x 64."""

from itertools import pairwise

import torch
from torch import nn

from course_lib.checks.exercise import Case, Exercise
from course_lib.checks.gans.draws import generator, pick
from course_lib.models import dcgan


def make_discriminator(channels, maps):
    return dcgan.make_discriminator(channels, 64, maps)


def pictures(seed: int) -> list[Case]:
    g = generator(seed)
    channels = pick(1, 3, g)
    probe = torch.randn(2, channels, 64, 64, generator=g)
    return [Case(f"pictures of {channels} channels", {"channels": channels, "maps": 2}, seed, probe=probe)]


DISCRIMINATOR = Exercise(
    "dcgan/discriminator", points=3, reference=make_discriminator, inputs=pictures, tolerance=3e-3
)


def down(a, b, kernel=4, stride=2, padding=1, bias=False):
    return nn.Conv2d(a, b, kernel, stride, padding, bias=bias)


def discriminator_layers(channels, maps, activation=None, norm=nn.BatchNorm2d, convolution=down):
    """Four blocks of three layers, then the last convolution and the one that drops its empty axes."""
    activation = activation or (lambda: nn.LeakyReLU(0.2))
    widths = [channels, maps, 2 * maps, 4 * maps, 8 * maps]
    layers = []
    for a, b in pairwise(widths):
        layers += [convolution(a, b), norm(b), activation()]
    return [*layers, convolution(8 * maps, 1, kernel=4, stride=1, padding=0), nn.Flatten(0)]


@DISCRIMINATOR.accept
class DiscriminatorWithView(nn.Module):
    def __init__(self, channels, maps):
        super().__init__()
        m = maps
        self.last = down(8 * m, 1, 4, 1, 0)
        self.d, self.nd = down(4 * m, 8 * m), nn.BatchNorm2d(8 * m)
        self.c, self.nc = down(2 * m, 4 * m), nn.BatchNorm2d(4 * m)
        self.b, self.nb = down(m, 2 * m), nn.BatchNorm2d(2 * m)
        self.a, self.na = down(channels, m), nn.BatchNorm2d(m)

    def forward(self, x):
        for layer, norm in ((self.a, self.na), (self.b, self.nb), (self.c, self.nc), (self.d, self.nd)):
            x = nn.functional.leaky_relu(norm(layer(x)), 0.2)
        return self.last(x).view(-1)


@DISCRIMINATOR.accept
def discriminator_of_blocks(channels, maps):
    layers = discriminator_layers(channels, maps, lambda: nn.LeakyReLU(0.2, inplace=True))
    return nn.Sequential(*(nn.Sequential(*layers[i : i + 3]) for i in (0, 3, 6, 9)), *layers[12:])


@DISCRIMINATOR.accept
def discriminator_with_two_flattens(channels, maps):
    layers = discriminator_layers(channels, maps)
    return nn.Sequential(*layers[:-1], nn.Flatten(), nn.Flatten(0))


@DISCRIMINATOR.mistake
def discriminator_with_sigmoid(channels, maps):
    """A sigmoid stands at the end. D returns logits: the losses apply the sigmoid themselves, safely."""
    return nn.Sequential(*discriminator_layers(channels, maps), nn.Sigmoid())


@DISCRIMINATOR.mistake
def discriminator_with_relu(channels, maps):
    """The activations are ReLU. D has LeakyReLU with slope 0.2, which lets a gradient through on both sides,
    all the way to G."""
    return nn.Sequential(*discriminator_layers(channels, maps, nn.ReLU))


@DISCRIMINATOR.mistake
def discriminator_with_default_slope(channels, maps):
    """The slope of LeakyReLU is torch's default, 0.01. The paper has 0.2: nn.LeakyReLU(0.2)."""
    return nn.Sequential(*discriminator_layers(channels, maps, nn.LeakyReLU))


@DISCRIMINATOR.mistake
def discriminator_without_batch_norm(channels, maps):
    """BatchNorm is missing: put one between each convolution and its LeakyReLU, except the last."""
    return nn.Sequential(*discriminator_layers(channels, maps, norm=lambda n: nn.Identity()))


@DISCRIMINATOR.mistake
def discriminator_without_first_norm(channels, maps):
    """The first BatchNorm is missing. The paper leaves it out too, but the table of this lesson has it:
    2,765,696 parameters, not 2,765,568."""
    layers = discriminator_layers(channels, maps)
    return nn.Sequential(layers[0], *layers[2:])


@DISCRIMINATOR.mistake
def discriminator_with_last_norm(channels, maps):
    """There is a BatchNorm behind the last convolution. It would centre the verdicts of each batch, so that
    half of any batch were called fake."""
    layers = discriminator_layers(channels, maps)
    return nn.Sequential(*layers[:-1], nn.BatchNorm2d(1), layers[-1])


@DISCRIMINATOR.mistake
def discriminator_with_norm_after_activation(channels, maps):
    """BatchNorm stands behind the LeakyReLU. It belongs between the convolution and the LeakyReLU."""
    layers = discriminator_layers(channels, maps)
    for i in (1, 4, 7, 10):
        layers[i], layers[i + 1] = layers[i + 1], layers[i]
    return nn.Sequential(*layers)


@DISCRIMINATOR.mistake
def discriminator_with_bias(channels, maps):
    """The convolutions have a bias. BatchNorm takes it off again: bias=False in every layer of the table."""

    def biased(a, b, **where):
        return down(a, b, **where, bias=True)

    return nn.Sequential(*discriminator_layers(channels, maps, convolution=biased))


@DISCRIMINATOR.mistake
def discriminator_that_keeps_axes(channels, maps):
    """The logits have the shape (b, 1, 1, 1). D returns one number for each image, (b,): end with
    nn.Flatten(0)."""
    return nn.Sequential(*discriminator_layers(channels, maps)[:-1])


@DISCRIMINATOR.mistake
def discriminator_that_keeps_a_column(channels, maps):
    """The logits have the shape (b, 1). D returns one number for each image, (b,): end with nn.Flatten(0)."""
    return nn.Sequential(*discriminator_layers(channels, maps)[:-1], nn.Flatten())


@DISCRIMINATOR.mistake
def discriminator_with_pooling(channels, maps):
    """You shrink by pooling. The paper replaces pooling by strided convolutions (kernel 4, stride 2, padding
    1), so that D learns how to shrink."""

    def pooled(a, b, kernel=4, stride=2, padding=1):
        if stride == 1:
            return down(a, b, kernel, stride, padding)
        return nn.Sequential(nn.Conv2d(a, b, 3, 1, 1, bias=False), nn.MaxPool2d(2))

    return nn.Sequential(*discriminator_layers(channels, maps, convolution=pooled))
