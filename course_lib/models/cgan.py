"""The conditional GAN: both networks are told a label, or attributes, beside the code and the image.

Mirza and Osindero, Conditional Generative Adversarial Nets, arXiv:1411.1784, eq. (2).
Reed et al., Generative Adversarial Text to Image Synthesis, arXiv:1605.05396 (the matching-aware D).

A condition y is turned into a vector by `embed`: one-hot (OneHot), learned (nn.Embedding), or several
attributes at once (Attributes). G gets it appended to the code. D gets it appended to the pixels if its first
layer is linear, and as constant planes beside the channels if it is a convolution. The game, the losses and
the turns are those of gan.py: the label is a `condition` there.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from course_lib.models import dcgan, gan
from course_lib.models.gan import Game, Logits, draw_codes, gan_players, players_of, sample_gan
from course_lib.training.loop import Player
from course_lib.types import Codes, Images, Labels, Losses

DIGITS = Game(d=32, batch=64)  # the plain networks
CONVOLUTIONAL_DIGITS = Game(d=32, batch=64)

Condition = Int[Tensor, "b *a"]  # a label (b,), or several attributes (b, a)
Vectors = Float[Tensor, "b e"]
Join = Callable[[Images, Vectors], Tensor]

# ---------------------------------------------------------------------------- the condition, as numbers


class OneHot(nn.Module):
    """Labels (b,) -> (b, classes): 1 at the label's place. Nothing to learn."""

    def __init__(self, classes: int):
        super().__init__()
        self.classes = classes

    def forward(self, label: Labels) -> Vectors:
        return F.one_hot(label, self.classes).float()


class Attributes(nn.Module):
    """Several labels at once, (b, attributes) -> their one-hot vectors side by side, (b, sum of choices)."""

    def __init__(self, choices: tuple[int, ...]):
        super().__init__()
        self.choices = choices

    def forward(self, attributes: Int[Tensor, "b a"]) -> Vectors:
        columns = zip(attributes.unbind(dim=1), self.choices, strict=True)
        return torch.cat([F.one_hot(column, n).float() for column, n in columns], dim=1)


def append_vector(x: Tensor, y: Vectors) -> Float[Tensor, "b n"]:
    """Codes or images, each as one row of numbers, followed by the condition's."""
    return torch.cat([x.flatten(1), y.to(x.dtype)], dim=1)


def append_planes(x: Images, y: Vectors) -> Float[Tensor, "b c_plus_e h w"]:
    """(b, c, h, w) and (b, e) -> (b, c + e, h, w): each number of the condition is a constant plane."""
    planes = y.to(x.dtype)[:, :, None, None].expand(-1, -1, *x.shape[2:])
    return torch.cat([x, planes], dim=1)


# ---------------------------------------------------------------------------------------------- networks


class ConditionalGenerator(nn.Module):
    """G(z, y): `net` takes codes of d + e numbers, where `embed` makes e numbers of a condition."""

    def __init__(self, net: nn.Module, embed: nn.Module):
        super().__init__()
        self.net, self.embed = net, embed

    def forward(self, z: Codes, y: Condition) -> Images:
        return self.net(append_vector(z, self.embed(y)))


class ConditionalDiscriminator(nn.Module):
    """D(x, y): `net` takes what `join` makes of the images and the embedded condition."""

    def __init__(self, net: nn.Module, embed: nn.Module, join: Join):
        super().__init__()
        self.net, self.embed, self.join = net, embed, join

    def forward(self, x: Images, y: Condition) -> Logits:
        return self.net(self.join(x, self.embed(y)))


class LateDiscriminator(nn.Module):
    """D(x, y) of Reed et al. (section 4.1): `body` sees the image alone, `head` what it found, and y.

    The planes of y are small there, and few: many attributes cost next to nothing.
    """

    def __init__(self, body: nn.Module, head: nn.Module, embed: nn.Module):
        super().__init__()
        self.body, self.head, self.embed = body, head, embed

    def forward(self, x: Images, y: Condition) -> Logits:
        return self.head(append_planes(self.body(x), self.embed(y)))


def make_cgan(
    d: int, classes: int, channels: int = 1, size: int = 28
) -> tuple[ConditionalGenerator, ConditionalDiscriminator]:
    """The plain networks of gan.py with the label as a one-hot vector."""
    G = ConditionalGenerator(gan.make_generator(d + classes, channels, size), OneHot(classes))
    D = ConditionalDiscriminator(
        linear_discriminator(channels, size, classes), OneHot(classes), append_vector
    )
    return G, D


def make_embedded_cgan(
    d: int, classes: int, channels: int = 1, size: int = 28, e: int = 16
) -> tuple[ConditionalGenerator, ConditionalDiscriminator]:
    """The same with an embedding of e numbers a class, learned by each network for itself."""
    G = ConditionalGenerator(gan.make_generator(d + e, channels, size), nn.Embedding(classes, e))
    net = linear_discriminator(channels, size, e)
    return G, ConditionalDiscriminator(net, nn.Embedding(classes, e), append_vector)


