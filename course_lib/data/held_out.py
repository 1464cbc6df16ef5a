"""Combinations of attributes that no training may show: was a prompt understood, or only remembered?

Every value of every attribute is trained on, and every one of these pairs is held out: there are red hair and
golden crowns in training, but never a crown on red hair. A model that draws one has put the words together.
"""

import torch
from jaxtyping import Bool
from torch import Tensor

from course_lib.data.batches import ImageSet
from course_lib.data.faces import ATTRIBUTES, FaceAttributes, faces, random_faces

HELD_OUT: tuple[dict[str, str], ...] = (
    {"hair_colour": "red", "hat": "crown"},
    {"hair_colour": "black", "hat": "beanie"},
    {"hair_colour": "white", "hat": "cap"},
    {"hair_colour": "blond", "hat": "straw hat"},
    {"mouth": "surprised", "glasses": "sunglasses"},
    {"mouth": "sad", "glasses": "round"},
    {"mouth": "grin", "glasses": "square"},
)
PIECE = 1_000  # faces drawn at once, before those held out are left out
SHARE = 0.286  # of all faces show at least one of them: 1 - (1 - 4/25) (1 - 3/20)


def held_out(attributes: FaceAttributes) -> Bool[Tensor, " n"]:
    """True where a face shows at least one of the combinations held out."""
    shown = torch.zeros(len(attributes["mouth"]), dtype=torch.bool)
    for pair in HELD_OUT:
        parts = [attributes[name].cpu() == ATTRIBUTES[name].index(value) for name, value in pair.items()]
        shown |= torch.stack(parts).all(dim=0)
    return shown


def seen_faces(n: int, *, size: int = 64, seed: int = 0) -> ImageSet:
    """The first n faces of a seed that show none of them, with their attributes: to train on."""
    _require(n)
    parts, start, found = [], 0, 0
    while found < n:
        more = min(PIECE, int((n - found) / (1 - SHARE)) + 32)
        whole = faces(more, size=size, seed=seed, start=start)
        parts.append({name: rows[: n - found] for name, rows in _rows(whole, ~held_out(whole)).items()})
        start, found = start + more, found + len(parts[-1]["image"])
    return {name: torch.cat([part.pop(name) for part in parts]) for name in list(parts[0])}


def seen_people(n: int, generator: torch.Generator | None = None) -> FaceAttributes:
    """The attributes of n random people whose combinations were all to be seen in training."""
    return _people(n, False, generator)


def unseen_people(n: int, generator: torch.Generator | None = None) -> FaceAttributes:
    """The attributes of n random people with at least one combination that no training showed."""
    return _people(n, True, generator)


def _people(n: int, unseen: bool, generator: torch.Generator | None) -> FaceAttributes:
    _require(n)
    parts, found = [], 0
    while found < n:
        people = random_faces(4 * n, generator)
        parts.append(_rows(people, held_out(people) == unseen))
        found += len(parts[-1]["mouth"])
    return {name: torch.cat([part[name] for part in parts])[:n] for name in parts[0]}


def _rows(data: dict[str, Tensor], which: Tensor) -> dict[str, Tensor]:
    return {name: rows[which] for name, rows in data.items()}


def _require(n: int) -> None:
    if n < 1:
        raise ValueError(f"expected n >= 1 faces, got {n}")
