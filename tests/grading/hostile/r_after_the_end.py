# ruff: noqa
"""Waits for the end with everything that Python calls late, and then claims a better answer.

expect: failed: cannot be read
"""

import atexit
import gc
import os
import struct
import sys
import threading
import weakref


class Late:
    def __del__(self):
        claim()


def claim(*_):
    text = b'{"observations": []}'
    for fd in range(3, 64):
        try:
            os.write(fd, struct.pack("<IQ", len(text), 0) + text)
        except OSError:
            pass


def kl_to_standard_normal(mean, logvar):
    sys.late, sys.excepthook, sys.unraisablehook = Late(), claim, claim
    atexit.register(claim)
    weakref.finalize(mean, claim)
    if hasattr(threading, "_register_atexit"):
        threading._register_atexit(claim)
    return mean.sum(dim=1)
