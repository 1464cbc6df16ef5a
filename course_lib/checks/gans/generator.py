"""dcgan/generator: the table's generator, for pictures of 64 x 64."""

from itertools import count

import torch
from torch import nn

from course_lib.checks.exercise import Case, Exercise, fill
from course_lib.checks.gans.draws import generator, pick
from course_lib.models import dcgan


def make_generator(d, channels, maps):
    return dcgan.make_generator(d, channels, 64, maps)


def codes(seed: int) -> list[Case]:
    g = generator(seed)
    args = {"d": pick(3, 6, g), "channels": pick(1, 3, g), "maps": 2}
    probe = torch.randn(2, args["d"], generator=g)
    return [Case(f"codes of {args['d']} numbers", args, loud_seed(seed, args, probe), probe=probe)]


@torch.no_grad()
def loud_seed(seed: int, args: dict[str, int], probe: torch.Tensor) -> int:
    """A seed of weights whose pictures reach far from 0, where a Tanh makes a difference."""
    net = make_generator(**args)
    return next(s for s in count(seed) if fill(net, s)(probe).square().mean() > 0.1)


GENERATOR = Exercise("dcgan/generator", points=3, reference=make_generator, inputs=codes)


def up(a, b, kernel=4, stride=2, padding=1, bias=False):
    return nn.ConvTranspose2d(a, b, kernel, stride, padding, bias=bias)


def generator_layers(d, channels, maps, activation=nn.ReLU, norm=nn.BatchNorm2d, convolution=up):
    """Four blocks of three layers, then the last two, behind the one that folds the code."""
    widths = [d, 8 * maps, 4 * maps, 2 * maps, maps]
    layers = [nn.Unflatten(1, (d, 1, 1))]
    for i in range(4):
        where = {"stride": 1, "padding": 0} if i == 0 else {}
        layers += [convolution(widths[i], widths[i + 1], **where), norm(widths[i + 1]), activation()]
    return [*layers, convolution(maps, channels), nn.Tanh()]


@GENERATOR.accept
class GeneratorWithView(nn.Module):
    def __init__(self, d, channels, maps):
        super().__init__()
        m = maps
        self.last = up(m, channels)
        self.a, self.na = up(d, 8 * m, 4, 1, 0), nn.BatchNorm2d(8 * m)
        self.b, self.nb = up(8 * m, 4 * m), nn.BatchNorm2d(4 * m)
        self.c, self.nc = up(4 * m, 2 * m), nn.BatchNorm2d(2 * m)
        self.e, self.ne = up(2 * m, m), nn.BatchNorm2d(m)

    def forward(self, z):
        h = self.na(self.a(z.view(*z.shape, 1, 1))).relu()
        h = self.nb(self.b(h)).relu()
        h = self.nc(self.c(h)).relu()
        return self.last(self.ne(self.e(h)).relu()).tanh()


@GENERATOR.accept
def generator_of_blocks(d, channels, maps):
    layers = generator_layers(d, channels, maps, activation=lambda: nn.ReLU(inplace=True))
    return nn.Sequential(layers[0], *(nn.Sequential(*layers[i : i + 3]) for i in (1, 4, 7, 10)), *layers[13:])


@GENERATOR.accept
def generator_built_in_a_loop(d, channels, maps):
    net = nn.Sequential()
    for i, layer in enumerate(generator_layers(d, channels, maps)):
        net.add_module(f"layer {i}", layer)
    return net


@GENERATOR.mistake
def generator_without_tanh(d, channels, maps):
    """The Tanh at the end is missing: images of this course lie in [-1, 1], and D would tell fakes by their
    range alone."""
    return nn.Sequential(*generator_layers(d, channels, maps)[:-1])


@GENERATOR.mistake
def generator_with_sigmoid(d, channels, maps):
    """A sigmoid stands at the end, so the fakes lie in [0, 1]. The images lie in [-1, 1]: Tanh."""
    return nn.Sequential(*generator_layers(d, channels, maps)[:-1], nn.Sigmoid())


@GENERATOR.mistake
def generator_without_batch_norm(d, channels, maps):
    """BatchNorm is missing: put one between each transposed convolution and its ReLU, except the last."""
    return nn.Sequential(*generator_layers(d, channels, maps, norm=lambda n: nn.Identity()))


@GENERATOR.mistake
def generator_with_norm_after_relu(d, channels, maps):
    """BatchNorm stands behind the ReLU. It belongs between the transposed convolution and the ReLU."""
    layers = generator_layers(d, channels, maps)
    for i in (2, 5, 8, 11):
        layers[i], layers[i + 1] = layers[i + 1], layers[i]
    return nn.Sequential(*layers)


@GENERATOR.mistake
def generator_with_last_norm(d, channels, maps):
    """There is a BatchNorm before the Tanh too. The last layer has none (section 3): it would take from G the
    say about brightness and contrast."""
    layers = generator_layers(d, channels, maps)
    return nn.Sequential(*layers[:-1], nn.BatchNorm2d(channels), nn.Tanh())


@GENERATOR.mistake
def generator_with_leaky_relu(d, channels, maps):
    """The activations are LeakyReLU. That is for D; the generator has plain ReLU."""
    return nn.Sequential(*generator_layers(d, channels, maps, activation=lambda: nn.LeakyReLU(0.2)))


@GENERATOR.mistake
def generator_with_bias(d, channels, maps):
    """The convolutions have a bias. BatchNorm takes the average off again, so it does nothing: bias=False in
    every layer of the table."""
    return nn.Sequential(
        *generator_layers(d, channels, maps, convolution=lambda a, b, **where: up(a, b, bias=True, **where))
    )


@GENERATOR.mistake
def generator_without_activations(d, channels, maps):
    """There is no ReLU between the layers: what is linear throughout amounts to one layer."""
    return nn.Sequential(*generator_layers(d, channels, maps, activation=nn.Identity))


@GENERATOR.mistake
def generator_of_upsampling(d, channels, maps):
    """You resize and convolve. That is a good way to avoid checkerboards, but the table has transposed
    convolutions: kernel 4, stride 2, padding 1."""

    def resize(a, b, stride=2, padding=1):
        if stride == 1:
            return up(a, b, 4, 1, 0)
        return nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(a, b, 3, 1, 1, bias=False))

    return nn.Sequential(*generator_layers(d, channels, maps, convolution=resize))


@GENERATOR.mistake
def generator_with_output_padding(d, channels, maps):
    """The side doubles, but with kernel 3 and output_padding, which paints checkerboards. The table has
    kernel 4, stride 2, padding 1."""

    def uneven(a, b, stride=2, padding=1):
        if stride == 1:
            return up(a, b, 4, 1, 0)
        return nn.ConvTranspose2d(a, b, 3, 2, 1, output_padding=1, bias=False)

    return nn.Sequential(*generator_layers(d, channels, maps, convolution=uneven))
