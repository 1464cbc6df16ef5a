"""What goes between the grader and the worker: JSON and safetensors, which execute nothing; no pickle.

    grader -> worker   one request: what to run, and the cases of every check
    worker -> grader   frames: {"ready": true}, then the observations of one check after the other

The worker runs a student's code, so each byte that comes from it may be the student's. `read_observations`
believes nothing: keys, types, lengths and dtypes are checked before a tensor is looked at.
"""

import json
import math
import struct
from collections.abc import Sequence
from io import BufferedIOBase

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from course_lib.checks.exercise import Case, Network, Optimizer
from course_lib.checks.faults import Fault
from course_lib.checks.observe import LEAVES_TORCH, Observation

HEAD = struct.Struct("<IQ")  # bytes of JSON, bytes of safetensors
MOST_JSON, MOST_TENSORS = 2_000_000, 32_000_000  # bytes of one frame: all cases of one exercise
MOST_HEADER = 500_000  # bytes of safetensors' own header
INTEGERS = {torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.bool}
DTYPES = {torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, *INTEGERS}
PLAIN = ("kind", "parameters", "mutated", "left_torch", "operations", "printed", "ran_backward", "fault")

Frame = tuple[dict, bytes]


class ProtocolError(Exception):
    """The worker sent something that no honest worker sends."""


def require(fine: object, what: str) -> None:
    if not fine:
        raise ProtocolError(what)


# ---------------------------------------------------------------------------------------------- framing


def pack(facts: dict, tensors: dict[str, Tensor]) -> bytes:
    text, blob = json.dumps(facts).encode(), save(tensors) if tensors else b""
    return HEAD.pack(len(text), len(blob)) + text + blob


