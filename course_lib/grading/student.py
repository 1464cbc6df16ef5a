"""The student's version of a lesson: stubs for answers, no outputs, pictures to compare with."""

import base64
import copy
import hashlib
import io
import re
from dataclasses import dataclass

import jupytext
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from PIL import Image

from course_lib.errors import CourseError
from course_lib.grading.source import checked_name, grade_id, images, is_answer, tags, with_stubs
from course_lib.notebook.execute import forget_outputs

NBVAL_COMMENT = re.compile(r"^\s*#\s*NBVAL_\w+.*\n?", re.MULTILINE)


@dataclass(frozen=True)
class Picture:
    """A picture that a lesson shows as what the student should see."""

    path: str  # relative to lessons/; its name holds a hash of `data`
    data: bytes  # as the solution shows it: PNG, JPEG or WebP

    def webp(self) -> bytes:
        """About a tenth of the PNG. (Other versions of Pillow give other bytes: compare names, not bytes.)"""
        picture = Image.open(io.BytesIO(self.data)).convert("RGBA")
        paper = Image.new("RGBA", picture.size, "white")
        file = io.BytesIO()
        Image.alpha_composite(paper, picture).convert("RGB").save(file, "WEBP", quality=85, method=6)
        return file.getvalue()


def student_version(solution: NotebookNode, name: str) -> tuple[NotebookNode, list[Picture]]:
    """The lesson `name` made from its solution, which must have passed the rules of `source`."""
    lesson, cells, pictures = copy.deepcopy(solution), [], []
    exercises = {grade_id(cell): checked_name(cell) for cell in lesson.cells}
    for cell in lesson.cells:
        if "solution-only" in tags(cell):
            continue
        if is_answer(cell):
            cell.source, _ = with_stubs(cell.source, exercises[f"{grade_id(cell)}-check"])
        without_nbval(cell)
        cells.append(cell)
        if "kept-picture" in tags(cell):
            note, kept = you_should_see(cell, name)
            cells += [note] if kept else []
            pictures += kept
    lesson.cells = cells
    forget_outputs(lesson)
    return lesson, pictures


def without_nbval(cell: NotebookNode) -> None:
    """The marks for the tests are of no use to a student, whose notebook keeps no outputs to compare with."""
    if cell.cell_type == "code":
        cell.source = NBVAL_COMMENT.sub("", cell.source).rstrip("\n")
    if "tags" in cell.metadata:
        cell.metadata.tags = [tag for tag in tags(cell) if not tag.startswith("nbval-")]
        if not cell.metadata.tags:
            del cell.metadata["tags"]


def you_should_see(cell: NotebookNode, name: str) -> tuple[NotebookNode, list[Picture]]:
    """A folded cell with the pictures that the solution shows, as compressed files beside the lesson."""
    pictures, lines = [], ["<details>", "<summary>You should now see something like this</summary>", ""]
    for k, (_, data, alt) in enumerate(images(cell), start=1):
        if not alt.strip():
            raise CourseError(f"{name}: picture {k} of cell {cell.id} has no alt text; show it with alt=...")
        picture = as_picture(base64.b64decode(data), f"pictures/{name}/{cell.id}-{k}")
        pictures.append(picture)
        lines += [f"![{as_alt(alt)}]({picture.path})", ""]
    note = new_markdown_cell("\n".join([*lines, "</details>"]))
    note.id = f"{cell.id}-picture"
    return note, pictures


def as_picture(data: bytes, stem: str) -> Picture:
    return Picture(f"{stem}-{hashlib.sha256(data).hexdigest()[:8]}.webp", data)


def as_alt(text: str) -> str:
    """Alt text as Markdown takes it: one line, brackets escaped."""
    return re.sub(r"([\[\]\\])", r"\\\1", " ".join(text.split()))


def to_percent(notebook: NotebookNode) -> str:
    """The twin in py:percent, with the cells' metadata and without a header (so nothing pairs it)."""
    twin = copy.deepcopy(notebook)
    twin.metadata = NotebookNode(
        {"jupytext": {"notebook_metadata_filter": "-all", "cell_metadata_filter": "all"}}
    )
    return jupytext.writes(twin, fmt="py:percent")
