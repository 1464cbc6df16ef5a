"""System calls that no exercise needs, as a filter that bubblewrap loads (`--seccomp FD`).

Namespaces hide files, processes and the network. What they do not hide: the kernel's keyrings (one student
could leave a note for the next), sockets to a virtual machine's host, and the large interfaces through which
sandboxes were broken before (user namespaces, mounts, bpf, io_uring, ptrace).
"""

import errno
import platform
import struct

ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000  # SECCOMP_RET_*; REFUSE carries an errno
LOAD, AT_LEAST, EQUALS, ANY_BIT, RETURN = 0x20, 0x35, 0x15, 0x45, 0x06  # BPF operations on 32-bit words
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
NEW_NAMESPACE = 0x7E020000  # clone's flags CLONE_NEW*
SAME_EVERYWHERE = (
    425,
    426,
    427,
    428,
    429,
    430,
    431,
    432,
    433,
    442,
)  # io_uring_*, open_tree ... mount_setattr
CLONE3 = 435

# machine -> (audit number, clone, first number of another ABI, refused calls)
# In this order: socket, keyctl, add_key, request_key, unshare, setns, mount, umount2, pivot_root, chroot,
# ptrace, process_vm_readv, process_vm_writev, kcmp, bpf, perf_event_open, userfaultfd, kexec_load,
# kexec_file_load, init_module, finit_module, delete_module, open_by_handle_at, name_to_handle_at,
# personality, syslog, quotactl, swapon, swapoff, reboot, acct, settimeofday, clock_settime, adjtimex.
# fmt: off
MACHINES = {
    "x86_64": (0xC000003E, 56, 0x40000000, (
        41, 250, 248, 249, 272, 308, 165, 166, 155, 161, 101, 310, 311, 312, 321, 298, 323, 246, 320,
        175, 313, 176, 304, 303, 135, 103, 179, 167, 168, 169, 163, 164, 227, 159,
    )),
    "aarch64": (0xC00000B7, 220, None, (
        198, 219, 217, 218, 97, 268, 40, 39, 41, 51, 117, 270, 271, 272, 280, 241, 282, 104, 294,
        105, 273, 106, 265, 264, 92, 116, 60, 224, 225, 142, 89, 170, 112, 171,
    )),
}
# fmt: on


def program(machine: str | None = None) -> bytes:
    """The filter as the kernel reads it; empty for a machine whose numbers are not listed here."""
    if (machine or platform.machine()) not in MACHINES:
        return b""
    audit, clone, other_abi, refused = MACHINES[machine or platform.machine()]
    lines = [(LOAD, 0, 0, ARCHITECTURE), (EQUALS, 1, 0, audit), (RETURN, 0, 0, KILL), (LOAD, 0, 0, NUMBER)]
    if other_abi:
        lines += [(AT_LEAST, 0, 1, other_abi), (RETURN, 0, 0, REFUSE | errno.ENOSYS)]
    for number in (*refused, *SAME_EVERYWHERE):
        lines += [(EQUALS, 0, 1, number), (RETURN, 0, 0, REFUSE | errno.EPERM)]
    lines += [(EQUALS, 0, 1, CLONE3), (RETURN, 0, 0, REFUSE | errno.ENOSYS)]  # the C library then calls clone
    lines += [(EQUALS, 0, 3, clone), (LOAD, 0, 0, FIRST_ARGUMENT), (ANY_BIT, 0, 1, NEW_NAMESPACE)]
    lines += [(RETURN, 0, 0, REFUSE | errno.EPERM), (RETURN, 0, 0, ALLOW)]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)
