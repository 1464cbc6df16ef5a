"""The deep convolutional GAN: the GAN's losses and turns (gan.py) with convolutional networks.

Radford, Metz and Chintala, Unsupervised Representation Learning with DCGANs, arXiv:1511.06434, section 3.
Miyato et al., Spectral Normalization for Generative Adversarial Networks, arXiv:1802.05957.
Odena, Dumoulin and Olah, Deconvolution and Checkerboard Artifacts, Distill 2016.

Every convolution has kernel 4, stride 2 and padding 1, which doubles or halves the side exactly (kernel 3
where the larger side is odd), except the one beside the code, which spans the whole smallest picture. None
has a bias: BatchNorm would take it off.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from course_lib.models.gan import Game
from course_lib.types import Images

# 28x28 with 16 maps and smallest = 4, from torch's own start, with smoothed labels: a minute on a CPU.
DIGITS = Game(d=32, batch=64, generator_rate=2e-3, discriminator_rate=1e-3)
# Section 4, with `initialise`; the lecture's z.
PAPER = Game(d=128, batch=128, generator_rate=2e-4, discriminator_rate=2e-4)


def sides(size: int, smallest: int = 7) -> list[int]:
    """The sides of the pictures between code and image: `size` is halved, rounded up, down to `smallest`.

    64 has 4, 8, 16, 32, 64; 28 has 7, 14, 28, or with smallest = 4 one more, 4, 7, 14, 28.
    """
    if size <= smallest:
        raise ValueError(f"expected a size above {smallest}, which G starts from, got {size}")
    found = [size]
    while found[0] > smallest:
        found.insert(0, (found[0] + 1) // 2)
    return found


def up_size(side: int, kernel: int, stride: int, padding: int, output_padding: int = 0) -> int:
    """The side that a transposed convolution makes of `side` (without dilation)."""
    return (side - 1) * stride - 2 * padding + kernel + output_padding


def make_generator(
    d: int = 128, channels: int = 3, size: int = 64, maps: int = 64, smallest: int = 7
) -> nn.Sequential:
    """Codes (b, d) -> images (b, channels, size, size) in [-1, 1]; `maps` is the width at size/2.

    With the defaults d -> 512x4x4 -> 256x8x8 -> 128x16x16 -> 64x32x32 -> 3x64x64: 3,806,080 parameters.
    `smallest`: the first picture's side, at most (see `sides`).
    """
    first, *rest = sides(size, smallest)
    widths = [maps * 2**i for i in reversed(range(len(rest)))]
    layers: list[nn.Module] = [nn.Unflatten(1, (d, 1, 1))]
    layers += [nn.ConvTranspose2d(d, widths[0], first, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()]
    for (a, b), side in zip(pairwise(widths), rest, strict=False):
        layers += [nn.ConvTranspose2d(a, b, **between(side)), nn.BatchNorm2d(b), nn.ReLU()]
    return nn.Sequential(*layers, nn.ConvTranspose2d(widths[-1], channels, **between(size)), nn.Tanh())


def make_discriminator(channels: int = 3, size: int = 64, maps: int = 64, smallest: int = 7) -> nn.Sequential:
    """Images (b, channels, size, size) -> logits (b,); the generator's stages, backwards.

    With the defaults 3x64x64 -> 64x32x32 -> 128x16x16 -> 256x8x8 -> 512x4x4 -> 1: 2,765,696 parameters.
    That count has BatchNorm behind the first convolution too, as the lecture's table does; the paper leaves
    it out there (section 3).
    """
    first, *rest = sides(size, smallest)
    widths = [channels, *(maps * 2**i for i in range(len(rest)))]
    layers: list[nn.Module] = []
    for (a, b), side in zip(pairwise(widths), reversed(rest), strict=True):
        layers += [nn.Conv2d(a, b, **between(side)), nn.BatchNorm2d(b), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, first, bias=False), nn.Flatten(0))


def between(side: int) -> dict[str, int | bool]:
    """The convolution between a picture of this side and the next smaller one, whichever way it goes.

    Kernel 4 between 2n and n; an odd side takes kernel 3, which goes between 2n - 1 and n.
    """
    return {"kernel_size": 4 - side % 2, "stride": 2, "padding": 1, "bias": False}


@torch.no_grad()
def initialise(net: nn.Module) -> nn.Module:
    """Convolutions from N(0, 0.02), BatchNorm's scale from N(1, 0.02), every shift 0; returns the net."""
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            layer.weight.normal_(0.0, 0.02)
        elif isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.weight.normal_(1.0, 0.02)
        if isinstance(getattr(layer, "bias", None), Tensor):
            layer.bias.zero_()
    return net


def without_batch_norm(net: nn.Sequential) -> nn.Sequential:
    """The same layers less every BatchNorm: what lesson 03 breaks on purpose."""
    return nn.Sequential(*(layer for layer in net if not isinstance(layer, nn.modules.batchnorm._BatchNorm)))


def with_spectral_norm(net: nn.Module) -> nn.Module:
    """Divide each weight by its largest singular value, so that no layer stretches (arXiv:1802.05957, eq. 8).

    It takes BatchNorm's place in a discriminator: `with_spectral_norm(without_batch_norm(D))`.
    """
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            spectral_norm(layer)
    return net


def checkerboard_energy(images: Images, stride: int = 2) -> float:
    """The share of the images' variation that repeats with the period of the stride; 1 for a checkerboard.

    Energy at the frequencies (i / stride, j / stride) cycles per pixel, but for (0, 0), over that at all
    frequencies but (0, 0). A transposed convolution whose kernel the stride does not divide adds to it.
    """
    height, width = images.shape[-2:]
    if height % stride or width % stride:
        raise ValueError(f"expected sides that {stride} divides, got {height} x {width}")
    power = torch.fft.fft2(images.float()).abs().square().mean(dim=(0, 1))
    rest = power.sum() - power[0, 0]
    grid = power[:: height // stride, :: width // stride]
    return ((grid.sum() - power[0, 0]) / rest.clamp_min(1e-12)).item()
