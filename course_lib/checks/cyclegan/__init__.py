"""Lesson 05: its exercises in their order, one a file. The answers are in models/cyclegan.py."""

from course_lib.checks.cyclegan.block import BLOCK
from course_lib.checks.cyclegan.cycle import CYCLE
from course_lib.checks.cyclegan.discriminator import DISCRIMINATOR
from course_lib.checks.cyclegan.generators import GENERATORS
from course_lib.checks.cyclegan.patch import PATCH
from course_lib.checks.cyclegan.pool import POOL

EXERCISES = (CYCLE, PATCH, DISCRIMINATOR, GENERATORS, POOL, BLOCK)
