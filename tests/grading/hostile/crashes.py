# ruff: noqa
"""Reads from address 0.

expect: failed: ended the process
"""

import ctypes


def kl_to_standard_normal(mean, logvar):
    ctypes.string_at(0)
