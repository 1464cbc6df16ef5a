"""The sentences. Each diagnosis looks at one case and says what is wrong with it, or nothing."""

from collections.abc import Callable, Sequence

import numpy as np

from course_lib.checks.compare import Behaviour, Behaviours, Tolerance, close, same
from course_lib.checks.exercise import Case, Network
from course_lib.checks.observe import Observation
from course_lib.checks.words import (
    ADVICE,
    KINDS,
    count,
    given,
    leftover,
    number,
    place,
    shape_hint,
    shapes,
    shorten,
)

Diagnosis = Callable[[Case, Observation, Observation], str | None]  # case, seen, expected -> words


# ------------------------------------------------------------------------------------- it does not run


def not_written(case: Case, seen: Observation, expected: Observation) -> str | None:
    stub = seen.fault is not None and seen.fault.kind == "not written"
    empty = seen.fault is None and seen.kind in ("None", "ellipsis", "NotImplementedType")
    return "not written yet" if stub or (empty and seen.operations == 0) else None


def returns_nothing(case: Case, seen: Observation, expected: Observation) -> str | None:
    if seen.fault is None and seen.kind == "None" != expected.kind:
        return "your function computes something but returns nothing: is a `return` missing?"
    return None


def raises(case: Case, seen: Observation, expected: Observation) -> str | None:
    fault = seen.fault
    if fault is None or fault.kind == "not tried":
        return None
    if fault.kind == "arity":
        return f"your function {fault.message}."
    if fault.kind == "too many operations":
        return loop_words(case, seen.operations or case.most_operations)
    if fault.kind == "not callable":
        return f"{fault.message}."
    if fault.kind == "no gradient":
        return f"the gradient of your result cannot be computed: {fault.message.rstrip('.')}."
    where = "the network that your function returns" if seen.kind == "network" else "your function"
    where = f"line {fault.line} of {fault.file or 'your cell'}" if fault.line else where
    source = f", `{shorten(fault.source)}`," if fault.source else ""
    message = f": {fault.message.rstrip('.')}" if fault.message else ""
    return f"{where}{source} raises {fault.kind}{message}. The inputs were {given(case)}."


def ran_backward(case: Case, seen: Observation, expected: Observation) -> str | None:
    if seen.ran_backward and not expected.ran_backward:
        return "your function calls .backward() itself: return the value, the training loop calls backward()."
    return None


def changes_its_input(case: Case, seen: Observation, expected: Observation) -> str | None:
    changed = [name for name in seen.mutated if name not in expected.mutated]
    if not changed:
        return None
    if isinstance(case.args[changed[0]], Network):
        return f"your function changes the weights of `{changed[0]}`, which it should leave as they are."
    return (
        f"your function changes its input `{changed[0]}` in place, and whoever called it still needs that: "
        "compute a new tensor (no +=, no method whose name ends in _, no x[...] = ...)."
    )


IT_DOES_NOT_RUN = (not_written, returns_nothing, ran_backward, raises, changes_its_input)


# --------------------------------------------------------------------------------------------- its form


def wrong_type(case: Case, seen: Observation, expected: Observation) -> str | None:
    if seen.kind == expected.kind:
        return None
    got, want = (KINDS.get(kind, f"a {kind}") for kind in (seen.kind, expected.kind))
    named = [key for key in expected.outputs if not key.endswith(" after the call")]
    keys = f" with the keys {', '.join(map(repr, named))}" if expected.kind == "dict" else ""
    advice = ADVICE.get(seen.kind, "")
    return f"your function returns {got}, it should be {want}{keys}.{f' {advice}.' if advice else ''}"


def wrong_keys(case: Case, seen: Observation, expected: Observation) -> str | None:
    missing = [key for key in expected.outputs if key not in seen.outputs]
    extra = [key for key in seen.outputs if key not in expected.outputs]
    if not (missing or extra):
        return None
    if expected.kind == "network":
        only = "yours does" if extra else "yours does not"
        return f"dropout or batch normalisation make a network differ in train and eval mode, and {only}."
    if expected.kind != "dict":
        return f"your function returns {len(seen.outputs)} values, it should return {len(expected.outputs)}."
    said = [f"lacks {', '.join(map(repr, missing))}"] if missing else []
    said += [f"holds {', '.join(map(repr, extra))}, which does not belong there"] if extra else []
    return f"the dictionary that your function returns {' and '.join(said)}."


def wrong_layers(case: Case, seen: Observation, expected: Observation) -> str | None:
    mine, right = sorted(seen.parameters), sorted(expected.parameters)
    if mine == right:
        return None
    extra, missing = leftover(mine, right), leftover(right, mine)
    said = [f"it has weights of shape {shapes(extra)} that it should not have"] if extra else []
    said += [f"it lacks weights of shape {shapes(missing)}"] if missing else []
    parameters = f"{count(mine):,} parameters and should have {count(right):,}"
    return f"your network has {parameters}: {', and '.join(said)}."


