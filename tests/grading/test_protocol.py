"""Cases and observations survive the way, and nothing that a worker may send is believed unseen."""

import io
import json
import struct

import pytest
import torch

from course_lib.checks.engine import catalogue, find_exercise
from course_lib.checks.exercise import Case, Network
from course_lib.checks.judge import Oracle
from course_lib.checks.observe import Observation, observe_all
from course_lib.grading.protocol import (
    HEAD,
    MOST_JSON,
    MOST_TENSORS,
    Packed,
    ProtocolError,
    case_from,
    pack,
    pack_observations,
    read_frame,
    read_observations,
    tensors_of,
)

CASE = Case("two numbers", {"x": torch.tensor([1.0, 2.0]), "n": 3})


def frame_of(data: bytes):
    return read_frame(io.BytesIO(data))


def same(a, b):
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return a == b and type(a) is type(b)


@pytest.mark.parametrize("name", list(catalogue()))
def test_cases_arrive_as_they_were_sent(name):
    packed = Packed()
    cases = find_exercise(name).inputs(7)
    told = [packed.case(case) for case in cases]
    facts, blob = frame_of(pack({"cases": told}, packed.tensors))
    for case, fields in zip(cases, facts["cases"], strict=True):
        again = case_from(fields, tensors_of(blob))
        for field in Case.__dataclass_fields__:
            assert same(getattr(case, field), getattr(again, field)), field


@pytest.mark.parametrize("name", ["vae/kl", "vae/reparameterize", "vae/decoder", "gan/step", "start/fit"])
def test_the_verdict_is_the_same_on_what_came_over(name):
    exercise = find_exercise(name)
    oracle = Oracle(exercise, 11)
    wrong = exercise.mistakes[0]
    for answer, expected in ((exercise.reference, ""), (wrong.answer, wrong.name)):
        data = pack_observations([observe_all(answer, oracle.cases)])
        [seen] = read_observations(frame_of(data), [oracle.cases])
        verdict = oracle.judge(seen)
        assert (verdict.passed, verdict.mistake) == (not expected, expected)


def honest() -> tuple[dict, dict]:
    seen = observe_all(lambda x, n: (x * n).sum(), [CASE])
    facts, blob = frame_of(pack_observations([seen]))
    return facts, tensors_of(blob)


def test_the_honest_frame_is_read():
    facts, tensors = honest()
    [[seen]] = read_observations(frame_of(pack(facts, tensors)), [[CASE]])
    assert isinstance(seen, Observation) and seen.outputs[""].item() == 9
    assert seen.gradients[""]["x"].shape == (2,)


FAULT = {"kind": "E", "message": "", "line": None, "source": "", "file": ""}
LIES = {
    "another field": lambda told: told.update(points=2),
    "a missing field": lambda told: told.pop("printed"),
    "an input that is none": lambda told: told.update(mutated=["y"]),
    "a list that is none": lambda told: told.update(mutated="x"),
    "a call that is none": lambda told: told.update(left_torch=["__reduce__"]),
    "negative operations": lambda told: told.update(operations=-1),
    "operations that are True": lambda told: told.update(operations=True),
    "a kind that is a list": lambda told: told.update(kind=["tensor"]),
    "output names twice": lambda told: told.update(outputs=["", ""]),
    "an output without a tensor": lambda told: told.update(outputs=["", "b"]),
    "a tensor without a name": lambda told: told.update(outputs=[], gradients=[]),
    "the gradient of no output": lambda told: told.update(gradients=[["z", "x"]]),
    "a gradient named by half a letter": lambda told: told.update(gradients=[["", "\ud800"]]),
    "an output named by half a letter": lambda told: told.update(outputs=["\ud800"], gradients=[]),
    "half a gradient": lambda told: told.update(gradients=[[""]]),
    "a gradient twice": lambda told: told.update(gradients=[["", "x"], ["", "x"]]),
    "shapes of text": lambda told: told.update(parameters=[["a"]]),
    "an endless shape": lambda told: told.update(parameters=[[2**30, 2**30]]),
    "a fault without a kind": lambda told: told.update(fault={"message": "x"}),
    "a fault with a method": lambda told: told.update(fault={**FAULT, "__class__": "x"}),
    "a fault in line -1": lambda told: told.update(fault={**FAULT, "line": -1}),
    "a name as long as a book": lambda told: told.update(outputs=["x" * 1_000]),
}


