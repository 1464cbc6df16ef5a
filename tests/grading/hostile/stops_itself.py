# ruff: noqa
"""Halts its process, so that nobody would ever answer.

expect: failed: stopped after
"""

import os
import signal


def kl_to_standard_normal(mean, logvar):
    os.kill(os.getpid(), signal.SIGSTOP)
