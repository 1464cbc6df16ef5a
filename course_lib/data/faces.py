"""Procedural faces with the truth about them: attributes, pose, and the same face in four styles.

Every face is a pure function of its attributes, and face i of a seed is a pure function of (seed, i). So
there is any number of them, of any size, and conditioning, translation and text-to-image can be scored.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.data.batches import ImageSet
from course_lib.data.face_layers import HAIR_SHAPE, MOUTH_SHAPE, face_layers
from course_lib.data.face_sheet import POSE, SHAPE
from course_lib.data.face_styles import STYLES
from course_lib.device import one_thread
from course_lib.images import to_uint8
from course_lib.types import Images

Style = Literal["photo", "sketch", "painting", "night"]
FaceAttributes = dict[str, Tensor]  # every name of ATTRIBUTES: int64 (n,); "pose": (n, 3); "shape": (n, 10)

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "skin": ("pale", "light", "tan", "brown", "dark"),
    "hair_colour": ("black", "brown", "blond", "red", "white"),
    "hair_style": tuple(HAIR_SHAPE),
    "mouth": tuple(MOUTH_SHAPE),
    "glasses": ("none", "round", "square", "sunglasses"),
    "hat": ("none", "cap", "beanie", "straw hat", "crown"),
    "background": ("blue", "green", "pink", "yellow", "purple", "grey"),
}
CHUNK = 128  # faces of 32x32 drawn at once: 45 MB for their layers
WORKERS = 4  # chunks drawn at once, at most


def faces(n: int, *, size: int = 32, seed: int = 0, style: Style = "photo", start: int = 0) -> ImageSet:
    """{"image": uint8 (n, 3, size, size)} and the attributes of faces start, ..., start + n - 1 of a seed.

    The same (seed, start) in another style are the same faces, pixel for pixel; in another size, scaled.
    """
    if n < 1 or size < 8 or style not in STYLES:
        raise ValueError(
            f"expected n >= 1 faces, size >= 8 and a style of {list(STYLES)}, got {n}, {size}, {style!r}"
        )
    numbers = _hashed_uniform(seed, start, n, len(ATTRIBUTES) + len(POSE) + len(SHAPE))
    attributes = _attributes(torch.from_numpy(numbers))
    return {"image": _draw(attributes, size, style, to_uint8), **attributes}


def random_faces(n: int, generator: torch.Generator | None = None) -> FaceAttributes:
    """The attributes of n people, each value as likely as the others."""
    return _attributes(torch.rand(n, len(ATTRIBUTES) + len(POSE) + len(SHAPE), generator=generator))


def draw_faces(attributes: FaceAttributes, size: int = 32, style: Style = "photo") -> Images:
    """The pictures of these people, float32 (n, 3, size, size) in [-1, 1]. Pose and shape go from -1 to 1."""
    return _draw(attributes, size, style, lambda x: x)


def _draw(attributes: FaceAttributes, size: int, style: Style, finish: Callable[[Images], Tensor]) -> Tensor:
    """Draw a chunk of faces at a time, and a chunk on each core."""
    _require(attributes)
    parts = torch.arange(len(attributes["pose"])).split(max(1, CHUNK * 32 * 32 // (size * size)))

    @torch.no_grad()
    def draw(rows: Tensor) -> Tensor:
        some = {name: attributes[name][rows] for name in (*ATTRIBUTES, "pose", "shape")}
        return finish(STYLES[style](face_layers(some, size)).mul_(2).sub_(1).clamp_(-1, 1))

    # Handing small chunks out whole to the cores is quicker than cutting each of them up.
    with one_thread(), ThreadPoolExecutor(min(WORKERS, os.cpu_count() or 1)) as pool:
        return torch.cat(list(pool.map(draw, parts)))


def _require(attributes: FaceAttributes) -> None:
    """A ValueError that says which attribute is missing or out of range."""
    if missing := [name for name in (*ATTRIBUTES, "pose", "shape") if name not in attributes]:
        raise ValueError(f"expected the attributes that random_faces(n) gives, but these lack {missing}")
    for name, values in ATTRIBUTES.items():
        for extreme in (attributes[name].min().item(), attributes[name].max().item()):
            if not 0 <= extreme < len(values):
                raise ValueError(f"expected {name} from 0 to {len(values) - 1} {values}, got {extreme}")


def _attributes(uniform: Float[Tensor, "n k"]) -> FaceAttributes:
    """Numbers in [0, 1) -> attributes: one column each."""
    columns = uniform.unbind(1)
    attributes = {
        name: (column * len(values)).long().clamp_(max=len(values) - 1)
        for (name, values), column in zip(ATTRIBUTES.items(), columns, strict=False)
    }
    rest = uniform[:, len(ATTRIBUTES) :] * 2 - 1
    return {**attributes, "pose": rest[:, : len(POSE)].clone(), "shape": rest[:, len(POSE) :].clone()}


def _hashed_uniform(seed: int, start: int, n: int, k: int) -> np.ndarray:
    """float32 (n, k) in [0, 1); row i depends on (seed, start + i) only (splitmix64, Steele et al. 2014)."""
    golden = np.uint64(0x9E3779B97F4A7C15)

    def mix(z: np.ndarray) -> np.ndarray:
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))

    key = mix(np.array([seed % 2**64], dtype=np.uint64) * golden + golden)
    counter = np.arange(start * k, (start + n) * k, dtype=np.uint64) + np.uint64(1)
    return ((mix(key + counter * golden) >> np.uint64(40)).astype(np.float32) / 2**24).reshape(n, k)
