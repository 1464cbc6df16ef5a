"""Makes submissions of a lesson from its own answers, so that what is right and what is wrong is known.

    write_class(tmp_path / "class", n=100)            a folder of submissions, as `course grade` takes it
    wrong("01_vae", "vae/kl", "kl_without_half")      one notebook with one catalogued mistake
    moodle_zip(path, {"Ada Lovelace": notebook})      the zip of a Moodle assignment; canvas_zip likewise

Nothing is random: student k of a class of the same size is always the same.
"""

import ast
import inspect
import json
import re
import textwrap
import types
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_lib.checks.engine import find_exercise
from course_lib.grading.answers import answer_cells
from course_lib.grading.source import BEGIN, END, grade_id, is_answer

ROOT = Path(__file__).parents[2]
KINDS = ("right", "right", "right", "mistake", "mistake", "stub", "stripped", "partly", "own", "raises")
FIRST = (
    "Ada",
    "Alan",
    "Barbara",
    "Carl",
    "Chien",
    "Dana",
    "Emmy",
    "Farid",
    "Grace",
    "Hedy",
    "Ivan",
    "Jun",
    "Lena",
)
LAST = (
    "Abara",
    "Bauer",
    "Chen",
    "Diaz",
    "Egger",
    "García",
    "Hoang",
    "Ivanova",
    "Kaya",
    "Meyer",
    "Novák",
    "Ünal",
)

BODIES = {"own": "return 42 * args[0] if args else 42", "raises": "raise ValueError('I give up')"}


@dataclass(frozen=True)
class Made:
    """What one submission must be given."""

    student: str
    kind: str
    right: frozenset[str]  # exercises
    mistakes: tuple[tuple[str, str], ...] = ()  # (exercise, the mistake's name)


# ----------------------------------------------------------------------------------------- notebooks


@cache
def official(lesson: str) -> str:
    return (ROOT / "lessons" / f"{lesson}.ipynb").read_text("utf-8")


def stub(lesson: str = "01_vae") -> NotebookNode:
    """The lesson as it is given out."""
    notebook = nbformat.from_dict(json.loads(official(lesson)))  # not read(), which validates and is slow
    for cell in notebook.cells:
        cell.source = "".join(cell.source)
    return notebook


@cache
def solved(lesson: str) -> dict[str, str]:
    """The solutions' answers by grade id, without their marks."""
    notebook = nbformat.read(ROOT / "solutions" / f"{lesson}.ipynb", as_version=4)
    lines = {grade_id(cell): cell.source.splitlines() for cell in notebook.cells if is_answer(cell)}
    return {
        name: "\n".join(line for line in source if line.strip() not in (BEGIN, END))
        for name, source in lines.items()
    }


def with_answers(lesson: str, answers: Mapping[str, str]) -> NotebookNode:
    """The lesson with these answers, by grade id; the others stay stubs."""
    notebook = stub(lesson)
    for cell in notebook.cells:
        if is_answer(cell) and grade_id(cell) in answers:
            cell.source = answers[grade_id(cell)]
    return notebook


def right(lesson: str = "01_vae") -> NotebookNode:
    return with_answers(lesson, solved(lesson))


def wrong(lesson: str, exercise: str, mistake: str) -> NotebookNode:
    """All right but for one exercise, which behaves like one of its catalogued mistakes."""
    return with_answers(
        lesson, solved(lesson) | {id_of(lesson, exercise): mistaken(lesson, exercise, mistake)}
    )


def with_answer(lesson: str, exercise: str, source: str) -> NotebookNode:
    """All right but for one exercise, whose cell holds this source."""
    return with_answers(lesson, solved(lesson) | {id_of(lesson, exercise): source})


def stripped(notebook: NotebookNode) -> NotebookNode:
    """Without any metadata or ids, as some editors save it."""
    plain = json.loads(json.dumps(notebook))
    plain["metadata"] = {}
    for cell in plain["cells"]:
        cell["metadata"] = {}
        cell.pop("id", None)
    plain["nbformat_minor"] = 4
    return nbformat.from_dict(plain)


def as_bytes(notebook: NotebookNode) -> bytes:
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


@cache
def ids(lesson: str) -> dict[str, str]:
    """exercise -> grade id"""
    return {one.exercise: name for name, one in answer_cells(stub(lesson)).items()}


def id_of(lesson: str, exercise: str) -> str:
    return ids(lesson)[exercise]


def exercises(lesson: str) -> list[str]:
    return list(ids(lesson))


def mistakes(lesson: str) -> list[tuple[str, str]]:
    """Every catalogued (exercise, mistake) of a lesson."""
    return [(name, mistake.name) for name in exercises(lesson) for mistake in find_exercise(name).mistakes]


# -------------------------------------------------------------------------------- a mistake as an answer


@cache
def mistaken(lesson: str, exercise: str, mistake: str) -> str:
    """The answer of a student who makes this mistake: the catalogue's function and what it needs, nested."""
    one = answer_cells(stub(lesson))[id_of(lesson, exercise)]
    wrong_one = next(m.answer for m in find_exercise(exercise).mistakes if m.name == mistake)
    head, rest = re.match(r"(def \w+\((.*?)\)(?: ->.*?)?:\n)", one.stub, re.DOTALL).groups()
    arguments = ", ".join(re.findall(r"(\w+)\s*:", re.sub(r"\"[^\"]*\"", "", rest)))
    imports, sources = parts_of(wrong_one)
    body = [*sorted(imports), *sources, f"return {mistake}({arguments})"]
    return head + textwrap.indent("\n".join(body), "    ")


