"""Lesson 00: its exercises in their order. The answers are in images.py, data/batches.py and
models/gaussian.py; here are other right ones, and the wrong ones."""

from course_lib.checks.start.fit import FIT
from course_lib.checks.start.frechet import FRECHET
from course_lib.checks.start.frechet_1d import FRECHET_1D
from course_lib.checks.start.from_uint8 import FROM_UINT8
from course_lib.checks.start.minibatch import MINIBATCH
from course_lib.checks.start.sample import SAMPLE
from course_lib.checks.start.to_uint8 import TO_UINT8

EXERCISES = (FROM_UINT8, TO_UINT8, MINIBATCH, FIT, SAMPLE, FRECHET_1D, FRECHET)
