# ruff: noqa
"""Starts threads without end, and a pool of processes.

expect: failed: started 0
"""

import multiprocessing
import threading


def kl_to_standard_normal(mean, logvar):
    started = 0
    for start in (threading.Thread, multiprocessing.Process):
        try:
            for _ in range(10_000):
                start(target=kl_to_standard_normal, args=(mean, logvar), daemon=True).start()
                started += 1
        except (RuntimeError, OSError):
            pass
    raise RuntimeError(f"started {started}")
