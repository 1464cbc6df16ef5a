"""When two functions behave the same: values, and gradients, up to another order of float32 arithmetic."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from torch import Tensor

from course_lib.checks.exercise import Case, Exercise
from course_lib.checks.observe import Observation

Array = np.ndarray  # float64: on vectors this short NumPy is ten times as quick as torch


@dataclass(frozen=True)
class Behaviour:
    """What of one observation is compared: its form, named values, and gradients by (output, input)."""

    form: tuple  # the kind of answer, its keys and shapes, or the fault
    values: dict[str, Array]
    gradients: dict[tuple[str, str], Array]


Behaviours = Sequence[Behaviour]  # one a case


class Tolerance(NamedTuple):
    relative: float
    absolute: float


def behaviour(exercise: Exercise, case: Case, seen: Observation) -> Behaviour:
    if seen.fault:
        return Behaviour(("fault", seen.fault.kind), {}, {})
    shapes = tuple((key, tuple(value.shape)) for key, value in sorted(seen.outputs.items()))
    form = (seen.kind, shapes, tuple(sorted(map(tuple, seen.parameters))))
    if exercise.statistics:
        try:
            return Behaviour(form, arrays(exercise.statistics(case, seen)), {})
        except (RuntimeError, KeyError, IndexError, ValueError):  # an answer of this form has no statistics
            return Behaviour(form, {}, {})
    gradients = {
        (key, name): array(gradient)
        for key, by_input in seen.gradients.items()
        for name, gradient in by_input.items()
    }
    return Behaviour(form, arrays(seen.outputs), gradients)


def array(x: Tensor) -> Array:
    return x.detach().double().numpy()


def arrays(tensors: dict[str, Tensor]) -> dict[str, Array]:
    return {key: array(x) for key, x in tensors.items()}


def close(a: Array, b: Array, tolerance: Tolerance) -> Array:
    """Elementwise: a equals b up to a share of |b|, or of a tenth of b's root mean square."""
    scale = root_mean_square(b)
    if math.isfinite(scale):  # NaN and infinities of a alone are then near nothing
        return near(a, b, scale, tolerance)
    both = np.isfinite(a) & np.isfinite(b)
    same_kind = (a == b) | (np.isnan(a) & np.isnan(b))
    a, b = np.where(both, a, 0.0), np.where(both, b, 0.0)
    return np.asarray(np.where(both, near(a, b, root_mean_square(b), tolerance), same_kind))


def near(a: Array, b: Array, scale: float, tolerance: Tolerance) -> Array:
    within = tolerance.relative * (np.abs(b) + 0.1 * scale) + tolerance.absolute
    return np.asarray(np.abs(a - b) <= within)


def root_mean_square(b: Array) -> float:
    flat = b.ravel()
    return math.sqrt(flat.dot(flat) / max(b.size, 1))


def same(a: Array | None, b: Array | None, tolerance: Tolerance) -> bool:
    """Equal everywhere. None (no gradient arrives) is the same as zero."""
    if a is None and b is None:
        return True
    a = np.zeros_like(b) if a is None else a
    b = np.zeros_like(a) if b is None else b
    return a.shape == b.shape and bool(close(a, b, tolerance).all())


def same_forms(mine: Behaviours, theirs: Behaviours) -> bool:
    return all(a.form == b.form for a, b in zip(mine, theirs, strict=True))


def same_values(mine: Behaviours, theirs: Behaviours, tolerance: Tolerance) -> bool:
    return same_forms(mine, theirs) and not wrong_values(mine, theirs, tolerance, first_only=True)


def same_behaviour(mine: Behaviours, theirs: Behaviours, tolerance: Tolerance) -> bool:
    return same_values(mine, theirs, tolerance) and not wrong_gradients(
        mine, theirs, tolerance, first_only=True
    )


def agree_on_value(key: str, mine: Behaviours, theirs: Behaviours, tolerance: Tolerance) -> bool:
    return all(
        same(a.values.get(key), b.values.get(key), tolerance) for a, b in zip(mine, theirs, strict=True)
    )


def agree_on_gradient(
    pair: tuple[str, str], mine: Behaviours, theirs: Behaviours, tolerance: Tolerance
) -> bool:
    return all(
        same(a.gradients.get(pair), b.gradients.get(pair), tolerance)
        for a, b in zip(mine, theirs, strict=True)
    )


def wrong_values(
    mine: Behaviours, right: Behaviours, tolerance: Tolerance, first_only: bool = False
) -> list[str]:
    """The outputs whose values differ in some case."""
    wrong = []
    for key in dict.fromkeys(key for b in right for key in b.values):
        if not agree_on_value(key, mine, right, tolerance):
            wrong.append(key)
            if first_only:
                break
    return wrong


def wrong_gradients(
    mine: Behaviours, right: Behaviours, tolerance: Tolerance, first_only: bool = False
) -> list[tuple[str, str]]:
    """The pairs (output, input) whose gradients differ in some case."""
    wrong = []
    for pair in dict.fromkeys(pair for b in (*right, *mine) for pair in b.gradients):
        if not agree_on_gradient(pair, mine, right, tolerance):
            wrong.append(pair)
            if first_only:
                break
    return wrong
