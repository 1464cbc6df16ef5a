# ruff: noqa
"""Raises KeyboardInterrupt, as if the instructor had pressed Ctrl-C.

expect: failed:
"""


def kl_to_standard_normal(mean, logvar):
    raise KeyboardInterrupt
