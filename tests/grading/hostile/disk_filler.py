# ruff: noqa
"""Fills every place that can be written to.

expect: failed: wrote less than 40 MB
"""

import os


def kl_to_standard_normal(mean, logvar):
    written = 0
    for folder in (
        "/",
        "/dev/shm",
        "/tmp",
        "/var/tmp",
        "/course",
        "/proc",
        os.getcwd(),
        os.path.expanduser("~"),
    ):
        for k in range(200):
            try:
                with open(f"{folder}/fill-{k}", "wb", buffering=0) as file:
                    while True:
                        written += file.write(bytes(1_000_000))
            except OSError:
                continue
    raise RuntimeError("wrote less than 40 MB" if written < 40_000_000 else f"wrote {written} bytes")
