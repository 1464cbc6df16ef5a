"""Marks are plain data: through JSON and back, sums, and what cannot be is refused."""

import json

import pytest

from course_lib.errors import CourseError
from course_lib.grading.marks import ExerciseMark, StudentMarks, exercises_in_order

KL = ExerciseMark("vae/kl", 0, 2, "wrong", "kl_without_half", "Your KL is twice the right one.")
ELBO = ExerciseMark("vae/elbo", 3, 3, "right")
ADA = StudentMarks("Ada Ünal", "01_vae", (KL, ELBO), notes=("two files: the newer was taken",))


def test_there_and_back_through_json():
    assert StudentMarks.from_json(ADA.to_json()) == ADA
    assert "Ada Ünal" in ADA.to_json()
    lost = StudentMarks("b", "01_vae", (), problem="the notebook cannot be read")
    assert StudentMarks.from_json(lost.to_json()) == lost


def test_points_are_sums():
    assert (ADA.points, ADA.out_of) == (3, 5)


def test_the_lessons_order_is_kept_and_a_student_without_rows_does_not_matter():
    empty = StudentMarks("nobody", "01_vae", ())
    assert list(exercises_in_order([empty, ADA]).items()) == [("vae/kl", 2), ("vae/elbo", 3)]


@pytest.mark.parametrize(
    ("points", "out_of", "verdict"),
    [
        (3, 2, "right"), (-1, 2, "wrong"), (float("nan"), 2, "right"), (1, float("inf"), "right"),
        (1, 2, "perfect"), (2, 2, "wrong"), (1, 2, "failed"),
    ],
)  # fmt: skip
def test_marks_that_cannot_be_are_refused(points, out_of, verdict):
    with pytest.raises(ValueError, match="vae/kl"):
        ExerciseMark("vae/kl", points, out_of, verdict)


def test_an_exercise_is_marked_once():
    with pytest.raises(ValueError, match="twice"):
        StudentMarks("a", "01_vae", (ELBO, ELBO))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", ADA.to_json()[:200], '{"exercises": [{"points": 1}]}'])
def test_a_broken_file_is_one_sentence(text):
    with pytest.raises(CourseError, match="grade again"):
        StudentMarks.from_json(text)


def test_no_extra_points_from_a_changed_file():
    fields = json.loads(ADA.to_json())
    fields["exercises"][0]["points"] = 2
    with pytest.raises(CourseError, match="points for an answer that is wrong"):
        StudentMarks.from_json(json.dumps(fields))
