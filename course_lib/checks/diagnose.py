"""The sentences. Each diagnosis looks at one case and says what is wrong with it, or nothing."""

from collections import Counter
from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.checks.compare import Behaviour, Behaviours, Tolerance, close, same
from course_lib.checks.exercise import Case, Network
from course_lib.checks.observe import Observation

Diagnosis = Callable[[Case, Observation, Observation], str | None]  # case, seen, expected -> words

KINDS = {
    "tensor": "a tensor",
    "number": "a Python number",
    "ndarray": "a NumPy array",
    "dict": "a dictionary",
    "tuple": "a tuple",
    "list": "a list",
    "network": "a network (nn.Module)",
    "generator": "a generator",
    "type": "a class",
    "str": "text",
    "function": "a function",
}
ADVICE = {
    "ndarray": "Stay with torch: NumPy cuts the way that gradients take back",
    "number": "Leave out .item() and float(): they cut the way that gradients take back",
    "generator": "Use return, not yield",
    "list": "torch.stack or torch.cat makes one tensor of a list",
    "type": "Call it: return Name(...), not Name",
}


# ------------------------------------------------------------------------------------- it does not run


def not_written(case: Case, seen: Observation, expected: Observation) -> str | None:
    stub = seen.fault is not None and seen.fault.kind == "not written"
    empty = seen.fault is None and seen.kind in ("None", "ellipsis", "NotImplementedType")
    if not (stub or empty):
        return None
    if empty and seen.kind == "None" and seen.operations > 0:
        return "your function computes something but returns nothing: is a `return` missing?"
    return "not written yet"


def raises(case: Case, seen: Observation, expected: Observation) -> str | None:
    fault = seen.fault
    if fault is None:
        return None
    if fault.kind == "arity":
        return f"your function {fault.message}."
    if fault.kind == "too many operations":
        return loop_words(case, seen.operations)
    if fault.kind == "not callable":
        return f"{fault.message}."
    if fault.kind == "no gradient":
        return f"the gradient of your result cannot be computed: {fault.message.rstrip('.')}."
    where = f"line {fault.line} of {fault.file or 'your cell'}" if fault.line else "your function"
    source = f", `{shorten(fault.source)}`," if fault.source else ""
    message = f": {fault.message.rstrip('.')}" if fault.message else ""
    return f"{where}{source} raises {fault.kind}{message}. The inputs were {describe(case)}."


def ran_backward(case: Case, seen: Observation, expected: Observation) -> str | None:
    if seen.ran_backward and not expected.ran_backward:
        return "your function calls .backward() itself: return the value, and leave backward() to the training loop."
    return None


def changes_its_input(case: Case, seen: Observation, expected: Observation) -> str | None:
    changed = [name for name in seen.mutated if name not in expected.mutated]
    if not changed:
        return None
    return (
        f"your function changes its input `{changed[0]}` in place, and whoever called it still needs that: "
        "compute a new tensor (no +=, no method whose name ends in _, no x[...] = ...)."
    )


IT_DOES_NOT_RUN = (not_written, ran_backward, raises, changes_its_input)


# --------------------------------------------------------------------------------------------- its form


def wrong_type(case: Case, seen: Observation, expected: Observation) -> str | None:
    if seen.kind == expected.kind:
        return None
    got, want = (KINDS.get(kind, f"a {kind}") for kind in (seen.kind, expected.kind))
    keys = f" with the keys {', '.join(map(repr, expected.outputs))}" if expected.kind == "dict" else ""
    advice = ADVICE.get(seen.kind, "")
    return f"your function returns {got}, it should be {want}{keys}.{f' {advice}.' if advice else ''}"


def wrong_keys(case: Case, seen: Observation, expected: Observation) -> str | None:
    missing = [key for key in expected.outputs if key not in seen.outputs]
    extra = [key for key in seen.outputs if key not in expected.outputs]
    if not (missing or extra):
        return None
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
    return (
        f"your network has {count(mine):,} parameters and should have {count(right):,}: {' and '.join(said)}."
    )


def wrong_shape(case: Case, seen: Observation, expected: Observation) -> str | None:
    for key, right in expected.outputs.items():
        got, want = tuple(seen.outputs[key].shape), tuple(right.shape)
        if got != want:
            name = f"`{key}`" if key else "the result"
            return f"{name} has shape {got}, it should be {want} for inputs {describe(case)}{shape_hint(got, want)}."
    return None


def shape_hint(got: tuple[int, ...], want: tuple[int, ...]) -> str:
    for dim in range(len(got)):
        if got[:dim] + got[dim + 1 :] == want:
            if got[dim] == 1:
                return f": drop dimension {dim} (squeeze({dim}), or no keepdim)"
            return f": dimension {dim} is still there, reduce over it (dim={dim})"
    if len(got) < len(want):
        gone = next((d for d, size in enumerate(want) if d >= len(got) or size != got[d]), 0)
        return f": dimension {gone}, of size {want[gone]}, is gone"
    if len(got) == len(want) and sorted(got) == sorted(want):
        return ": the dimensions are in another order"
    return ""


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
                f"{name} is {what} at {place(bad)} for {case.label}: look for log of 0, sqrt of a negative number, "
                "0 / 0, or exp of a large number."
            )
    return None


