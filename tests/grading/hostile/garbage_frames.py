# ruff: noqa
"""Writes garbage into everything that is open.

expect: failed: in disorder
"""

import os


def kl_to_standard_normal(mean, logvar):
    for fd in range(3, 64):
        try:
            os.write(fd, b"\xff" * 100)
        except OSError:
            pass
    os._exit(0)
