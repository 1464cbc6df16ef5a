# ruff: noqa
"""Leaves the answer for the next student: in files, shared memory, keyrings and sockets.

expect: failed: left nothing
"""

import ctypes
import os
import socket

RIGHT = b"0.5 * (mean**2 + logvar.exp() - 1 - logvar).sum(dim=1)"


def kl_to_standard_normal(mean, logvar):
    left = []
    for folder in ("/dev/shm", "/course", "/var/tmp", "/run", "/dev", "/", "/proc/sys/kernel"):
        try:
            with open(f"{folder}/note", "wb") as file:
                file.write(RIGHT)
            left.append(folder)
        except OSError:
            pass
    with open("/tmp/note", "wb") as file:
        file.write(RIGHT)
    libc = ctypes.CDLL(None, use_errno=True)
    for ring in (-3, -4, -5):  # the session's, the user's, the user session's keyring
        if libc.syscall(248, b"user", b"note", RIGHT, len(RIGHT), ring) >= 0:
            left.append(f"keyring {ring}")
    try:
        socket.socket(socket.AF_UNIX).bind(b"\0note")
        left.append("a socket")
    except OSError:
        pass
    raise RuntimeError(f"left {left or 'nothing'}"[:150])
