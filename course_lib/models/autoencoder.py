"""The autoencoder of latent diffusion: pictures of 64x64 to 8x8 maps of numbers and back, almost unchanged.

Rombach et al., High-Resolution Image Synthesis with Latent Diffusion Models, arXiv:2112.10752, section 3.1
and appendix G (equation numbers are theirs).
Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, arXiv:1801.03924.
Esser et al., Taming Transformers for High-Resolution Image Synthesis, arXiv:2012.09841 (D for patches).
Lim and Ye, Geometric GAN, arXiv:1705.02894 (the hinge loss).

Four losses, each a function of its own: absolute error in pixels, distance in the features of a network that
was trained for something else, a discriminator that judges patches, and a KL term with a very small weight.
Its work is not that of lesson 01's VAE, which must sample from N(0, I): here the diffusion will sample, and
the KL only keeps the numbers from growing without end.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from course_lib.device import evaluating
from course_lib.models.gan import adam, frozen
from course_lib.models.vae import kl_to_standard_normal
from course_lib.training.loop import Player
from course_lib.types import Batch, Images, Losses, Scalar

Latents = Float[Tensor, "b z i j"]  # a small map of numbers for each image
FeatureMaps = Callable[[Images], list[Tensor]]  # images -> what several layers of a network see

# ---------------------------------------------------------------------------------------------- networks


class ResidualBlock(nn.Module):
    """x + what two convolutions make of it; the sides and the channels stay."""

    def __init__(self, width: int):
        super().__init__()
        self.change = nn.Sequential(
            nn.GroupNorm(1, width),
            nn.SiLU(),
            nn.Conv2d(width, width, kernel_size=3, padding=1),
            nn.GroupNorm(1, width),
            nn.SiLU(),
            nn.Conv2d(width, width, kernel_size=3, padding=1),
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return x + self.change(x)


def up(a: int, b: int) -> nn.Sequential:
    """a maps -> b maps of twice the side: each place says four pixels (no checkerboard: no overlap)."""
    return nn.Sequential(nn.Conv2d(a, 4 * b, kernel_size=3, padding=1), nn.PixelShuffle(2))


def make_encoder(z: int, channels: int, widths: tuple[int, ...], blocks: int) -> nn.Sequential:
    """Images -> 2 z maps, mean and logvar, of 1/2^len(widths) the side."""
    layers: list[nn.Module] = [
        nn.PixelUnshuffle(2),
        nn.Conv2d(4 * channels, widths[0], kernel_size=3, padding=1),
    ]
    for a, b in pairwise(widths):
        layers += [nn.SiLU(), nn.Conv2d(a, b, kernel_size=4, stride=2, padding=1)]
        layers += [ResidualBlock(b) for _ in range(blocks)]
    return nn.Sequential(*layers, nn.GroupNorm(1, widths[-1]), nn.SiLU(), nn.Conv2d(widths[-1], 2 * z, 1))


def make_decoder(z: int, channels: int, widths: tuple[int, ...], blocks: int) -> nn.Sequential:
    """z maps -> images; the encoder's stages, backwards."""
    layers: list[nn.Module] = [nn.Conv2d(z, widths[-1], kernel_size=3, padding=1)]
    for b, a in zip(widths[::-1], widths[-2::-1], strict=False):
        layers += [*(ResidualBlock(b) for _ in range(blocks)), up(b, a)]
    layers += [ResidualBlock(widths[0]), nn.GroupNorm(1, widths[0]), nn.SiLU()]
    return nn.Sequential(*layers, up(widths[0], channels))


class KLAutoencoder(nn.Module):
    """x -> N(mean, exp(logvar)) over maps (b, z, size/f, size/f) -> x, with f = 2^len(widths)."""

    def __init__(
        self, z: int = 8, channels: int = 3, widths: tuple[int, ...] = (32, 64, 128), blocks: int = 1
    ):
        super().__init__()
        self.z, self.f = z, 2 ** len(widths)
        self.encoder = make_encoder(z, channels, widths, blocks)
        self.decoder = make_decoder(z, channels, widths, blocks)

    def encode(self, x: Images) -> tuple[Latents, Latents]:
        """-> mean and logvar, each (b, z, size/f, size/f); the spread is kept between e^-10 and e^5."""
        mean, logvar = self.encoder(x).float().chunk(2, dim=1)
        return mean, logvar.clamp(-20.0, 10.0)

    def decode(self, z: Latents) -> Images:
        return self.decoder(z)


def draw(mean: Latents, logvar: Latents) -> Latents:
    """z ~ N(mean, exp(logvar)), with gradients to both."""
    return mean + torch.exp(0.5 * logvar) * torch.randn_like(mean)


