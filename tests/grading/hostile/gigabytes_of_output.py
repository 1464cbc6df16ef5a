# ruff: noqa
"""Prints without end, to Python's output and to whatever the process has open.

expect: failed: Error
"""

import os


def kl_to_standard_normal(mean, logvar):
    for fd in (1, 2):
        for _ in range(100):
            os.write(fd, bytes(1_000_000))
    while True:
        print("x" * 100_000_000)
