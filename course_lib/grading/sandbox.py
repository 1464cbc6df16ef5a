"""What a student's code sees: the command line that starts the worker under bubblewrap.

Inside there is no network, no other process, no file but Python's, torch's and the clean copy, read-only, and
a small /tmp in memory.

Bubblewrap run by root makes no user namespace, since its "nobody" would be root outside, for whom the kernel
counts no processes: there the worker itself becomes user 65534 before it loads anything.
"""

import importlib.util
import os
import shutil
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from course_lib.errors import CourseError

NOBODY = 65534
MIB = 2**20
BOOT = f"""\
import os, sys
nobody = sys.argv.pop(1) == "become nobody"
if nobody:
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")
    except OSError:
        pass
    os.setgroups([])
    os.setresgid({NOBODY}, {NOBODY}, {NOBODY})
    os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
sys.path[:0] = sys.argv[1:2]
sys.path += sys.argv[2:]
sys.dont_write_bytecode = True
import gc
gc.disable()  # while torch is loaded, which takes a sixth less time so
from course_lib.grading.worker import main
main()
"""
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/tmp",
    "TMPDIR": "/tmp",
    "MPLCONFIGDIR": "/tmp",
    "LANG": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "CUDA_VISIBLE_DEVICES": "",
    "COURSE_DEVICE": "cpu",
    "COURSE_TIER": "smoke",
    "COURSE_OFFLINE": "1",
}


@dataclass(frozen=True)
class Limits:
    cpu_seconds: float = 10.0  # of one exercise
    wall_seconds: float = 40.0  # of one exercise: a machine may have other work
    start_seconds: float = 180.0  # until torch is loaded; none of the student's code has run then
    memory: int = (
        2048 * MIB
    )  # bytes of address space on top of what torch takes, which with CUDA is 3 to 8 GB
    disk: int = 32 * MIB  # bytes of /tmp
    file_size: int = 16 * MIB


class SandboxError(CourseError):
    """The sandbox cannot be used on this machine."""


def require_bubblewrap(unsafe: bool) -> None:
    if unsafe or shutil.which("bwrap"):
        return
    raise SandboxError(
        "bubblewrap is missing, so submissions could read and delete your files: install it (Debian, "
        "Ubuntu: `apt install bubblewrap`; it needs Linux), or say --unsafe-no-sandbox if you trust them all."
    )


def python_command(nobody: bool, folders: Sequence[str]) -> list[str]:
    python = str(Path(sys.executable if os.name == "nt" else sys._base_executable).resolve())
    return [python, "-I", "-S", "-c", BOOT, "become nobody" if nobody else "stay", *folders]


def unsandboxed(folder: Path) -> list[str]:
    return python_command(False, [str(folder), *packages()])


def environment(unsafe: bool) -> dict[str, str]:
    """Of the process that is started; bubblewrap clears it and sets its own."""
    kept = ("PATH", "HOME", "TMPDIR", "SYSTEMROOT") if unsafe else ("PATH",)
    mine = {name: os.environ[name] for name in kept if name in os.environ}
    return {**ENVIRONMENT, **mine} if unsafe else mine


def sandboxed(folder: Path, limits: Limits, filter_fd: int | None) -> list[str]:
    root = os.geteuid() == 0
    command = [
        shutil.which("bwrap") or "bwrap",
        "--die-with-parent",
        "--new-session",
        "--clearenv",
        "--cap-drop",
        "ALL",
    ]
    if root:
        command += [
            "--unshare-ipc",
            "--unshare-pid",
            "--unshare-net",
            "--unshare-uts",
            "--unshare-cgroup-try",
        ]
        command += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        command += ["--unshare-all", "--uid", str(NOBODY), "--gid", str(NOBODY)]
    if filter_fd is not None:
        command += ["--seccomp", str(filter_fd)]
    for name, value in ENVIRONMENT.items():
        command += ["--setenv", name, value]
    # /tmp first: the course itself may lie beneath the real one, and is shown there all the same.
    command += ["--perms", "1777", "--size", str(limits.disk), "--tmpfs", "/tmp", *mounts(folder)]
    command += ["--proc", "/proc", "--dev", "/dev"]
    command += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp", "--"]
    return command + python_command(root, ["/course", *packages()])


def mounts(folder: Path) -> list[str]:
    """The white list, all read-only: Python, the packages, the system's libraries, the clean copy."""
    python = Path(sys._base_executable).resolve()
    libraries = [Path(sys.base_prefix) / "lib", Path(sysconfig.get_path("stdlib", vars=base_variables()))]
    places = {python, *libraries, *map(Path, packages()), Path("/etc/ld.so.cache")}
    places |= {Path(name) for name in ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib")}
    places = {place for place in places if place.exists() and str(place) != "/"}
    outer = [p for p in sorted(places) if p.is_symlink() or not any(q in p.parents for q in places)]
    command, made = [], {Path("/tmp")}  # which is there already
    for place in outer:
        for parent in reversed(place.parents):
            if str(parent) != "/" and parent not in made:
                made.add(parent)
                command += ["--perms", "0755", "--dir", str(parent)]
        if place.is_symlink() and place.parent == Path("/"):
            command += ["--symlink", str(place.readlink()), str(place)]
        else:
            command += ["--ro-bind", str(place), str(place)]
    for copy in installed_copies(outer):
        command += ["--tmpfs", str(copy)]
    return [*command, "--ro-bind", str(folder), "/course"]


def base_variables() -> dict[str, str]:
    return {"installed_base": sys.base_prefix, "base": sys.base_prefix, "installed_platbase": sys.base_prefix}


def packages() -> list[str]:
    """The folders of installed packages, as this process has them."""
    found = [importlib.util.find_spec(name) for name in ("torch", "numpy", "safetensors", "jaxtyping")]
    return list(dict.fromkeys(str(Path(spec.origin).parents[1]) for spec in found if spec and spec.origin))


def installed_copies(places: Sequence[Path]) -> Iterator[Path]:
    """Copies of the course with all its answers among the packages: covered."""
    for place in places:
        if place.is_dir() and not place.is_symlink():
            for pattern in ("course_lib", "*-packages/course_lib", "python*/*-packages/course_lib"):
                yield from place.glob(pattern)
