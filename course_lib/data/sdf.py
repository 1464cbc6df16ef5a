"""Signed distance functions: how far a point lies from the edge of a shape, negative inside.

With distances a shape is drawn without jagged edges (`coverage`), outlined, joined and cut by a minimum or a
maximum. All functions work on whole batches of coordinates; x runs to the right and y down.
"""

import torch
from torch import Tensor

Number = Tensor | float


def ellipse(x: Tensor, y: Tensor, rx: Number, ry: Number) -> Tensor:
    """An ellipse at the origin with half axes rx and ry; exact at the edge, nearly so beside it."""
    x, y = x / rx, y / ry
    k = (x * x + y * y).sqrt_()
    slope = torch.hypot(x / rx, y / ry).add_(1e-6)
    return (k - 1).mul_(k).div_(slope)


def circle(x: Tensor, y: Tensor, r: Number) -> Tensor:
    """A circle at the origin."""
    return torch.hypot(x, y).sub_(r)


def box(x: Tensor, y: Tensor, half_width: Number, half_height: Number, r: Number = 0.0) -> Tensor:
    """A box at the origin with corners rounded by r."""
    qx, qy = x.abs() - (half_width - r), y.abs() - (half_height - r)
    inside = torch.maximum(qx, qy).clamp_(max=0)
    return torch.hypot(qx.clamp_(min=0), qy.clamp_(min=0)).add_(inside).sub_(r)


def stroke(x: Tensor, y: Tensor, half_width: Number, bend: Number, half_height: Number) -> Tensor:
    """A stroke of a brush along y = -bend (x / half_width)^2, thickest in its middle: lips, brows, eyelids.

    A positive bend lifts both ends (y runs down): a smile.
    """
    t = (x / half_width).square_()
    thick = (1.15 - t).clamp_(min=0).sqrt_() * half_height
    return torch.maximum((y + bend * t).abs_().sub_(thick), x.abs() - half_width)


def coverage(d: Tensor, pixel: float) -> Tensor:
    """How much of a pixel of this width the shape covers, in [0, 1]: the anti-aliased mask of a shape."""
    return (0.5 - d / (1.2 * pixel)).clamp_(0, 1)


def blob(x: Tensor, y: Tensor, rx: Number, ry: Number) -> Tensor:
    """A soft spot: 1 in its middle, 0 outside the ellipse."""
    return (1 - (x / rx).square_() - (y / ry).square_()).clamp_(min=0).square_()
