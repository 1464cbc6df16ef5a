"""Denoising diffusion: noise is added by a formula, a network learns to take it away, step by step.

Ho, Jain and Abbeel, Denoising Diffusion Probabilistic Models, arXiv:2006.11239 (equation numbers are theirs).
Nichol and Dhariwal, Improved Denoising Diffusion Probabilistic Models, arXiv:2102.09672 (cosine schedule).
Salimans and Ho, Progressive Distillation for Fast Sampling, arXiv:2202.00512 (v-prediction, appendix D).
Ho and Salimans, Classifier-Free Diffusion Guidance, arXiv:2207.12598 (dropped labels).
Kingma et al., Variational Diffusion Models, arXiv:2107.00630 (evenly spread times, section I.1).

Time: t = 1, ..., T as in the paper, x_0 is the image and x_T is noise. Every table of a schedule has T + 1
entries, of which entry t is the paper's: no index is shifted anywhere. Entry 0 is "no noise": abar[0] = 1.

A *net* is net(xt, t, *condition), and says eps, x0 or v. A *denoiser* is a function (xt, t) -> x0, the best
guess of the image, whoever makes it: a network, a guided network, or an exact formula (mixture.py). All
samplers take a denoiser. x0 was chosen and not eps because it stays in the range of images, where it can be
looked at and clipped, and because it is well defined at every t.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from course_lib.device import Precision, evaluating, float32
from course_lib.training.loop import Player
from course_lib.types import Batch, Losses, Scalar

Items = Float[Tensor, "b *d"]  # images, latents or points: one an entry
Times = Int[Tensor, " b"]  # 1..T, one for each item
Table = Float[Tensor, " T_plus_1"]  # entry t belongs to time t
Denoiser = Callable[[Tensor, Tensor], Tensor]  # (xt, t) -> x0
Net = Callable[..., Tensor]  # (xt, t, *condition) -> eps, x0 or v

# ---------------------------------------------------------------------------------------- the way to noise


@dataclass(frozen=True)
class Schedule:
    """How much of the image is left at each time: `abar[t]` falls from 1 at t = 0 to almost 0 at t = T."""

    abar: Table

    @property
    def steps(self) -> int:
        """T."""
        return len(self.abar) - 1

    @property
    def alphas(self) -> Table:
        """alpha_t = abar_t / abar_{t-1}; alphas[0] = 1."""
        return torch.cat([self.abar[:1], self.abar[1:] / self.abar[:-1]])

    @property
    def betas(self) -> Table:
        """beta_t = 1 - alpha_t: the variance that step t adds; betas[0] = 0."""
        return 1 - self.alphas

    def to(self, device: torch.device | str) -> "Schedule":
        return Schedule(self.abar.to(device))


def from_betas(betas: Float[Tensor, " T"]) -> Schedule:
    """The schedule whose step t adds variance betas[t - 1]."""
    abar = torch.cumprod(1 - betas.float(), dim=0)
    return Schedule(torch.cat([torch.ones(1), abar]))


def linear_schedule(steps: int = 1000, first: float = 1e-4, last: float = 0.02) -> Schedule:
    """beta_t rises in a straight line (section 4). With fewer than 1,000 steps, x_T is not yet noise."""
    return from_betas(torch.linspace(first, last, steps))


def cosine_schedule(steps: int = 1000, s: float = 0.008) -> Schedule:
    """abar_t = f(t) / f(0), f(t) = cos((t/T + s) / (1 + s) pi/2)^2, and beta_t at most 0.999
    (arXiv:2102.09672, eq. 17): the image fades evenly, whatever the number of steps."""
    u = torch.arange(steps + 1, dtype=torch.float64) / steps
    f = torch.cos((u + s) / (1 + s) * torch.pi / 2) ** 2
    return from_betas((1 - f[1:] / f[:-1]).clamp(max=0.999))


def at(table: Table, t: Times, x: Items) -> Tensor:
    """Entry t of the table for each item, as (b, 1, ..., 1), which multiplies x."""
    return table.to(x.device)[t].view(-1, *[1] * (x.ndim - 1))


def add_noise(x0: Items, t: Times, eps: Items, abar: Table) -> Items:
    """x_t ~ q(x_t | x_0) in one step, from eps ~ N(0, I)."""
    abar_t = at(abar, t, x0)
    return abar_t.sqrt() * x0 + (1 - abar_t).sqrt() * eps  # eq. (4)


def posterior(x0: Items, xt: Items, t: Times, schedule: Schedule) -> tuple[Items, Tensor]:
    """Mean and variance of q(x_{t-1} | x_t, x_0), a Gaussian; the variance is (b, 1, ..., 1), 0 at t = 1."""
    abar_t, abar_s = at(schedule.abar, t, xt), at(schedule.abar, t - 1, xt)
    alpha_t = abar_t / abar_s
    beta_t = 1 - alpha_t
    mean = (abar_s.sqrt() * beta_t * x0 + alpha_t.sqrt() * (1 - abar_s) * xt) / (1 - abar_t)  # eq. (7)
    return mean, small_variance(schedule, t, xt)


def small_variance(schedule: Schedule, t: Times, x: Items) -> Tensor:
    """The posterior's own variance, (1 - abar_{t-1}) / (1 - abar_t) beta_t: right for a single x_0 (3.2)."""
    abar_t, abar_s = at(schedule.abar, t, x), at(schedule.abar, t - 1, x)
    return (1 - abar_s) / (1 - abar_t) * (1 - abar_t / abar_s)  # eq. (7)


