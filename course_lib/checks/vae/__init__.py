"""Lesson 01: its exercises in their order. The answers are in models/vae.py; here are other right ones, and
the wrong ones."""

from course_lib.checks.vae.condition import CONDITION
from course_lib.checks.vae.decoder import DECODER
from course_lib.checks.vae.elbo import ELBO
from course_lib.checks.vae.interpolate import INTERPOLATE
from course_lib.checks.vae.kl import KL
from course_lib.checks.vae.reparameterize import REPARAMETERIZE

EXERCISES = (REPARAMETERIZE, KL, ELBO, DECODER, CONDITION, INTERPOLATE)