@pytest.mark.parametrize("lie", list(LIES))
def test_what_is_not_in_order_is_refused(lie):
    facts, tensors = honest()
    LIES[lie](facts["observations"][0][0])
    with pytest.raises(ProtocolError):
        read_observations((facts, frame_of(pack({}, tensors))[1]), [[CASE]])


def test_too_few_and_too_many_observations_are_refused():
    facts, tensors = honest()
    for rounds in ([], [[CASE, CASE]], [[CASE], [CASE]], [[]]):
        with pytest.raises(ProtocolError):
            read_observations(frame_of(pack(facts, tensors)), rounds)


def test_text_cannot_move_the_cursor_and_is_cut():
    facts, tensors = honest()
    facts["observations"][0][0]["printed"] = "\x1b[2J" + "x" * 5_000
    [[seen]] = read_observations(frame_of(pack(facts, tensors)), [[CASE]])
    assert len(seen.printed) == 2_000 and seen.printed.startswith("\N{REPLACEMENT CHARACTER}[2J")


HEADER = json.dumps({"a": {"dtype": "F64", "shape": [2**62], "data_offsets": [0, 8]}}).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"\xff",
        HEAD.pack(10, 0) + b"{}",
        HEAD.pack(MOST_JSON + 1, 0),
        HEAD.pack(2, MOST_TENSORS + 1) + b"{}",
        HEAD.pack(2, 2**63) + b"{}",
        HEAD.pack(4, 0) + b"null",
        HEAD.pack(9, 0) + b'{"a":NaN}',
        HEAD.pack(100_000, 0) + b"[" * 100_000,
        HEAD.pack(9_005, 0) + b'{"a":' + b"9" * 8_999 + b"}",
        HEAD.pack(4, 0) + b'"\xff"}',
    ],
    ids=lambda data: repr(data[:24]),
)
def test_frames_that_are_none_are_refused(data):
    with pytest.raises(ProtocolError):
        frame_of(data)


@pytest.mark.parametrize(
    "blob",
    [
        b"\x80\x04\x95cos\nsystem\n.",
        struct.pack("<Q", 2**62),
        struct.pack("<Q", len(HEADER)) + HEADER + bytes(8),
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 400_000) + b"[" * 400_000,
        b"short",
    ],
    ids=lambda blob: repr(blob[:16]),
)
def test_tensors_that_are_none_are_refused(blob):
    with pytest.raises(ProtocolError):
        tensors_of(blob)


def test_the_end_is_no_error():
    assert frame_of(b"") is None


def test_odd_dtypes_and_subclasses_are_sent_as_plain_numbers():
    class Mine(torch.Tensor):
        pass

    x = torch.ones(2, dtype=torch.complex128)
    seen = Observation("tensor", {"a": torch.ones(2).as_subclass(Mine), "b": x})
    [[again]] = read_observations(frame_of(pack_observations([[seen]])), [[CASE]])
    assert type(again.outputs["a"]) is torch.Tensor and again.outputs["b"].dtype == torch.complex64


def test_a_network_in_a_case_stays_a_description():
    packed = Packed()
    net = Network((("Conv2d", 1, 2, (3, 3)), ("ReLU",)), seed=4)
    facts, _ = frame_of(pack({"case": packed.case(Case("a net", {"D": net}))}, packed.tensors))
    assert case_from(facts["case"], {}).args["D"] == net
