"""A student's answers, taken out of the notebook and put into a clean copy of the official one.

Nothing of a student's notebook is trusted: it may be old, broken, stripped of its metadata, or made to
mislead. Nothing of it is executed here. Python's parser sees an answer only where one must be looked into
(to tell `%time` from a remainder), and never one of more than MOST_CHARACTERS.
"""

import ast
import builtins
import copy
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nbformat import NotebookNode

from course_lib.errors import CourseError
from course_lib.grading.intake import MOST_BYTES
from course_lib.grading.magics import without_magics
from course_lib.grading.source import BEGIN, CHECK_CALL, checked_name, grade_id, is_answer

MOST_CELLS = 5_000
MOST_CHARACTERS = 20_000  # of one answer; the longest of this course's solutions has about 1,500
DEFINED = re.compile(r"^(?:async[ \t]+def|def|class)[ \t]+([^\W\d]\w*)", re.MULTILINE)
GIVEN = re.compile(r"^(?:([^\W\d]\w*)[ \t]*(?::[^=\n]+)?=(?!=)|(?:from|import)[ \t]+(.+))", re.MULTILINE)
WORD = re.compile(r"(?<![\w.])[^\W\d]\w*")


@dataclass(frozen=True)
class Wanted:
    """An answer cell of the official notebook."""

    grade_id: str  # "vae-kl"
    exercise: str  # "vae/kl"
    names: tuple[str, ...]  # what it defines
    stub: str


@dataclass(frozen=True)
class Answers:
    """What a student wrote, by grade id, and what was noticed on the way."""

    cells: dict[str, str]
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()  # grade ids: the cell is not there, or nothing was written into it


@dataclass(frozen=True)
class Cell:
    """A cell of the student's notebook, as far as it can be read. `place` counts from 1, as a person does."""

    place: int
    code: bool
    source: str
    id: str | None
    defined: frozenset[str]


def answer_cells(lesson: NotebookNode) -> dict[str, Wanted]:
    """The answer cells of an official notebook in its order, by grade id."""
    exercises = {grade_id(cell): checked_name(cell) for cell in lesson.cells}
    found = {}
    for cell in lesson.cells:
        if is_answer(cell):
            if BEGIN in cell.source:
                raise CourseError(
                    "that notebook holds the solutions; take the one in lessons/, which has stubs"
                )
            name = grade_id(cell)
            exercise = exercises.get(f"{name}-check") or name
            found[name] = Wanted(name, exercise, tuple(DEFINED.findall(cell.source)), cell.source)
    return found


def put_into(lesson: NotebookNode, answers: Answers) -> NotebookNode:
    """A clean copy of the official notebook, in which nothing but the answer cells is the student's."""
    answer_cells(lesson)
    made = copy.deepcopy(lesson)
    for cell in made.cells:
        if is_answer(cell) and grade_id(cell) in answers.cells:
            cell.source = answers.cells[grade_id(cell)]
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return made


def read_answers(notebook: bytes, lesson: NotebookNode) -> Answers:
    """The answers in a student's notebook; a CourseError where it cannot be read at all."""
    notes: list[str] = []
    cells = read_cells(notebook, notes)
    wanted = answer_cells(lesson)
    outside = helpers(cells, lesson)
    found, missing = {}, []
    for one in wanted.values():
        source = answer(one, cells, wanted, notes)
        if source is None:
            missing.append(one.grade_id)
        else:
            found[one.grade_id] = source = without_magics(source, one.exercise, notes)
            if used := borrowed(source, outside):
                notes.append(
                    f"{one.exercise}: {', '.join(used[:5])} is made in a cell of the student's own, and only "
                    "answer cells are graded"
                )
    return Answers(found, tuple(notes), tuple(missing))


# ------------------------------------------------------------------------------------- the whole notebook


