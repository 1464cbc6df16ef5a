# ruff: noqa
"""Sends frames as long as anybody listens.

expect: failed: cannot be read
"""

import os
import struct


def kl_to_standard_normal(mean, logvar):
    text = b'{"ready": true}'
    while True:
        for fd in range(3, 64):
            try:
                os.write(fd, (struct.pack("<IQ", len(text), 0) + text) * 100)
            except OSError:
                pass
