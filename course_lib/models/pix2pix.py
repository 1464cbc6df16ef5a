"""pix2pix: translation learned from true pairs, with a U-Net, a conditional PatchGAN and an L1 term.

Isola et al., Image-to-Image Translation with Conditional Adversarial Networks, arXiv:1611.07004 (equation and
section numbers are theirs). The paper calls the input x and its true translation y, as here.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from course_lib.models.cyclegan import Patches, distance
from course_lib.models.gan import adam, frozen
from course_lib.training.loop import Player
from course_lib.types import Batch, Images, Losses

# ---------------------------------------------------------------------------------------------- networks


class Level(nn.Module):
    """One level of the U: shrink, do what is below, grow, and put that beside what came in (the skip).

    (b, a, h, w) -> (b, 2 a, h, w): the first half of the channels is the input itself.
    """

    def __init__(self, a: int, b: int, below: nn.Module | None, dropout: float = 0.0):
        super().__init__()
        down = [nn.LeakyReLU(0.2), nn.Conv2d(a, b, 4, stride=2, padding=1, bias=below is None)]
        middle = [nn.BatchNorm2d(b), below] if below is not None else []  # a norm of 1x1 would leave nothing
        wide = b if below is None else 2 * b
        up = [nn.ReLU(), nn.ConvTranspose2d(wide, a, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(a)]
        self.path = nn.Sequential(*down, *middle, *up, *([nn.Dropout(dropout)] if dropout else []))

    def forward(self, x: Float[Tensor, "b a h w"]) -> Float[Tensor, "b a2 h w"]:
        return torch.cat([x, self.path(x)], dim=1)


def make_unet(channels: int = 3, maps: int = 64, downs: int = 8, dropout: float = 0.5) -> nn.Sequential:
    """Images -> images of the same size, sides a multiple of 2**downs (section 6.1.1).

    With the defaults, for 256x256: 64, 128, 256, 512, 512, 512, 512, 512 maps and 54.414 M parameters. The
    paper's noise is the dropout of the three levels above the lowest, which stays on when it translates.
    """
    widths = [min(maps * 2**i, 8 * maps) for i in range(downs)]
    level: nn.Module | None = None
    for i in reversed(range(1, downs)):
        noisy = level is not None and widths[i - 1] == widths[i]
        level = Level(widths[i - 1], widths[i], level, dropout if noisy else 0.0)
    wide = 2 * maps if level is not None else maps
    last = nn.ConvTranspose2d(wide, channels, 4, stride=2, padding=1)
    inside = [level] if level is not None else []
    first = nn.Conv2d(channels, maps, 4, stride=2, padding=1)
    return nn.Sequential(first, *inside, nn.ReLU(), last, nn.Tanh())


def make_pair_discriminator(channels: int = 3, maps: int = 64, downs: int = 3) -> nn.Sequential:
    """Pairs (b, 2 * channels, h, w) -> one logit for each patch: CycleGAN's with twice the input, BatchNorm.

    With the defaults 2,768,705 parameters, and patches of 70x70 (section 6.1.2).
    """
    layers: list[nn.Module] = [nn.Conv2d(2 * channels, maps, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
    a = maps
    for i in range(1, downs + 1):
        b, stride = min(maps * 2**i, 8 * maps), 2 if i < downs else 1
        layers += [nn.Conv2d(a, b, 4, stride=stride, padding=1, bias=False), nn.BatchNorm2d(b)]
        layers += [nn.LeakyReLU(0.2)]
        a = b
    return nn.Sequential(*layers, nn.Conv2d(a, 1, 4, stride=1, padding=1))


# ------------------------------------------------------------------------------------------------ losses


def pair(x: Images, y: Images) -> Float[Tensor, "b c2 h w"]:
    """What the conditional discriminator looks at: the input beside its translation."""
    return torch.cat([x, y], dim=1)


def pair_discriminator_loss(real: Patches, fake: Patches) -> Losses:
    """Half of -log D(x, y) and of -log(1 - D(x, G(x))) from logits, averaged (eq. 1, section 3.3)."""
    return {"real": 0.5 * F.softplus(-real.float()).mean(), "fake": 0.5 * F.softplus(fake.float()).mean()}


def pix2pix_loss(fake: Patches, translation: Tensor, y: Images, weight: float) -> Losses:
    """-log D(x, G(x)) and `weight` times the L1 distance from the truth (eq. 4)."""
    return {"fool": F.softplus(-fake.float()).mean(), "L1": weight * distance(translation, y)}


# ------------------------------------------------------------------------------------------------ players


@dataclass(frozen=True)
class PairGame:
    """How pix2pix is played. The defaults are the paper's."""

    weight: float = 100.0  # lambda of eq. (4): of the L1 term
    generator_rate: float = 2e-4
    discriminator_rate: float = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)
    ema: float = 0.99


def pix2pix_players(G: nn.Module, D: nn.Module, game: PairGame | None = None) -> list[Player]:
    """D moves, then G, on batches of true pairs {"image": x, "other": y}: one translation serves both.

    D moves on a copy of the translation that is cut from the graph; G then faces the D that has moved.
    """
    game = PairGame() if game is None else game
    made: dict[str, Tensor] = {}

    def discriminator(batch: Batch) -> Losses:
        x, y = batch["image"], batch["other"]
        made["y"] = G(x)
        real = D(pair(x, y))
        return pair_discriminator_loss(real, D(pair(x, made["y"].detach().float())))

    def generator(batch: Batch) -> Losses:
        x, y, fake = batch["image"], batch["other"], made.pop("y")
        with frozen(D):
            return pix2pix_loss(D(pair(x, fake.float())), fake, y, game.weight)

    return [
        Player("D", discriminator, adam(D, game.discriminator_rate, game.betas)),
        Player("G", generator, adam(G, game.generator_rate, game.betas)),
    ]