def read_cells(notebook: bytes, notes: list[str]) -> list[Cell]:
    """The cells of whatever this is, if it is a notebook of any age; a CourseError otherwise."""
    if len(notebook) > MOST_BYTES:
        raise CourseError(
            f"the notebook is larger than {MOST_BYTES / 1e6:.0f} MB; its outputs must be cleared"
        )
    try:
        data = json.loads(notebook.decode("utf-8-sig"))
    except (ValueError, RecursionError, MemoryError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else f"it is no JSON: {error}"
        raise CourseError(f"the notebook cannot be read ({why[:200]})") from error
    raw = cells_in(data, notes)
    if len(raw) > MOST_CELLS:
        raise CourseError(f"the notebook has {len(raw):,} cells; it cannot be this lesson")
    return [read_cell(place, cell) for place, cell in enumerate(raw, start=1) if isinstance(cell, dict)]


def cells_in(data: object, notes: list[str]) -> list:
    if isinstance(data, dict) and isinstance(data.get("cells"), list):
        return data["cells"]
    sheets = data.get("worksheets") if isinstance(data, dict) else None
    if isinstance(sheets, list):
        notes.append("the notebook has the format of before 2015; it was read all the same")
        lists = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
        return [cell for cells in lists if isinstance(cells, list) for cell in cells]
    raise CourseError("the file is no notebook: it has no cells")


def read_cell(place: int, cell: dict) -> Cell:
    text = cell.get("source", cell.get("input", ""))  # format 3 said "input"
    if isinstance(text, list):
        text = "".join(line for line in text if isinstance(line, str))
    text = text.encode("utf-8", "replace").decode() if isinstance(text, str) else ""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    metadata = cell.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = marks.get("grade_id") if isinstance(marks, dict) else None
    return Cell(
        place, cell.get("cell_type") == "code", text, name if isinstance(name, str) else None, defined(text)
    )


def defined(source: str) -> frozenset[str]:
    """The functions and classes of a cell, found also in one that does not parse."""
    return frozenset(DEFINED.findall(source[:MOST_CHARACTERS]))


def same_text(a: str, b: str) -> bool:
    return a.split() == b.split()


# ------------------------------------------------------------------------------------------- one answer


def answer(one: Wanted, cells: Sequence[Cell], wanted: Mapping[str, Wanted], notes: list[str]) -> str | None:
    """The source of the cell that holds this answer, or None.

    A cell that carries the grade id and defines what is asked for is the answer. Where there is none, or only
    the untouched stub, a cell of the student's own that defines it will do, and then one that only carries
    the id. Of several, the last before the check, which is the one that the student's own run went on with.
    """
    marked = [cell for cell in cells if cell.id == one.grade_id]
    named = [cell for cell in cells if cell.defined.issuperset(one.names) and one.names]
    written = [cell for cell in named if not same_text(cell.source, one.stub)]
    ways = (
        [cell for cell in written if cell.id == one.grade_id],
        [cell for cell in written if cell.id not in wanted and cell.code],
        [cell for cell in written if cell.code],
        [cell for cell in marked if not same_text(cell.source, one.stub)],
    )
    chosen = next((way for way in ways if way), [])
    if not chosen:
        if not marked and not named:
            notes.append(f"{one.exercise}: its cell is not in the notebook")
        return None
    cell = last_before_check(chosen, cells, one.exercise)
    notes += remarks(one, cell, chosen, marked, wanted)
    if len(cell.source) > MOST_CHARACTERS:
        notes.append(f"{one.exercise}: {len(cell.source):,} characters in one cell were not read")
        return None
    return cell.source


def last_before_check(chosen: Sequence[Cell], cells: Sequence[Cell], exercise: str) -> Cell:
    checks = [
        cell.place for cell in cells if cell.code and exercise in CHECK_CALL.findall(cell.source[:2_000])
    ]
    before = [cell for cell in chosen if checks and cell.place < checks[-1]]
    return (before or list(chosen))[-1]


def remarks(
    one: Wanted, cell: Cell, chosen: Sequence[Cell], marked: Sequence[Cell], wanted: Mapping[str, Wanted]
) -> list[str]:
    """What a person should know of how this answer was found; nothing in the ordinary case."""
    said = []
    if cell.id == one.grade_id and not cell.defined.issuperset(one.names):
        said.append(f"{one.exercise}: its cell does not define {' and '.join(one.names)}")
    if cell.id != one.grade_id:
        why = "its cell was left as it was" if marked else f"no cell has the grade id {one.grade_id}"
        if any(not cell.defined.issuperset(one.names) for cell in marked):
            why = f"the cell with its grade id does not define {' and '.join(one.names)}"
        other = f", though that is marked {cell.id}" if cell.id in wanted else ""
        said.append(f"{one.exercise}: {why}; cell {cell.place} was taken, which does{other}")
    if len(chosen) > 1:
        several = f"{len(chosen)} cells hold an answer; cell {cell.place} was taken"
        said.append(f"{one.exercise}: {several}, the last before its check")
    if not cell.code:
        said.append(f"{one.exercise}: its cell was turned into text; it was read as code")
    return said


def helpers(cells: Sequence[Cell], lesson: NotebookNode) -> frozenset[str]:
    """Names that the student's own cells make, and that the lesson does not have."""
    official = "\n".join(cell.source for cell in lesson.cells if cell.cell_type == "code")
    known = set(WORD.findall(official)) | set(dir(builtins))
    texts = {"".join(cell.source.split()) for cell in lesson.cells}
    own = [cell for cell in cells if cell.code and "".join(cell.source.split()) not in texts]
    made = {name for cell in own for name in cell.defined}
    for cell in own:
        for name, imported in GIVEN.findall(cell.source[:MOST_CHARACTERS]):
            made |= {name} if name else set(WORD.findall(imported.partition("#")[0])) - {"import", "as"}
    return frozenset(made - known)


def borrowed(source: str, outside: frozenset[str]) -> list[str]:
    """The names among `outside` that an answer reads and does not make itself."""
    if not outside & set(WORD.findall(source)):
        return []
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    names = [node for node in nodes if isinstance(node, ast.Name)]
    read = {node.id for node in names if isinstance(node.ctx, ast.Load)}
    made = {node.id for node in names if not isinstance(node.ctx, ast.Load)} | defined(source)
    made |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    made |= {(node.asname or node.name).partition(".")[0] for node in nodes if isinstance(node, ast.alias)}
    made |= {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    return sorted((read - made) & outside)
