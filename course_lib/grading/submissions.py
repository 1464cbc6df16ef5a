"""Who handed in what: one row a student, in whatever layout of `layouts` the submissions come.

Whatever is wrong with a student's files becomes that row's problem; the others' rows do not change.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from course_lib.errors import CourseError
from course_lib.grading.intake import opened
from course_lib.grading.layouts import STRAY, Owned, owners
from course_lib.grading.names import clean
from course_lib.lessons import LESSONS

COPY = re.compile(r"(?:[-_ ]*copy\d*|\s*\(\d+\)|-\d+)$", re.IGNORECASE)  # what browsers, Jupyter, Canvas add


@dataclass(frozen=True)
class Submission:
    """What one student handed in, less the outputs. `notebook` is None where there is a problem."""

    student: str
    notebook: bytes | None
    problem: str | None = None
    notes: tuple[str, ...] = ()
    fields: dict = field(default_factory=dict)  # for import files: moodle_id, canvas_id, assignment ...


def find_submissions(path: Path, lesson: str) -> list[Submission]:
    """The submissions of a lesson ("01_vae") in a folder or a zip, sorted by name; no two students alike."""
    path = Path(path)
    with opened(path) as entries:
        owned = [found for entry in owners(entries, path.name, lesson) for found in entry]
        people: dict[tuple, list[Owned]] = {}
        for found in owned:
            people.setdefault(identity(found), []).append(found)
        rows = [submission(files, lesson) for files in people.values()]
    if all(found.entry.refused == STRAY for found in owned):
        raise CourseError(
            f"there are no submissions in {path}; it must hold a folder a student, with {lesson}.ipynb "
            "in it, or be the zip that Moodle or Canvas makes of an assignment"
        )
    return sorted(distinct(rows), key=lambda row: (row.student.casefold(), row.student))


def identity(found: Owned) -> tuple:
    """What makes two files one student's."""
    return found.student, tuple(pair for pair in found.fields if pair[0] in ("moodle_id", "canvas_id"))


# ------------------------------------------------------------------------------------------ one student


def submission(files: list[Owned], lesson: str) -> Submission:
    fields = {key: value for found in files for key, value in found.fields if key != "file_id"}
    row = Submission(files[0].student, None, fields=fields)
    notes = ["handed in late, says Canvas"] if fields.get("late") else []
    try:
        chosen, said = choose(files, lesson)
        notes += said
        data = without_outputs(chosen.entry.read())
    except CourseError as error:
        return replace(row, problem=str(error), notes=tuple(notes))
    if len(chosen.path) > 1:
        fields["assignment"] = clean(chosen.path[0])
    return replace(row, notebook=data, notes=tuple(notes))


def without_outputs(notebook: bytes) -> bytes:
    """Without what is not graded and is most of its bytes, so that a class fits into memory.

    What cannot be read stays as it is: `read_answers` says what is wrong with it.
    """
    try:
        data = json.loads(notebook.decode("utf-8-sig"))
        for cell in data["cells"]:
            cell.pop("outputs", None)
            cell.pop("attachments", None)
        return json.dumps(data).encode()
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, MemoryError):
        return notebook


def choose(files: list[Owned], lesson: str) -> tuple[Owned, list[str]]:
    """The notebook that is the answer, and what is to be said of it; a CourseError where there is none."""
    notebooks = [found for found in files if found.is_notebook]
    refused = [found for found in files if found.entry.refused]
    open_ones = [found for found in notebooks if not found.entry.refused]
    ways = (named(open_ones, lesson), copies(open_ones, lesson), unnamed(open_ones))
    pool = next((way for way in ways if way), [])
    if refused and not pool:
        what = refused[0]
        raise CourseError(f"{what.name or clean(what.student)} {what.entry.refused}")
    if not pool:
        others = sorted({found.name for found in files if found.path and not found.entry.folder})
        among = f" among what was handed in ({listing(others)})" if others else ", the folder is empty"
        raise CourseError(f"there is no notebook {lesson}.ipynb{among}")
    notes = [f"{found.name} {found.entry.refused}" for found in refused]
    chosen = only(pool, lesson, notes)
    if rest := [found for found in (*ways[0], *ways[1]) if found not in pool and found is not chosen]:
        notes.append(f"{chosen.name} was graded, not {listing(sorted({found.name for found in rest}))}")
    if COPY.sub("", chosen.stem) != lesson.casefold():
        notes.append(f"the notebook is called {chosen.name}, not {lesson}.ipynb")
    return chosen, notes


def named(notebooks: list[Owned], lesson: str) -> list[Owned]:
    found = [one for one in notebooks if one.stem == lesson.casefold()]
    newest = [one for one in found if one.file_id >= 0]
    # On Canvas a second upload is called 01_vae-1.ipynb: there copies count as much as the name itself.
    return found if not newest else copies(notebooks, lesson)


def copies(notebooks: list[Owned], lesson: str) -> list[Owned]:
    return [found for found in notebooks if COPY.sub("", found.stem) == lesson.casefold()]


def unnamed(notebooks: list[Owned]) -> list[Owned]:
    """Notebooks under names of their own, which are no other lesson's."""
    others = {lesson.name.casefold() for lesson in LESSONS}
    return [found for found in notebooks if COPY.sub("", found.stem) not in others]


def only(pool: list[Owned], lesson: str, notes: list[str]) -> Owned:
    """One of several notebooks, where there is a reason to prefer it; otherwise a CourseError."""
    in_place = [found for found in pool if len(found.path) > 1 and found.path[-2] == lesson]
    pool = in_place if len(in_place) == 1 else pool
    if len(pool) == 1:
        return pool[0]
    names = listing(sorted(clean("/".join(found.path)) for found in pool))
    newest = sorted(pool, key=lambda found: found.file_id)
    if newest[-1].file_id > newest[-2].file_id:
        notes.append(f"there are {len(pool)} notebooks ({names}); the one uploaded last was graded")
        return newest[-1]
    if len({found.entry.read() for found in pool}) == 1:
        notes.append(f"there are {len(pool)} equal notebooks ({names}); one was graded")
        return pool[0]
    raise CourseError(f"there are {len(pool)} notebooks for one student ({names}); keep the one that counts")


def listing(names: list[str], most: int = 4) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


# ------------------------------------------------------------------------------------------ all students


def distinct(rows: list[Submission]) -> list[Submission]:
    """Names made fit to be shown, and different from one another."""
    rows = [replace(row, student=clean(row.student) or "no name") for row in rows]
    count = Counter(row.student for row in rows)
    alike = Counter(name.casefold() for name in count)
    found, seen = [], set(count)
    for row in rows:
        name = row.student
        if count[name] > 1:
            number = row.fields.get("moodle_id") or row.fields.get("canvas_id")
            name = f"{row.student} ({number})" if number else row.student
            k = 0
            while name in seen:
                k += 1
                name = f"{row.student} ({k})"
            seen.add(name)
            row = replace(
                row, notes=(*row.notes, f"{count[row.student]} submissions are called {row.student}")
            )
        elif alike[name.casefold()] > 1:
            row = replace(
                row, notes=(*row.notes, "another submission's name differs only in capital letters")
            )
        found.append(replace(row, student=name))
    return found
