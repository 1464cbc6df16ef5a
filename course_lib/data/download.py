"""Downloads that end: torchvision fetches the files under time-outs, and a failure is a sentence."""

import contextlib
import http.client
import os
import socket
import tempfile
import threading
import time
import urllib.request
import zlib
from functools import cache
from pathlib import Path

from course_lib.data.folders import cache_folder, keep

PROBE_SECONDS = 3.0  # how long a server may take to answer at all
READ_SECONDS = 10.0  # how long it may pause between two pieces
RETRY_SECONDS = 600.0  # after no server answered, how long until a new process asks again
NO_ANSWER = "no server of MNIST answers (with a network, try again in ten minutes)"


def download_mnist(folder: Path) -> str:
    """Fetch MNIST into folder/MNIST/raw, whole or not at all.

    Returns "" or why it did not work, as the end of a sentence. `COURSE_OFFLINE=1` skips it.
    """
    if os.environ.get("COURSE_OFFLINE", "0") not in ("", "0"):
        return "COURSE_OFFLINE is set"
    return _try_once(folder)


@cache  # once a process: its train and test images must come from one set
def _try_once(folder: Path) -> str:
    stamp = cache_folder() / "no-network"
    with contextlib.suppress(OSError):
        if 0 <= time.time() - stamp.stat().st_mtime < RETRY_SECONDS:
            return NO_ANSWER
    from torchvision.datasets import MNIST  # here, since it takes a second

    if not any(answers(mirror + MNIST.resources[0][0]) for mirror in MNIST.mirrors):
        keep(stamp, b"")
        return NO_ANSWER
    raw = folder / "MNIST" / "raw"
    try:
        raw.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=raw, prefix="downloading-") as part, _patience(READ_SECONDS):
            MNIST(part, download=True)
            for name, _ in MNIST.resources:
                plain = name.removesuffix(".gz")
                (Path(part) / "MNIST" / "raw" / plain).replace(raw / plain)
    except (OSError, RuntimeError, EOFError, zlib.error, http.client.HTTPException) as error:
        mend = "run this again, or put its files into COURSE_DATA/MNIST/raw"
        return f"its download failed ({_reason(error)}; {mend})"
    return ""


def answers(url: str) -> bool:
    """Does this server have that file? Asked in a thread, since looking up a name obeys no time-out."""
    found: list[bool] = []

    def ask() -> None:
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            request = urllib.request.Request(url, method="HEAD")
            with urllib.request.urlopen(request, timeout=PROBE_SECONDS) as answer:
                found.append(answer.status == 200)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS)
    return found == [True]


@contextlib.contextmanager
def _patience(seconds: float):
    """Give every socket a time-out: torchvision gives its own none."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _reason(error: Exception) -> str:
    if number := getattr(error, "errno", None):
        return os.strerror(number)
    return (str(error).strip().splitlines() or [type(error).__name__])[-1].strip().rstrip(".")
