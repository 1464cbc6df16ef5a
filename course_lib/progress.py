"""The page that `course lab` opens: the table of lessons, and how many of its checks a student has passed.

`course lab` tells the notebooks by an environment variable where progress is kept; `check` then records what
it passed, and renews the page. Everywhere else (tests, CI, releases) the variable is not set and nothing is
written. Standard library only: the page is made before the environment need be there.
"""

import json
import os
import re
from pathlib import Path

from course_lib.bootstrap import ROOT
from course_lib.lessons import LESSONS, Lesson

VARIABLE = "COURSE_PROGRESS"  # the file: ["vae/kl", ...], the exercises whose check has passed
PAGE = "Lessons.md"  # beneath lessons/
CHECK = re.compile(r"""\bcheck\(\s*["']([^"']+)["']""")
HEAD = """\
# The lessons

Open one by its name; each runs on two CPU cores in minutes. What you have solved is counted here, on your
machine only.

| | lesson | exercises solved |
|---|---|---|
"""


def progress_file(root: Path = ROOT) -> Path:
    return root / ".course" / "progress.json"


def record(exercise: str) -> None:
    """Remember that the check of the exercise has passed, if `course lab` asked for it."""
    if not (place := os.environ.get(VARIABLE)):
        return
    path = Path(place)
    solved = read(path)
    if exercise in solved:
        return
    try:
        write(path, json.dumps(sorted([*solved, exercise]), indent=1) + "\n")
        write_page(path.parents[1])
    except OSError:  # a read-only course: the lesson matters more than the count
        return


def read(path: Path) -> list[str]:
    """The exercises solved; none where the file is missing or damaged."""
    try:
        solved = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return [name for name in solved if isinstance(name, str)] if isinstance(solved, list) else []


def write_page(root: Path = ROOT) -> Path:
    """Make lessons/Lessons.md as things stand now, and return its path."""
    solved = set(read(progress_file(root)))
    rows = [row(lesson, exercises(lesson.notebook(root)), solved) for lesson in LESSONS]
    page = root / "lessons" / PAGE
    write(page, HEAD + "\n".join(rows) + "\n")
    return page


def row(lesson: Lesson, names: list[str], solved: set[str]) -> str:
    done = sum(name in solved for name in names)
    bar = "●" * done + "○" * (len(names) - done)
    words = f"{bar} {done} of {len(names)}" if names else "–"
    return f"| {lesson.name[:2]} | [{lesson.title}]({lesson.name}.ipynb) | {words} |"


def exercises(notebook: Path) -> list[str]:
    """The exercises of a lesson, in its order: those that its graded cells check."""
    try:
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
    except (OSError, ValueError, KeyError):
        return []
    graded = [c for c in cells if c.get("metadata", {}).get("nbgrader", {}).get("grade")]
    return [name for cell in graded for name in CHECK.findall("".join(cell["source"]))]


def write(path: Path, text: str) -> None:
    """Whole or not at all: another notebook may be reading."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_text(text, "utf-8")
    new.replace(path)
