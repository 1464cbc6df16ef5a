"""A world small enough that the truth is known: eight Gaussians on a ring, and a game of two numbers.

Eight Gaussians: Metz et al., Unrolled Generative Adversarial Networks, arXiv:1611.02163, section 3.1.
The best discriminator: Goodfellow et al., arXiv:1406.2661, eq. (2).
The bilinear game: Goodfellow, NIPS 2016 Tutorial, arXiv:1701.00160, exercise 7.2; the same
world as a GAN is Mescheder, Geiger and Nowozin, arXiv:1801.04406, section 2.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

Points = Float[Tensor, "b 2"]
Orbit = Float[Tensor, "steps_plus_one 2"]


@dataclass(frozen=True)
class Ring:
    """Equal Gaussians with their centres on a circle."""

    modes: int = 8
    radius: float = 2.0
    std: float = 0.1  # of each Gaussian, in both directions

    def centres(self, device: torch.device | str = "cpu") -> Float[Tensor, "modes 2"]:
        angle = 2 * math.pi * torch.arange(self.modes, device=device) / self.modes
        return self.radius * torch.stack([angle.cos(), angle.sin()], dim=1)

    def sample(self, n: int, generator: torch.Generator | None = None) -> Points:
        """n points, each mode as likely as the others."""
        mode = torch.randint(self.modes, (n,), generator=generator)
        return self.centres()[mode] + self.std * torch.randn(n, 2, generator=generator)

    def log_density(self, x: Points) -> Float[Tensor, " b"]:
        """log p(x), the exact one."""
        squared = torch.cdist(x, self.centres(x.device)).square()
        log_normal = -squared / (2 * self.std**2) - math.log(2 * math.pi * self.std**2)
        return log_normal.logsumexp(dim=1) - math.log(self.modes)

    def nearest(self, x: Points) -> tuple[Float[Tensor, " b"], Int[Tensor, " b"]]:
        """The distance to the nearest centre, and which one it is."""
        distance, mode = torch.cdist(x, self.centres(x.device)).min(dim=1)
        return distance, mode

    def good(self, x: Points) -> Tensor:
        """Which points lie within three standard deviations of a centre: 98.9 % of the ring's own."""
        return self.nearest(x)[0] < 3 * self.std

    def share_good(self, x: Points) -> float:
        return self.good(x).float().mean().item()

    def modes_hit(self, x: Points) -> int:
        """How many modes get at least a tenth of their fair share, counting good points only."""
        hits = torch.bincount(self.nearest(x)[1][self.good(x)], minlength=self.modes)
        return int((hits >= 0.1 * len(x) / self.modes).sum())

    def kl_to_truth(self, x: Points) -> float:
        """KL(shares of the modes in x || equal shares) in nats: 0 is fair, log(modes) is one mode only."""
        share = torch.bincount(self.nearest(x)[1], minlength=self.modes).double() / len(x)
        return torch.xlogy(share, share * self.modes).sum().item()


def make_toy_generator(d: int = 2, width: int = 128) -> nn.Sequential:
    """Codes (b, d) -> points (b, 2)."""
    return nn.Sequential(
        nn.Linear(d, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2)
    )


def make_toy_discriminator(width: int = 128) -> nn.Sequential:
    """Points (b, 2) -> logits (b,)."""
    return nn.Sequential(
        nn.Linear(2, width),
        nn.LeakyReLU(0.2),
        nn.Linear(width, width),
        nn.LeakyReLU(0.2),
        nn.Linear(width, 1),
        nn.Flatten(0),
    )


def optimal_discriminator(p: Float[Tensor, "..."], q: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """D*(x) = p(x) / (p(x) + q(x)), from the densities of real points and of fakes (eq. 2)."""
    return p / (p + q)


def optimal_logit(log_p: Float[Tensor, "..."], log_q: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """The logit of D*, log p(x) - log q(x): still right where both densities are too small for a float."""
    return log_p - log_q


def bilinear_orbit(steps: int, learning_rate: float, alternating: bool = False) -> Orbit:
    """The way of (a, b) from (1, 0) where a descends and b ascends V(a, b) = a b; its centre is the solution.

    Moving at once, the radius grows by sqrt(1 + learning_rate^2) a step, whatever the learning rate. Moving
    in turn, it neither grows nor shrinks for good: a^2 + b^2 - learning_rate a b stays what it was.
    """
    a, b = 1.0, 0.0
    orbit = [(a, b)]
    for _ in range(steps):
        new_a = a - learning_rate * b
        b = b + learning_rate * (new_a if alternating else a)
        a = new_a
        orbit.append((a, b))
    return torch.tensor(orbit)
