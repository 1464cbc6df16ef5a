"""A Gaussian fitted to images: the first generative model, where everything is known in closed form.

Bishop, Pattern Recognition and Machine Learning, 2006 (equation numbers 2.x are his).
Theis, van den Oord and Bethge, A note on the evaluation of generative models, arXiv:1511.01844, section 3.1.
Heusel et al., GANs Trained by a Two Time-Scale Update Rule ..., arXiv:1706.08500, eq. (6).

Images are whole grey levels, GREY apart; a density is for numbers between them, and would be infinite where a
pixel is always black. So the model is fitted to x + u, with u uniform over one grey level. Its variance,
GREY² / 12 in every pixel, is added to the covariance; nothing is drawn.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.types import Features, Images

GREY = 2 / 255  # from one grey level to the next, in images from -1 to 1
Mean = Float[Tensor, " d"]
Covariance = Float[Tensor, "d d"]


# ------------------------------------------------------------------------------------- vectors of any kind


def fit_gaussian(x: Features) -> tuple[Mean, Covariance]:
    """Mean and covariance of the rows (eq. 2.121 and 2.125, with n - 1)."""
    mean = x.mean(dim=0)
    centred = x - mean
    return mean, centred.T @ centred / (len(x) - 1)


def draw_gaussian(mean: Mean, covariance: Covariance, n: int) -> Features:
    """n draws of N(mean, covariance), a row each: mean + L eps, where L L' is the covariance."""
    L = torch.linalg.cholesky(covariance)
    eps = torch.randn(n, len(mean), dtype=mean.dtype, device=mean.device)
    return mean + eps @ L.T


def frechet_1d(
    mean_a: Float[Tensor, " k"],
    var_a: Float[Tensor, " k"],
    mean_b: Float[Tensor, " k"],
    var_b: Float[Tensor, " k"],
) -> Float[Tensor, " k"]:
    """Squared Fréchet distance of N(mean_a, var_a) and N(mean_b, var_b), entry by entry: eq. (6), d = 1."""
    return (mean_a - mean_b) ** 2 + var_a + var_b - 2 * (var_a * var_b).sqrt()


def frechet_gaussians(mean_a: Mean, cov_a: Covariance, mean_b: Mean, cov_b: Covariance) -> Float[Tensor, ""]:
    """Squared Fréchet distance of two Gaussians in d dimensions, eq. (6). To measure with, use
    `metrics.frechet`, which is quick and safe where covariances are singular."""
    eigenvalues = torch.linalg.eigvals(cov_a @ cov_b).real.clamp(min=0)
    trace_of_root = eigenvalues.sqrt().sum()  # the root of a matrix has the roots of its eigenvalues
    return ((mean_a - mean_b) ** 2).sum() + cov_a.trace() + cov_b.trace() - 2 * trace_of_root  # eq. (6)


# -------------------------------------------------------------------------------------------------- images


@dataclass(frozen=True)
class GaussianImages:
    """N(mean, L L') over the pixels of images of one shape; float64, on the CPU."""

    mean: Float[Tensor, " d"]
    L: Float[Tensor, "d d"]  # lower triangular
    shape: tuple[int, int, int]  # (c, h, w), d = c h w

    @property
    def parameters(self) -> int:
        d = len(self.mean)
        return d + d * (d + 1) // 2


def fit_images(x: Images) -> GaussianImages:
    """The Gaussian with the mean and the covariance of these images, at least 2 of them."""
    mean, covariance = fit_gaussian(as_rows(x))
    return from_moments(mean, covariance, tuple(x.shape[1:]))


def fit_pixels(x: Images) -> GaussianImages:
    """The same with every pixel on its own: the covariances between pixels are left out."""
    rows = as_rows(x)
    return from_moments(rows.mean(dim=0), rows.var(dim=0).diag(), tuple(x.shape[1:]))


def from_moments(mean: Mean, covariance: Covariance, shape: tuple[int, int, int]) -> GaussianImages:
    """The model with this mean and covariance, blurred by one grey level."""
    blurred = covariance + GREY**2 / 12 * torch.eye(len(mean), dtype=covariance.dtype)
    return GaussianImages(mean, torch.linalg.cholesky(blurred), shape)


def log_likelihood(model: GaussianImages, x: Images) -> Float[Tensor, " b"]:
    """Nats per image: a lower bound of the log-probability of its grey levels (arXiv:1511.01844, eq. 4).

    E_u log N(x + u) + d log GREY: the average over u of eq. (2.43), times the width of a grey level.
    """
    d = len(model.mean)
    white = torch.linalg.solve_triangular(model.L, (as_rows(x) - model.mean).T, upper=False)
    of_u = GREY**2 / 12 * torch.cholesky_inverse(model.L).trace()  # E u' inverse(covariance) u
    logdet = 2 * model.L.diagonal().log().sum()
    log_density = -0.5 * (white.square().sum(dim=0) + of_u + logdet + d * math.log(2 * math.pi))  # (2.43)
    return (log_density + d * math.log(GREY)).float()


def sample_gaussian(model: GaussianImages, n: int) -> Images:
    """n images; what falls outside the range of images is cut."""
    eps = torch.randn(n, len(model.mean), dtype=torch.float64)
    return (model.mean + eps @ model.L.T).clamp(-1, 1).float().view(n, *model.shape)


def as_rows(x: Images) -> Features:
    """(b, c, h, w) -> (b, d), in float64 on the CPU (Apple's MPS has no float64)."""
    return x.detach().cpu().double().flatten(1)
