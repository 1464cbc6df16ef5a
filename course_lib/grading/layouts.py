"""Whose is a file? The layouts in which submissions come, as a folder or a zip, in one more folder or not.

<student>/<lesson>.ipynb                                      folders
submitted/<student>/<assignment>/<notebook>.ipynb             nbgrader
Full Name_123456_assignsubmission_file_/<any>.ipynb           a Moodle assignment's zip (or flat)
lastfirst_LATE_12345_67890_<any>.ipynb                        a Canvas assignment's zip
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from course_lib.grading.intake import Entry
from course_lib.grading.names import clean

# Only the outermost name decides whose a file is, and of it only the part that the system wrote before the
# student's own file name: a file called Bob_6_assignsubmission_file_x.ipynb is not Bob's.
MOODLE = re.compile(r"([^_]+)_([0-9]{1,20})_assignsubmission_[a-z]+(?:_(.*))?", re.DOTALL)
CANVAS = re.compile(
    r"(?P<name>.+?)_(?:(?P<late>LATE)_)?(?P<id>[0-9]{1,20})_(?:(?P<file_id>[0-9]{1,20})_(?P<file>.+)|(?:text|link)\.html)",
    re.IGNORECASE | re.DOTALL,
)
ANONYMOUS = re.compile(
    r"(?:(?P<late>LATE)_)?anon_(?P<id>[^_]+)_(?P<file_id>[0-9]{1,20})_(?P<file>.+)", re.IGNORECASE | re.DOTALL
)
STRAY = "lies outside every student's folder"


@dataclass(frozen=True)
class Owned:
    """A file, whose it is, and its path from there on."""

    student: str
    fields: tuple[tuple[str, str], ...]
    path: tuple[str, ...]
    entry: Entry

    @property
    def name(self) -> str:
        return clean(self.path[-1], 300) if self.path else ""

    @property
    def is_notebook(self) -> bool:
        return not self.entry.folder and self.name.lower().endswith(".ipynb")

    @property
    def stem(self) -> str:
        return self.name.rpartition(".")[0].casefold()

    @property
    def file_id(self) -> int:
        return int(dict(self.fields).get("file_id", -1))


def owners(entries: list[Entry], root: str, lesson: str) -> Iterable[list[Owned]]:
    """Each entry with its owner: a list of one, or an empty one where it is nobody's."""
    for entry in entries:
        if entry.outside:
            yield [Owned("/".join(entry.parts), (), entry.parts, entry)]
    inside = [entry for entry in entries if not entry.outside]
    wrapped = 0 if root == "submitted" else is_wrapped([entry.parts for entry in inside], lesson)
    inside = [(entry, entry.parts[wrapped:]) for entry in inside if len(entry.parts) > wrapped]
    whose = layout_of([(entry, parts) for entry, parts in inside])
    for entry, parts in inside:
        yield whose(entry, parts)


def is_wrapped(paths: list[tuple[str, ...]], lesson: str) -> int:
    """1 where one folder, no student's, lies around everything; otherwise 0."""
    if len({parts[0] for parts in paths}) != 1 or paths[0][0] == "submitted" or MOODLE.fullmatch(paths[0][0]):
        return 0
    inner = [parts[1] for parts in paths if len(parts) > 1]
    if any(MOODLE.fullmatch(name) for name in inner):
        return 1
    notebooks = [parts for parts in paths if parts[-1].lower().endswith(".ipynb")]
    if notebooks and all(len(parts) == 2 and canvas_match(parts[1]) for parts in notebooks):
        return 1
    deep = bool(notebooks) and all(len(parts) > 2 for parts in notebooks)
    inner = {parts[1] for parts in notebooks if deep}
    if len(inner) == 1 and ("lessons" in inner or any(len(parts) > 3 for parts in notebooks)):
        return 0  # one student, who handed in the clone
    return int(bool(inner - {lesson}))


def layout_of(
    inside: list[tuple[Entry, tuple[str, ...]]],
) -> Callable[[Entry, tuple[str, ...]], list[Owned]]:
    if any(MOODLE.fullmatch(parts[0]) for _, parts in inside):
        return moodle
    if any(len(parts) == 1 and not entry.folder and canvas_match(parts[0]) for entry, parts in inside):
        return canvas
    if any(parts[0] == "submitted" and (entry.folder or len(parts) > 1) for entry, parts in inside):
        return nbgrader
    return folders


def folders(entry: Entry, parts: tuple[str, ...]) -> list[Owned]:
    if len(parts) == 1 and not entry.folder and not entry.refused:
        return stray(entry, parts)
    return [Owned(parts[0], (), parts[1:], entry)]


def nbgrader(entry: Entry, parts: tuple[str, ...]) -> list[Owned]:
    return folders(entry, parts[1:]) if parts[0] == "submitted" and len(parts) > 1 else []


def moodle(entry: Entry, parts: tuple[str, ...]) -> list[Owned]:
    match = MOODLE.fullmatch(parts[0])
    if match is None:
        return stray(entry, parts)
    name, number, file = match.groups()
    blind = name.casefold() == "participant"
    rest = parts[1:] if entry.folder or len(parts) > 1 else (file or parts[0],)
    return [Owned(f"{name} {number}" if blind else name, (("moodle_id", number),), rest, entry)]


def canvas(entry: Entry, parts: tuple[str, ...]) -> list[Owned]:
    match = canvas_match(parts[0])
    if match is None or len(parts) > 1:
        return stray(entry, parts)
    found = {key: value for key, value in match.groupdict().items() if value}
    fields = [("file_id", found["file_id"])] if "file_id" in found else []
    fields += [("late", "yes")] if "late" in found else []
    if "name" not in found:
        return [Owned(f"anonymous {found['id']}", tuple(fields), (found["file"],), entry)]
    fields.append(("canvas_id", found["id"]))
    return [Owned(found["name"], tuple(fields), (found.get("file", parts[0]),), entry)]


def canvas_match(name: str) -> re.Match | None:
    return ANONYMOUS.fullmatch(name) or CANVAS.fullmatch(name)


def stray(entry: Entry, parts: tuple[str, ...]) -> list[Owned]:
    """A notebook that is no student's gets a row that says so; other files are no concern of ours."""
    if entry.folder or not parts[-1].lower().endswith(".ipynb"):
        return []
    return [Owned("/".join(parts), (), parts, replace(entry, refused=entry.refused or STRAY))]
