# ruff: noqa
"""Makes namespaces, mounts, traces and raises its own limits.

expect: failed: did nothing
"""

import ctypes
import os
import resource


def kl_to_standard_normal(mean, logvar):
    libc, did = ctypes.CDLL(None, use_errno=True), []
    for name, call in {
        "a user namespace": lambda: libc.unshare(0x10000000),
        "a mount namespace": lambda: libc.unshare(0x00020000),
        "a mount": lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, None),
        "an unmount": lambda: libc.umount2(b"/course", 2),
        "a trace": lambda: libc.ptrace(16, 1, 0, 0),
        "root": lambda: libc.setuid(0),
        "a change of root": lambda: libc.chroot(b"/tmp"),
        "clone3": lambda: libc.syscall(435, 0, 0),
        "io_uring": lambda: libc.syscall(425, 8, ctypes.create_string_buffer(256)),
    }.items():
        if call() == 0:
            did.append(name)
    for which in (resource.RLIMIT_NPROC, resource.RLIMIT_AS, resource.RLIMIT_FSIZE):
        try:
            resource.setrlimit(which, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            did.append(f"limit {which}")
        except (OSError, ValueError):
            pass
    if os.getuid() != 65534:
        did.append(f"is user {os.getuid()}")
    raise RuntimeError(f"did {did or 'nothing'}"[:150])
