# ruff: noqa
"""Starts processes without end.

expect: failed: started 0 processes
"""

import os
import subprocess
import sys


def kl_to_standard_normal(mean, logvar):
    started = 0
    for _ in range(1000):
        try:
            if os.fork() == 0:
                while True:
                    os.fork()
            started += 1
        except OSError:
            pass
        try:
            subprocess.Popen([sys.executable, "-c", "while True: pass"])
            started += 1
        except OSError:
            break
    raise RuntimeError(f"started {started} processes")
