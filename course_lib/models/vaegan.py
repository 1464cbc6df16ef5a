"""The VAE/GAN hybrid: a VAE whose idea of "similar" is what a GAN's discriminator sees.

Larsen et al., Autoencoding beyond pixels using a learned similarity metric, arXiv:1512.09300 (equation
numbers and Algorithm 1 are theirs; their Dec is our G, their Dis our D, their Enc our E).

A VAE's pictures are blurred because it compares pixels. Here reconstructions are compared in the features of
D's layer l, and D is told to find out both reconstructions and samples from the prior.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from course_lib.device import evaluating
from course_lib.models import dcgan
from course_lib.models.gan import Game, Logits, adam, draw_codes, frozen
from course_lib.models.vae import kl_to_standard_normal, make_trunk, reparameterize, split_gaussian
from course_lib.training.loop import Player
from course_lib.types import Batch, Codes, Images, Losses, Scalar

DIGITS = Game(d=32, batch=64)


class Encoder(nn.Module):
    """x -> mean and logvar of q(z|x), (b, d) each."""

    def __init__(self, d: int, channels: int = 1, size: int = 28, width: int = 32):
        super().__init__()
        self.trunk = make_trunk(channels, size, width)
        self.head = nn.Linear(2 * width * (size // 4) ** 2, 2 * d)

    def forward(self, x: Images) -> tuple[Codes, Codes]:
        return split_gaussian(self.head(self.trunk(x)))


class FeatureDiscriminator(nn.Module):
    """The DCGAN's discriminator, which also says what it saw before its verdict."""

    def __init__(self, channels: int = 1, size: int = 28, maps: int = 32):
        super().__init__()
        layers = list(dcgan.make_discriminator(channels, size, maps))
        self.body, self.verdict = nn.Sequential(*layers[:-2]), nn.Sequential(*layers[-2:])

    def forward(self, x: Images) -> Logits:
        return self.verdict(self.body(x))

    def features(self, x: Images) -> Float[Tensor, "b n"]:
        """Layer l: the last one before the verdict."""
        return self.body(x).flatten(1)


def feature_nll(a: Float[Tensor, "b n"], b: Float[Tensor, "b n"]) -> Scalar:
    """-log N(a; b, I) in nats per image, less its constant (eq. 7 and 8): L_llike of D's layer l."""
    return 0.5 * (a.float() - b.float()).square().sum(dim=1).mean()


def encoder_loss(E: Encoder, G: nn.Module, D: FeatureDiscriminator, x: Images) -> Losses:
    """L_prior + L_llike: E is drawn to N(0, I), and to codes that rebuild what D sees."""
    mean, logvar = E(x)
    with frozen(G), frozen(D):
        rebuilt = G(reparameterize(mean, logvar))
        alike = feature_nll(D.features(x).detach(), D.features(rebuilt))
    return {"kl": kl_to_standard_normal(mean, logvar).mean(), "alike": alike}


def decoder_loss(
    E: Encoder, G: nn.Module, D: FeatureDiscriminator, x: Images, z: Codes, gamma: float = 1e-3
) -> Losses:
    """gamma L_llike - L_GAN, with the non-saturating form of the latter: G rebuilds x, and fools D."""
    with torch.no_grad():
        mean, logvar = E(x)
        codes, seen = reparameterize(mean, logvar), D.features(x)
    with frozen(D):
        rebuilt = D.body(G(codes))
        drawn = D(G(z))
        fool = F.softplus(-D.verdict(rebuilt).float()).mean() + F.softplus(-drawn.float()).mean()
        return {"alike": gamma * feature_nll(seen, rebuilt.flatten(1)), "fool": fool}


def discriminator_loss(E: Encoder, G: nn.Module, D: FeatureDiscriminator, x: Images, z: Codes) -> Losses:
    """-L_GAN = -log D(x) - log(1 - D(G(E(x)))) - log(1 - D(G(z))), averaged (eq. 10 and section 3.2)."""
    with torch.no_grad():
        rebuilt, drawn = G(reparameterize(*E(x))), G(z)
    return {
        "real": F.softplus(-D(x).float()).mean(),
        "rebuilt": F.softplus(D(rebuilt).float()).mean(),
        "fake": F.softplus(D(drawn).float()).mean(),
    }


def vaegan_players(
    E: Encoder, G: nn.Module, D: FeatureDiscriminator, game: Game = DIGITS, gamma: float = 1e-3
) -> list[Player]:
    """Algorithm 1: three players. G is `dcgan.make_generator`, which also stands for the VAE's decoder."""

    def codes(batch: Batch) -> Codes:
        return draw_codes(len(batch["image"]), game.d, batch["image"].device)

    def moves(name: str, loss, net: nn.Module, rate: float) -> Player:
        return Player(name, loss, adam(net, rate, game.betas))

    return [
        moves("E", lambda b: encoder_loss(E, G, D, b["image"]), E, game.generator_rate),
        moves("G", lambda b: decoder_loss(E, G, D, b["image"], codes(b), gamma), G, game.generator_rate),
        moves("D", lambda b: discriminator_loss(E, G, D, b["image"], codes(b)), D, game.discriminator_rate),
    ]


def reconstruct(E: Encoder, G: nn.Module, x: Images) -> Images:
    """x through its mean code and back, in eval mode."""
    with evaluating(E, G):
        return G(E(x)[0]).float()
