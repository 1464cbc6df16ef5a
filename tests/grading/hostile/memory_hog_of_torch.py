# ruff: noqa
"""Takes memory by tensors, in shared maps and in files that have no name.

expect: failed: took less than 3 GB
"""

import mmap
import os

import torch


def kl_to_standard_normal(mean, logvar):
    hoard, size = [], 0

    def tensor():
        hoard.append(torch.empty(25_000_000))
        return 100_000_000

    def shared():
        hoard.append(mmap.mmap(-1, 100_000_000))
        return 100_000_000

    def nameless():
        fd = os.memfd_create("hoard")
        os.posix_fallocate(fd, 0, 100_000_000)
        return 100_000_000

    for take in (tensor, shared, nameless):
        try:
            for _ in range(1000):
                size += take()
        except (RuntimeError, OSError, MemoryError, ValueError):
            pass
    raise RuntimeError("took less than 3 GB" if size < 3_000_000_000 else f"took {size}")
