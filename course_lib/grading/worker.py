"""Runs one student's answers inside the sandbox, and says what they do. Holds no right answer.

    python -I -S -c BOOT FOLDER ... < request > frames

Everything after the limits are set is in the student's hands, this module included: they may change it,
read its memory, and write frames of their own. That changes nothing but what they are seen to do.
"""

import ast
import builtins
import contextlib
import dis
import gc
import linecache
import os
import sys
import time
import traceback
from pathlib import Path
from types import CodeType

import torch

from course_lib.checks.faults import Fault, first_line
from course_lib.checks.observe import Observation, kept_output, observe_all
from course_lib.grading.protocol import case_from, pack, pack_observations, read_frame, tensors_of

GLOBAL = ("LOAD_GLOBAL", "LOAD_NAME")


def main() -> None:
    with open(0, "rb", closefd=False) as stream:
        request, blob = read_frame(stream, sys.maxsize, sys.maxsize)
    channel = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nowhere, fd)
    gc.enable()
    torch.set_num_threads(1)
    set_limits(request["limits"], cells=sum(step["do"] != "given" for step in request["steps"]))
    send(channel, pack({"ready": True}, {}))
    run(request["steps"], tensors_of(blob), request["limits"], channel)
    os._exit(0)  # nothing that the student left behind runs on the way out


def send(channel: int, frame: bytes) -> None:
    view = memoryview(frame)
    while view:
        view = view[os.write(channel, view) :]


def run(steps: list[dict], tensors: dict, limits: dict, channel: int) -> None:
    room = Room()
    for step in steps:
        if step["do"] == "given":
            room.offer(step["source"])
        elif step["do"] == "stand-in":
            room.stand_in(step["name"], step["module"], step["function"])
        elif step["do"] == "answer":
            allow_seconds(limits["cpu_seconds"])
            room.answer(step["name"], step["source"])
        else:
            allow_seconds(limits["cpu_seconds"])
            rounds = [[case_from(case, tensors) for case in cases] for cases in step["rounds"]]
            send(channel, seen_by_all(room, step, rounds))


def seen_by_all(room: "Room", step: dict, rounds: list) -> bytes:
    """The frame of one check, whatever the function does."""
    try:
        try:
            fn = room.value(step["function"], step["answer"])
            return pack_observations([observe_all(fn, cases) for cases in rounds])
        except CellFault as error:
            fault = error.fault
        except BaseException as error:
            fault = Fault(type(error).__name__[:80], first_line(error))
    except BaseException as error:  # its text fails
        fault = Fault(type(error).__name__[:80])
    return pack_observations([[Observation(fault=fault)] * len(cases) for cases in rounds])


# --------------------------------------------------------------------------------------- the namespace


class CellFault(Exception):
    def __init__(self, fault: Fault):
        self.fault = fault


class Room:
    """The notebook's namespace. Of the lesson's own cells only what an answer uses is run.

    So an answer has every import, constant and class that its notebook has above it, and no training runs.
    """

    def __init__(self):
        self.names: dict[str, object] = {"__name__": "__main__", "__builtins__": builtins}
        self.offers: list[Offer] = []
        self.faults: dict[str, Fault] = {}

    def offer(self, source: str) -> None:
        """A cell of the lesson: its definitions, for later."""
        with contextlib.suppress(SyntaxError):  # a cell of magics
            for statement in ast.parse(source).body:
                defined = tuple(sorted(defines(statement)))
                if defined:
                    self.offers.append(Offer(compile_one(statement), defined))

    def answer(self, name: str, source: str) -> None:
        """The student's cell, as it is."""
        self.faults.pop(name, None)
        file = f"<{name}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        try:
            code = compile(source, file, "exec")
            with kept_output():
                self.fetch(code)
                exec(code, self.names)
        except BaseException as error:
            self.faults[name] = cell_fault(error, file)

    def stand_in(self, name: str, module: str, function: str) -> None:
        """The library's version, for an exercise that is marked already."""
        self.names[name] = getattr(__import__(module, fromlist=[function]), function)

    def value(self, expression: str, answer: str) -> object:
        """What the check is handed: mostly the function's name."""
        code = compile(expression, "<check>", "eval")
        try:
            with kept_output():
                self.fetch(code)
                return eval(code, self.names)
        except NameError as error:
            missing = Fault("NameError", f"your cell does not define {expression}")
            raise CellFault(self.faults.get(answer, missing)) from error

    def fetch(self, code: CodeType, before: int | None = None) -> None:
        """Run the lesson's definitions of the names that this code uses, the latest above it of each."""
        for name in used(code) - set(self.names):
            for k in reversed(range(len(self.offers) if before is None else before)):
                offer = self.offers[k]
                if name not in offer.defines:
                    continue
                if not offer.done:
                    offer.done = True
                    with contextlib.suppress(Exception):  # then the name is missing where it is used
                        self.fetch(offer.code, k)
                        exec(offer.code, self.names)
                break


class Offer:
    def __init__(self, code: CodeType, defines: tuple[str, ...]):
        self.code, self.defines, self.done = code, defines, False


def compile_one(statement: ast.stmt) -> CodeType:
    return compile(ast.Module([statement], type_ignores=[]), "<lesson>", "exec")


def defines(statement: ast.stmt) -> set[str]:
    """The names that one of the lesson's statements gives to the cells below it."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.partition(".")[0] for alias in statement.names}
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        return {
            node.id
            for target in targets
            if not isinstance(target, ast.Attribute | ast.Subscript)
            for node in ast.walk(target)
            if isinstance(node, ast.Name)
        }
    return set()


def used(code: CodeType) -> set[str]:
    """The global names that code reads, in its functions too."""
    found = {step.argval for step in dis.get_instructions(code) if step.opname in GLOBAL}
    return found.union(*(used(inner) for inner in code.co_consts if isinstance(inner, CodeType)))


def cell_fault(error: BaseException, file: str) -> Fault:
    """What stopped a cell, and in which line."""
    if isinstance(error, SyntaxError):
        return Fault(
            type(error).__name__, str(error.msg)[:160], error.lineno, (error.text or "").strip()[:160]
        )
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    line = lines[-1] if lines else None
    return Fault(
        type(error).__name__[:80], first_line(error), line, linecache.getline(file, line or 0).strip()
    )


# --------------------------------------------------------------------------------------------- limits


def set_limits(limits: dict, cells: int) -> None:
    """No further process or thread, so much memory on top of torch's own, small files, no core dumps.

    The seconds here are those of all cells and checks together, which nobody can lift; see `allow_seconds`.
    """
    if sys.platform != "linux":
        return  # only without the sandbox
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = {
        resource.RLIMIT_AS: pages * resource.getpagesize() + limits["memory"],
        resource.RLIMIT_FSIZE: limits["file_size"],
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: time.process_time() + (cells + 1) * (limits["cpu_seconds"] + 1),
    }
    for which, value in most.items():
        hard = resource.getrlimit(which)[1]
        value = int(value) if hard == resource.RLIM_INFINITY else min(int(value), hard)
        resource.setrlimit(which, (value, value))


def allow_seconds(seconds: float) -> None:
    """Processor seconds from now on; then the kernel ends this process."""
    if sys.platform != "linux":
        return
    import resource

    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    soft = int(time.process_time() + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (min(soft, hard), hard))
