"""Every hostile submission is contained, gains no mark, and leaves the rest of the class as it was.

tests/grading/hostile/ holds one answer to vae/kl a file. Its docstring says what it tries, and what must come
of it: the verdict, and words that the student is told. Two of these students answer the other exercises too;
the rest leave them open, and those who only look around share notebooks, since each notebook is a process
that loads torch.
"""

import ast
from pathlib import Path

import psutil
import pytest
from make_class import as_bytes, id_of, right, solved, with_answers, wrong
from sandboxed import QUICK, need_sandbox, no_report

from course_lib.grading.grade import grade_class
from course_lib.grading.marks import StudentMarks

LESSON, TARGET = "01_vae", "vae/kl"
HOSTILE = sorted((Path(__file__).parent / "hostile").glob("*.py"))
LOOKERS = (
    *("breaks_out", "deletes_files", "disk_filler", "error_whose_text_exits", "escape_codes", "fork_bomb"),
    *("imports_the_answers", "interrupts", "leaves_notes", "reads_memory", "reads_other_students"),
    *("reads_secrets", "reads_the_answers", "thread_bomb", "uses_the_network"),
)
PLACES = {
    TARGET: "kl_to_standard_normal",
    "vae/decoder": "make_decoder",
    "vae/reparameterize": "reparameterize",
    "vae/interpolate": "interpolate",
    "vae/condition": "append_label",
}
WHOLE = ("infinite_loop_in_the_cell", "leaves_by_os_exit")  # their other five answers are right


def expected(path: Path) -> tuple[str, str]:
    said = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    verdict, _, words = said.partition("expect: ")[2].partition(":")
    return verdict.strip(), words.strip()


def place_of(name: str) -> tuple[str, str]:
    """The student who hands it in, and the exercise it is handed in for."""
    if name not in LOOKERS:
        return name, TARGET
    k = LOOKERS.index(name)
    return f"looks {k // len(PLACES)}", list(PLACES)[k % len(PLACES)]


def answer_of(path: Path) -> str:
    """The file as an answer to its exercise; those who look around do not mind what they are called with."""
    source, function = path.read_text("utf-8"), PLACES[place_of(path.stem)[1]]
    head = "def kl_to_standard_normal(mean, logvar)"
    if path.stem in LOOKERS:
        source = source.replace(head, f"{head[:-1]}=None, more=None)")
    return source.replace("kl_to_standard_normal", function)


def thief() -> bytes:
    """A notebook without answers of its own, whose metadata claims to be others' cells and others' marks."""
    notebook = with_answers(LESSON, {})
    notebook.metadata["student"] = notebook.metadata["name"] = "ann"
    notebook.metadata["marks"] = {TARGET: {"points": 2, "verdict": "right"}}
    for cell in notebook.cells:
        flags = cell.metadata.get("nbgrader", {})
        if flags.get("grade_id", "").endswith("-check"):
            flags.update(grade_id="vae-kl", solution=True, grade=False, points=100)
            cell.source = "def kl_to_standard_normal(mean, logvar):\n    return mean[:, 0]\n"
        elif flags.get("grade_id") == "vae-kl":
            flags.update(grade_id="vae-kl-check", points=100, grade=True, solution=False)
            cell.source = "def check(name, fn):\n    return fn\n"
    return as_bytes(notebook)


UNREADABLE = {
    "malformed": b'{"cells": [',
    "nested": b'{"cells": ' + b"[" * 200_000,
    "not_a_notebook": b"\x80\x04\x95cos\nsystem\n(S'touch owned'\ntR.",  # a pickle
    "huge": b'{"cells": [], "x": "' + b"x" * 60_000_000 + b'"}',
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> dict[str, StudentMarks]:
    need_sandbox()
    folder = tmp_path_factory.mktemp("hostile") / "submissions"
    (folder.parent / "canary.txt").write_text("here")
    notebooks = {"ann": as_bytes(right(LESSON)), "bob": as_bytes(wrong(LESSON, TARGET, "kl_without_half"))}
    answers: dict[str, dict[str, str]] = {name: solved(LESSON) for name in WHOLE}
    for path in HOSTILE:
        student, exercise = place_of(path.stem)
        one = {id_of(LESSON, exercise): answer_of(path)}
        answers[student] = answers.get(student, {}) | one
    notebooks |= {student: as_bytes(with_answers(LESSON, some)) for student, some in answers.items()}
    notebooks |= UNREADABLE | {"thief": thief()}
    for student, data in notebooks.items():
        (folder / student).mkdir(parents=True)
        (folder / student / f"{LESSON}.ipynb").write_bytes(data)
    (folder / "linked").mkdir()
    (folder / "linked" / f"{LESSON}.ipynb").symlink_to(folder / "ann" / f"{LESSON}.ipynb")
    out = folder.parent / "out"
    marks = grade_class(folder, LESSON, out, jobs=3, limits=QUICK, progress=False, report=no_report)
    assert psutil.Process().children(recursive=True) == []
    assert (folder.parent / "canary.txt").read_text() == "here"
    assert {path.name for path in folder.iterdir()} == {*notebooks, "linked"}
    return {row.student: row for row in marks}


def test_there_are_enough():
    assert len(HOSTILE) >= 25


@pytest.mark.parametrize("path", HOSTILE, ids=lambda path: path.stem)
def test_contained_and_without_gain(graded, path):
    student, exercise = place_of(path.stem)
    row = graded[student]
    verdict, words = expected(path)
    mark = next(mark for mark in row.exercises if mark.exercise == exercise)
    assert row.problem is None
    # "wrong or failed", "this or that": how far it comes within its seconds depends on the machine.
    assert mark.verdict in verdict.split(" or ") and mark.points == 0, mark
    assert any(some in mark.words for some in words.split(" or ")), mark.words
    assert all(c.isprintable() or c == "\n" for c in mark.words)
    for other in row.exercises:
        if student == path.stem and other.exercise != TARGET:
            assert other.verdict == ("right" if path.stem in WHOLE else "missing"), other


def test_the_rest_of_the_class_is_graded_as_if_they_were_not_there(graded):
    assert [mark.verdict for mark in graded["ann"].exercises] == ["right"] * 6
    assert graded["ann"].points == graded["ann"].out_of == 11
    wrong_ones = [mark for mark in graded["bob"].exercises if mark.verdict != "right"]
    assert [(mark.exercise, mark.mistake) for mark in wrong_ones] == [(TARGET, "kl_without_half")]


@pytest.mark.parametrize("student", [*UNREADABLE, "linked"])
def test_what_cannot_be_read_is_a_row_with_a_problem(graded, student):
    row = graded[student]
    assert row.problem and row.points == 0


def test_metadata_that_names_other_cells_gains_nothing(graded):
    assert graded["thief"].points == 0
    assert graded["thief"].out_of == 11


def test_two_of_them_answer_everything_else():
    assert set(WHOLE) <= {path.stem for path in HOSTILE} and len(solved(LESSON)) == 6