def wrong_shape(case: Case, seen: Observation, expected: Observation) -> str | None:
    for key, right in expected.outputs.items():
        got, want = tuple(seen.outputs[key].shape), tuple(right.shape)
        if got != want:
            name = f"`{key}`" if key else "the result"
            hint = shape_hint(got, want)
            return f"{name} has shape {got}, it should be {want} for inputs {given(case)}{hint}."
    return None


def wrong_dtype(case: Case, seen: Observation, expected: Observation) -> str | None:
    for key, right in expected.outputs.items():
        if seen.outputs[key].dtype != right.dtype:
            name = f"`{key}`" if key else "the result"
            got, want = (str(x.dtype).removeprefix("torch.") for x in (seen.outputs[key], right))
            return f"{name} is {got}, it should be {want}."
    return None


def not_finite(case: Case, seen: Observation, expected: Observation) -> str | None:
    for key, right in expected.outputs.items():
        bad = ~seen.outputs[key].isfinite() & right.isfinite()
        if bad.any():
            what = "NaN" if seen.outputs[key].isnan().any() else "infinite"
            name = f"`{key}`" if key else "the result"
            return (
                f"{name} is {what} at {place(bad)} for {case.label}: look for log of 0, sqrt of a negative "
                "number, 0 / 0, or exp of a large number."
            )
    return None


ITS_FORM = (wrong_type, wrong_keys, wrong_layers, wrong_shape, wrong_dtype, not_finite)


# ------------------------------------------------------------------------------------------- its values


def loops(case: Case, seen: Observation, expected: Observation) -> str | None:
    if seen.operations is None or expected.operations is None:
        return None
    return loop_words(case, seen.operations) if seen.operations > 60 + 6 * expected.operations else None


def loop_words(case: Case, operations: int) -> str:
    return (
        f"your function calls torch {operations:,} times for inputs {given(case)}, once a row or once a "
        "number: write it without the loop, on the whole tensor at once (a + b adds all entries, .sum(dim=1) "
        "sums every row)."
    )


def wrong_value(key: str, case: Case, mine: Behaviour, right: Behaviour, tolerance: Tolerance) -> str | None:
    """Where the first difference is. The case is one of several, so it is described."""
    a, b = mine.values.get(key), right.values.get(key)
    if b is None or same(a, b, tolerance):
        return None
    name = (key if " " in key else f"`{key}`") if key else "the result"
    index = tuple(np.argwhere(~close(a, b, tolerance))[0].tolist())
    at = f" at {list(index)}" if index else ""
    should_be = "should be" if tolerance.absolute < 1e-3 else "should be near"
    got, want = number(a[index]), number(b[index])
    return f"{name}{at} is {got}, it {should_be} {want}, for {case.label}: {given(case)}."


def constant_factor(key: str, mine: Behaviours, right: Behaviours, tolerance: Tolerance) -> str:
    """'Everywhere it is 0.5 times the right value', where that is so."""
    a = np.concatenate([x.values[key].ravel() for x in mine if key in x.values])
    b = np.concatenate([x.values[key].ravel() for x in right if key in x.values])
    if a.shape != b.shape or not np.isfinite(a).all() or not b.any():
        return ""
    factor = np.dot(a, b) / np.dot(b, b)
    if abs(factor) < 1e-6 or not same(a, factor * b, tolerance):
        return ""
    return f" Everywhere it is {number(factor)} times the right value."


def only_here(key: str, mine: Behaviours, right: Behaviours, tolerance: Tolerance) -> str:
    wrong = [
        not same(a.values.get(key), b.values.get(key), tolerance) for a, b in zip(mine, right, strict=True)
    ]
    return " The other cases are right." if sum(wrong) == 1 and len(wrong) > 1 else ""


def wrong_gradient(
    pair: tuple[str, str], mine: Behaviour, right: Behaviour, tolerance: Tolerance, left_torch: Sequence[str]
) -> str | None:
    a, b = mine.gradients.get(pair), right.gradients.get(pair)
    if same(a, b, tolerance):
        return None
    key, name = pair
    of = f" of `{key}`" if key else ""
    start = f"the values are right, but the gradient{of} with respect to `{name}`"
    if b is None or not b.any():
        return (
            f"{start} should be zero and is not: training would move `{name.split('.')[0]}` too. Cut the way "
            "with .detach(), or compute that part under torch.no_grad()."
        )
    if a is None or not a.any():
        calls = f".{left_torch[0].strip('_')}()" if left_torch else ".detach(), .data, torch.no_grad()"
        return (
            f"{start} is lost: something on the way leaves the graph ({calls} or torch.tensor(...)), so "
            f"training would leave `{name.split('.')[0]}` where it is."
        )
    index = tuple(np.argwhere(~close(a, b, tolerance))[0].tolist())
    at = f"at {list(index)} " if index else ""
    return (
        f"{start} is wrong ({at}it is {number(a[index])}, it should be {number(b[index])}): "
        "part of the formula is detached, or its slope is cut (clamp, round)."
    )
