"""vae/decoder: codes to pictures by transposed convolutions."""

import torch
import torch.nn.functional as F
from torch import nn

from course_lib.checks.draws import generator
from course_lib.checks.exercise import Case, Exercise
from course_lib.models.vae import make_decoder


def code_sizes(seed: int) -> list[Case]:
    d = 2 + seed % 5
    g = generator(seed)
    return [Case(f"codes of {d} dimensions", {"d": d}, seed, probe=torch.randn(2 - seed % 2, d, generator=g))]


DECODER = Exercise("vae/decoder", points=2, reference=make_decoder, inputs=code_sizes)


@DECODER.accept
class DecoderWithView(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.up3 = nn.ConvTranspose2d(32, 1, 4, 2, 1)
        self.up2 = nn.ConvTranspose2d(64, 32, 4, 2, 1)
        self.up1 = nn.ConvTranspose2d(64, 64, 3, padding=1)
        self.first = nn.Linear(d, 7 * 7 * 64)

    def forward(self, z):
        h = F.relu(self.first(z)).view(-1, 64, 7, 7)
        return self.up3(self.up2(self.up1(h).relu()).relu())


@DECODER.accept
def decoder_of_lazy_layers(d):
    return nn.Sequential(
        nn.LazyLinear(64 * 7 * 7),
        nn.Unflatten(-1, (64, 7, 7)),
        nn.ReLU(inplace=True),
        nn.LazyConvTranspose2d(64, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.LazyConvTranspose2d(32, 4, stride=2, padding=1),
        nn.ReLU(inplace=True),
        nn.LazyConvTranspose2d(1, 4, stride=2, padding=1),
    )


@DECODER.accept
def decoder_of_two_parts(d):
    layers = decoder_layers(d)
    return nn.Sequential(nn.Sequential(*layers[:3]), nn.Sequential(*layers[3:]))


def decoder_layers(d, width=32, activation=nn.ReLU):
    return [
        nn.Linear(d, 2 * width * 49),
        activation(),
        nn.Unflatten(1, (2 * width, 7, 7)),
        nn.ConvTranspose2d(2 * width, 2 * width, 3, 1, 1),
        activation(),
        nn.ConvTranspose2d(2 * width, width, 4, 2, 1),
        activation(),
        nn.ConvTranspose2d(width, 1, 4, 2, 1),
    ]


@DECODER.mistake
def decoder_with_sigmoid(d):
    """A sigmoid stands at the end. The decoder returns logits: the loss applies the sigmoid itself."""
    return nn.Sequential(*decoder_layers(d), nn.Sigmoid())


@DECODER.mistake
def decoder_with_tanh(d):
    """A tanh stands at the end. The decoder returns logits, which may be any number; the picture is made of
    them later."""
    return nn.Sequential(*decoder_layers(d), nn.Tanh())


@DECODER.mistake
def decoder_with_last_relu(d):
    """A ReLU stands at the end: the logits could never be negative, so no pixel darker than middle grey.
    The last layer has no activation."""
    return nn.Sequential(*decoder_layers(d), nn.ReLU())


@DECODER.mistake
def decoder_without_activations(d):
    """There is no activation between the layers: layers that are all linear amount to one linear layer. Put
    a ReLU after each but the last."""
    return nn.Sequential(*decoder_layers(d, activation=nn.Identity))


@DECODER.mistake
def decoder_without_first_relu(d):
    """The ReLU after the linear layer is missing: two linear layers in a row amount to one."""
    layers = decoder_layers(d)
    return nn.Sequential(layers[0], *layers[2:])


@DECODER.mistake
def decoder_with_leaky_relu(d):
    """The activations are LeakyReLU. This decoder has plain ReLU (LeakyReLU comes with the discriminators of
    lesson 03)."""
    return nn.Sequential(*decoder_layers(d, activation=lambda: nn.LeakyReLU(0.2)))


@DECODER.mistake
def decoder_with_channels_last(d):
    """The linear layer's output is folded to (7, 7, 64) and its axes moved. torch puts the channels first:
    Unflatten(1, (64, 7, 7))."""
    layers = decoder_layers(d)
    layers[2] = nn.Sequential(nn.Unflatten(1, (7, 7, 64)), ChannelsFirst())
    return nn.Sequential(*layers)


class ChannelsFirst(nn.Module):
    def forward(self, x):
        return x.permute(0, 3, 1, 2)


@DECODER.mistake
def decoder_of_two_convolutions(d):
    """One transposed convolution is missing: there are three, 64 to 64 channels at 7x7, 64 to 32, and 32 to
    1."""
    layers = decoder_layers(d)
    return nn.Sequential(*layers[:3], *layers[5:])


@DECODER.mistake
def decoder_that_does_not_grow(d):
    """The picture stays too small: two of the transposed convolutions need stride 2 to double the side, 7
    to 14 to 28."""
    layers = decoder_layers(d)
    layers[5], layers[7] = nn.ConvTranspose2d(64, 32, 3, 1, 1), nn.ConvTranspose2d(32, 1, 3, 1, 1)
    return nn.Sequential(*layers)


@DECODER.mistake
def decoder_with_output_padding(d):
    """The side doubles, but with kernel 3 and output_padding. Here it is kernel 4, stride 2, padding 1,
    where every output pixel gets the same number of contributions."""
    layers = decoder_layers(d)
    layers[5] = nn.ConvTranspose2d(64, 32, 3, 2, 1, output_padding=1)
    layers[7] = nn.ConvTranspose2d(32, 1, 3, 2, 1, output_padding=1)
    return nn.Sequential(*layers)
