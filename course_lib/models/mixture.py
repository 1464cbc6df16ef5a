"""A mixture of Gaussians: the one world in which the diffusion's denoiser and score are known exactly.

Song et al., Score-Based Generative Modeling through Stochastic Differential Equations, arXiv:2011.13456.
Efron, Tweedie's Formula and Selection Bias, 2011 (the link between score and denoiser).

If x_0 is a mixture, so is x_t (eq. 4 of arXiv:2006.11239): component k has mean sqrt(abar_t) mu_k and
variance abar_t std_k^2 + 1 - abar_t. Bayes' rule then gives everything below.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from course_lib.models.ddpm import Denoiser, Schedule, Times, at
from course_lib.models.unet import time_embedding

Points = Float[Tensor, "b d"]


@dataclass(frozen=True)
class Mixture:
    """Gaussians N(means[k], std[k]^2 I) with shares that sum to 1. A std of 0 is a point."""

    means: Float[Tensor, "k d"]
    std: Float[Tensor, " k"]
    shares: Float[Tensor, " k"]

    def sample(self, n: int) -> Points:
        k = torch.multinomial(self.shares, n, replacement=True)
        return self.means[k] + self.std[k, None] * torch.randn(n, self.means.shape[1])

    def moments(self) -> tuple[Float[Tensor, " d"], Float[Tensor, "d d"]]:
        """The mixture's mean and covariance."""
        mean = self.shares @ self.means
        centred = self.means - mean
        between = (self.shares[:, None] * centred).T @ centred
        within = (self.shares * self.std**2).sum()
        return mean, between + within * torch.eye(len(mean))

    def responsibilities(self, xt: Points, abar_t: Float[Tensor, "b 1"]) -> Float[Tensor, "b k"]:
        """How likely each component is to have made x_t."""
        variance = abar_t * self.std**2 + 1 - abar_t  # (b, k)
        away = (xt[:, None] - abar_t[..., None].sqrt() * self.means).square().sum(dim=2)
        logs = self.shares.log() - 0.5 * away / variance - 0.5 * xt.shape[1] * variance.log()
        return logs.softmax(dim=1)

    def denoise(self, xt: Points, abar_t: Float[Tensor, "b 1"]) -> Points:
        """E[x_0 | x_t], the best denoiser there is."""
        variance = abar_t * self.std**2 + 1 - abar_t
        gain = (
            abar_t.sqrt() * self.std**2 / variance
        )  # (b, k): how much of x_t's deviation is the component's
        away = xt[:, None] - abar_t[..., None].sqrt() * self.means
        guesses = self.means + gain[..., None] * away  # (b, k, d): E[x_0 | x_t, k]
        return (self.responsibilities(xt, abar_t)[..., None] * guesses).sum(dim=1)

    def score(self, xt: Points, abar_t: Float[Tensor, "b 1"]) -> Points:
        """The slope of log q(x_t), from the denoiser: -eps / sqrt(1 - abar_t) (Tweedie)."""
        return (abar_t.sqrt() * self.denoise(xt, abar_t) - xt) / (1 - abar_t)

    def log_density(self, xt: Points, abar_t: Float[Tensor, "b 1"]) -> Float[Tensor, " b"]:
        """log q(x_t); abar_t = 1 gives the mixture's own."""
        variance = abar_t * self.std**2 + 1 - abar_t
        away = (xt[:, None] - abar_t[..., None].sqrt() * self.means).square().sum(dim=2)
        log_normal = -0.5 * away / variance - 0.5 * xt.shape[1] * (2 * math.pi * variance).log()
        return (self.shares.log() + log_normal).logsumexp(dim=1)

    def denoiser(self, schedule: Schedule) -> Denoiser:
        """The exact (xt, t) -> x0 for a sampler."""
        return lambda xt, t: self.denoise(xt, at(schedule.abar, t, xt))

    def nearest(self, x: Points) -> Int[Tensor, " b"]:
        return torch.cdist(x, self.means).argmin(dim=1)


def ring_mixture(modes: int = 8, radius: float = 1.0, std: float = 0.1) -> Mixture:
    """Equal Gaussians on a circle, about as large as images are: in [-1, 1]."""
    angle = 2 * math.pi * torch.arange(modes) / modes
    means = radius * torch.stack([angle.cos(), angle.sin()], dim=1)
    return Mixture(means, torch.full((modes,), std), torch.full((modes,), 1 / modes))


class PointNet(nn.Module):
    """A small network for points: (xt, t) -> as many numbers, with t as a vector of sines and cosines."""

    def __init__(self, d: int = 2, width: int = 128, embedding: int = 32):
        super().__init__()
        self.embedding = embedding
        self.layers = nn.Sequential(
            nn.Linear(d + embedding, width), nn.SiLU(),
            nn.Linear(width, width), nn.SiLU(),
            nn.Linear(width, width), nn.SiLU(),
            nn.Linear(width, d),
        )  # fmt: skip

    def forward(self, xt: Points, t: Times) -> Points:
        return self.layers(torch.cat([xt, time_embedding(t, self.embedding)], dim=1))