def large_variance(schedule: Schedule, t: Times, x: Items) -> Tensor:
    """beta_t: right if x_0 is N(0, I) (section 3.2)."""
    return at(schedule.betas, t, x)


# ------------------------------------------------------- what the network says: eps, x0 or v, and back again


def x0_from_eps(xt: Tensor, eps: Tensor, abar_t: Tensor) -> Tensor:
    """The image that was there if eps is the noise: eq. (4) solved for x_0, the paper's (15)."""
    return (xt - (1 - abar_t).sqrt() * eps) / abar_t.sqrt()


def eps_from_x0(xt: Tensor, x0: Tensor, abar_t: Tensor) -> Tensor:
    """The noise that was added if x0 is the image: eq. (4) solved for eps."""
    return (xt - abar_t.sqrt() * x0) / (1 - abar_t).sqrt()


def velocity(x0: Tensor, eps: Tensor, abar_t: Tensor) -> Tensor:
    """v = sqrt(abar_t) eps - sqrt(1 - abar_t) x_0 (arXiv:2202.00512, appendix D)."""
    return abar_t.sqrt() * eps - (1 - abar_t).sqrt() * x0


def x0_from_v(xt: Tensor, v: Tensor, abar_t: Tensor) -> Tensor:
    return abar_t.sqrt() * xt - (1 - abar_t).sqrt() * v


def eps_from_v(xt: Tensor, v: Tensor, abar_t: Tensor) -> Tensor:
    return (1 - abar_t).sqrt() * xt + abar_t.sqrt() * v


class Prediction(NamedTuple):
    """What a network is taught to say, and how x0 is read off it; abar_t is what `at` gives."""

    target: Callable[[Tensor, Tensor, Tensor], Tensor]  # (x0, eps, abar_t) -> what the net should say
    to_x0: Callable[[Tensor, Tensor, Tensor], Tensor]  # (xt, what it says, abar_t) -> x0


EPS = Prediction(target=lambda x0, eps, abar_t: eps, to_x0=x0_from_eps)
"""The paper's choice. Near t = T a small error of eps is a huge one of x0."""

X0 = Prediction(target=lambda x0, eps, abar_t: x0, to_x0=lambda xt, out, abar_t: out)
"""The image itself. Near t = 0, where x_t shows it already, there is hardly anything to learn."""

V = Prediction(target=velocity, to_x0=x0_from_v)
"""The velocity: eps near t = 0, minus the image near t = T, so never the easy one of the two."""


# ------------------------------------------------------------------------------------------------ the loss


def simple_loss(
    net: Net,
    schedule: Schedule,
    x0: Items,
    t: Times,
    eps: Items,
    *condition: Tensor,
    prediction: Prediction = EPS,
) -> Scalar:
    """L_simple (eq. 14) for the times and the noise given, averaged over items and pixels."""
    xt = add_noise(x0, t, eps, schedule.abar)
    said = net(xt, t, *condition).float()
    return (said - prediction.target(x0, eps, at(schedule.abar, t, x0))).square().mean()  # eq. (14)


def ddpm_loss(
    net: Net, schedule: Schedule, x0: Items, *condition: Tensor, prediction: Prediction = EPS
) -> Losses:
    """Algorithm 1: L_simple at random times with fresh noise. The net is told the condition beside x_t and t.

    For guidance let it go without now and then: `ddpm_loss(net, schedule, x, drop_condition(label, 0.1))`.
    """
    t = draw_times(len(x0), schedule.steps, x0.device)
    return {"simple": simple_loss(net, schedule, x0, t, torch.randn_like(x0), *condition,
                                  prediction=prediction)}  # fmt: skip


