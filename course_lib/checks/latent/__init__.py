"""Lesson 07: its exercises in their order. The answers are in models/latent.py and models/text.py; here are
other right ones, and the wrong ones."""

from course_lib.checks.latent.cross_attention import CROSS_ATTENTION
from course_lib.checks.latent.guided_step import GUIDED_STEP
from course_lib.checks.latent.loss import LOSS
from course_lib.checks.latent.scale import SCALE
from course_lib.checks.latent.tokenise import TOKENISE

EXERCISES = (SCALE, LOSS, TOKENISE, CROSS_ATTENTION, GUIDED_STEP)