def parts_of(answer: Callable) -> tuple[set[str], list[str]]:
    """The imports and the sources of an answer, and of all that it calls inside this course."""
    imports: set[str] = set()
    sources: dict[str, str] = {}

    def add(name: str, value: object, needed_by: types.ModuleType) -> None:
        if isinstance(value, types.ModuleType):
            imports.add(f"import {value.__name__} as {name}")
        elif not getattr(value, "__module__", "").startswith("course_lib."):
            if callable(value):
                imports.add(f"from {value.__module__} import {value.__name__} as {name}")
            elif name not in sources:
                sources[name] = f"{name} = {value!r}"
        elif name not in sources:
            sources[name] = ""
            tree, module = bare(value), inspect.getmodule(value)
            used = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
            for word in dict.fromkeys(used):
                if word != name and hasattr(module, word):
                    add(word, getattr(module, word), module)
            del sources[name]  # what it needs comes first
            sources[name] = ast.unparse(tree)

    add(answer.__name__, answer, inspect.getmodule(answer))
    return imports, [text for text in sources.values() if text]


def bare(value: Callable) -> ast.Module:
    """The source of a function or a class, without decorators, annotations and docstrings."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(value)))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            node.decorator_list = []
            if ast.get_docstring(node) is not None and len(node.body) > 1:
                node.body = node.body[1:]
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
    return tree


# ------------------------------------------------------------------------------------------ a class


def student_name(k: int) -> str:
    number = f" {k // (len(FIRST) * len(LAST)) + 1}" if k >= len(FIRST) * len(LAST) else ""
    return f"{FIRST[k % len(FIRST)]} {LAST[k % len(LAST)]}{number}"


def plan(k: int, lesson: str = "01_vae", kinds: tuple[str, ...] = KINDS) -> Made:
    """What student k's submission must be given."""
    names, kind, student = exercises(lesson), kinds[k % len(kinds)], student_name(k)
    every, one = frozenset(names), names[k % len(names)]
    if kind in ("right", "stripped"):
        return Made(student, kind, every)
    if kind == "stub":
        return Made(student, kind, frozenset())
    if kind == "partly":
        return Made(student, kind, frozenset(names[: 1 + k % (len(names) - 1)]))
    if kind == "mistake":
        # A class makes a few mistakes often and most of them hardly ever.
        j, known = k // 2, mistakes(lesson)
        one, mistake = known[(11 * (j % 3 or j % 4 or j % 5 or j)) % len(known)]
        return Made(student, kind, every - {one}, ((one, mistake),))
    return Made(student, kind, every - {one})


def make(k: int, lesson: str = "01_vae", kinds: tuple[str, ...] = KINDS) -> tuple[Made, bytes]:
    """Student k's submission, and what it must be given."""
    planned = plan(k, lesson, kinds)
    solutions = solved(lesson)
    answers = {id_of(lesson, name): solutions[id_of(lesson, name)] for name in planned.right}
    for exercise, mistake in planned.mistakes:
        answers[id_of(lesson, exercise)] = mistaken(lesson, exercise, mistake)
    if planned.kind in BODIES:
        (exercise,) = set(exercises(lesson)) - planned.right
        name = answer_cells(stub(lesson))[id_of(lesson, exercise)].names[0]
        answers[id_of(lesson, exercise)] = f"def {name}(*args):\n    {BODIES[planned.kind]}\n"
    notebook = with_answers(lesson, answers)
    return planned, as_bytes(stripped(notebook) if planned.kind == "stripped" else notebook)


def write_class(
    folder: Path, n: int = 100, lesson: str = "01_vae", kinds: tuple[str, ...] = KINDS
) -> list[Made]:
    """`<student>/<lesson>.ipynb` for n students; what each of them must be given."""
    found = []
    for k in range(n):
        made, data = make(k, lesson, kinds)
        (folder / made.student).mkdir(parents=True)
        (folder / made.student / f"{lesson}.ipynb").write_bytes(data)
        found.append(made)
    return found


def moodle_zip(path: Path, notebooks: Mapping[str, bytes], lesson: str = "01_vae") -> Path:
    """As Moodle's "Download all submissions" names it; participants count from 1001."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for k, (name, data) in enumerate(notebooks.items(), start=1001):
            archive.writestr(f"{name}_{k}_assignsubmission_file_/{lesson}.ipynb", data)
    return path


def canvas_zip(path: Path, notebooks: Mapping[str, bytes], lesson: str = "01_vae") -> Path:
    """As Canvas's "Download submissions" names it; users count from 501, every third hands in late."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for k, (name, data) in enumerate(notebooks.items()):
            words = "".join(reversed(name.lower().split()))
            late = "LATE_" if k % 3 == 2 else ""
            archive.writestr(f"{words}_{late}{501 + k}_{9001 + k}_{lesson}.ipynb", data)
    return path
