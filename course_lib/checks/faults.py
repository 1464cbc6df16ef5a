"""What goes wrong when a student's function is called, found in the student's own lines."""

import inspect
import linecache
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

import course_lib


class TooManyOperations(BaseException):
    """Stops a function that calls torch thousands of times. `except Exception` must not eat it."""


@dataclass(frozen=True)
class Fault:
    kind: str  # the exception's name, or "arity", "not written", "too many operations"
    message: str = ""
    line: int | None = None
    source: str = ""  # that line's text
    file: str = ""  # "" for a cell of the notebook


LIBRARIES = (  # frames in here are nobody's own lines
    str(Path(torch.__file__).parent.parent),
    str(Path(course_lib.__file__).parent),
    str(Path(inspect.__file__).parent),
)


def fault_of(error: BaseException, fn: Callable) -> Fault:
    """The fault, and the innermost of the student's own lines that led to it."""
    frames = traceback.extract_tb(error.__traceback__)
    own = code_file(fn)
    theirs = [frame for frame in frames if frame.filename == own] or [
        frame for frame in frames if not frame.filename.startswith(LIBRARIES)
    ]
    line, source, file = None, "", ""
    if theirs:
        line, file = theirs[-1].lineno, cell_or_file(theirs[-1].filename)
        source = linecache.getline(theirs[-1].filename, line or 0).strip()
    if isinstance(error, TooManyOperations):
        return Fault("too many operations", "", line, source, file)
    if isinstance(error, NotImplementedError) and raised_by_stub(error, frames, theirs):
        return Fault("not written", "", line, source, file)
    return Fault(type(error).__name__, first_line(error), line, source, file)


def raised_by_stub(error: NotImplementedError, frames: list, theirs: list) -> bool:
    """True for a `raise` in their own lines. torch raises it too, for a kernel that it lacks."""
    from_torch = "not implemented for" in str(error) or "Could not run" in str(error)
    return not from_torch and bool(theirs) and frames[-1] == theirs[-1]


def arity_fault(fn: Callable, names: list[str]) -> Fault | None:
    """A fault if `fn` cannot be called with these arguments by position."""
    try:
        signature = inspect.signature(fn)
    except (TypeError, ValueError):  # a builtin without a signature: let the call itself tell
        return None
    try:
        signature.bind(*names)
    except TypeError:
        takes = ", ".join(signature.parameters) or "no arguments"
        return Fault("arity", f"takes ({takes}), but is called with ({', '.join(names)})")
    return None


def code_file(fn: Callable) -> str:
    """The file, or the notebook's cell, in which a function, a lambda or a callable object is written."""
    fn = inspect.unwrap(getattr(fn, "func", fn))  # functools.partial, functools.wraps
    for candidate in (fn, getattr(fn, "__init__", None), type(fn).__call__):
        if code := getattr(candidate, "__code__", None):
            return code.co_filename
    return ""


def cell_or_file(filename: str) -> str:
    in_notebook = "ipykernel" in filename or filename.startswith("<")
    return "" if in_notebook else Path(filename).name


def first_line(error: BaseException, most: int = 160) -> str:
    try:
        text = str(error).strip()
    except Exception:  # an exception whose own text fails
        return ""
    line = text.splitlines()[0] if text else ""
    return line if len(line) <= most else line[: most - 1] + "…"
