"""`course release`: solutions/NN_name.py, the one source, makes its notebook and the student's lesson.

    solutions/NN.py --> solutions/NN.ipynb (executed on demand) --> lessons/NN.ipynb, NN.py and pictures/NN/

Two runs give the same bytes. Nothing goes by timestamps, so never `jupytext --sync`.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode
from PIL import Image

from course_lib.errors import CourseError
from course_lib.grading.outputs import carry_over, presentable, staleness
from course_lib.grading.source import images, read_source, tags
from course_lib.grading.student import Picture, student_version, to_percent
from course_lib.lessons import Lesson
from course_lib.notebook.execute import CellFailed, course_root, execute, read_notebook, to_text
from course_lib.writing import write_whole

BIG = 2_000_000  # bytes of a notebook that a browser still opens at once


@dataclass(frozen=True)
class Made:
    """All that a source makes, before anything is written."""

    solution: NotebookNode
    texts: dict[Path, str]
    pictures: dict[Path, Picture]


def release(
    names: list[str],
    *,
    check: bool = False,
    execute: bool = False,
    tier: str | None = None,
    root: Path | None = None,
    progress: bool = True,
) -> int:
    """Make the lessons of these names (all, if none is given); 0 if all is well, 1 if not.

    `check` writes nothing and prints what is out of step. `execute` runs the solutions first, in `tier`.
    """
    if check and execute:
        raise CourseError("--check writes nothing and --execute writes outputs; choose one of them")
    root = root or course_root()
    lessons = find_lessons(names, root)
    if check:
        problems = [problem for lesson in lessons for problem in out_of_step(lesson, root)]
        print("\n".join(problems) if problems else f"{len(lessons)} lessons are in step with their sources")
        return 1 if problems else 0
    return max([make(lesson, root, execute, tier or "cpu", progress) for lesson in lessons], default=0)


def find_lessons(names: list[str], root: Path) -> list[Lesson]:
    """The lessons whose names, or beginnings of names, are given."""
    sources = sorted((root / "solutions").glob("[0-9][0-9]_*.py"))
    for name in names:
        if not any(path.stem.startswith(name) for path in sources):
            raise CourseError(
                f"there is no lesson {name!r}; there are {', '.join(p.stem for p in sources) or 'none'}"
            )
    return [Lesson(p.stem, "") for p in sources if not names or any(p.stem.startswith(n) for n in names)]


def make(lesson: Lesson, root: Path, run: bool, tier: str, progress: bool) -> int:
    """Write everything that the source makes; nothing at all if a cell fails."""
    solution = solution_notebook(lesson, root)
    if run:
        try:
            execute(solution, cwd=root / "solutions", tier=tier, progress=progress, name=lesson.name)
        except CellFailed as error:
            print(f"{solution.cells[error.index].source}\n\n{error}; nothing was saved", file=sys.stderr)
            return 1
        presentable(solution, root)
    made = make_all(lesson, root, solution)
    for path, text in made.texts.items():
        if text_of(path) != text:
            write_whole(path, text)
            print(f"wrote {shown(path, root)}")
        if len(text) > BIG:
            print(
                f"{shown(path, root)} has {len(text) / 1e6:.1f} MB; show fewer or smaller pictures",
                file=sys.stderr,
            )
    for path, picture in made.pictures.items():
        if not is_picture(path):
            write_whole(path, picture.webp())
            print(f"wrote {shown(path, root)}")
    for path in orphans(lesson, root, made):
        path.unlink()
        print(f"removed {shown(path, root)}")
    if problem := staleness(made.solution):
        print(stale(lesson, root, problem))
    return 0


def out_of_step(lesson: Lesson, root: Path) -> Iterator[str]:
    """One sentence for each file that is not what the source makes."""
    mend = f"`course release {lesson.name}`"
    made = make_all(lesson, root, solution_notebook(lesson, root))
    for path, text in made.texts.items():
        if text_of(path) != text:
            yield f"{shown(path, root)} is not what its source makes; {mend} makes it again"
    for path in made.pictures:
        if not is_picture(path):
            yield f"{shown(path, root)} is missing or broken; {mend} makes it again"
    for path in orphans(lesson, root, made):
        yield f"{shown(path, root)} is shown nowhere; {mend} removes it"
    if problem := staleness(made.solution):
        yield stale(lesson, root, problem)
    else:
        for cell in made.solution.cells:
            if "kept-picture" in tags(cell) and not list(images(cell)):
                where = shown(lesson.source(root), root)
                yield f"{where}: cell {cell.id} is to keep its picture but shows none"


def stale(lesson: Lesson, root: Path, problem: str) -> str:
    return f"{shown(lesson.solution(root), root)} {problem}; `course release {lesson.name} --execute` runs it"


def solution_notebook(lesson: Lesson, root: Path) -> NotebookNode:
    """The notebook of the source, with the outputs that are still true."""
    source = read_source(lesson.source(root), known_exercises())
    old = lesson.solution(root)
    return carry_over(source, read_notebook(old) if old.exists() else None)


def make_all(lesson: Lesson, root: Path, solution: NotebookNode) -> Made:
    student, pictures = student_version(solution, lesson.name)
    texts = {
        lesson.solution(root): to_text(solution),
        lesson.notebook(root): to_text(student),
        lesson.notebook(root).with_suffix(".py"): to_percent(student),
    }
    return Made(solution, texts, {root / "lessons" / picture.path: picture for picture in pictures})


def text_of(path: Path) -> str | None:
    """The text of a file, whatever its line ends; None if there is none to read."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def orphans(lesson: Lesson, root: Path, made: Made) -> list[Path]:
    return sorted(set((root / "lessons" / "pictures" / lesson.name).glob("*.webp")) - set(made.pictures))


def is_picture(path: Path) -> bool:
    try:
        with Image.open(path) as picture:
            picture.load()
        return True
    except OSError:
        return False


def known_exercises() -> dict[str, int]:
    """The points of every exercise, by its name."""
    from course_lib.checks.engine import catalogue  # imports torch and every lesson's answers

    return {name: exercise.points for name, exercise in catalogue().items()}


def shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
