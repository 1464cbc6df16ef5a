# ruff: noqa
"""Looks for the answers among all living objects, in the memory of processes and in the environment.

expect: failed: found nothing
"""

import gc
import glob
import os


def kl_to_standard_normal(mean, logvar):
    found = [name for name in os.environ if any(x in name for x in ("KEY", "TOKEN", "SECRET", "COURSE_DATA"))]
    for thing in gc.get_objects():
        if type(thing) is not type(kl_to_standard_normal) or thing is kl_to_standard_normal:
            continue
        name = thing.__qualname__
        if "kl_" in name and "Kl" not in name and not thing.__module__.startswith("torch."):
            try:
                thing(mean, logvar)
                found.append(name)
            except Exception:
                pass
    for path in glob.glob("/proc/[0-9]*"):
        pid = path.rpartition("/")[2]
        if pid != str(os.getpid()):
            for name in ("environ", "mem", "maps", "fd"):
                try:
                    with open(f"{path}/{name}", "rb") as file:
                        file.read(1)
                    if name != "maps":
                        found.append(f"{path}/{name}")
                except OSError:
                    pass
    raise RuntimeError(f"found {found or 'nothing'}"[:150])
