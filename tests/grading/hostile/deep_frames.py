# ruff: noqa
"""Sends JSON nested so deeply that its reader would fail, and numbers of a million digits.

expect: failed: in disorder
"""

import os
import struct


def kl_to_standard_normal(mean, logvar):
    text = b'{"observations": ' + b"[" * 900_000
    for fd in range(3, 64):
        try:
            view = struct.pack("<IQ", len(text), 0) + text
            while view:
                view = view[os.write(fd, view) :]
        except OSError:
            pass
    os._exit(0)
