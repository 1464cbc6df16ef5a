"""Where a student's code runs: a fresh process under bubblewrap for every student, so nothing is left to the next.

    with Sandbox(folder) as sandbox:                # folder/course_lib is the clean copy
        for event in sandbox.run(request, frames=6, limits): ...

Inside there is no network, no other process, no file but Python's, torch's and the clean copy, read-only, and
a small /tmp in memory. Bubblewrap run by root makes no user namespace, since its "nobody" would be root outside,
for whom the kernel counts no processes: there the worker itself becomes user 65534 before it loads anything.
"""

import importlib.util
import os
import queue
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from course_lib.errors import CourseError
from course_lib.grading import seccomp
from course_lib.grading.protocol import Frame, ProtocolError, pack, read_frame

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


@dataclass(frozen=True)
class Ended:
    """Why no further frame comes."""

    why: str  # "time", "output", "stopped"
    status: int | None = None
    said: str = ""  # on the standard error before any of the student's code ran


class SandboxError(CourseError):
    """The sandbox cannot be used on this machine."""


def require_bubblewrap(unsafe: bool) -> None:
    if unsafe or shutil.which("bwrap"):
        return
    raise SandboxError(
        "bubblewrap is missing, so submissions could read and delete your files: install it (Debian, Ubuntu: "
        "`apt install bubblewrap`; it needs Linux), or say --unsafe-no-sandbox for submissions that you trust."
    )


def run_worker(
    folder: Path,
    request: bytes,
    frames: int,
    limits: Limits,
    unsafe: bool = False,
    stop: threading.Event | None = None,
) -> Iterator[Frame | Ended]:
    """Frames as they come, at most so many after the first, which says that the worker is there; then `Ended`.

    Each frame must come within the limits, or the process and all it started are killed, as when the caller
    stops asking.
    """
    with started(folder, request, limits, unsafe) as (process, events):
        for k in range(frames + 1):
            allowed = limits.wall_seconds if k else limits.start_seconds
            event = wait_for(events, allowed, stop)
            if not isinstance(event, Ended):
                yield event
                continue
            if event.why == "stopped":
                with suppress(subprocess.TimeoutExpired):
                    process.wait(5)
                said = "" if k else process.stderr.read(4_000).decode(errors="replace").strip()
                event = Ended(ended_by(process.returncode), process.returncode, said)
            yield event
            return


def wait_for(events: queue.Queue, seconds: float, stop: threading.Event | None) -> Frame | Ended:
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if stop is not None and stop.is_set():
            raise KeyboardInterrupt
        with suppress(queue.Empty):
            return events.get(timeout=min(left, 0.25))
    return Ended("time")


def ended_by(status: int | None) -> str:
    """Processor time used up (SIGXCPU, which bubblewrap reports as 128 + 24), or anything else."""
    return "time" if status in (-24, 128 + 24) else "stopped"


@contextmanager
def started(folder: Path, request: bytes, limits: Limits, unsafe: bool) -> Iterator[tuple]:
    """The process, and the queue in which its frames arrive."""
    with tempfile.TemporaryFile() as file, filter_file(unsafe) as filter_fd:
        file.write(request)
        file.seek(0)
        process = subprocess.Popen(
            unsandboxed(folder) if unsafe else sandboxed(folder, limits, filter_fd),
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[filter_fd] if filter_fd is not None else [],
            env=environment(unsafe),
            cwd=folder if unsafe else "/",
            **({"start_new_session": True} if os.name == "posix" else {}),
        )
    events: queue.Queue = queue.Queue(maxsize=4)
    reader = threading.Thread(target=read_all, args=(process.stdout, events), daemon=True)
    reader.start()
    try:
        yield process, events
    finally:
        kill(process, unsafe)
        process.wait()
        while reader.is_alive():
            with suppress(queue.Empty):
                events.get(timeout=0.05)
        process.stdout.close()
        process.stderr.close()


