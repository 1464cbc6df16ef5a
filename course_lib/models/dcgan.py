"""The deep convolutional GAN: the GAN's losses and turns (gan.py) with convolutional networks.

Radford, Metz and Chintala, Unsupervised Representation Learning with DCGANs, arXiv:1511.06434, section 3.
Miyato et al., Spectral Normalization for Generative Adversarial Networks, arXiv:1802.05957.
Odena, Dumoulin and Olah, Deconvolution and Checkerboard Artifacts, Distill 2016.

Every convolution has kernel 4, stride 2 and padding 1, which doubles or halves the side exactly, except the
one beside the code, which spans the whole smallest picture. None has a bias: BatchNorm would take it off.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from course_lib.models.gan import Game
from course_lib.types import Images

DIGITS = Game(d=32, batch=64)  # 28x28, 32 maps, a few minutes on a CPU, from torch's own start
PAPER = Game(
    d=128, batch=128, generator_rate=2e-4, discriminator_rate=2e-4
)  # section 4, with `initialise`; the lecture's z


def stages(size: int) -> tuple[int, int]:
    """The smallest side, and how often it doubles to give `size`: 64 = 4 * 2^4, 32 = 4 * 2^3, 28 = 7 * 4."""
    doublings = 0
    while size % 2 == 0 and size > 7:
        size, doublings = size // 2, doublings + 1
    if doublings == 0 or size > 7:
        raise ValueError("expected a size of 4, 5, 6 or 7 times a power of 2, as 28, 32 and 64 are")
    return size, doublings


def up_size(side: int, kernel: int, stride: int, padding: int, output_padding: int = 0) -> int:
    """The side that a transposed convolution makes of `side` (without dilation)."""
    return (side - 1) * stride - 2 * padding + kernel + output_padding


def make_generator(d: int = 128, channels: int = 3, size: int = 64, maps: int = 64) -> nn.Sequential:
    """Codes (b, d) -> images (b, channels, size, size) in [-1, 1]; `maps` is the width at size/2.

    With the defaults d -> 512x4x4 -> 256x8x8 -> 128x16x16 -> 64x32x32 -> 3x64x64: 3,806,080 parameters.
    """
    side, doublings = stages(size)
    widths = [maps * 2**i for i in reversed(range(doublings))]
    layers: list[nn.Module] = [nn.Unflatten(1, (d, 1, 1))]
    layers += up(d, widths[0], kernel=side, stride=1, padding=0)
    for a, b in pairwise(widths):
        layers += up(a, b)
    last = nn.ConvTranspose2d(widths[-1], channels, kernel_size=4, stride=2, padding=1, bias=False)
    return nn.Sequential(*layers, last, nn.Tanh())


def up(a: int, b: int, kernel: int = 4, stride: int = 2, padding: int = 1) -> list[nn.Module]:
    """a maps -> b maps of twice the side."""
    return [nn.ConvTranspose2d(a, b, kernel, stride, padding, bias=False), nn.BatchNorm2d(b), nn.ReLU()]


def make_discriminator(channels: int = 3, size: int = 64, maps: int = 64) -> nn.Sequential:
    """Images (b, channels, size, size) -> logits (b,); the generator's stages, backwards.

    With the defaults 3x64x64 -> 64x32x32 -> 128x16x16 -> 256x8x8 -> 512x4x4 -> 1: 2,765,696 parameters.
    That count has BatchNorm behind the first convolution too, as the lecture's table does; the paper leaves
    it out there (section 3).
    """
    side, doublings = stages(size)
    widths = [channels, *(maps * 2**i for i in range(doublings))]
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += down(a, b)
    last = nn.Conv2d(widths[-1], 1, kernel_size=side, stride=1, padding=0, bias=False)
    return nn.Sequential(*layers, last, nn.Flatten(0))


def down(a: int, b: int) -> list[nn.Module]:
    """a maps -> b maps of half the side."""
    return [
        nn.Conv2d(a, b, kernel_size=4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(b),
        nn.LeakyReLU(0.2),
    ]


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
