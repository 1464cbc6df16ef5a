"""What a metric asks of the features it is given, said in one place."""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from course_lib.types import Features

# The second of two sets, in letters of its own: a wrong width is told in our words, not as a type error.
OtherFeatures = Float[Tensor, "m e"]
OtherImages = Float[Tensor, "m g i j"]
OtherBytes = UInt8[Tensor, "m g i j"]


def require_features(features: Features, at_least: int = 1) -> Features:
    """The features themselves if they are enough finite rows, else a ValueError that says what is wrong."""
    if not isinstance(features, Tensor) or not features.is_floating_point():
        kind = features.dtype if isinstance(features, Tensor) else type(features).__name__
        raise ValueError(f"expected features as a float tensor (n, d), got {kind}")
    if features.ndim != 2 or features.shape[1] == 0:
        raise ValueError(
            f"expected features of shape (n, d), got {tuple(features.shape)}: flatten(1) makes rows"
        )
    if len(features) < at_least:
        raise ValueError(f"this metric needs at least {at_least} samples on each side, got {len(features)}")
    if not torch.isfinite(features.sum()) and not torch.isfinite(features).all():  # the sum alone is quicker
        bad = int((~torch.isfinite(features)).any(1).sum())
        raise ValueError(f"expected finite features, got NaN or infinity in {bad} of {len(features)} rows")
    return features


def require_same_width(a: int, b: int) -> None:
    if a != b:
        raise ValueError(f"the two sets have features of different width, {a} and {b}: use one extractor")


def double(x: Tensor) -> Tensor:
    """In float64, without gradients; on the CPU if the device has no float64 (Apple's MPS)."""
    return (x.cpu() if x.device.type == "mps" else x).detach().double()