def draw_times(n: int, steps: int, device: torch.device | str = "cpu") -> Times:
    """n times, each uniform on 1..T, but spread evenly: one falls into each n-th part of the way.

    The loss depends on t more than on anything else; so spread, its average hardly does (2107.00630, I.1).
    """
    u = (torch.rand((), device=device) + torch.arange(n, device=device) / n) % 1
    return (u * steps).long().clamp(max=steps - 1) + 1


NO_LABEL = -1  # the label of an image that the network is told nothing about


def no_label(label: Int[Tensor, " b"]) -> Int[Tensor, " b"]:
    return torch.full_like(label, NO_LABEL)


def drop_condition(
    condition: Tensor, share: float = 0.1, nothing: Callable[[Tensor], Tensor] = no_label
) -> Tensor:
    """The condition with each item's replaced by `nothing` with probability `share` (2207.12598, Alg. 1).

    One network so learns both with and without the condition, which `samplers.guided` needs.
    """
    dropped = torch.rand(len(condition), device=condition.device) < share
    return torch.where(dropped.view(-1, *[1] * (condition.ndim - 1)), nothing(condition), condition)


# ------------------------------------------------------------------------------------------- the way back


def denoiser(
    net: Net,
    schedule: Schedule,
    *condition: Tensor,
    prediction: Prediction = EPS,
    clip: bool = True,
    precision: Precision = float32,
) -> Denoiser:
    """The network as a function (xt, t) -> x0, in eval mode, for as many items as the condition has.

    `clip` keeps x0 in the range of images; not for latents. `precision=fast_precision()` is for speed.
    """
    nets = [net] if isinstance(net, nn.Module) else []

    def denoise(xt: Items, t: Times) -> Items:
        with evaluating(*nets), precision():
            said = net(xt, t, *condition).float()
        x0 = prediction.to_x0(xt, said, at(schedule.abar, t, xt))
        return x0.clamp(-1, 1) if clip else x0

    return denoise


def ancestral_step(
    xt: Items,
    x0: Items,
    t: Times,
    schedule: Schedule,
    noise: Items,
    variance: Callable[[Schedule, Times, Items], Tensor] = small_variance,
) -> Items:
    """x_{t-1} from x_t and the guess x0: the posterior's mean, and noise of `small_` or `large_variance`.

    The last step, t = 1, adds none (Algorithm 2).
    """
    mean, _ = posterior(x0, xt, t, schedule)
    sigma = variance(schedule, t, xt).sqrt() * (t > 1).view(-1, *[1] * (xt.ndim - 1))
    return mean + sigma * noise


class Point(NamedTuple):
    """Where a sampler has come to."""

    t: int  # the time of xt
    xt: Tensor
    x0: Tensor  # what the denoiser made of the point before


def ancestral_path(
    denoise: Denoiser, xT: Items, schedule: Schedule, variance=small_variance
) -> Iterator[Point]:
    """Algorithm 2, a point for each of T calls of the denoiser: from t = T - 1 to t = 0, the sample."""
    xt = xT
    for step in range(schedule.steps, 0, -1):
        t = torch.full((len(xt),), step, device=xt.device)
        x0 = denoise(xt, t)
        xt = ancestral_step(xt, x0, t, schedule, torch.randn_like(xt), variance)
        yield Point(step - 1, xt, x0)


def sample_ddpm(denoise: Denoiser, xT: Items, schedule: Schedule, variance=small_variance) -> Items:
    """Samples from noise xT ~ N(0, I) by the full ancestral chain (Algorithm 2)."""
    return last(ancestral_path(denoise, xT, schedule, variance)).xt


def last(path: Iterator[Point]) -> Point:
    """The end of a sampler's path; no other point of it is kept, for a full chain has a thousand."""
    for point in path:
        end = point
    return end


# ------------------------------------------------------------------------------------------------- player


def ddpm_player(
    net: nn.Module,
    schedule: Schedule,
    learning_rate: float = 2e-3,
    prediction: Prediction = EPS,
    condition: str | None = "label",
    drop: float = 0.1,
) -> Player:
    """The one player of diffusion's game, with Adam. `condition` names what the batch tells the net."""

    def loss(batch: Batch) -> Losses:
        told = () if condition is None else (drop_condition(batch[condition], drop),)
        return ddpm_loss(net, schedule, batch["image"], *told, prediction=prediction)

    return Player("ddpm", loss, torch.optim.Adam(net.parameters(), lr=learning_rate, betas=(0.9, 0.99)))
