"""Lesson 06: its exercises in their order. Each file holds one: its inputs, right answers and wrong ones."""

from course_lib.checks.ddpm.add_noise import ADD_NOISE
from course_lib.checks.ddpm.ddim_step import DDIM_STEP
from course_lib.checks.ddpm.guidance import GUIDANCE
from course_lib.checks.ddpm.loss import LOSS
from course_lib.checks.ddpm.reverse_step import REVERSE_STEP
from course_lib.checks.ddpm.time_embedding import TIME_EMBEDDING
from course_lib.checks.ddpm.velocity import VELOCITY

EXERCISES = (ADD_NOISE, LOSS, REVERSE_STEP, TIME_EMBEDDING, VELOCITY, GUIDANCE, DDIM_STEP)
