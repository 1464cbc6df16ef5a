# ruff: noqa
"""Keeps memory where no limit of address space counts it: files in memory, pipes, sockets.

expect: failed: within bounds or was stopped after
"""

import fcntl
import os
import socket


def kl_to_standard_normal(mean, logvar):
    kept, size, block = [], 0, bytes(1_000_000)
    try:
        while len(kept) < 10_000:
            kept.append(os.memfd_create("hoard"))
            try:
                while size < 8_000_000_000:
                    size += os.write(kept[-1], block)
            except OSError:
                pass  # the largest file
    except OSError:
        pass  # no further file
    for fd in kept[-8:]:
        os.close(fd)
    try:
        for _ in range(10_000):
            _, end = os.pipe()
            fcntl.fcntl(end, 1031, 1_000_000)  # F_SETPIPE_SZ
            os.set_blocking(end, False)
            size += os.write(end, block)
    except OSError:
        pass
    raise RuntimeError("within bounds" if size < 2_000_000_000 else f"holds {size / 1e9:.1f} GB")
