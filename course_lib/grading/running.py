"""One worker, from its start to its end: frames as they come, within time and size, and nothing left behind.

    for event in run_worker(folder, request, frames=6, limits=Limits()): ...  # in `folder`: the clean copy

A worker serves one student and is killed with all that it started, so nothing of one can reach the next.
"""

import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from course_lib.grading import seccomp
from course_lib.grading.protocol import Frame, ProtocolError, pack, read_frame
from course_lib.grading.sandbox import (
    Limits,
    SandboxError,
    environment,
    require_bubblewrap,
    sandboxed,
    unsandboxed,
)


@dataclass(frozen=True)
class Ended:
    """Why no further frame comes."""

    why: str  # "time", "output", "killed", "stopped"
    status: int | None = None
    said: str = ""  # on the standard error before any of the student's code ran


def run_worker(
    folder: Path,
    request: bytes,
    frames: int,
    limits: Limits,
    unsafe: bool = False,
    stop: threading.Event | None = None,
) -> Iterator[Frame | Ended]:
    """Frames as they come, at most so many after the first, which says that the worker runs; then `Ended`.

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
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.5)  # after the last frame it leaves of itself


def wait_for(events: queue.Queue, seconds: float, stop: threading.Event | None) -> Frame | Ended:
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if stop is not None and stop.is_set():
            raise KeyboardInterrupt
        with suppress(queue.Empty):
            return events.get(timeout=min(left, 0.25))
    return Ended("time")


def ended_by(status: int) -> str:
    """Processor time used up (SIGXCPU), killed (SIGKILL: a limit that cannot be ignored), or anything else.

    Bubblewrap reports the end by a signal as 128 and the signal's number.
    """
    return {24: "time", 9: "killed"}.get(-status if status < 0 else status - 128, "stopped")


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
    try:
        reader.start()
        yield process, events
    finally:
        kill(process)
        process.wait()
        while reader.is_alive():
            with suppress(queue.Empty):
                events.get(timeout=0.05)
        process.stdout.close()
        process.stderr.close()


def kill(process: subprocess.Popen) -> None:
    """The whole session: bubblewrap's child lives on where its parent ends while the two still set it up."""
    if os.name == "posix":
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


def require_sandbox(folder: Path, limits: Limits, unsafe: bool) -> None:
    """Start a worker that has nothing to do: a machine where none can run says so before the class starts."""
    require_bubblewrap(unsafe)
    request = pack({"steps": [], "limits": asdict(limits)}, {})
    event = next(run_worker(folder, request, 0, limits, unsafe))
    if isinstance(event, Ended):
        said = event.said.splitlines()[-1] if event.said else f"it ended with status {event.status}"
        raise SandboxError(
            f"the sandbox does not start ({said}): check that bubblewrap may make namespaces here, or say "
            "--unsafe-no-sandbox for submissions that you trust."
        )
