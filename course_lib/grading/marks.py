"""What grading finds out: the marks of one exercise, and of one student. Plain data that goes through JSON.

sandbox and grade.py --> StudentMarks, one JSON file a student --> gradebook, feedback, class page
"""

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from course_lib.errors import CourseError

VERDICTS = ("right", "wrong", "missing", "failed")


@dataclass(frozen=True)
class ExerciseMark:
    """One exercise of one student."""

    exercise: str  # "vae/kl"
    points: int | float
    out_of: int | float
    verdict: str  # "right", "wrong", "missing", or "failed": it raised, took too long, or was killed
    mistake: str | None = None  # the catalogue's name of the mistake that the answer behaves like
    words: str = ""  # what the student is told, the first wrong value included

    def __post_init__(self):
        if self.verdict not in VERDICTS:
            raise ValueError(f"{self.exercise}: the verdict is {self.verdict!r}, not {' or '.join(VERDICTS)}")
        finite = math.isfinite(self.points) and math.isfinite(self.out_of)
        if not (finite and 0 <= self.points <= self.out_of):
            raise ValueError(f"{self.exercise}: {self.points} of {self.out_of} points cannot be")
        if self.points and self.verdict != "right":
            raise ValueError(f"{self.exercise}: {self.points} points for an answer that is {self.verdict}")


@dataclass(frozen=True)
class StudentMarks:
    """All exercises of one student, in the lesson's order."""

    student: str  # as the submissions name them: text that was written by others
    lesson: str  # "01_vae"
    exercises: tuple[ExerciseMark, ...]
    problem: str | None = None  # why the submission as a whole could not be graded
    notes: tuple[str, ...] = ()  # what was noticed and worked around, for student and instructor

    def __post_init__(self):
        twice = [name for name, n in Counter(mark.exercise for mark in self.exercises).items() if n > 1]
        if twice:
            raise ValueError(f"{self.student}: {twice[0]} is marked twice")

    @property
    def points(self) -> int | float:
        return sum(mark.points for mark in self.exercises)

    @property
    def out_of(self) -> int | float:
        return sum(mark.out_of for mark in self.exercises)

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "StudentMarks":
        """Raises a CourseError where the text is not what `to_json` writes (a file cut short, say)."""
        try:
            fields = json.loads(text)
            exercises = tuple(ExerciseMark(**mark) for mark in fields.pop("exercises"))
            return cls(exercises=exercises, **{**fields, "notes": tuple(fields.get("notes", ()))})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise CourseError(
                f"a file of marks cannot be read ({error}); delete it and grade again"
            ) from error


def exercises_in_order(marks: Sequence[StudentMarks]) -> dict[str, int | float]:
    """Every exercise that occurs and what it is out of, in the order in which it is first met."""
    return {mark.exercise: mark.out_of for student in marks for mark in student.exercises}
