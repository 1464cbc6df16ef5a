"""Small words for the sentences of diagnose.py: shapes, places, numbers."""

from collections import Counter

import torch
from torch import Tensor

from course_lib.checks.exercise import Case, Network, Optimizer

KINDS = {
    "tensor": "a tensor",
    "number": "a Python number",
    "ndarray": "a NumPy array",
    "dict": "a dictionary",
    "tuple": "several values (a tuple or a list)",
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
    "tuple": "torch.stack or torch.cat makes one tensor of them",
    "type": "Call it: return Name(...), not Name",
}


def given(case: Case) -> str:
    """'mean (5, 3), logvar (5, 3), steps = 7', with what a network is tried on, if the answer is one."""
    said = []
    for name, value in case.args.items():
        if isinstance(value, Tensor):
            said.append(f"{name} {tuple(value.shape)}" + (" float64" if value.dtype == torch.float64 else ""))
        elif isinstance(value, dict):
            said += [f"{name}[{key!r}] {tuple(x.shape)}" for key, x in value.items()]
        elif isinstance(value, Optimizer):
            said.append(f"{name} ({value.kind} of {value.of}, lr={value.lr})")
        else:
            said.append(f"{name} (a network)" if isinstance(value, Network) else f"{name} = {value!r}")
    if case.probe is not None:
        said.append(f"and the network's input {tuple(case.probe.shape)}")
    return ", ".join(said)


def number(x: float) -> str:
    return f"{x:,.0f}" if abs(x) < 1e7 and x == round(x) else f"{x:.4g}"


def place(mask: Tensor) -> str:
    index = mask.nonzero()[0].tolist() if mask.ndim else []
    return f"{index} ({int(mask.sum())} of {mask.numel()} entries)" if index else "its one value"


def shorten(source: str, most: int = 80) -> str:
    return source if len(source) <= most else source[: most - 1] + "…"


def leftover(a: list[list[int]], b: list[list[int]]) -> list[tuple[int, ...]]:
    return list((Counter(map(tuple, a)) - Counter(map(tuple, b))).elements())


def shapes(found: list[tuple[int, ...]]) -> str:
    """The weights but not the biases, unless there are only biases; the first three."""
    found = [shape for shape in found if len(shape) > 1] or found
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return ", ".join(map(str, found[:3])) + more


def count(found: list[list[int]]) -> int:
    return sum(torch.Size(shape).numel() for shape in found)


def shape_hint(got: tuple[int, ...], want: tuple[int, ...]) -> str:
    for dim in range(len(got)):
        if got[:dim] + got[dim + 1 :] == want:
            if got[dim] == 1:
                return f": drop dimension {dim} (squeeze({dim}), or no keepdim)"
            return f": dimension {dim} is still there, reduce over it (dim={dim})"
    if len(got) < len(want):
        gone = next((d for d, size in enumerate(want) if d >= len(got) or size != got[d]), 0)
        return f": dimension {gone}, of size {want[gone]}, is gone, do not reduce over it"
    if len(got) == len(want) and sorted(got) == sorted(want):
        return ": the dimensions are in another order"
    return ""
