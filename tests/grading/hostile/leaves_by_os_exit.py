# ruff: noqa
"""Ends the process with status 0.

expect: failed: ended the process
"""

import os


def kl_to_standard_normal(mean, logvar):
    os._exit(0)
