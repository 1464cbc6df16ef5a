# ruff: noqa
"""Kills its parent, process 1, its group, and everything.

expect: failed:
"""

import os
import signal


def kl_to_standard_normal(mean, logvar):
    for pid in (os.getppid(), 1, 0, -1, *range(2, 40)):
        for number in (signal.SIGTERM, signal.SIGKILL):
            if pid != os.getpid():
                try:
                    signal.signal(signal.SIGTERM, signal.SIG_IGN)
                    os.kill(pid, number)
                except (OSError, ValueError):
                    pass
    raise RuntimeError("still here")
