"""Marks into nbgrader's gradebook, as its own autograder would have written them (extra [grading]).

Autograded scores are replaced, scores that a person gave stay; the words for the student become the comments
of the answer cells. A submission that could not be graded is not entered, so its student counts as missing.
"""

import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from nbformat import NotebookNode

from course_lib.errors import CourseError
from course_lib.grading.marks import ExerciseMark, StudentMarks
from course_lib.grading.names import clean
from course_lib.grading.source import checked_name, grade_id, is_answer, is_check
from course_lib.grading.submissions import Submission

LONGEST = 128  # characters of an nbgrader student id


def write_nbgrader(
    marks: Sequence[StudentMarks], file: Path, lesson: NotebookNode, assignment: str | None = None
) -> int:
    """Write the marks into the database `file`, which is made if need be; how many students were entered.

    `lesson` is the official notebook, whose grade ids the scores go to. The assignment is called like the
    lesson unless `assignment` says otherwise; the notebook always is.
    """
    require_nbgrader(file)
    from nbgrader.api import Gradebook, InvalidEntry
    from sqlalchemy.exc import SAWarning, SQLAlchemyError

    graded = [student for student in marks if student.problem is None]
    if not graded:
        return 0
    name = graded[0].lesson
    assignment = assignment or name
    try:
        with beside_python(), warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # of nbgrader's own queries
            with Gradebook(f"sqlite:///{file.absolute()}") as book:
                prepare(book, lesson, name, assignment)
                for student in graded:
                    enter(book, student, check_cells(lesson), name, assignment)
    except (SQLAlchemyError, InvalidEntry, OSError) as error:
        why = clean((str(error).splitlines() or ["no reason given"])[0], 200)
        raise CourseError(
            f"nbgrader's gradebook {file} cannot be written ({why}); repair it or give a new file"
        ) from error
    return len(graded)


def require_nbgrader(file: Path) -> None:
    """A CourseError where nothing could be written to `file`: asked before a class is graded for minutes."""
    try:
        import nbgrader.api  # noqa: F401
    except ModuleNotFoundError as error:
        raise CourseError(
            "nbgrader is not installed; `pip install 'course_lib[grading]'`, or leave out --nbgrader"
        ) from error
    if not file.absolute().parent.is_dir():
        raise CourseError(f"{file} cannot be made, its folder is not there; make it or name another file")


def assignment_of(submissions: Sequence[Submission]) -> str | None:
    """The assignment that nbgrader's own folders name, if they all name the same."""
    named = {submission.fields.get("assignment") for submission in submissions if submission.notebook}
    return named.pop() if len(named) == 1 else None


@contextmanager
def beside_python() -> Iterator[None]:
    """nbgrader starts `alembic` by its name to make a database: it lies beside this very Python."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


def check_cells(lesson: NotebookNode) -> dict[str, str]:
    """exercise -> grade id of the cell that gives its points."""
    return {checked_name(cell) or "": grade_id(cell) for cell in lesson.cells if is_check(cell)}


def prepare(book: object, lesson: NotebookNode, name: str, assignment: str) -> None:
    """The assignment, its notebook and its cells, made or brought up to date."""
    book.update_or_create_assignment(assignment)
    book.update_or_create_notebook(name, assignment)
    for cell in lesson.cells:
        if is_check(cell):
            points = float(cell.metadata.nbgrader["points"])
            book.update_or_create_grade_cell(
                grade_id(cell), name, assignment, max_score=points, cell_type=cell.cell_type
            )
        if is_answer(cell):
            book.update_or_create_solution_cell(grade_id(cell), name, assignment)
        if is_check(cell) or is_answer(cell):
            book.update_or_create_source_cell(
                grade_id(cell),
                name,
                assignment,
                cell_type=cell.cell_type,
                locked=bool(cell.metadata.nbgrader.get("locked")),
                source=cell.source,
            )


def enter(book: object, student: StudentMarks, checks: Mapping[str, str], name: str, assignment: str) -> None:
    from nbgrader.api import Comment, Grade, MissingEntry

    who = clean(student.student, LONGEST)
    book.update_or_create_student(who)
    book.update_or_create_submission(assignment, who)
    page = book.find_submission_notebook(name, assignment, who)

    def row(find, kind, cell):
        """The submission's row for a cell; an older submission has none for a cell that came later."""
        try:
            return find(cell.name, name, assignment, who)
        except MissingEntry:
            made = kind(cell_id=cell.id, notebook=page)
            book.db.add(made)
            return made

    for mark in student.exercises:
        if mark.exercise not in checks:
            raise CourseError(
                f"{mark.exercise} has no check cell in the lesson; grade with this version's notebook"
            )
        cell = book.find_grade_cell(checks[mark.exercise], name, assignment)
        grade = row(book.find_grade, Grade, cell)
        grade.auto_score = float(mark.points)
        grade.needs_manual_grade = grade.manual_score is not None  # as nbgrader's autograder does
        answer = book.find_solution_cell(checks[mark.exercise].removesuffix("-check"), name, assignment)
        row(book.find_comment, Comment, answer).auto_comment = comment(mark)
    book.db.commit()


def comment(mark: ExerciseMark) -> str | None:
    return None if mark.verdict == "right" else clean(mark.words, 2_000) or mark.verdict
