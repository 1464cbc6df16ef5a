"""Files that are there as a whole or not at all."""

from contextlib import suppress
from pathlib import Path

from course_lib.errors import CourseError


def write_whole(path: Path, data: bytes | str) -> None:
    """Write all of it (text as UTF-8), or leave the file as it was: a full disk or a power cut tears none."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data.encode() if isinstance(data, str) else data)
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise CourseError(
            f"{path} cannot be written ({error.strerror}); make room there and try again"
        ) from error
