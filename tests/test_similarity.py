"""psnr and ssim in closed form, against scipy's Gaussian filter, and against torchmetrics."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from course_lib.metrics.similarity import psnr, ssim


def pair(channels: int = 3, size: int = 32) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(4, channels, size, size, generator=generator) * 2 - 1
    noise = torch.randn(x.shape, generator=generator) * torch.tensor([0.01, 0.1, 0.3, 1.0]).view(-1, 1, 1, 1)
    return (x + noise).clamp(-1, 1), x


def by_scipy(x: np.ndarray, y: np.ndarray) -> float:
    """One channel: Wang et al. (2004), eq. (13), with scipy's filter cut to the windows that fit."""

    def mean(z):
        return gaussian_filter(z, sigma=1.5, radius=5)[5:-5, 5:-5]

    c1, c2 = 0.02**2, 0.06**2
    mu_x, mu_y = mean(x), mean(y)
    var_x, var_y, cov = mean(x * x) - mu_x**2, mean(y * y) - mu_y**2, mean(x * y) - mu_x * mu_y
    top = (2 * mu_x * mu_y + c1) * (2 * cov + c2)
    return (top / ((mu_x**2 + mu_y**2 + c1) * (var_x + var_y + c2))).mean()


def test_psnr_in_closed_form():
    x = torch.zeros(2, 1, 8, 8)
    assert psnr(x + 0.2, x).tolist() == pytest.approx([20, 20], rel=1e-5)  # an error of a tenth of the range
    assert psnr(x, x).tolist() == [math.inf, math.inf]


def test_ssim_in_closed_form():
    x, y = pair()
    assert ssim(x, x).tolist() == pytest.approx([1] * 4)
    flat = torch.full((1, 1, 16, 16), 0.5)
    expected = (2 * 0.5 * 0.25 + 0.02**2) / (0.5**2 + 0.25**2 + 0.02**2)
    assert ssim(flat, flat / 2).item() == pytest.approx(expected, rel=1e-6)
    assert (ssim(x, y).diff() < 0).all()  # more noise, less alike


@pytest.mark.parametrize("channels, size", [(1, 11), (1, 28), (3, 32)])
def test_ssim_agrees_with_scipy(channels, size):
    x, y = pair(channels, size)
    x64, y64 = x.double().numpy(), y.double().numpy()
    expected = [np.mean([by_scipy(x64[i, c], y64[i, c]) for c in range(channels)]) for i in range(4)]
    assert ssim(x, y).tolist() == pytest.approx(expected, rel=1e-9)


def test_agree_with_torchmetrics():
    theirs = pytest.importorskip(
        "torchmetrics.functional.image", reason="torchmetrics is not installed (extra: test)"
    )
    x, y = (z.double() for z in pair())
    settings = {"data_range": 2.0, "reduction": "none"}
    _, full = theirs.structural_similarity_index_measure(x, y, **settings, return_full_image=True)
    expected = full[..., 5:-5, 5:-5].mean(
        dim=(1, 2, 3)
    )  # theirs mirrors the rim and counts it, the paper does not
    assert ssim(x, y).tolist() == pytest.approx(expected.tolist(), rel=1e-6)
    expected = theirs.peak_signal_noise_ratio(x, y, data_range=2.0, reduction="none", dim=(1, 2, 3))
    assert psnr(x, y).tolist() == pytest.approx(expected.tolist(), rel=1e-6)


def test_bad_input_is_named():
    x = torch.zeros(2, 1, 16, 16)
    with pytest.raises(ValueError, match="one shape"):
        psnr(x, torch.zeros(2, 3, 16, 16))
    with pytest.raises(ValueError, match="11x11 windows"):
        ssim(x[..., :8, :8], x[..., :8, :8])
    with pytest.raises(ValueError, match="truth as float"):
        psnr(x, x * 255 + 255)
