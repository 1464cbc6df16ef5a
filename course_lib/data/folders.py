"""Where data sets lie on this machine, and a cache for those that are slow to read."""

import contextlib
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save

from course_lib.data.batches import ImageSet
from course_lib.errors import CourseError


def data_folders() -> list[Path]:
    """Where data sets are looked for: `COURSE_DATA` if it is set, then the cache folder.

    Downloads go to the first of them.
    """
    named = os.environ.get("COURSE_DATA")
    if not named:
        return [cache_folder()]
    folder = Path(named).expanduser()
    if folder.exists() and not folder.is_dir():
        raise CourseError(f"COURSE_DATA names {folder}, which is a file: set it to a folder, or unset it.")
    return [folder, cache_folder()]


def cache_folder() -> Path:
    """This user's folder for what can be made or fetched again. `XDG_CACHE_HOME` moves it, on any system."""
    try:
        home = Path.home()
    except RuntimeError:  # an account without a home
        home = Path(tempfile.gettempdir())
    system = {"win32": home / "AppData" / "Local", "darwin": home / "Library" / "Caches"}
    return Path(os.environ.get("XDG_CACHE_HOME") or system.get(sys.platform, home / ".cache")) / "course_lib"


def cached(name: str, sources: list[Path], parse: Callable[[], ImageSet]) -> ImageSet:
    """parse(), or what it gave when the same files (path, size, time) were last read."""
    stats = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in sources]
    key = hashlib.sha256(repr(stats).encode()).hexdigest()[:16]
    path = cache_folder() / "parsed" / f"{name}-{key}.safetensors"
    with contextlib.suppress(OSError, SafetensorError):  # not there, or cut short: it is made anew
        return load(path.read_bytes())
    data = parse()
    keep(path, save({name: rows.contiguous() for name, rows in data.items()}))
    return data


def keep(path: Path, content: bytes) -> None:
    """Write whole or not at all: a cache that cannot be kept (read-only, full disk) costs only time."""
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
