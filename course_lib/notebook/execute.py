"""Run a notebook without a front end: every cell in order, in a fresh kernel of this very interpreter.

`course run` runs a student's lesson with it, `course release --execute` the solutions.
"""

import math
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import jupytext
import nbformat
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from tqdm import tqdm

import course_lib
from course_lib.errors import CourseError
from course_lib.progress import VARIABLE
from course_lib.writing import write_whole

WAIT = 60.0  # seconds a kernel may take to start; importing torch is not part of it


class CellFailed(CourseError):
    """A cell raised, ran too long, or took its kernel with it. `index` counts all cells from 0."""

    def __init__(self, message: str, index: int):
        super().__init__(message)
        self.index = index


def execute(
    notebook: NotebookNode,
    *,
    cwd: Path,
    tier: str | None = None,
    timeout: float | None = None,
    progress: bool = True,
    name: str = "the notebook",
) -> NotebookNode:
    """Run all cells in the folder `cwd` and keep their outputs in `notebook` itself, which is returned.

    `timeout` is in seconds for one cell. What was reached before a CellFailed or a Ctrl-C stays in it.
    """
    forget_outputs(notebook)
    client = NotebookClient(
        notebook,
        km=AsyncKernelManager(kernel_name="python3", kernel_spec_manager=ThisInterpreter()),
        timeout=None if timeout is None else math.ceil(timeout),
        startup_timeout=WAIT,
        store_widget_state=False,
        coalesce_streams=True,
        record_timing=False,
        resources={"metadata": {"path": str(cwd)}},
    )
    client.owns_km = True  # so that it also stops the kernel
    cells = [i for i, cell in enumerate(notebook.cells) if is_code(cell)]
    with client.setup_kernel(env=kernel_environment(tier)):
        for index in tqdm(cells, desc=name, unit="cell", disable=not progress, dynamic_ncols=True):
            run_cell(client, index, name)
    return notebook


def run_cell(client: NotebookClient, index: int, name: str) -> None:
    cell = client.nb.cells[index]
    where = f"cell {index + 1} of {name} ({first_line(cell)})"
    try:
        client.execute_cell(cell, index)
    except CellExecutionError as error:
        raise CellFailed(f"{where} stopped with {error.ename}: {error.evalue}", index) from error
    except CellTimeoutError as error:
        raise CellFailed(
            f"{where} took longer than {client.timeout:.0f} s; give it more time", index
        ) from error
    except DeadKernelError as error:
        raise CellFailed(
            f"the Python process died in {where}, most often for want of memory; try a smaller tier", index
        ) from error


def kernel_environment(tier: str | None) -> dict[str, str]:
    """This process's environment, with the tier, passive OpenMP waits and this copy of course_lib."""
    env = dict(os.environ, OMP_WAIT_POLICY="PASSIVE", PYDEVD_DISABLE_FILE_VALIDATION="1")
    env.pop("MPLBACKEND", None)  # the notebook's inline pictures, whatever the caller draws with
    env.pop(VARIABLE, None)  # nobody solves anything here, though it be started from JupyterLab's terminal
    if tier:
        env["COURSE_TIER"] = tier
    package = Path(course_lib.__file__).parents[1]
    if (package / "pyproject.toml").exists():  # a clone; an installed package is found anyway
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(package), env.get("PYTHONPATH")]))
    return env


class ThisInterpreter(KernelSpecManager):
    """Any kernel name means the interpreter that runs now: a `python3` kernel may belong to another one."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        quiet = "--log-level=50"  # ipykernel warns of its own loopback sockets, and of being stopped
        argv = [
            sys.executable,
            "-Xfrozen_modules=off",
            "-m",
            "ipykernel_launcher",
            "-f",
            "{connection_file}",
            quiet,
        ]
        return KernelSpec(argv=argv, display_name="Python 3", language="python", name=kernel_name)


def is_code(cell: NotebookNode) -> bool:
    """A code cell with something in it (an empty one is never run, so it has no count)."""
    return cell.cell_type == "code" and bool(cell.source.strip())


def forget_outputs(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None


def first_line(cell: NotebookNode) -> str:
    """The first line of a cell that is code, so that a person finds the cell."""
    lines = [line.strip() for line in cell.source.splitlines()]
    return next((line for line in lines if line and not line.startswith(("#", "%"))), "a comment")


def run_lesson(
    name: str,
    tier: str | None,
    out: Path,
    *,
    solution: bool = False,
    timeout: float | None = None,
    progress: bool = True,
    root: Path | None = None,
) -> int:
    """`course run`: run a lesson (or the notebook at a path) and write it to `out`, .ipynb or .html.

    Returns 0; or 1 where a cell failed, with what was reached written to `out`. After a Ctrl-C what was
    reached is written too, and the interrupt goes on to the caller.
    """
    out = Path(out)
    if out.suffix not in (".ipynb", ".html"):
        raise CourseError(f"--out {out} must end in .ipynb or .html")
    source = find_notebook(name, "solutions" if solution else "lessons", root)
    notebook = read_notebook(source)
    try:
        execute(notebook, cwd=source.parent, tier=tier, timeout=timeout, progress=progress, name=source.stem)
        return 0
    except CellFailed as error:
        print(f"{error}; what was reached is in {out}", file=sys.stderr)
        return 1
    finally:
        write_notebook(notebook, out, beside=source.parent)


def find_notebook(name: str, folder: str, root: Path | None = None) -> Path:
    """A path as it is; otherwise the lesson of that name, or of that beginning if only one has it."""
    if Path(name).suffix in (".ipynb", ".py"):
        if not Path(name).is_file():
            raise CourseError(f"there is no notebook {name}; give a lesson's name or an existing file")
        return Path(name).absolute()
    lessons = sorted(((root or course_root()) / folder).glob("[0-9][0-9]_*.ipynb"))
    found = [p for p in lessons if p.stem == name] or [p for p in lessons if p.stem.startswith(name)]
    if len(found) != 1:
        raise CourseError(f"there is no one lesson {name!r}; there are {listing(p.stem for p in lessons)}")
    return found[0]


def course_root() -> Path:
    """The clone: where we stand or above it, otherwise where the package lies."""
    here = Path.cwd()
    for folder in (here, *here.parents, Path(course_lib.__file__).parents[1]):
        if (folder / "lessons").is_dir() and (folder / "solutions").is_dir():
            return folder
    raise CourseError("lessons/ and solutions/ are not here; go to the folder of the course's clone first")


def listing(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def read_notebook(path: Path) -> NotebookNode:
    """A notebook from .ipynb, or from Jupytext's .py."""
    try:
        return jupytext.read(path) if path.suffix == ".py" else nbformat.read(path, as_version=4)
    except Exception as error:
        raise CourseError(f"{path} cannot be read as a notebook ({error}); restore it with git") from error


def write_notebook(notebook: NotebookNode, out: Path, *, beside: Path) -> None:
    """Write .ipynb, or .html with the pictures in it (`beside` is the folder that its links start from)."""
    text = to_html(notebook, beside, out.stem) if out.suffix == ".html" else to_text(notebook)
    write_whole(out, text)


def to_text(notebook: NotebookNode) -> str:
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n"


def to_html(notebook: NotebookNode, beside: Path, title: str) -> str:
    from nbconvert import HTMLExporter  # slow to import

    exporter = HTMLExporter(embed_images=True)
    resources = {"metadata": {"path": str(beside), "name": title}}
    return exporter.from_notebook_node(notebook, resources=resources)[0]