ITS_FORM = (wrong_type, wrong_keys, wrong_layers, wrong_shape, wrong_dtype, not_finite)


# ------------------------------------------------------------------------------------------- its values


def loops(case: Case, seen: Observation, expected: Observation) -> str | None:
    return loop_words(case, seen.operations) if seen.operations > 100 + 10 * expected.operations else None


def loop_words(case: Case, operations: int) -> str:
    return (
        f"your function calls torch {operations:,} times for inputs {describe(case)}, once a row or once a number: "
        "write it without the loop, on the whole tensor at once (a + b adds every entry, .sum(dim=1) every row)."
    )


def wrong_value(key: str, case: Case, mine: Behaviour, right: Behaviour, tolerance: Tolerance) -> str | None:
    """Where the first difference is. The case is one of several, so it is described."""
    a, b = mine.values.get(key), right.values.get(key)
    if b is None or same(a, b, tolerance):
        return None
    name = f"`{key}`" if key else "the result"
    if a is None or a.shape != b.shape:
        return f"{name} cannot be compared for {case.label}."
    wrong = ~close(a, b, tolerance)
    index = tuple(wrong.nonzero()[0].tolist())
    at = f" at {list(index)}" if index else ""
    return f"{name}{at} is {number(a[index])}, it should be {number(b[index])}, for {case.label}: {describe(case)}."


def constant_factor(key: str, mine: Behaviours, right: Behaviours, tolerance: Tolerance) -> str:
    """'Everywhere it is 0.5 times the right value', where that is so."""
    a = torch.cat([x.values[key].double().flatten() for x in mine if key in x.values])
    b = torch.cat([x.values[key].double().flatten() for x in right if key in x.values])
    weight = (b * b).sum()
    if a.shape != b.shape or not a.isfinite().all() or weight == 0:
        return ""
    factor = (a * b).sum() / weight
    if not same(a, factor * b, tolerance) or factor.abs() < 1e-6:
        return ""
    return f" Everywhere it is {number(factor)} times the right value."


def only_here(key: str, mine: Behaviours, right: Behaviours, tolerance: Tolerance) -> str:
    wrong = [
        not same(a.values.get(key), b.values.get(key), tolerance) for a, b in zip(mine, right, strict=True)
    ]
    return " The other cases are right." if sum(wrong) == 1 and len(wrong) > 1 else ""


def wrong_gradient(
    pair: tuple[str, str], case: Case, mine: Behaviour, right: Behaviour, tolerance: Tolerance
) -> str | None:
    a, b = mine.gradients.get(pair), right.gradients.get(pair)
    if same(a, b, tolerance):
        return None
    key, name = pair
    of = f" of `{key}`" if key else ""
    start = f"the values are right, but the gradient{of} with respect to `{name}`"
    if b is None or not b.any():
        return (
            f"{start} should be zero and is not: training would move `{name.split('.')[0]}` too. Cut the way with "
            ".detach() (or compute that part under torch.no_grad())."
        )
    if a is None or not a.any():
        return (
            f"{start} is lost: something on the way is detached (.detach(), .data, .item(), .numpy(), "
            "torch.tensor(...), torch.no_grad()), so training would leave it where it is."
        )
    index = tuple((~close(a, b, tolerance)).nonzero()[0].tolist())
    return (
        f"{start} is wrong (at {list(index)} it is {number(a[index])}, it should be {number(b[index])}): "
        "part of the formula is detached."
    )


# ------------------------------------------------------------------------------------------------ words


def describe(case: Case) -> str:
    """'mean (5, 3), logvar (5, 3), steps = 7'"""
    said = []
    for name, value in case.args.items():
        if isinstance(value, Tensor):
            said.append(f"{name} {tuple(value.shape)}")
        else:
            said.append(f"{name} (a network)" if isinstance(value, Network) else f"{name} = {value!r}")
    return ", ".join(said)


def number(x: Tensor) -> str:
    value = x.item()
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def place(mask: Tensor) -> str:
    index = mask.nonzero()[0].tolist() if mask.ndim else []
    return f"{index} ({int(mask.sum())} of {mask.numel()} entries)" if index else "its one value"


def shorten(source: str, most: int = 80) -> str:
    return source if len(source) <= most else source[: most - 1] + "…"


def leftover(a: list[list[int]], b: list[list[int]]) -> list[tuple[int, ...]]:
    return list((Counter(map(tuple, a)) - Counter(map(tuple, b))).elements())


def shapes(found: list[tuple[int, ...]]) -> str:
    return ", ".join(map(str, found))


def count(found: list[list[int]]) -> int:
    return sum(torch.Size(shape).numel() for shape in found)
