"""The files of a folder or of a zip that somebody else filled: names first, bytes on demand and only so many.

Nothing is ever unpacked to disk. Links, paths that lead outside and whatever is no plain file are refused,
and the entry says so.
"""

import os
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from course_lib.errors import CourseError

MOST_FILES = 50_000  # in a folder or a zip
MOST_BYTES = 20_000_000  # of one notebook
DEEPEST = 5  # folders in folders
JUNK = re.compile(r"\..*|__MACOSX|__pycache__|Thumbs\.db|desktop\.ini")  # .ipynb_checkpoints among them
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others cannot be read a bounded piece at a time


@dataclass(frozen=True)
class Entry:
    """A file, or a folder, by its path inside what was handed in."""

    parts: tuple[str, ...]
    read: Callable[[], bytes]  # raises a CourseError: too big, broken
    folder: bool = False
    refused: str | None = None  # why it is not read: reads after its name
    outside: bool = False  # its path leads out of the zip, so that nobody can be said to own it


@contextmanager
def opened(path: Path) -> Iterator[list[Entry]]:
    """The entries of a folder or a zip; they can be read as long as it is open."""
    if path.is_dir():
        yield list(of_folder(path))
    elif not path.is_file():
        raise CourseError(f"there is nothing at {path}; give the folder or the zip with the submissions")
    else:
        try:
            archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise CourseError(
                f"{path} is neither a folder nor a zip that can be read ({error}); download it again"
            ) from error
        with archive:
            yield list(of_zip(archive, path))


# ------------------------------------------------------------------------------------------- a folder


def of_folder(root: Path) -> Iterator[Entry]:
    for found, entry in enumerate(walk(root, ()), start=1):
        if found > MOST_FILES:
            raise too_many(root)
        yield entry


def walk(folder: Path, above: tuple[str, ...]) -> Iterator[Entry]:
    try:
        items = sorted(os.scandir(folder), key=lambda item: item.name)
    except OSError as error:
        if not above:
            raise CourseError(f"{folder} cannot be opened ({error.strerror})") from error
        yield Entry(above, nothing, folder=True, refused=f"cannot be opened ({error.strerror})")
        return
    for item in items:
        if JUNK.fullmatch(item.name):
            continue
        parts = (*above, item.name)
        try:
            mode = item.stat(follow_symlinks=False).st_mode
        except OSError as error:
            yield Entry(parts, nothing, refused=f"cannot be read ({error.strerror})")
            continue
        if stat.S_ISDIR(mode) and not is_junction(item):
            yield Entry(parts, nothing, folder=True)
            if len(parts) < DEEPEST:
                yield from walk(Path(item.path), parts)
        elif stat.S_ISREG(mode):
            yield Entry(parts, lambda path=Path(item.path): bytes_of_file(path))
        else:
            what = "a link to somewhere else" if stat.S_ISLNK(mode) or is_junction(item) else "no plain file"
            yield Entry(parts, nothing, refused=f"is {what} and was not followed")


def is_junction(item: os.DirEntry) -> bool:
    """Windows' links between folders (asked of Python 3.12 and newer; before, they look like folders)."""
    return bool(getattr(item, "is_junction", lambda: False)())


def bytes_of_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return bounded(file.read(MOST_BYTES + 1))
    except OSError as error:
        raise CourseError(f"cannot be read ({error.strerror})") from error


# --------------------------------------------------------------------------------------------- a zip


def of_zip(archive: zipfile.ZipFile, path: Path) -> Iterator[Entry]:
    if len(archive.infolist()) > MOST_FILES:
        raise too_many(path)
    for info in archive.infolist():
        named = info.orig_filename  # `filename` ends at a zero byte
        parts = tuple(part for part in re.split(r"[/\\]", named) if part not in ("", "."))
        if not parts or any(JUNK.fullmatch(part) and part != ".." for part in parts):
            continue
        if ".." in parts or re.match(r"[/\\]|[A-Za-z]:", named) or "\0" in named:
            words = "has a path that leads out of the zip and was refused"
            yield Entry(parts, nothing, refused=words, outside=True)
        elif len(parts) <= DEEPEST + 1:
            refused = unfit(info)
            read = nothing if refused else lambda info=info: bytes_of_member(archive, info)
            yield Entry(parts, read, folder=info.is_dir(), refused=refused)


def unfit(info: zipfile.ZipInfo) -> str | None:
    """Why this member is not to be read. (Windows writes no mode, so that kind is 0.)"""
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "is a link to somewhere else and was not followed"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is no plain file and was refused"
    if info.compress_type not in METHODS:
        return "is compressed in an unusual way (a plain zip has deflate)"
    return None


def bytes_of_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """What unpacks, up to the limit, whatever size the zip's header promises."""
    try:
        with archive.open(info) as file:
            return bounded(file.read(MOST_BYTES + 1))
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        raise CourseError(f"cannot be unpacked ({error})") from error


def bounded(data: bytes) -> bytes:
    if len(data) > MOST_BYTES:
        raise CourseError(f"is larger than {MOST_BYTES / 1e6:.0f} MB (clear its outputs and save it again)")
    return data


def nothing() -> bytes:
    raise CourseError("cannot be read")


def too_many(path: Path) -> CourseError:
    return CourseError(f"{path} holds more than {MOST_FILES:,} files; give the submissions alone")
