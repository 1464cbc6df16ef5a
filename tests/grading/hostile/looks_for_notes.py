# ruff: noqa
"""Looks for the note that another student left.

expect: failed: found nothing
"""

import ctypes
import os


def kl_to_standard_normal(mean, logvar):
    found = [
        f"{folder}/note"
        for folder in ("/tmp", "/dev/shm", "/course", "/var/tmp", "/run", "/dev", "/")
        if os.path.exists(f"{folder}/note")
    ]
    # A folder may be the way to the course itself, if that lies beneath /tmp.
    found += [f"/tmp/{name}" for name in os.listdir("/tmp") if os.path.isfile(f"/tmp/{name}")]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(249, b"user", b"note", None, -3) >= 0:
        found.append("a key")
    raise RuntimeError(f"found {found or 'nothing'}"[:150])
