"""What a drawn face shows: its attributes as the faces-LeNet reads them, and how often they are as asked.

For conditional models (did it draw the hat?), for translation (is it still the same person?) and for pictures
from words. The network's own accuracy on photos it never saw is 99.8 % or better on each attribute
(weights/faces.json): a model cannot be told to do better than that.
"""

from collections.abc import Mapping

from jaxtyping import Int
from torch import Tensor

from course_lib.data.faces import ATTRIBUTES
from course_lib.device import pick_device
from course_lib.metrics.features import FeatureExtractor, faces_extractor
from course_lib.metrics.intervals import Estimate, share
from course_lib.types import Images

CLASSES = [len(values) for values in ATTRIBUTES.values()]
BESIDE = "image", "pose", "shape"  # what a set of faces holds besides; not read from pictures


def read_attributes(
    images: Images, extractor: FeatureExtractor | None = None
) -> dict[str, Int[Tensor, " b"]]:
    """For each name of ATTRIBUTES the likeliest value of each image, as an index; on the CPU.

    `extractor`: one that was made before, to save the loading; by default `faces_extractor()`.
    """
    extractor = faces_extractor(pick_device()) if extractor is None else extractor
    if extractor.classes != sum(CLASSES):
        raise ValueError(f"{extractor.name} does not read the attributes of faces: use faces_extractor()")
    parts = extractor(images)[1].split(CLASSES, dim=1)
    return {name: part.argmax(1) for name, part in zip(ATTRIBUTES, parts, strict=True)}


def attribute_accuracy(
    images: Images, attributes: Mapping[str, Tensor], extractor: FeatureExtractor | None = None
) -> dict[str, Estimate]:
    """For each attribute asked for, the share of images that show it as asked, with its standard error.

    `attributes` holds int64 (b,) under names of ATTRIBUTES, as `random_faces(b)` and `faces(b)` give them.
    """
    asked = [name for name in ATTRIBUTES if name in attributes]
    strange = sorted(set(attributes) - set(ATTRIBUTES) - set(BESIDE))
    if strange or not asked:
        raise ValueError(f"expected attributes among {list(ATTRIBUTES)}, got {strange or list(attributes)}")
    for name in asked:
        got = tuple(attributes[name].shape)
        if got != (len(images),):
            raise ValueError(f"expected one {name} for each of the {len(images)} images, got {got}")
    seen = read_attributes(images, extractor)
    return {name: share(seen[name] == attributes[name].cpu()) for name in asked}
