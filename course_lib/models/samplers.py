"""Samplers that need fewer steps than the chain was trained with, and guidance, which needs no classifier.

Song, Meng and Ermon, Denoising Diffusion Implicit Models, arXiv:2010.02502 (eq. 12 and 16).
Lu et al., DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models, arXiv:2211.01095.
Ho and Salimans, Classifier-Free Diffusion Guidance, arXiv:2207.12598 (eq. 6).

All take a denoiser, (xt, t) -> x0, as `ddpm.denoiser` makes it, the noise to start from, and a schedule. A
`..._path` yields every point on its way, `sample_...` gives the last. In a step, t is the time that is left
and s < t the one that is gone to. Steps may skip times, since a denoiser only asks how noisy x_t is.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from course_lib.device import evaluating
from course_lib.models.ddpm import Denoiser, Items, Net, Point, Schedule, Times, eps_from_x0, last, no_label

Scalar = Tensor | float

# ---------------------------------------------------------------------------------------------------- DDIM


def ddim_step(
    xt: Items, x0: Items, abar_t: Tensor, abar_s: Tensor, eta: float = 0.0, noise: Tensor | None = None
) -> Items:
    """x_s from x_t and the guess x0, for any s < t. eta = 0 adds no noise, eta = 1 as much as the posterior.

    With eta = 1 and s = t - 1 this is the ancestral step. abar_t and abar_s multiply x: numbers, or as `at`
    gives them. `noise` is N(0, I), and may be left out where eta is 0.
    """
    sigma = ddim_sigma(abar_t, abar_s, eta)
    eps = eps_from_x0(xt, x0, abar_t)
    to_xt = (1 - abar_s - sigma**2).clamp(min=0).sqrt() * eps  # the direction that points back to x_t
    xs = abar_s.sqrt() * x0 + to_xt  # eq. (12)
    return xs if noise is None else xs + sigma * noise


def ddim_sigma(abar_t: Tensor, abar_s: Tensor, eta: float) -> Tensor:
    """Standard deviation of the noise that a step from t to s adds (eq. 16)."""
    return eta * ((1 - abar_s) / (1 - abar_t)).sqrt() * (1 - abar_t / abar_s).sqrt()


def ddim_path(
    denoise: Denoiser, xt: Items, schedule: Schedule, times: Sequence[int], eta: float = 0.0
) -> Iterator[Point]:
    """From x_t at times[0] along the times given, which fall to 0."""
    for t, s in steps_of(times):
        x0 = denoise(xt, all_at(t, xt))
        noise = torch.randn_like(xt) if eta > 0 else None
        xt = ddim_step(xt, x0, schedule.abar[t], schedule.abar[s], eta, noise)
        yield Point(s, xt, x0)


def sample_ddim(
    denoise: Denoiser,
    xT: Items,
    schedule: Schedule,
    steps: int = 50,
    *,
    eta: float = 0.0,
    start: int | None = None,
) -> Items:
    """Samples from xT ~ N(0, I) in `steps` calls of the denoiser. With eta = 0, one image for each xT.

    `start`: the time that xT is of, if it is not pure noise but an image on its way (image_to_image).
    """
    return last(ddim_path(denoise, xT, schedule, spread_times(start or schedule.steps, steps), eta)).xt


# ------------------------------------------------------------------------------------------- DPM-Solver++


def dpm_solver_step(
    xt: Items,
    x0: Items,
    abar_t: Tensor,
    abar_s: Tensor,
    before: tuple[Items, Tensor] | None = None,
    noise: Items | None = None,
) -> Items:
    """x_s from x_t by DPM-Solver++(2M) (arXiv:2211.01095, Algorithm 2).

    It follows the path of DDIM with eta = 0, but takes x0 for a straight line in lambda = log(alpha / sigma)
    instead of a constant. The line goes through `before`, the guess and the abar of the step before; without
    it this is DDIM's step. With `noise` from N(0, I) it is SDE-DPM-Solver++(2M) of the same paper, which
    replaces a part of the noise in x_t by fresh noise, as the ancestral chain does.
    """
    lambda_t, lambda_s = log_signal_to_noise(abar_t), log_signal_to_noise(abar_s)
    h = lambda_s - lambda_t
    if before is not None and abar_s < 1:
        x0_before, abar_before = before
        r = (lambda_t - log_signal_to_noise(abar_before)) / h
        x0 = (1 + 1 / (2 * r)) * x0 - 1 / (2 * r) * x0_before
    sigma_t, sigma_s = (1 - abar_t).sqrt(), (1 - abar_s).sqrt()
    if noise is None:
        return sigma_s / sigma_t * xt - abar_s.sqrt() * torch.expm1(-h) * x0  # Algorithm 2
    anew = -torch.expm1(-2 * h)  # the share of the noise's variance that is drawn anew
    kept = sigma_s / sigma_t * torch.exp(-h) * xt
    return kept + abar_s.sqrt() * anew * x0 + sigma_s * anew.sqrt() * noise


def log_signal_to_noise(abar_t: Tensor) -> Tensor:
    """lambda_t = log(sqrt(abar_t) / sqrt(1 - abar_t)); infinite at t = 0."""
    return 0.5 * (abar_t.log() - (1 - abar_t).log())


def dpm_solver_path(
    denoise: Denoiser, xt: Items, schedule: Schedule, times: Sequence[int], fresh: bool = False
) -> Iterator[Point]:
    """From x_t at times[0] along the times given, which fall to 0. The last step is DDIM's, onto x0."""
    before = None
    for t, s in steps_of(times):
        x0 = denoise(xt, all_at(t, xt))
        noise = torch.randn_like(xt) if fresh else None
        xt = dpm_solver_step(xt, x0, schedule.abar[t], schedule.abar[s], before, noise)
        before = x0, schedule.abar[t]
        yield Point(s, xt, x0)


