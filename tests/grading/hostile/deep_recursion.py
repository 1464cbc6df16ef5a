# ruff: noqa
"""Calls itself without end, with no limit on the depth.

expect: failed:
"""

import sys

sys.setrecursionlimit(10**9)


def kl_to_standard_normal(mean, logvar):
    return kl_to_standard_normal(mean, logvar)
