"""Marks in nbgrader's gradebook, read back with nbgrader's own API."""

import sys
from pathlib import Path

import pytest

from course_lib.errors import CourseError
from course_lib.grading.marks import ExerciseMark, StudentMarks
from course_lib.grading.nbgrader_book import assignment_of, beside_python, write_nbgrader
from course_lib.grading.submissions import Submission

sys.path.insert(0, str(Path(__file__).parent))
import make_class as made
import make_marks

L = "01_vae"


@pytest.fixture(scope="module")
def lesson():
    return made.stub(L)


@pytest.fixture(scope="module")
def api():
    return pytest.importorskip("nbgrader.api")


@pytest.fixture(scope="module")
def empty(tmp_path_factory, api):
    """An empty gradebook: nbgrader takes a second or two to make one."""
    file = tmp_path_factory.mktemp("book") / "gradebook.db"
    with beside_python(), api.Gradebook(f"sqlite:///{file}"):
        return file.read_bytes()


@pytest.fixture
def file(tmp_path, empty):
    (tmp_path / "gradebook.db").write_bytes(empty)
    return tmp_path / "gradebook.db"


@pytest.mark.filterwarnings("error")
def test_a_class_is_read_back(tmp_path, lesson, api, monkeypatch):
    monkeypatch.setenv("PATH", "")  # the command may be run by its path, without an active environment
    marks, _ = make_marks.made_up(20)
    assert write_nbgrader(marks, tmp_path / "gradebook.db", lesson) == 17  # three could not be graded
    with api.Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as book:
        assert {s.id for s in book.students} == {m.student for m in marks if m.problem is None}
        assert book.find_assignment(L).max_score == 11
        scores = {row["student"]: row["score"] for row in book.submission_dicts(L)}
        assert scores == {m.student: m.points for m in marks if m.problem is None}
        assert not any(row["needs_manual_grade"] for row in book.submission_dicts(L))
        for student in marks:
            for mark in student.exercises:
                name = mark.exercise.replace("/", "-")
                grade = book.find_grade(f"{name}-check", L, L, student.student)
                assert (grade.auto_score, grade.max_score) == (mark.points, mark.out_of)
                comment = book.find_comment(name, L, L, student.student).comment
                assert (comment is None) == (mark.verdict == "right")
                assert comment is None or comment.startswith(mark.words.split("\n")[0])


def one(points, words="Look again."):
    return StudentMarks(
        "Ada", L, (ExerciseMark("vae/kl", points, 2, "right" if points else "wrong", None, words),)
    )


def test_a_second_run_replaces_scores_but_not_a_persons(file, lesson, api):
    write_nbgrader([one(0)], file, lesson)
    with api.Gradebook(f"sqlite:///{file}") as book:
        book.find_grade("vae-elbo-check", L, L, "Ada").manual_score = 1.5
        book.find_grade("vae-kl-check", L, L, "Ada").manual_score = 0.5
        book.db.commit()
    write_nbgrader([one(2)], file, lesson)
    with api.Gradebook(f"sqlite:///{file}") as book:
        grade = book.find_grade("vae-kl-check", L, L, "Ada")
        assert (grade.auto_score, grade.manual_score, grade.score, grade.needs_manual_grade) == (
            2,
            0.5,
            0.5,
            True,
        )
        assert book.find_grade("vae-elbo-check", L, L, "Ada").manual_score == 1.5
        assert len(book.students) == 1 and book.find_comment("vae-kl", L, L, "Ada").auto_comment is None


@pytest.mark.filterwarnings("ignore:Object of type")
def test_into_a_course_that_nbgrader_runs_already(file, lesson, api):
    with api.Gradebook(f"sqlite:///{file}") as book:  # released before the last exercise was written
        book.add_assignment("ps1")
        book.add_notebook(L, "ps1")
        book.add_grade_cell("vae-elbo-check", L, "ps1", max_score=1, cell_type="code")
        book.add_student("Ada", first_name="Ada")
        book.add_submission("ps1", "Ada")
    write_nbgrader([one(2)], file, lesson, assignment="ps1")
    with api.Gradebook(f"sqlite:///{file}") as book:
        assert book.find_grade("vae-kl-check", L, "ps1", "Ada").score == 2
        assert book.find_student("Ada").first_name == "Ada"
        assert book.find_assignment("ps1").max_score == 11


def test_the_assignment_is_nbgraders_own_where_its_folders_name_one():
    ps1 = [Submission(name, b"x", fields={"assignment": "ps1"}) for name in "ab"]
    assert assignment_of([*ps1, Submission("c", None, "no notebook")]) == "ps1"
    assert assignment_of([*ps1, Submission("c", b"x")]) is None
    assert assignment_of([]) is None


def test_what_is_no_gradebook(tmp_path, lesson, api):
    (tmp_path / "x.db").write_text("grades " * 500)
    with pytest.raises(CourseError, match="gradebook"):
        write_nbgrader([one(2)], tmp_path / "x.db", lesson)
    with pytest.raises(CourseError, match="folder is not there"):
        write_nbgrader([one(2)], tmp_path / "nowhere" / "x.db", lesson)


def test_an_exercise_of_another_version(file, lesson, api):
    other = StudentMarks("Ada", L, (ExerciseMark("vae/gone", 0, 2, "wrong"),))
    with pytest.raises(CourseError, match="vae/gone"):
        write_nbgrader([other], file, lesson)


def test_without_nbgrader_it_is_one_sentence(tmp_path, lesson, monkeypatch):
    monkeypatch.setitem(sys.modules, "nbgrader.api", None)
    with pytest.raises(CourseError, match=r"pip install .course_lib\[grading\]"):
        write_nbgrader([one(2)], tmp_path / "x.db", lesson)
    assert not (tmp_path / "x.db").exists()
