"""The variational autoencoder and its conditional form.

Kingma and Welling, Auto-Encoding Variational Bayes, arXiv:1312.6114 (equation numbers are theirs).
Sohn, Lee and Yan, Learning Structured Output Representation using Deep Conditional Generative Models, 2015.
Rybkin, Daniilidis and Levine, Simple and Effective VAE Training with Calibrated Decoders, arXiv:2006.13202.

The code of an image x is a Gaussian q(z|x) = N(mean, exp(logvar)), one per image, with diagonal covariance.
All losses are in nats per image, averaged over the batch: sums over pixels and over latent dimensions.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from course_lib.device import evaluating
from course_lib.training.loop import Player
from course_lib.types import Batch, Codes, Images, Labels, Losses

Conditions = Float[Tensor, "b conditions"]

# ---------------------------------------------------------------------------------------------- networks


def make_trunk(channels: int = 1, size: int = 28, width: int = 32) -> nn.Sequential:
    """Images (b, channels, size, size) -> (b, 2 width (size/4)^2): two convolutions that halve the sides."""
    return nn.Sequential(
        nn.Conv2d(channels, width, kernel_size=4, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(width, 2 * width, kernel_size=4, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
    )


def make_decoder(d: int, channels: int = 1, size: int = 28, width: int = 32) -> nn.Sequential:
    """Codes (b, d) -> logits (b, channels, size, size): a linear layer and three transposed convolutions.

    The first transposed convolution keeps the side at size/4, the two others double it. There is no
    activation at the end: the loss and the picture each apply their own.
    """
    side = size // 4
    return nn.Sequential(
        nn.Linear(d, 2 * width * side * side),
        nn.ReLU(),
        nn.Unflatten(1, (2 * width, side, side)),
        nn.ConvTranspose2d(2 * width, 2 * width, kernel_size=3, stride=1, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(2 * width, width, kernel_size=4, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(width, channels, kernel_size=4, stride=2, padding=1),
    )


class Autoencoder(nn.Module):
    """x -> z -> x without any randomness: the naive try of lesson 01."""

    def __init__(self, d: int, channels: int = 1, size: int = 28, width: int = 32):
        super().__init__()
        self.d = d
        self.trunk = make_trunk(channels, size, width)
        self.head = nn.Linear(2 * width * (size // 4) ** 2, d)
        self.decode = make_decoder(d, channels, size, width)

    def encode(self, x: Images) -> Codes:
        return self.head(self.trunk(x))


class VAE(nn.Module):
    """Encoder q(z|x), a Gaussian with diagonal covariance, and decoder p(x|z), as logits."""

    def __init__(self, d: int, channels: int = 1, size: int = 28, width: int = 32):
        super().__init__()
        self.d = d
        self.trunk = make_trunk(channels, size, width)
        self.head = nn.Linear(2 * width * (size // 4) ** 2, 2 * d)
        self.decode = make_decoder(d, channels, size, width)

    def encode(self, x: Images) -> tuple[Codes, Codes]:
        """-> mean and logvar of q(z|x), each (b, d)."""
        return split_gaussian(self.head(self.trunk(x)))


class ConditionalVAE(nn.Module):
    """A VAE whose encoder and decoder are also told a condition y: q(z|x, y) and p(x|z, y).

    y is (b, conditions): a label as a one-hot vector, or several of them side by side.
    """

    def __init__(self, d: int, conditions: int, channels: int = 1, size: int = 28, width: int = 32):
        super().__init__()
        self.d = d
        self.trunk = make_trunk(channels, size, width)
        self.head = nn.Linear(2 * width * (size // 4) ** 2 + conditions, 2 * d)
        self.decoder = make_decoder(d + conditions, channels, size, width)

    def encode(self, x: Images, y: Conditions) -> tuple[Codes, Codes]:
        return split_gaussian(self.head(torch.cat([self.trunk(x), y], dim=1)))

    def decode(self, z: Codes, y: Conditions) -> Images:
        return self.decoder(torch.cat([z, y], dim=1))


def split_gaussian(h: Float[Tensor, "b two_d"]) -> tuple[Codes, Codes]:
    """The two halves of an encoder's output, as mean and logvar. float32, since exp(logvar) follows."""
    mean, logvar = rearrange(h.float(), "b (two d) -> two b d", two=2)
    return mean, logvar


def one_hot(label: Labels, classes: int) -> Conditions:
    """(b,) -> (b, classes): all 0, but a 1 in the place of the label."""
    return F.one_hot(label, classes).float()


def append_label(h: Float[Tensor, "b d"], label: Labels, classes: int) -> Float[Tensor, "b d_plus_classes"]:
    """(b, d) and labels -> (b, d + classes): each row followed by its label as a one-hot vector."""
    return torch.cat([h, one_hot(label, classes).to(h.dtype)], dim=1)


# ------------------------------------------------------------------------------------------------ losses


def reparameterize(mean: Codes, logvar: Codes) -> Codes:
    """A draw z ~ N(mean, exp(logvar)) through which gradients reach mean and logvar (section 2.4)."""
    eps = torch.randn_like(mean)
    return mean + torch.exp(0.5 * logvar) * eps  # eq. (10): z = mu + sigma * eps


