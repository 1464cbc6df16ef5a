"""Is this checkpoint a checkpoint of this run? If not, one sentence says what differs."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from course_lib.errors import CourseError


def plain_settings(settings: object) -> dict[str, str]:
    """A dataclass or dict as {name: value written as JSON}: comparable, and safe to load again."""
    if settings is None:
        return {}
    values = asdict(settings) if is_dataclass(settings) else dict(settings)
    return {name: json.dumps(value, default=repr, sort_keys=True) for name, value in values.items()}


def require_same_run(
    state: Mapping[str, Any], parts: Mapping[str, Any], settings: Mapping[str, str], folder: Path
) -> None:
    """CourseError if the saved state has other settings, other parts, or other weights than these."""
    current = {name: part.state_dict() for name, part in parts.items()}
    if difference := (
        different_values(state["settings"], settings)
        or different_names(set(state["parts"]), set(current), "the part")
        or different_weights(state["parts"], current)
        or different_groups(state["parts"], current)
    ):
        raise CourseError(
            f"{folder} holds another run ({difference}): take another folder, or delete it to start afresh."
        )


def different_values(saved: Mapping[str, str], current: Mapping[str, str]) -> str:
    """The first setting that differs, in words; empty if none does."""
    for name in [*saved, *(name for name in current if name not in saved)]:
        if saved.get(name) != current.get(name):
            return f"its {name} is {saved.get(name, 'not set')}, yours is {current.get(name, 'not set')}"
    return ""


def different_names(saved: set[str], current: set[str], what: str) -> str:
    """The first name that only one side has, in words; empty if they agree."""
    if missing := sorted(current - saved):
        return f"it has not {what} {missing[0]!r}, yours has"
    if extra := sorted(saved - current):
        return f"it has {what} {extra[0]!r}, yours has not"
    return ""


def different_weights(saved: Mapping[str, Any], current: Mapping[str, Any]) -> str:
    """The first tensor that differs in name or shape. Optimizers, whose tensors come later, are left out."""
    theirs, mine = (
        dict(tensors({name: part for name, part in parts.items() if "param_groups" not in part}))
        for parts in (saved, current)
    )
    if difference := different_names(set(theirs), set(mine), "the weights"):
        return difference
    for name in mine:
        if theirs[name].shape != mine[name].shape:
            return f"its {name} has shape {tuple(theirs[name].shape)}, yours {tuple(mine[name].shape)}"
    return ""


def different_groups(saved: Mapping[str, Any], current: Mapping[str, Any]) -> str:
    """The first optimizer that moves another number of weights."""
    for name, part in current.items():
        if "param_groups" in part:
            groups = saved[name].get("param_groups", [])
            theirs, mine = ([len(group["params"]) for group in g] for g in (groups, part["param_groups"]))
            if theirs != mine:
                return f"its {name} moves {sum(theirs)} tensors, yours {sum(mine)}"
    return ""


def tensors(tree: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """Every tensor of nested dicts with its path: "vae.encoder.0.weight"."""
    for name, value in tree.items():
        if isinstance(value, Tensor):
            yield f"{prefix}{name}", value
        elif isinstance(value, Mapping):
            yield from tensors(value, f"{prefix}{name}.")
