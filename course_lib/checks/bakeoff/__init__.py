"""Lesson 08: its exercises in their order. The answers are in metrics/ranking.py; here are other right ones,
and the wrong ones."""

from course_lib.checks.bakeoff.covered import COVERED
from course_lib.checks.bakeoff.error import ERROR
from course_lib.checks.bakeoff.front import FRONT
from course_lib.checks.bakeoff.places import PLACES

EXERCISES = (ERROR, PLACES, COVERED, FRONT)
