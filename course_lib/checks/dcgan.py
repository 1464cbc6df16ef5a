"""Lesson 03: its exercises in their order, each in a file of gans/. The answers are in models/dcgan.py."""

from course_lib.checks.gans.discriminator import DISCRIMINATOR
from course_lib.checks.gans.generator import GENERATOR
from course_lib.checks.gans.initial import INITIALISE
from course_lib.checks.gans.size import SIZE
from course_lib.checks.gans.update import UPDATE

EXERCISES = (SIZE, GENERATOR, DISCRIMINATOR, INITIALISE, UPDATE)
