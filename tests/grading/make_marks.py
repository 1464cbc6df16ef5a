"""Marks as a class might get them: made up from `make_class`, without running anything. Also a demonstration:

python tests/grading/make_marks.py grades/      100 students' reports, to look at
"""

import sys
from pathlib import Path

from course_lib.checks.engine import find_exercise
from course_lib.grading.marks import ExerciseMark, StudentMarks
from course_lib.grading.report import write_reports
from course_lib.grading.submissions import Submission

sys.path.insert(0, str(Path(__file__).parent))
import make_class as made

VALUE = "\n`the result` at [0] is 3.142, it should be 1.571, for a small batch: mean (5, 3), logvar (5, 3)."
WORDS = {
    "own": ("wrong", "The result has shape (5, 3), it should be (5,) for inputs mean (5, 3), logvar (5, 3)."),
    "raises": (
        "failed",
        "Line 2 of your cell, `raise ValueError('I give up')`, raises ValueError: I give up.",
    ),
}


def mark_of(name: str, one: made.Made) -> ExerciseMark:
    exercise = find_exercise(name)
    points = exercise.points
    if name in one.right:
        return ExerciseMark(name, points, points, "right")
    for wrong, mistake in one.mistakes:
        if wrong == name:
            words = next(m.words for m in exercise.mistakes if m.name == mistake)
            return ExerciseMark(name, 0, points, "wrong", mistake, words + VALUE)
    verdict, words = WORDS.get(one.kind, ("missing", "Nothing was written yet."))
    return ExerciseMark(name, 0, points, verdict, None, words)


def marks_of(one: made.Made, lesson: str = "01_vae") -> StudentMarks:
    notes = tuple(
        f"{name}: no cell has the grade id; it was found by its name" for name in made.exercises(lesson)
    )
    exercises = tuple(mark_of(name, one) for name in made.exercises(lesson))
    return StudentMarks(one.student, lesson, exercises, notes=notes[:2] if one.kind == "stripped" else ())


def made_up(n: int = 100, lesson: str = "01_vae") -> tuple[list[StudentMarks], list[Submission]]:
    """A class's marks, three of which could not be graded, and the submissions as Moodle would name them."""
    marks = [marks_of(made.plan(k, lesson), lesson) for k in range(n)]
    why = "the notebook cannot be read (it is no JSON: Expecting value: line 1 column 1 (char 0))"
    marks[4] = StudentMarks(marks[4].student, lesson, (), problem=why)
    why = "there is no notebook 01_vae.ipynb among what was handed in (essay.pdf)"
    marks[9] = StudentMarks("<script>alert('Bobby')</script>", lesson, (), problem=why)
    why = "there are 2 notebooks for one student (one.ipynb, two.ipynb); keep the one that counts"
    marks[14] = StudentMarks("=HYPERLINK(1)", lesson, (), problem=why)
    found = [Submission(m.student, b"", fields={"moodle_id": str(1000 + k)}) for k, m in enumerate(marks)]
    return sorted(marks, key=lambda m: m.student.casefold()), found


if __name__ == "__main__":
    marks, submissions = made_up()
    write_reports(marks, submissions, Path(sys.argv[1]), "01_vae")
    print(f"{len(marks)} students' reports are in {sys.argv[1]}")