def kill(process: subprocess.Popen, unsafe: bool) -> None:
    """Bubblewrap's end is the end of its whole process namespace; without it the session is all we can reach."""
    if unsafe and os.name == "posix":
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def read_all(stream, events: queue.Queue) -> None:
    try:
        while (frame := read_frame(stream)) is not None:
            events.put(frame)
        events.put(Ended("stopped"))
    except ProtocolError:
        events.put(Ended("output"))
    except (OSError, ValueError):
        events.put(Ended("stopped"))


@contextmanager
def filter_file(unsafe: bool) -> Iterator[int | None]:
    """The system-call filter as a file that bubblewrap reads."""
    program = b"" if unsafe else seccomp.program()
    if not program:
        yield None
        return
    with tempfile.TemporaryFile() as file:
        file.write(program)
        file.seek(0)
        os.set_inheritable(file.fileno(), True)
        yield file.fileno()


# ------------------------------------------------------------------------------------------ command line


def python_command(nobody: bool, folders: Sequence[str]) -> list[str]:
    python = str(Path(sys.executable if os.name == "nt" else sys._base_executable).resolve())
    return [python, "-I", "-S", "-c", BOOT, "become nobody" if nobody else "stay", *folders]


def unsandboxed(folder: Path) -> list[str]:
    return python_command(False, [str(folder), *packages()])


def environment(unsafe: bool) -> dict[str, str]:
    """For a bare worker; bubblewrap clears its own."""
    return (
        {**os.environ, **ENVIRONMENT, "HOME": str(Path.home()), "TMPDIR": tempfile.gettempdir()}
        if unsafe
        else {"PATH": os.environ.get("PATH", "/usr/bin:/bin")}
    )


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
        command += "--unshare-ipc --unshare-pid --unshare-net --unshare-uts --unshare-cgroup-try".split()
        command += "--cap-add CAP_SETUID --cap-add CAP_SETGID".split()
    else:
        command += ["--unshare-all", "--uid", str(NOBODY), "--gid", str(NOBODY)]
    if filter_fd is not None:
        command += ["--seccomp", str(filter_fd)]
    for name, value in ENVIRONMENT.items():
        command += ["--setenv", name, value]
    command += mounts(folder)
    command += [
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--perms",
        "1777",
        "--size",
        str(limits.disk),
        "--tmpfs",
        "/tmp",
    ]
    command += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp", "--"]
    return command + python_command(root, ["/course", *packages()])


def mounts(folder: Path) -> list[str]:
    """The white list: Python, the installed packages, the system's libraries, the clean copy. All read-only."""
    python = Path(sys._base_executable).resolve()
    libraries = [Path(sys.base_prefix) / "lib", Path(sysconfig.get_path("stdlib", vars=base_variables()))]
    places = {python, *libraries, *map(Path, packages()), Path("/etc/ld.so.cache")}
    places |= {Path(name) for name in ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib")}
    places = {place for place in places if place.exists() and str(place) != "/"}
    outer = [p for p in sorted(places) if p.is_symlink() or not any(q in p.parents for q in places)]
    command, made = [], set()
    for place in outer:
        for parent in reversed(place.parents):
            if str(parent) != "/" and parent not in made:
                made.add(parent)
                command += ["--perms", "0755", "--dir", str(parent)]
        if place.is_symlink() and place.parent == Path("/"):
            command += ["--symlink", os.readlink(place), str(place)]
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


def require_sandbox(folder: Path, limits: Limits, unsafe: bool) -> None:
    """Start a worker that has nothing to do, so that a machine where none can run says so before the class starts."""
    require_bubblewrap(unsafe)
    request = pack({"steps": [], "limits": asdict(limits)}, {})
    event = next(run_worker(folder, request, 0, limits, unsafe))
    if isinstance(event, Ended):
        said = event.said.splitlines()[-1] if event.said else f"it ended with status {event.status}"
        raise SandboxError(
            f"the sandbox does not start ({said}): check that bubblewrap may make namespaces here, or say "
            "--unsafe-no-sandbox for submissions that you trust."
        )