def linear_discriminator(channels: int, size: int, e: int) -> nn.Sequential:
    """The discriminator of gan.py with e more numbers behind the pixels."""
    net = gan.make_discriminator(channels, size)
    first = net[1]
    net[1] = nn.Linear(first.in_features + e, first.out_features)
    return net


def make_conditional_dcgan(
    d: int, embed: Callable[[], nn.Module], e: int, channels: int = 1, size: int = 28, maps: int = 32
) -> tuple[ConditionalGenerator, ConditionalDiscriminator]:
    """The DCGAN with a condition of e numbers: `make_conditional_dcgan(64, lambda: OneHot(10), 10)`.

    `embed` is called twice, for each network has an embedding of its own.
    """
    G = ConditionalGenerator(dcgan.make_generator(d + e, channels, size, maps), embed())
    D = ConditionalDiscriminator(dcgan.make_discriminator(channels + e, size, maps), embed(), append_planes)
    return G, D


def make_attribute_dcgan(
    d: int, choices: tuple[int, ...], channels: int = 3, size: int = 32, maps: int = 32
) -> tuple[ConditionalGenerator, LateDiscriminator]:
    """The DCGAN with several attributes of `choices` values each, one-hot side by side. D is told late."""
    e = sum(choices)
    G = ConditionalGenerator(dcgan.make_generator(d + e, channels, size, maps), Attributes(choices))
    *body, last, flatten = dcgan.make_discriminator(channels, size, maps)
    width = last.in_channels
    join = [nn.Conv2d(width + e, width, kernel_size=1, bias=False), nn.BatchNorm2d(width), nn.LeakyReLU(0.2)]
    return G, LateDiscriminator(
        nn.Sequential(*body), nn.Sequential(*join, last, flatten), Attributes(choices)
    )


# ------------------------------------------------------------------------------------------ the losses


def matching_loss(real: Logits, fake: Logits, mismatched: Logits) -> Losses:
    """D's loss where real images with a wrong condition count as fakes too (arXiv:1605.05396, Algorithm 1).

    The two kinds of fakes share one weight. D need not wait for good fakes to learn what the condition means.
    """
    losses = gan.discriminator_loss(real, fake)
    wrong = F.softplus(mismatched.float()).mean()
    return {"real": losses["real"], "fake": 0.5 * losses["fake"], "mismatched": 0.5 * wrong}


def matching_turn(G: nn.Module, D: nn.Module, x: Images, z: Codes, y: Condition, wrong: Condition) -> Losses:
    """D's turn with three kinds of pairs: (x, y), (G(z, y), y) and (x, wrong)."""
    with torch.no_grad():
        fake = G(z, y)
    return matching_loss(D(x, y), D(fake, y), D(x, wrong))


def another_class(label: Labels, classes: int) -> Labels:
    """For each label one of the others, each as likely."""
    return (label + torch.randint_like(label, 1, classes)) % classes


def another_digit(label: Labels) -> Labels:
    return another_class(label, 10)


def another_row(attributes: Int[Tensor, "b a"]) -> Int[Tensor, "b a"]:
    """For each image the attributes of its neighbour in the batch, which differ in something as a rule."""
    return attributes.roll(1, 0)


# ------------------------------------------------------------------------------------ players and samplers


def cgan_players(G: nn.Module, D: nn.Module, game: Game = DIGITS, condition: str = "label") -> list[Player]:
    """The GAN's game with the condition told to both (eq. 2); `condition` names it in the batch."""
    return gan_players(G, D, game, condition=(condition,))


def matching_players(
    G: nn.Module,
    D: nn.Module,
    game: Game = CONVOLUTIONAL_DIGITS,
    condition: str = "label",
    another: Callable[[Condition], Condition] = another_digit,
) -> list[Player]:
    """The conditional game with the matching-aware D; `another` makes wrong conditions out of right ones."""

    def d_turn(x: Images, z: Codes, y: Condition) -> Losses:
        return matching_turn(G, D, x, z, y, another(y))

    return players_of(G, D, game, d_turn, gan.generator_loss, (condition,))


def sample_cgan(G: nn.Module, y: Condition, d: int, z: Codes | None = None) -> Images:
    """One image for each condition, from fresh codes or from those given."""
    return sample_gan(G, draw_codes(len(y), d) if z is None else z, y)


def class_grid(G: nn.Module, classes: int, columns: int, d: int) -> Images:
    """A row per class, and down each column the same code: (classes * columns, c, h, w)."""
    z = draw_codes(columns, d)
    label = torch.arange(classes).repeat_interleave(columns)
    return sample_cgan(G, label, d, z.repeat(classes, 1))
