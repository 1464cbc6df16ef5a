"""How like a picture is to the picture it should be, where the truth is known: translation, inpainting."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Float64
from torch import Tensor

from course_lib.images import require_images
from course_lib.metrics.require import OtherImages, double
from course_lib.types import Images

RANGE = 2.0  # from -1 to 1
WINDOW, SIGMA = 11, 1.5  # pixels


def psnr(x: Images, truth: OtherImages) -> Float64[Tensor, " b"]:
    """Peak signal-to-noise ratio of each image in decibels: 20 is coarse, 40 hard to see, equal infinite."""
    x, truth = _pair(x, truth)
    return 10 * torch.log10(RANGE**2 / (x - truth).square().mean(dim=(1, 2, 3)))


def ssim(x: Images, truth: OtherImages) -> Float64[Tensor, " b"]:
    """Structural similarity, at most 1 (Wang et al. 2004, eq. 13): averaged over windows and channels.

    The paper's 11x11 Gaussian window of 1.5 pixels, wherever it fits inside the image; K1 = 0.01, K2 = 0.03.
    (torchmetrics also mirrors the rim and counts it, which moves the number by a few per cent.)
    """
    x, truth = _pair(x, truth)
    if min(x.shape[2:]) < WINDOW:
        raise ValueError(
            f"ssim looks through {WINDOW}x{WINDOW} windows, but the images are {tuple(x.shape[2:])}"
        )
    c1, c2 = (0.01 * RANGE) ** 2, (0.03 * RANGE) ** 2
    mu_x, mu_y = blur(x), blur(truth)
    var_x, var_y = blur(x * x) - mu_x**2, blur(truth * truth) - mu_y**2
    cov = blur(x * truth) - mu_x * mu_y
    luminance = (2 * mu_x * mu_y + c1) / (mu_x**2 + mu_y**2 + c1)
    structure = (2 * cov + c2) / (var_x + var_y + c2)
    return (luminance * structure).mean(dim=(1, 2, 3))


def blur(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h2 w2"]:
    """Each channel under the Gaussian window, without padding: down the columns, then along the rows."""
    offsets = torch.arange(WINDOW, dtype=x.dtype, device=x.device) - WINDOW // 2
    line = torch.exp(-(offsets**2) / (2 * SIGMA**2))
    line = (line / line.sum()).expand(x.shape[1], 1, 1, WINDOW)
    return F.conv2d(F.conv2d(x, line.mT, groups=x.shape[1]), line, groups=x.shape[1])


def _pair(x: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    require_images(x)
    require_images(truth, "truth")
    if x.shape != truth.shape:
        raise ValueError(
            f"expected images and truth of one shape, got {tuple(x.shape)} and {tuple(truth.shape)}"
        )
    return double(x), double(truth)
