"""What a worker is told to do: a lesson's cells in order, the student's answers, the checks' inputs."""

import ast
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from nbformat import NotebookNode

from course_lib.checks.exercise import Case
from course_lib.grading.protocol import Packed, pack
from course_lib.grading.sandbox import Limits
from course_lib.grading.source import grade_id, is_answer, is_check, tags

SKIPPED = {"colab-setup", "solution-only"}


@dataclass(frozen=True)
class Given:
    """A cell of the lesson's own."""

    source: str


@dataclass(frozen=True)
class Answer:
    """A cell that the student writes."""

    name: str  # its grade id
    source: str


@dataclass(frozen=True)
class Check:
    """`target = check("vae/kl", function)`"""

    exercise: str
    function: str  # the expression that is checked
    target: str | None  # the name that the notebook goes on with
    answer: str  # the grade id of the cell that it is about


Step = Given | Answer | Check


def steps_of(notebook: NotebookNode) -> list[Step]:
    """The steps of a clean copy of a lesson. The answer cells are a student's, and are not looked into."""
    steps: list[Step] = []
    for cell in notebook.cells:
        if cell.cell_type != "code" or SKIPPED & set(tags(cell)):
            continue
        if is_answer(cell):
            steps.append(Answer(grade_id(cell), cell.source))
        elif is_check(cell):
            steps += checks_in(cell.source, (grade_id(cell) or "").removesuffix("-check"))
        else:
            steps.append(Given(cell.source))
    return steps


def checks_in(source: str, answer: str) -> list[Check]:
    found = []
    for statement in ast.parse(source).body:
        target = None
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            target = statement.targets[0].id
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "check":
                found.append(Check(ast.literal_eval(node.args[0]), ast.unparse(node.args[1]), target, answer))
    return found


def request(
    steps: Sequence[Step],
    cases: dict[str, Sequence[Sequence[Case]]],  # exercise -> cases of every seed
    limits: Limits,
    wanted: Sequence[str],
    without: frozenset[str] = frozenset(),  # grade ids of cells that are not run again
    stand_ins: dict[str, tuple[str, str]] | None = None,  # exercise -> module and function to go on with
) -> bytes:
    """The request for the checks of the exercises `wanted`, in the notebook's order."""
    packed, told = Packed(), []
    for step in steps:
        if isinstance(step, Given):
            told.append({"do": "given", "source": step.source})
        elif isinstance(step, Answer):
            if step.name not in without:
                told.append({"do": "answer", "name": step.name, "source": step.source})
        elif step.exercise in wanted:
            rounds = [[packed.case(case) for case in one] for one in cases[step.exercise]]
            told.append({"do": "check", "function": step.function, "answer": step.answer, "rounds": rounds})
        elif step.target and step.exercise in (stand_ins or {}):
            module, function = stand_ins[step.exercise]
            told.append({"do": "stand-in", "name": step.target, "module": module, "function": function})
    return pack({"steps": told, "limits": asdict(limits)}, packed.tensors)
