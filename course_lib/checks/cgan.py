"""Lesson 04: its exercises in their order, each in a file of gans/. The answers are in models/cgan.py."""

from course_lib.checks.gans.accuracy import ACCURACY
from course_lib.checks.gans.condition import DISCRIMINATOR_INPUT, GENERATOR_INPUT
from course_lib.checks.gans.conditional_losses import LOSSES
from course_lib.checks.gans.sample_class import SAMPLE_CLASS

EXERCISES = (GENERATOR_INPUT, DISCRIMINATOR_INPUT, LOSSES, SAMPLE_CLASS, ACCURACY)
