"""What a diffusion model can do with a picture that is there already: clean it, complete it, redraw it.

Meng et al., SDEdit: Guided Image Synthesis and Editing with Stochastic Differential Equations, 2108.01073.
Lugmayr et al., RePaint: Inpainting using Denoising Diffusion Probabilistic Models, arXiv:2201.09865.
Ho, Jain and Abbeel, Denoising Diffusion Probabilistic Models, arXiv:2006.11239, eq. (2) and (4).

No network is trained for any of it; all take the denoiser (xt, t) -> x0 that the samplers take.
"""

import torch
from torch import Tensor

from course_lib.models.ddpm import Denoiser, Items, Schedule, add_noise
from course_lib.models.samplers import (
    all_at,
    ddim_step,
    sample_ddim,
    sample_dpm_solver,
    spread_times,
    steps_of,
)


def denoise(
    denoiser: Denoiser, noisy: Items, sigma: float, schedule: Schedule, steps: int = 1, eta: float = 0.0
) -> Items:
    """Take noise of standard deviation sigma off: noisy = x0 + sigma N(0, I), in the units of images.

    One step gives E[x0 | noisy], the guess with the smallest squared error, and blurred where it is unsure.
    More steps give a sharp sample of what may have been there.
    """
    t = time_of_noise(sigma, schedule)
    xt = schedule.abar[t].sqrt() * noisy  # eq. (4): x_t is x0 + sigma noise, shrunk to the scale of time t
    return sample_ddim(denoiser, xt, schedule, min(steps, t), eta=eta, start=t)


def time_of_noise(sigma: float, schedule: Schedule) -> int:
    """The time t >= 1 at which sqrt(1 - abar_t) / sqrt(abar_t), noise over image, is closest to sigma."""
    ratio = ((1 - schedule.abar[1:]) / schedule.abar[1:]).sqrt()
    if not 0 < sigma <= ratio[-1]:
        raise ValueError(
            f"expected sigma in (0, {ratio[-1]:.3g}], as noisy as the schedule gets, got {sigma}"
        )
    return int((ratio.log() - torch.tensor(sigma).log()).abs().argmin()) + 1


def image_to_image(
    denoiser: Denoiser,
    image: Items,
    strength: float,
    schedule: Schedule,
    steps: int = 20,
    noise: Tensor | None = None,
) -> Items:
    """SDEdit: add noise up to time t = strength T, and come back from there (2108.01073, Algorithm 1).

    Strength near 0 gives the image back, 1 forgets it; between, what is larger than the noise stays. `steps`
    is for the whole way from T; the way from t takes its share of them.
    """
    if not 0 < strength <= 1:
        raise ValueError(f"expected a strength above 0, up to 1, got {strength}")
    t = max(1, round(strength * schedule.steps))
    noise = torch.randn_like(image) if noise is None else noise
    xt = add_noise(image, all_at(t, image), noise, schedule.abar)
    return sample_dpm_solver(denoiser, xt, schedule, min(t, max(1, round(strength * steps))), start=t)


def inpaint(
    denoiser: Denoiser, image: Items, known: Tensor, schedule: Schedule, steps: int = 50, repeats: int = 5
) -> Items:
    """RePaint: keep the pixels where `known` is 1, imagine the others (arXiv:2201.09865, Algorithm 1).

    At every step the known pixels are taken from the image, with the noise of that time, and the others from
    the model. The two do not know of each other yet, so each step is taken `repeats` times, with the noise
    added again in between: that gives the model time to make them fit. `known` is broadcast over the image.
    """
    xt = torch.randn_like(image)
    for t, s in steps_of(spread_times(schedule.steps, steps)):
        abar_t, abar_s = schedule.abar[t], schedule.abar[s]
        for repeat in range(repeats if s > 0 else 1):
            if repeat > 0:  # from s up to t again: eq. (2) of 2006.11239 with alpha = abar_t / abar_s
                xt = (abar_t / abar_s).sqrt() * xt + (1 - abar_t / abar_s).sqrt() * torch.randn_like(xt)
            x0 = denoiser(xt, all_at(t, xt))
            imagined = ddim_step(xt, x0, abar_t, abar_s, 1.0, torch.randn_like(xt))
            given = add_noise(image, all_at(s, image), torch.randn_like(image), schedule.abar)  # 8a
            xt = known * given + (1 - known) * imagined  # eq. (8c)
    return xt