# ------------------------------------------------------------------------------------------------ losses


def pixel_distance(x_hat: Images, x: Images) -> Scalar:
    """Mean absolute error, in the units of pixels (white is 1, black -1)."""
    return (x_hat.float() - x).abs().mean()


def perceptual_distance(maps: FeatureMaps, x_hat: Images, x: Images) -> Scalar:
    """How differently a network sees the two (arXiv:1801.03924, eq. 1, with all weights 1).

    At every place of every layer the two vectors are brought to length 1 and compared; averaged over places.
    """
    with torch.no_grad():
        seen = maps(x)
    pairs = zip(maps(x_hat), seen, strict=True)
    return sum((unit(a) - unit(b)).square().sum(dim=1).mean() for a, b in pairs)


def unit(h: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """The vector at each place, brought to length 1."""
    h = h.float()
    return h / (h.square().sum(dim=1, keepdim=True) + 1e-6).sqrt()


def latent_kl(mean: Latents, logvar: Latents) -> Scalar:
    """KL(N(mean, exp(logvar)) || N(0, I)) in nats for each number of the code, averaged."""
    return kl_to_standard_normal(mean.flatten(1), logvar.flatten(1)).mean() / mean[0].numel()


def patch_discriminator_loss(real: Tensor, fake: Tensor) -> Losses:
    """Hinge loss of every patch (arXiv:1705.02894, eq. 12): right by a margin of 1 is right enough."""
    return {"real": F.relu(1 - real.float()).mean(), "fake": F.relu(1 + fake.float()).mean()}


def patch_generator_loss(fake: Tensor) -> Scalar:
    """-D(x_hat), averaged over patches (arXiv:1705.02894, eq. 13)."""
    return -fake.float().mean()


@dataclass(frozen=True)
class Weights:
    """Of the terms beside the pixels' own, which has 1."""

    perceptual: float = 0.4
    kl: float = 1e-4  # per number of the code
    fool: float = 0.01


def autoencoder_loss(net: KLAutoencoder, x: Images, maps: FeatureMaps, weights: Weights) -> Losses:
    """Pixels, perception and KL; what the first part of the training minimises."""
    return rebuilt_and_losses(net, x, maps, weights)[1]


def rebuilt_and_losses(
    net: KLAutoencoder, x: Images, maps: FeatureMaps, weights: Weights
) -> tuple[Images, Losses]:
    """x, there and back, and what it lost on the way."""
    mean, logvar = net.encode(x)
    x_hat = net.decode(draw(mean, logvar)).float()
    return x_hat, {
        "pixels": pixel_distance(x_hat, x),
        "perceptual": weights.perceptual * perceptual_distance(maps, x_hat, x),
        "kl": weights.kl * latent_kl(mean, logvar),
    }


# ----------------------------------------------------------------------------------------------- players


def autoencoder_player(
    net: KLAutoencoder, maps: FeatureMaps, weights: Weights = Weights(), rate: float = 2e-3
) -> Player:
    """One player, without a discriminator."""
    return Player(
        "autoencoder",
        lambda batch: autoencoder_loss(net, batch["image"], maps, weights),
        adam(net, rate, (0.9, 0.99)),
    )


def autoencoder_players(
    net: KLAutoencoder,
    D: nn.Module,
    maps: FeatureMaps,
    weights: Weights = Weights(),
    rate: float = 5e-4,
    discriminator_rate: float = 1e-3,
) -> list[Player]:
    """Two players: the autoencoder also fools D, which judges patches of what it rebuilt (eq. 25).

    D is lesson 05's: `cyclegan.make_discriminator(3, 32, downs=1)` judges patches of 16x16 pixels.
    """

    def rebuild(batch: Batch) -> Losses:
        x_hat, losses = rebuilt_and_losses(net, batch["image"], maps, weights)
        with frozen(D):
            return losses | {"fool": weights.fool * patch_generator_loss(D(x_hat))}

    def judge(batch: Batch) -> Losses:
        x = batch["image"]
        with torch.no_grad():
            x_hat = net.decode(draw(*net.encode(x))).float()
        return patch_discriminator_loss(D(x), D(x_hat))

    return [
        Player("autoencoder", rebuild, adam(net, rate, (0.5, 0.99))),
        Player("D", judge, adam(D, discriminator_rate, (0.5, 0.99))),
    ]


def reconstruct(net: KLAutoencoder, x: Images) -> Images:
    """x through its mean code and back, in eval mode, inside the range of images."""
    with evaluating(net):
        return net.decode(net.encode(x)[0]).float().clamp(-1, 1)
