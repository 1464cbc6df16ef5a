"""A sentence for each digit: the quick path to prompts, where pictures are small and captions short."""

from jaxtyping import Int
from torch import Tensor

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def digit_captions(label: Int[Tensor, " n"]) -> list[str]:
    """Such as: a handwritten seven. ValueError for a label that is no digit."""
    if len(label) and not 0 <= int(label.min()) <= int(label.max()) <= 9:
        raise ValueError(f"expected labels from 0 to 9, got from {int(label.min())} to {int(label.max())}")
    return [f"a handwritten {NAMES[k]}" for k in label.tolist()]
