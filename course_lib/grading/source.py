"""The one source of a lesson, solutions/NN_name.py (Jupytext py:percent), read and held to its rules.

The cells' metadata is nbgrader's, schema 3. An answer cell (`"solution": true`) with the grade id `vae-kl`
has its answer between `### BEGIN SOLUTION` and `### END SOLUTION`. A check cell (`"grade": true`) with the
grade id `vae-kl-check` comes after it and calls `check("vae/kl", ...)`.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import jupytext
from nbformat import NotebookNode

from course_lib.errors import CourseError

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
CHECK_CALL = re.compile(r"\bcheck\(\s*[\"']([^\"']+)[\"']")
GRADE_ID = re.compile(r"[A-Za-z0-9_-]{1,50}")
BITMAPS = ("image/png", "image/jpeg", "image/webp", "image/gif")  # of a GIF the first frame is kept
FLAGS = ("grade", "locked", "solution", "task")


def read_source(path: Path, known: Mapping[str, int]) -> NotebookNode:
    """The notebook that the source makes, without outputs; a CourseError where it breaks a rule.

    `known` has the points of every exercise of the catalogue, by name.
    """
    try:
        notebook = jupytext.reads(path.read_text("utf-8"), fmt="py:percent")
    except (OSError, ValueError) as error:
        raise CourseError(f"{path.name} cannot be read ({error}); restore it with git") from error
    for cell in notebook.cells:
        for key in ("lines_to_next_cell", "lines_to_end_of_cell_marker"):  # Jupytext's own notes
            cell.metadata.pop(key, None)
    require_rules(notebook, path.name, known)
    return notebook


def require_rules(notebook: NotebookNode, file: str, known: Mapping[str, int]) -> None:
    graded = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    for cell in graded:
        require_schema(cell.metadata.nbgrader, file)
    twice = [name for name, n in Counter(grade_id(cell) for cell in graded).items() if n > 1]
    if twice:
        raise CourseError(f"{file}: the grade id {twice[0]} is used twice; every cell needs its own")
    for cell in notebook.cells:
        if not is_answer(cell) and (BEGIN in cell.source or END in cell.source):
            raise CourseError(
                f"{file}: a solution is marked in a cell that is no answer cell ({cell.source[:40]!r}); "
                'give the cell nbgrader metadata with "solution": true'
            )
    for index, cell in enumerate(notebook.cells):
        if is_answer(cell):
            require_answer(cell, file)
            wanted = f"{grade_id(cell)}-check"
            if wanted not in {grade_id(later) for later in notebook.cells[index + 1 :] if is_check(later)}:
                raise CourseError(f"{file}: the answer {grade_id(cell)} needs a check cell {wanted} after it")
    for cell in graded:
        if is_check(cell):
            require_check(cell, file, known)


def require_check(cell: NotebookNode, file: str, known: Mapping[str, int]) -> None:
    name, exercise, points = grade_id(cell), checked_name(cell), cell.metadata.nbgrader["points"]
    if exercise is None:
        raise CourseError(f'{file}: {name} gives points, so it must call check("lesson/exercise", ...)')
    if exercise not in known:
        raise CourseError(f"{file}: {name} checks {exercise!r}, which no file of course_lib/checks has")
    if points != known[exercise]:
        raise CourseError(f"{file}: {name} gives {points} points, but the exercise has {known[exercise]}")


def require_schema(meta: dict, file: str) -> None:
    """nbgrader's schema 3, as far as answer and check cells need it."""
    name = meta.get("grade_id")
    if not isinstance(name, str) or not GRADE_ID.fullmatch(name):
        raise CourseError(f"{file}: the grade id {name!r} must be 1 to 50 letters, digits, - and _")
    wrong = [flag for flag in FLAGS if not isinstance(meta.get(flag), bool)]
    if wrong or meta.get("schema_version") != 3:
        raise CourseError(
            f'{file}: {name} needs "schema_version": 3 and true or false for {", ".join(FLAGS)}'
        )
    points = meta.get("points")
    if meta["grade"] and (isinstance(points, bool) or not isinstance(points, int | float) or points < 0):
        raise CourseError(f'{file}: {name} is graded and needs "points", a number of at least 0')
    if (meta["grade"] and meta["solution"]) or meta["task"]:
        raise CourseError(
            f"{file}: {name} is marked by hand, which this course has no use for; split it in two"
        )


def require_answer(cell: NotebookNode, file: str) -> None:
    """The stub must be Python, and must raise only when it is called: Run All goes on over open exercises."""
    name = grade_id(cell)
    if cell.cell_type != "code":
        raise CourseError(f"{file}: the answer {name} must be a code cell")
    stub, pairs = with_stubs(cell.source, name, file)
    if not pairs:
        raise CourseError(f"{file}: the answer {name} has no {BEGIN} ... {END}; mark what the student writes")
    try:
        tree = ast.parse(stub)
    except SyntaxError as error:
        raise CourseError(
            f"{file}: {name} without its solution is not Python ({error}); move the marks"
        ) from error
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    inside = {
        id(node) for function in functions for node in ast.walk(function) if isinstance(node, ast.Raise)
    }
    if any(isinstance(node, ast.Raise) and id(node) not in inside for node in ast.walk(tree)):
        raise CourseError(
            f"{file}: the solution of {name} must lie inside a function, or Run All stops there"
        )


def with_stubs(source: str, name: str, file: str = "the source") -> tuple[str, int]:
    """Every marked solution replaced by a line that raises, and how many there were.

    `name` is what the student reads in the error: the exercise's name.
    """
    lines, pairs, inside = [], 0, False
    for line in source.splitlines():
        mark = line.strip()
        if mark == BEGIN and not inside:
            indent = line[: len(line) - len(line.lstrip())]
            lines += [
                f"{indent}# YOUR CODE HERE",
                f'{indent}raise NotImplementedError("{name} is yours to write")',
            ]
            inside, pairs = True, pairs + 1
        elif mark == END and inside:
            inside = False
        elif BEGIN in line or END in line:
            raise CourseError(f"{file}: {mark!r} in {name} has no partner; solutions open and close in turn")
        elif not inside:
            lines.append(line)
    if inside:
        raise CourseError(f"{file}: {BEGIN!r} in {name} has no partner; solutions open and close in turn")
    return "\n".join(lines), pairs


def checked_name(cell: NotebookNode) -> str | None:
    """The exercise that a check cell checks."""
    call = CHECK_CALL.search(cell.source)
    return call[1] if call else None


def grade_id(cell: NotebookNode) -> str | None:
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def is_answer(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def is_check(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("grade"))


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def images(cell: NotebookNode) -> Iterator[tuple[str, str, str]]:
    """(MIME type, base64, alt text) of every bitmap among a code cell's outputs."""
    for output in cell.get("outputs", []):
        mime = next((m for m in BITMAPS if m in output.get("data", {})), None)
        if mime:
            yield mime, output.data[mime], output.metadata.get(mime, {}).get("alt", "")
