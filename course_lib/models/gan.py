"""The generative adversarial network: two players, four games, and plain networks for small pictures.

Goodfellow et al., Generative Adversarial Networks, arXiv:1406.2661 (equation numbers are theirs).
Mao et al., Least Squares Generative Adversarial Networks, arXiv:1611.04076.
Gulrajani et al., Improved Training of Wasserstein GANs, arXiv:1704.00028.
Salimans et al., Improved Techniques for Training GANs, arXiv:1606.03498 (one-sided label smoothing).
Heusel et al., GANs Trained by a Two Time-Scale Update Rule, arXiv:1706.08500 (a learning rate each).

D says a logit: any number, and D(x) of the paper is its sigmoid. Losses are taken from logits by softplus,
log(1 + exp(t)), which is finite and has a slope wherever log(sigmoid(t)) would be log(0).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from course_lib.device import evaluating
from course_lib.training.loop import Player
from course_lib.types import Batch, Codes, Losses, Scalar

Logits = Float[Tensor, " b"]  # above 0: D takes the image for a real one
DiscriminatorLoss = Callable[[Logits, Logits], Losses]  # of real images, of fakes
GeneratorLoss = Callable[[Logits], Losses]  # of fakes

# ---------------------------------------------------------------------------------------------- networks


def make_generator(
    d: int, channels: int = 1, size: int = 28, widths: tuple[int, ...] = (256, 512)
) -> nn.Sequential:
    """Codes (b, d) -> images (b, channels, size, size) in [-1, 1]: linear layers with BatchNorm and ReLU."""
    layers: list[nn.Module] = []
    for a, b in zip((d, *widths), widths, strict=False):
        layers += [nn.Linear(a, b, bias=False), nn.BatchNorm1d(b), nn.ReLU()]
    last = nn.Linear((d, *widths)[-1], channels * size * size)
    return nn.Sequential(*layers, last, nn.Tanh(), nn.Unflatten(1, (channels, size, size)))


def make_discriminator(
    channels: int = 1, size: int = 28, widths: tuple[int, ...] = (512, 256), dropout: float = 0.0
) -> nn.Sequential:
    """Images (b, channels, size, size) -> logits (b,): linear layers with LeakyReLU 0.2.

    There is no sigmoid at the end (the losses apply it) and no BatchNorm: the verdict on one image must not
    depend on the other images of its batch. Dropout slows D down where it wins too easily.
    """
    sizes = (channels * size * size, *widths)
    layers: list[nn.Module] = [nn.Flatten()]
    for a, b in zip(sizes, widths, strict=False):
        layers += [nn.Linear(a, b), nn.LeakyReLU(0.2)]
        layers += [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(*layers, nn.Linear(sizes[-1], 1), nn.Flatten(0))


# ------------------------------------------------------------------------------------------------ losses


def discriminator_loss(real: Logits, fake: Logits) -> Losses:
    """-log D(x) and -log(1 - D(G(z))), averaged: minus the value that D maximises in eq. (1), in nats."""
    return {"real": F.softplus(-real.float()).mean(), "fake": F.softplus(fake.float()).mean()}


def generator_loss(fake: Logits) -> Losses:
    """-log D(G(z)), averaged: the non-saturating loss of section 3. G learns even while it loses."""
    return {"fool": F.softplus(-fake.float()).mean()}


def saturating_generator_loss(fake: Logits) -> Losses:
    """log(1 - D(G(z))), averaged: G's part of the minimax game, eq. (1). Flat where D is sure of itself."""
    return {"fool": -F.softplus(fake.float()).mean()}


def smoothed_discriminator_loss(real: Logits, fake: Logits, target: float = 0.9) -> Losses:
    """`discriminator_loss` with real images labelled `target` instead of 1 (arXiv:1606.03498, section 3.4).

    One-sided: fakes keep the label 0, otherwise D would praise fakes wherever there are no real images.
    """
    real = real.float()
    cross_entropy = target * F.softplus(-real) + (1 - target) * F.softplus(real)
    return {"real": cross_entropy.mean(), "fake": F.softplus(fake.float()).mean()}


