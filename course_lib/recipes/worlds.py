"""The data a model is trained and judged on, with what a conditional model is told about each image."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import torch
from jaxtyping import Int
from torch import Tensor, nn

from course_lib.data.batches import ImageSet
from course_lib.data.captions import captions
from course_lib.data.digit_captions import digit_captions
from course_lib.data.digits import digits
from course_lib.data.faces import ATTRIBUTES, faces
from course_lib.errors import CourseError
from course_lib.metrics.attributes import CLASSES, read_attributes
from course_lib.metrics.features import digits_extractor
from course_lib.models.cgan import Attributes, OneHot
from course_lib.types import Images

Condition = Int[Tensor, "b *a"]  # a label (b,), or attributes (b, a)

FACES = 20_000  # drawn once, in memory as bytes: 61 MB


@dataclass(frozen=True)
class World:
    name: str
    channels: int
    size: int
    told: str  # the name in a batch of what a conditional model is told
    choices: tuple[int, ...]  # of each thing it is told: one column of the condition each
    load: Callable[..., ImageSet]  # load() or load(n): all there are, or the first n
    reference: str  # what its samples are scored against: evaluate(..., reference)
    read: Callable[[Images], Condition]  # what the course's classifier sees in images
    request: Callable[[str], dict[int, int]]  # what a person asks for -> column: value
    captions: Callable[[Condition], list[str]]  # the same in words, for a model that reads
    wide: bool = False  # networks of the gpu tier's widths

    def embed(self) -> nn.Module:
        """The condition as one-hot vectors, (b, e), e = sum of choices."""
        return OneHot(self.choices[0]) if self.told == "label" else Attributes(self.choices)

    def random_condition(self, n: int) -> Condition:
        """n conditions, each value of each column as likely as the others."""
        columns = [torch.randint(many, (n,)) for many in self.choices]
        return columns[0] if self.told == "label" else torch.stack(columns, dim=1)

    def condition(self, n: int, asked: str) -> Condition:
        """n conditions as asked for ("3", "hat=crown,mouth=grin"); what is not named is drawn at random."""
        drawn = self.random_condition(n)
        for column, value in self.request(asked).items():
            (drawn if self.told == "label" else drawn[:, column]).fill_(value)
        return drawn


@cache
def load_digits(n: int | None = None) -> ImageSet:
    return {name: rows[:n] for name, rows in digits("train").items()}


def read_digits(images: Images) -> Condition:
    return digits_extractor()(images)[1].argmax(1)


def request_digit(asked: str) -> dict[int, int]:
    if asked not in set("0123456789"):
        raise CourseError(f"There is no digit {asked!r}: ask for one of 0 to 9.")
    return {0: int(asked)}


@cache
def load_faces(n: int | None = None) -> ImageSet:
    """Drawn faces, with all their attributes as the columns of one tensor."""
    data = faces(n or FACES)
    return {"image": data["image"], "attributes": torch.stack([data[name] for name in ATTRIBUTES], dim=1)}


def face_captions(y: Condition) -> list[str]:
    return captions(dict(zip(ATTRIBUTES, y.cpu().unbind(dim=1), strict=True)))


def read_faces(images: Images) -> Condition:
    return torch.stack(list(read_attributes(images).values()), dim=1)


def request_face(asked: str) -> dict[int, int]:
    names, wanted = list(ATTRIBUTES), {}
    for part in asked.split(","):
        name, _, value = (word.strip() for word in part.partition("="))
        if value not in ATTRIBUTES.get(name, ()):
            one_of = ", ".join(ATTRIBUTES.get(name, ())) or "a value"
            known = f"{name}={one_of}" if name in ATTRIBUTES else f"one of {', '.join(names)} = {one_of}"
            raise CourseError(f"A face cannot be asked for by {part.strip()!r}: write {known}.")
        wanted[names.index(name)] = ATTRIBUTES[name].index(value)
    return wanted


WORLDS = {
    "digits": World(
        "digits", 1, 28, "label", (10,),
        load_digits, "digits", read_digits, request_digit, digit_captions,
    ),
    "faces": World(
        "faces", 3, 32, "attributes", tuple(CLASSES),
        load_faces, "faces", read_faces, request_face, face_captions,
    ),
}  # fmt: skip
ALIASES = {"mnist": "digits"}


def find_world(name: str, wide: bool = False) -> World:
    world = WORLDS.get(ALIASES.get(name, name))
    if world is None:
        raise CourseError(f"There is no data set {name!r}: choose from {', '.join([*WORLDS, *ALIASES])}.")
    return replace(world, wide=wide)
