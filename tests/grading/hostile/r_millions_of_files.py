# ruff: noqa
"""Fills the small disk with empty files: they take no blocks, but memory of the kernel.

expect: failed: was stopped or made 400,000 folders
"""

import os


def kl_to_standard_normal(mean, logvar):
    made = 0
    while True:
        os.mkdir(f"/tmp/{made}")
        made += 1
        if made == 400_000:
            raise RuntimeError("made 400,000 folders")