def kl_to_standard_normal(mean: Codes, logvar: Codes) -> Float[Tensor, " b"]:
    """KL(N(mean, exp(logvar)) || N(0, I)) of each row, in nats (appendix B)."""
    return -0.5 * (1 + logvar - mean**2 - logvar.exp()).sum(dim=1)


def negative_elbo(logits: Images, x: Images, mean: Codes, logvar: Codes) -> Losses:
    """The two terms of -ELBO (eq. 10) for a Bernoulli decoder; x in [-1, 1] is read as grey in [0, 1]."""
    recon = F.binary_cross_entropy_with_logits(logits.float(), (x + 1) / 2, reduction="none")
    return {"recon": recon.sum(dim=(1, 2, 3)).mean(), "kl": kl_to_standard_normal(mean, logvar).mean()}


def gaussian_negative_elbo(x_hat: Images, x: Images, mean: Codes, logvar: Codes) -> Losses:
    """The two terms of -ELBO for a Gaussian decoder N(x_hat, sigma^2 I), for colour images.

    sigma^2 is the mean squared error of this very batch, which is the value that minimises the loss
    (arXiv:2006.13202, section 3.2): no weight between the two terms is left to tune.
    """
    squared = ((x_hat.float() - x) ** 2).flatten(1)
    pixels = squared.shape[1]
    recon = 0.5 * pixels * (math.log(2 * math.pi) + squared.mean().clamp_min(1e-6).log() + 1)
    return {"recon": recon, "kl": kl_to_standard_normal(mean, logvar).mean()}


def vae_loss(vae: VAE, x: Images, beta: float = 1.0, likelihood=negative_elbo) -> Losses:
    """-ELBO of a batch with one draw of z per image; beta weighs the KL term (1 is the VAE)."""
    mean, logvar = vae.encode(x)
    losses = likelihood(vae.decode(reparameterize(mean, logvar)), x, mean, logvar)
    return {"recon": losses["recon"], "kl": beta * losses["kl"]}


def cvae_loss(vae: ConditionalVAE, x: Images, y: Conditions, likelihood=negative_elbo) -> Losses:
    """-ELBO given the condition."""
    mean, logvar = vae.encode(x, y)
    return likelihood(vae.decode(reparameterize(mean, logvar), y), x, mean, logvar)


def autoencoder_loss(net: Autoencoder, x: Images) -> Losses:
    """The reconstruction term of `negative_elbo` alone, in nats per image."""
    logits = net.decode(net.encode(x)).float()
    recon = F.binary_cross_entropy_with_logits(logits, (x + 1) / 2, reduction="none")
    return {"recon": recon.sum(dim=(1, 2, 3)).mean()}


# ----------------------------------------------------------------------------------------------- samplers


def bernoulli_mean(logits: Images) -> Images:
    """Logits of a Bernoulli decoder -> its mean as an image in [-1, 1]."""
    return 2 * torch.sigmoid(logits.float()) - 1


def gaussian_mean(x_hat: Images) -> Images:
    """Output of a Gaussian decoder -> its mean, kept inside the range of images."""
    return x_hat.float().clamp(-1, 1)


def sample_vae(vae: VAE | Autoencoder, n: int, to_image=bernoulli_mean, z: Codes | None = None) -> Images:
    """n images decoded from z ~ N(0, I), or from the codes given."""
    with evaluating(vae):
        z = torch.randn(n, vae.d, device=device_of(vae)) if z is None else z
        return to_image(vae.decode(z))


def sample_cvae(
    vae: ConditionalVAE, y: Conditions, to_image=bernoulli_mean, z: Codes | None = None
) -> Images:
    """One image for each condition, decoded from z ~ N(0, I), or from the codes given."""
    with evaluating(vae):
        z = torch.randn(len(y), vae.d, device=device_of(vae)) if z is None else z
        return to_image(vae.decode(z, y.to(z.device)))


def interpolate(a: Float[Tensor, " d"], b: Float[Tensor, " d"], steps: int) -> Float[Tensor, "steps d"]:
    """`steps` points on the straight line from a to b, both ends included."""
    t = torch.linspace(0, 1, steps, device=a.device, dtype=a.dtype)[:, None]
    return (1 - t) * a + t * b


def device_of(net: nn.Module) -> torch.device:
    return next(net.parameters()).device


# ------------------------------------------------------------------------------------------------ players


def vae_player(vae: VAE, learning_rate: float = 2e-3, likelihood=negative_elbo) -> Player:
    """The one player of a VAE's game, with Adam."""
    return Player(
        "vae", lambda batch: vae_loss(vae, batch["image"], likelihood=likelihood), adam(vae, learning_rate)
    )


def digit_condition(batch: Batch) -> Conditions:
    """The label of a batch of digits, as the condition of a ConditionalVAE(d, conditions=10)."""
    return one_hot(batch["label"], 10)


def cvae_player(
    vae: ConditionalVAE,
    learning_rate: float = 2e-3,
    likelihood=negative_elbo,
    condition: Callable[[Batch], Conditions] = digit_condition,
) -> Player:
    """The one player of a conditional VAE's game; `condition` reads y from the batch."""
    loss = lambda batch: cvae_loss(vae, batch["image"], condition(batch), likelihood)  # noqa: E731
    return Player("cvae", loss, adam(vae, learning_rate))


def adam(net: nn.Module, learning_rate: float) -> torch.optim.Adam:
    return torch.optim.Adam(net.parameters(), lr=learning_rate)
