# ruff: noqa
"""Waits for ever, which takes no processor time.

expect: failed: stopped after
"""

import time


def kl_to_standard_normal(mean, logvar):
    time.sleep(1e9)
