"""Lesson 02: its exercises in their order, each in a file of gans/. The answers are in models/gan.py."""

from course_lib.checks.gans.fakes import FAKES
from course_lib.checks.gans.losses import DISCRIMINATOR_LOSS, GENERATOR_LOSS
from course_lib.checks.gans.optimal import OPTIMAL
from course_lib.checks.gans.penalty import PENALTY
from course_lib.checks.gans.step import STEP

EXERCISES = (FAKES, DISCRIMINATOR_LOSS, GENERATOR_LOSS, STEP, OPTIMAL, PENALTY)
