# ruff: noqa
"""Looks for passwords, keys and the instructor's files.

expect: failed: found nothing
"""

import glob
import os


def kl_to_standard_normal(mean, logvar):
    places = (
        "/etc/shadow",
        "/etc/passwd",
        "/root/.ssh",
        "/root/.bash_history",
        "/root/.netrc",
        "/home",
        "/mnt",
        "/var",
        "/run",
        "/sys/class",
        "/dev/sda",
        "/dev/vda",
        "/dev/mem",
        "/dev/kmsg",
        "/tmp/.X11-unix",
        "/opt",
    )
    found = [path for path in places if os.path.exists(path)]
    found += glob.glob("/root/*") + glob.glob("/root/.[a-oq-z]*") + glob.glob("/proc/kcore")[:0]
    raise RuntimeError(f"found {found or 'nothing'}"[:150])