def read_frame(
    stream: BufferedIOBase, most_json: int = MOST_JSON, most_tensors: int = MOST_TENSORS
) -> Frame | None:
    """The next frame, None at the end. Never holds more than a frame may have."""
    head = stream.read(HEAD.size)
    if not head:
        return None
    require(len(head) == HEAD.size, "a frame is cut short")
    json_size, blob_size = HEAD.unpack(head)
    require(json_size <= most_json and blob_size <= most_tensors, "a frame is too large")
    text, blob = stream.read(json_size), stream.read(blob_size)
    require(len(text) == json_size and len(blob) == blob_size, "a frame is cut short")
    try:
        facts = json.loads(text, parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("a frame is not JSON") from error
    require(isinstance(facts, dict), "a frame is not an object")
    return facts, blob


def refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def tensors_of(blob: bytes) -> dict[str, Tensor]:
    if not blob:
        return {}
    require(len(blob) >= 8 and struct.unpack("<Q", blob[:8])[0] <= MOST_HEADER, "the tensors' header is odd")
    try:
        tensors = load(blob)
    except (SafetensorError, ValueError, KeyError, RuntimeError, TypeError, OverflowError) as error:
        raise ProtocolError("the tensors cannot be read") from error
    require(all(x.dtype in DTYPES for x in tensors.values()), "a tensor has an odd type")
    return tensors


# ------------------------------------------------------------------------------- grader -> worker: cases


class Packed:
    """Tensors gathered under numbers, as cases refer to them."""

    def __init__(self):
        self.tensors: dict[str, Tensor] = {}

    def add(self, x: Tensor) -> str:
        name = str(len(self.tensors))
        self.tensors[name] = x.detach().contiguous().clone()
        return name

    def case(self, case: Case) -> dict:
        return {
            "label": case.label,
            "args": [[name, self.argument(value)] for name, value in case.args.items()],
            "seed": case.seed,
            "constants": case.constants,
            "changes": case.changes,
            "strided": case.strided,
            "calls": case.calls,
            "probe": None if case.probe is None else self.add(case.probe),
            "most_operations": case.most_operations,
        }

    def argument(self, value: object) -> dict:
        if isinstance(value, Tensor):
            return {"tensor": self.add(value)}
        if isinstance(value, dict):
            return {"batch": [[key, self.add(x)] for key, x in value.items()]}
        if isinstance(value, Network):
            return {"network": [value.layers, value.seed]}
        if isinstance(value, Optimizer):
            return {"optimizer": [value.kind, value.of, value.lr]}
        return {"value": value}


def case_from(fields: dict, tensors: dict[str, Tensor]) -> Case:
    """The case again, in the worker."""

    def argument(packed: dict) -> object:
        (kind, value), *_ = packed.items()
        if kind == "tensor":
            return tensors[value]
        if kind == "batch":
            return {key: tensors[name] for key, name in value}
        if kind == "network":
            return Network(tuples(value[0]), value[1])
        return Optimizer(*value) if kind == "optimizer" else value

    args = {name: argument(packed) for name, packed in fields["args"]}
    probe = None if fields["probe"] is None else tensors[fields["probe"]]
    names = {key: tuple(fields[key]) for key in ("constants", "changes")}
    return Case(**{**fields, **names, "args": args, "probe": probe})


def tuples(value: object) -> object:
    """JSON knows lists only; a network's description is made of tuples."""
    return tuple(map(tuples, value)) if isinstance(value, list) else value


# ------------------------------------------------------------------------ worker -> grader: observations


def pack_observations(rounds: Sequence[Sequence[Observation]]) -> bytes:
    """One frame: what a function did on the cases of every seed."""
    facts, tensors = [], {}
    for i, observations in enumerate(rounds):
        facts.append([])
        for j, seen in enumerate(observations):
            found, told = seen.to_data()
            facts[-1].append(told)
            tensors |= {f"{i}.{j}.{name}": plain(x) for name, x in found.items()}
    if sum(x.numel() * x.element_size() for x in tensors.values()) > MOST_TENSORS - MOST_HEADER:
        raise ValueError("returns far too many numbers")
    return pack({"observations": facts}, tensors)


def plain(x: Tensor) -> Tensor:
    """Without a subclass, in a type that can be sent."""
    x = x.as_subclass(Tensor).detach()
    return x if x.dtype in DTYPES else x.to(torch.complex64 if x.is_complex() else torch.float32)


def read_observations(frame: Frame, rounds: Sequence[Sequence[Case]]) -> list[list[Observation]]:
    """What the worker says the function did on these cases; a ProtocolError if it is not in order."""
    facts, tensors = frame[0], tensors_of(frame[1])
    require(set(facts) == {"observations"}, "a frame has other fields")
    told = facts["observations"]
    fits = is_list(told, len(rounds)) and all(map(is_list, told, map(len, rounds)))
    require(fits, "there are more or fewer observations than cases")
    used: set[str] = set()
    seen = [
        [observation(told[i][j], case, f"{i}.{j}.", tensors, used) for j, case in enumerate(cases)]
        for i, cases in enumerate(rounds)
    ]
    require(used == set(tensors), "there are tensors that nothing names")
    return seen


def is_list(value: object, length: int) -> bool:
    return isinstance(value, list) and len(value) == length


def observation(told: object, case: Case, prefix: str, tensors: dict[str, Tensor], used: set) -> Observation:
    require(isinstance(told, dict) and set(told) == {*PLAIN, "outputs", "again", "gradients"}, "odd fields")
    outputs, again = (names(told[key], most=2_000) for key in ("outputs", "again"))
    pairs = told["gradients"]
    require(isinstance(pairs, list) and len(pairs) <= 4_000, "odd gradients")
    for pair in pairs:
        require(is_list(pair, 2) and pair[0] in outputs and isinstance(pair[1], str), "odd gradients")
        require(fit_to_name(pair[1]), "odd gradients")
    require(len(set(map(tuple, pairs))) == len(pairs), "a gradient is named twice")
    parts = (("outputs", outputs), ("again", again), ("gradients", pairs))
    wanted = {f"{part}.{i}": f"{prefix}{part}.{i}" for part, keys in parts for i in range(len(keys))}
    require(all(name in tensors for name in wanted.values()), "a tensor is missing")
    used.update(wanted.values())
    facts = {
        "kind": text(told["kind"], 80),
        "parameters": layer_shapes(told["parameters"]),
        "mutated": subset(told["mutated"], case.args),
        "left_torch": subset(told["left_torch"], LEAVES_TORCH),
        "operations": None if told["operations"] is None else natural(told["operations"]),
        "printed": text(told["printed"], 2_000),
        "ran_backward": told["ran_backward"] is True,
        "fault": fault(told["fault"]),
        "outputs": outputs,
        "again": again,
        "gradients": pairs,
    }
    return Observation.from_data({name: tensors[there] for name, there in wanted.items()}, facts)


def names(value: object, most: int) -> list[str]:
    fine = isinstance(value, list) and len(value) <= most and all(isinstance(x, str) for x in value)
    require(fine and len(set(value)) == len(value) and all(map(fit_to_name, value)), "odd names")
    return value


def fit_to_name(value: str) -> bool:
    """Sentences for people quote it, and files keep these: half a surrogate pair can be in no file."""
    return len(value) <= 200 and value.isprintable()


def subset(value: object, known: object) -> list[str]:
    chosen = names(value, most=100)
    require(all(name in known for name in chosen), "an unknown name")
    return chosen


def natural(value: object) -> int:
    require(type(value) is int and 0 <= value < 2**40, "an odd number")
    return value


def layer_shapes(value: object) -> list[list[int]]:
    fine = isinstance(value, list) and len(value) <= 2_000 and all(isinstance(x, list) for x in value)
    require(fine and all(len(shape) <= 8 for shape in value), "odd shapes")
    shapes = [[natural(n) for n in shape] for shape in value]
    require(all(math.prod(shape) < 2**40 for shape in shapes), "odd shapes")
    return shapes


def fault(value: object) -> dict | None:
    if value is None:
        return None
    require(isinstance(value, dict) and set(value) == set(Fault.__dataclass_fields__), "an odd fault")
    line = value["line"] if value["line"] is None else natural(value["line"])
    return {key: line if key == "line" else text(x, 300) for key, x in value.items()}


def text(value: object, most: int) -> str:
    """Text for people to read: cut, and without characters that move a terminal's cursor."""
    require(isinstance(value, str), "odd text")
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in value[:most])
