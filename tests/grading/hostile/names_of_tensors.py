# ruff: noqa
"""Claims results under names that are not its own, with header and sizes that do not fit.

expect: failed:
"""

import os
import struct
import sys


def kl_to_standard_normal(mean, logvar):
    header = b'{"a":{"dtype":"F64","shape":[4611686018427387904],"data_offsets":[0,8]}}'
    blob = struct.pack("<Q", len(header)) + header + bytes(8)
    text = b'{"observations": [[], [], []]}'
    frame = sys._getframe()
    while frame is not None:
        if "channel" in frame.f_locals:
            os.write(frame.f_locals["channel"], struct.pack("<IQ", len(text), len(blob)) + text + blob)
            os._exit(0)
        frame = frame.f_back