def least_squares_discriminator_loss(real: Logits, fake: Logits) -> Losses:
    """(D(x) - 1)^2 / 2 and D(G(z))^2 / 2, averaged (arXiv:1611.04076, eq. 9): here D's output is no logit."""
    return {"real": 0.5 * (real.float() - 1).square().mean(), "fake": 0.5 * fake.float().square().mean()}


def least_squares_generator_loss(fake: Logits) -> Losses:
    """(D(G(z)) - 1)^2 / 2, averaged (arXiv:1611.04076, eq. 9)."""
    return {"fool": 0.5 * (fake.float() - 1).square().mean()}


def wasserstein_discriminator_loss(real: Logits, fake: Logits) -> Losses:
    """-D(x) and D(G(z)), averaged (arXiv:1704.00028, eq. 2). Goes with `gradient_penalty`, never alone."""
    return {"real": -real.float().mean(), "fake": fake.float().mean()}


def wasserstein_generator_loss(fake: Logits) -> Losses:
    """-D(G(z)), averaged (arXiv:1704.00028, eq. 2)."""
    return {"fool": -fake.float().mean()}


def gradient_penalty(D: Callable, x: Tensor, fake: Tensor, eps: Float[Tensor, " b"]) -> Scalar:
    """How far the slope of D is from 1, on the lines between real images and fakes (arXiv:1704.00028, eq. 3).

    `eps` is uniform in [0, 1), one for each line. The result is averaged over the batch and not yet weighted.
    D must judge each image by itself, so it has no BatchNorm (section 4).
    """
    eps = eps.view(-1, *[1] * (x.ndim - 1))
    x_hat = (eps * x + (1 - eps) * fake).detach().requires_grad_()
    (slope,) = torch.autograd.grad(D(x_hat).sum(), x_hat, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square().mean()


# ---------------------------------------------------------------------------------------------- the turns


def discriminator_turn(
    G: Callable, D: Callable, x: Tensor, z: Codes, *condition: Tensor, loss: DiscriminatorLoss
) -> Losses:
    """What D minimises. The fakes are made without a graph: G is not to learn from D's turn.

    `condition` is what both networks are told beside z and x: nothing for a GAN, the label for a CGAN.
    """
    with torch.no_grad():
        fake = G(z, *condition)
    return loss(D(x, *condition), D(fake, *condition))


def generator_turn(G: Callable, D: nn.Module, z: Codes, *condition: Tensor, loss: GeneratorLoss) -> Losses:
    """What G minimises. The gradient goes through D to G; D's own weights are not asked for theirs."""
    with frozen(D):
        return loss(D(G(z, *condition), *condition))


def wasserstein_turn(
    G: Callable, D: Callable, x: Tensor, z: Codes, *condition: Tensor, weight: float = 10.0
) -> Losses:
    """D's turn in the Wasserstein game: the two averages, and `weight` times the gradient penalty."""
    with torch.no_grad():
        fake = G(z, *condition).float()
    losses = wasserstein_discriminator_loss(D(x, *condition), D(fake, *condition))
    eps = torch.rand(len(x), device=x.device)
    return losses | {"penalty": weight * gradient_penalty(lambda x: D(x, *condition), x, fake, eps)}


@contextmanager
def frozen(net: nn.Module) -> Iterator[None]:
    """Within, the net's weights ask for no gradient, which saves their share of the backward pass."""
    asked = [weight for weight in net.parameters() if weight.requires_grad]
    for weight in asked:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in asked:
            weight.requires_grad_(True)


# ------------------------------------------------------------------------------------------------ players


@dataclass(frozen=True)
class Game:
    """How a GAN is played. The defaults are careful ones; `DIGITS` is quicker on digits."""

    d: int = 32  # numbers in a code
    k: int = 1  # moves of D for each move of G (Algorithm 1)
    batch: int = 64  # images a move; the batches of the training hold k times as many
    generator_rate: float = 1e-3  # Adam's learning rates: two time scales
    discriminator_rate: float = 1e-3
    betas: tuple[float, float] = (0.5, 0.999)  # Adam's: little momentum, for the opponent keeps moving
    ema: float = 0.999  # decay of the averaged generator, which is the one that is sampled


DIGITS = Game(generator_rate=2e-3, discriminator_rate=1e-3)  # lesson 02's, with smoothed labels


def gan_players(
    G: nn.Module,
    D: nn.Module,
    game: Game,
    d_loss: DiscriminatorLoss = discriminator_loss,
    g_loss: GeneratorLoss = generator_loss,
    condition: tuple[str, ...] = (),
) -> list[Player]:
    """Algorithm 1: D moves k times, each time on fresh images and fresh codes, then G moves once.

    A batch holds k times the images of one move, and each move takes its share of it. `condition` names what
    else in the batch both networks are told.
    """

    def d_turn(x: Tensor, z: Codes, *y: Tensor) -> Losses:
        return discriminator_turn(G, D, x, z, *y, loss=d_loss)

    return players_of(G, D, game, d_turn, g_loss, condition)


def wasserstein_players(
    G: nn.Module, D: nn.Module, game: Game, weight: float = 10.0, condition: tuple[str, ...] = ()
) -> list[Player]:
    """The same with the Wasserstein losses and the gradient penalty; the paper has k = 5, betas (0, 0.9)."""

    def d_turn(x: Tensor, z: Codes, *y: Tensor) -> Losses:
        return wasserstein_turn(G, D, x, z, *y, weight=weight)

    return players_of(G, D, game, d_turn, wasserstein_generator_loss, condition)


def players_of(
    G: nn.Module,
    D: nn.Module,
    game: Game,
    d_turn: Callable[..., Losses],
    g_loss: GeneratorLoss,
    condition: tuple[str, ...],
) -> list[Player]:
    """k moves of D by `d_turn(x, z, *condition)`, one move of G by `g_loss`, with an Adam for each."""
    adam_D, adam_G = adam(D, game.discriminator_rate, game.betas), adam(G, game.generator_rate, game.betas)

    def d_move(i: int) -> Player:
        def loss(batch: Batch) -> Losses:
            x, *y = share(batch, ("image", *condition), i, game.k)
            return d_turn(x, draw_codes(len(x), game.d, x.device), *y)

        return Player("D", loss, adam_D)

    def g_loss_of(batch: Batch) -> Losses:
        x, *y = share(batch, ("image", *condition), 0, game.k)
        return generator_turn(G, D, draw_codes(len(x), game.d, x.device), *y, loss=g_loss)

    return [*map(d_move, range(game.k)), Player("G", g_loss_of, adam_G)]


def share(batch: Batch, names: tuple[str, ...], i: int, k: int) -> list[Tensor]:
    """The i-th of k equal parts of each named tensor. ValueError if they cannot be equal."""
    n = len(batch[names[0]])
    if n % k:
        raise ValueError(f"a batch of {n} cannot be shared by k = {k} moves of D: make it a multiple of {k}")
    return [batch[name][i * n // k : (i + 1) * n // k] for name in names]


def adam(net: nn.Module, learning_rate: float, betas: tuple[float, float] = (0.5, 0.999)) -> torch.optim.Adam:
    return torch.optim.Adam(net.parameters(), lr=learning_rate, betas=betas)


# ----------------------------------------------------------------------------------------------- samplers


def draw_codes(n: int, d: int, device: torch.device | str = "cpu") -> Codes:
    """n fresh codes z ~ N(0, I), (n, d)."""
    return torch.randn(n, d, device=device)


def sample_gan(G: nn.Module, z: Codes, *condition: Tensor) -> Tensor:
    """What G makes of the codes, in eval mode: `sample_gan(ema.net, draw_codes(16, game.d))`."""
    device = next(G.parameters()).device
    with evaluating(G):
        return G(z.to(device), *(y.to(device) for y in condition)).float()


def gradient_norm(loss: Tensor, net: nn.Module) -> float:
    """Length of the loss's gradient with respect to all weights of the net, as one vector."""
    gradients = torch.autograd.grad(loss, list(net.parameters()), retain_graph=True, allow_unused=True)
    return torch.stack([g.norm() for g in gradients if g is not None]).norm().item()
