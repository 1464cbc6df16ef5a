"""What an executed notebook may keep: outputs of unchanged cells, stable ids, nothing of this machine."""

import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path

from nbformat import NotebookNode

import course_lib
from course_lib.grading.source import grade_id
from course_lib.notebook.execute import is_code

# Without versions and names of this machine: they would differ after every run.
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}
WIDGET = "application/vnd.jupyter.widget-view+json"
LIKE = 0.5  # a cell whose text is at least this like an old cell's is that cell, edited, and keeps its id


def carry_over(source: NotebookNode, old: NotebookNode | None) -> NotebookNode:
    """The source's cells with ids, and with the old notebook's outputs where a cell is unchanged.

    (`jupytext --update` would also keep the stale outputs of changed cells.)
    """
    old_cells = old.cells if old is not None else []
    ids = IDs(grade_id(cell) for cell in source.cells)
    matched = dict(matches(source.cells, old_cells))
    for index, cell in enumerate(source.cells):
        twin = old_cells[matched[index]] if index in matched else None
        cell.id = grade_id(cell) or ids.new(twin.id if twin is not None else digest(cell.source))
        if cell.cell_type == "code":
            same = twin is not None and twin.source == cell.source
            cell.outputs = list(tidy(twin.outputs)) if same else []
            cell.execution_count = twin.execution_count if same else None
            for output in cell.outputs:
                if "execution_count" in output:
                    output.execution_count = cell.execution_count
    source.metadata = NotebookNode(METADATA)
    source.nbformat, source.nbformat_minor = 4, 5
    return source


def matches(new: list[NotebookNode], old: list[NotebookNode]) -> Iterator[tuple[int, int]]:
    """Pairs (index in new, index in old): equal cells in order, and between them cells that were edited."""
    keys = [[(cell.cell_type, cell.source) for cell in cells] for cells in (new, old)]
    for kind, i, i_end, j, j_end in SequenceMatcher(None, keys[1], keys[0], autojunk=False).get_opcodes():
        if kind == "equal":
            yield from zip(range(j, j_end), range(i, i_end), strict=True)
        elif kind == "replace":
            free = list(range(i, i_end))
            for index in range(j, j_end):
                for candidate in free:
                    same_type = old[candidate].cell_type == new[index].cell_type
                    if (
                        same_type
                        and SequenceMatcher(None, old[candidate].source, new[index].source).ratio() > LIKE
                    ):
                        free = [k for k in free if k > candidate]
                        yield index, candidate
                        break


class IDs:
    """Cell ids, each given once; the grade ids are taken from the start."""

    def __init__(self, taken: Iterator[str | None]):
        self.taken = {name for name in taken if name}

    def new(self, wish: str) -> str:
        name, n = wish, 1
        while name in self.taken:
            n += 1
            name = f"{wish}-{n}"
        self.taken.add(name)
        return name


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def tidy(outputs: list[NotebookNode]) -> Iterator[NotebookNode]:
    """Outputs that show something without a kernel: no widgets, and of a progress bar only its last state."""
    for output in outputs:
        data = output.get("data", {})
        if WIDGET in data:
            del data[WIDGET]
            if set(data) <= {"text/plain"}:  # "interactive(children=...)"
                continue
        if output.output_type == "stream":
            output.text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in output.text.split("\n"))
        yield output


def presentable(notebook: NotebookNode, root: Path) -> NotebookNode:
    """A notebook just executed, tidied in place; paths of this machine and addresses in its text replaced."""
    folders = machine_folders(root)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = list(tidy(cell.outputs))
            for output in cell.outputs:
                if "text" in output:
                    output.text = without_paths(output.text, folders)
                for mime, text in output.get("data", {}).items():
                    if mime.startswith("text/") and isinstance(text, str):
                        output.data[mime] = without_paths(text, folders)
    return notebook


def without_paths(text: str, folders: dict[str, str]) -> str:
    """`text` with each folder's name for its path, except inside embedded pictures."""
    parts = re.split(r"(base64,[\w+/=]+)", text)
    for k in range(0, len(parts), 2):
        parts[k] = re.sub(r"\S*ipykernel_\d+[/\\]\d+\.py", "cell.py", parts[k])
        for folder, name in sorted(folders.items(), key=lambda item: -len(item[0])):
            parts[k] = re.sub(
                rf"(?<![\w.-]){re.escape(folder)}(?![\w-])", lambda _, name=name: name, parts[k]
            )
        parts[k] = re.sub(r"\b0x[0-9a-f]{8,}\b", "0x...", parts[k])
    return "".join(parts)


def machine_folders(root: Path) -> dict[str, str]:
    """Folders of this machine, and what the reader sees instead."""
    folders = {
        tempfile.gettempdir(): "$TMPDIR",
        str(Path.home()): "~",
        sys.base_prefix: "$PYTHON",
        sys.prefix: "$PYTHON",
        str(Path(course_lib.__file__).parents[1]): "$COURSE",
        str(root): "$COURSE",
    }
    if data := os.environ.get("COURSE_DATA"):
        folders[data] = "$COURSE_DATA"
    real = {str(Path(folder).resolve()): name for folder, name in folders.items()}  # what getcwd says
    return {folder: name for folder, name in (real | folders).items() if folder != Path(folder).anchor}


def staleness(notebook: NotebookNode) -> str | None:
    """Why this is not one run of all cells from top to bottom without an error; None if it is."""
    cells = [cell for cell in notebook.cells if is_code(cell)]
    failed = [output for cell in cells for output in cell.outputs if output.output_type == "error"]
    if failed:
        return f"shows an error ({failed[0].ename})"
    counts = [cell.execution_count for cell in cells]
    if None in counts:
        return f"has {counts.count(None)} cells that were not run since they were written"
    if counts != list(range(1, len(cells) + 1)):
        return "was not run from top to bottom"
    return None