def sample_dpm_solver(
    denoise: Denoiser,
    xT: Items,
    schedule: Schedule,
    steps: int = 20,
    *,
    start: int | None = None,
    fresh: bool = False,
) -> Items:
    """Samples from xT ~ N(0, I) in `steps` calls of the denoiser: the quick sampler of this course.

    One image for each xT; or, with `fresh` noise at each step, another one each time (SDE-DPM-Solver++).
    """
    times = spread_times(start or schedule.steps, steps)
    return last(dpm_solver_path(denoise, xT, schedule, times, fresh)).xt


# ----------------------------------------------------------------------------------------------- the times


def spread_times(start: int, steps: int) -> list[int]:
    """steps + 1 times from `start` down to 0, evenly spread. ValueError if there are not so many."""
    if not 1 <= steps <= start:
        raise ValueError(f"expected from 1 to {start} steps, since there are {start} times, got {steps}")
    return [round(start * (1 - i / steps)) for i in range(steps + 1)]


def steps_of(times: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Pairs (t, s) of neighbours. ValueError unless the times fall and end at 0."""
    pairs = list(pairwise(times))
    if not pairs or times[-1] != 0 or any(t <= s for t, s in pairs):
        raise ValueError(f"expected times that fall and end at 0, such as [1000, 500, 0], got {list(times)}")
    return iter(pairs)


def all_at(t: int, x: Items) -> Times:
    """The same time for every item."""
    return torch.full((len(x),), t, device=x.device)


# ------------------------------------------------------------------------------------------------ guidance


def guided(net: Net, scale: float, nothing: Callable[[Tensor], Tensor] = no_label) -> Net:
    """The net (xt, t, condition), pushed away from what it would say without the condition.

        denoise = denoiser(guided(net, 2.0), schedule, label, prediction=V)

    said = said_without + scale (said_with - said_without): scale 1 is the net as it is, 0 is without the
    condition, and above 1 the condition counts for more than in the data. (w of arXiv:2207.12598, eq. 6, is
    scale - 1.) It is the same for eps, x0 and v, since at a given x_t each is the others times a number, plus
    a multiple of x_t. One call of the net on a batch of twice the size. `nothing` is what stands for "no
    condition", as in `drop_condition`.
    """

    def say(xt: Items, t: Times, condition: Tensor) -> Items:
        told = torch.cat([condition, nothing(condition)])
        with evaluating(*([net] if isinstance(net, nn.Module) else [])):
            both = net(torch.cat([xt, xt]), torch.cat([t, t]), told).float()
        said_with, said_without = both.chunk(2)
        return said_without + scale * (said_with - said_without)

    return say
