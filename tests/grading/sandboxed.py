"""What the tests of the sandbox share: whether one can be started here, and a class without reports."""

from functools import cache

import pytest

from course_lib.errors import CourseError
from course_lib.grading.bench import Assignment, bench_of
from course_lib.grading.grade import new_assignment
from course_lib.grading.running import require_sandbox
from course_lib.grading.sandbox import MIB, Limits

QUICK = Limits(cpu_seconds=1.0, wall_seconds=20.0, memory=512 * MIB)


@cache
def why_not() -> str:
    """Why no sandbox starts on this machine; empty if one does."""
    assignment = new_assignment("01_vae", QUICK, unsafe=False)
    try:
        require_sandbox(bench_of(assignment).copy(), QUICK, unsafe=False)
    except CourseError as error:
        return str(error)
    return ""


def need_sandbox() -> None:
    if why_not():
        pytest.skip(why_not())


def assignment_of(lesson: str, limits: Limits = QUICK, unsafe: bool = False) -> Assignment:
    return new_assignment(lesson, limits, unsafe)


def no_report(marks, submissions, out, lesson) -> None:
    pass
