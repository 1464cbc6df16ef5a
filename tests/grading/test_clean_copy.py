"""The copy of course_lib that students' code may read holds what a lesson imports, and no answer."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from course_lib.bootstrap import ROOT
from course_lib.checks.engine import catalogue, find_exercise
from course_lib.grading import sandbox
from course_lib.grading.clean_copy import NEEDED, clean_copy, emptied, imports_of, only
from course_lib.grading.plan import Check, Given, steps_of
from course_lib.lessons import LESSONS

NAMES = [lesson.name for lesson in LESSONS]


def lesson_of(name: str):
    steps = steps_of(nbformat.read(ROOT / "lessons" / f"{name}.ipynb", as_version=4))
    given = [step.source for step in steps if isinstance(step, Given)]
    return given, [find_exercise(step.exercise) for step in steps if isinstance(step, Check)]


@pytest.mark.parametrize("name", NAMES)
def test_no_answer_is_in_it(name, tmp_path):
    given, exercises = lesson_of(name)
    clean_copy(tmp_path, given, [f for e in exercises for f in e.secrets])
    files = {path.relative_to(tmp_path).as_posix(): path for path in tmp_path.rglob("*.py")}
    texts = {file: path.read_text("utf-8") for file, path in files.items()}
    held = {file for file in texts if "/checks/" in file or "/grading/" in file}
    needed = {f"{module.replace('.', '/')}.py" for module in NEEDED}
    assert held <= needed | {"course_lib/checks/__init__.py", "course_lib/grading/__init__.py"}
    for exercise in exercises:
        for mistake in exercise.mistakes:
            assert not any(f"def {mistake.name}" in text for file, text in texts.items() if file not in held)
        reference = inspect.unwrap(exercise.reference)
        for answer in (reference, *exercise.also):
            file = answer.__module__.replace(".", "/") + ".py"
            if file in texts:
                assert is_emptied(texts[file], answer.__qualname__), exercise.name


def is_emptied(text: str, name: str) -> bool:
    """No function of that name, nor any method of that class, does anything."""
    [found] = [node for node in ast.parse(text).body if getattr(node, "name", "") == name]
    functions = [node for node in ast.walk(found) if isinstance(node, ast.FunctionDef)]
    return all(len(one.body) == 1 and isinstance(one.body[0], ast.Raise) for one in functions)


@pytest.mark.parametrize(
    ("lesson", "file", "name"),
    [
        ("04_cgan", "cgan", "append_planes"),
        ("05_cyclegan", "cyclegan", "Block"),
        ("07_latent", "text", "attend"),
    ],
)
def test_nor_is_the_librarys_function_that_an_answer_only_calls(lesson, file, name, tmp_path):
    given, exercises = lesson_of(lesson)
    assert not any(name in names for names in imports_of(given).values())
    clean_copy(tmp_path, given, [f for e in exercises for f in e.secrets])
    assert is_emptied((tmp_path / "course_lib" / "models" / f"{file}.py").read_text("utf-8"), name)


def test_what_the_lesson_imports_is_not_taken_away_because_an_answer_calls_it(tmp_path):
    given, exercises = lesson_of("03_dcgan")
    assert "generator_loss" in imports_of(given)["course_lib.models.gan"]
    clean_copy(tmp_path, given, [e.reference for e in exercises])
    assert not is_emptied(
        (tmp_path / "course_lib" / "models" / "gan.py").read_text("utf-8"), "generator_loss"
    )


def test_bytecode_is_of_the_copy(tmp_path):
    given, exercises = lesson_of("01_vae")
    clean_copy(tmp_path, given, [e.reference for e in exercises])
    codes = list(tmp_path.rglob("*.pyc"))
    assert codes and not any(b"logvar.exp" in code.read_bytes() for code in codes)
    assert any(b"write it yourself" in code.read_bytes() for code in codes if code.name.startswith("vae."))


def test_what_the_lesson_imports_by_name_still_works():
    text = emptied((ROOT / "course_lib" / "models" / "vae.py").read_text(), {"make_trunk"}, {"make_decoder"})
    assert "kernel_size=4, stride=2" in text and "ConvTranspose2d" not in text
    assert "KL(N(mean" not in text  # docstrings hold formulas


def test_a_secret_is_emptied_even_where_what_is_kept_needs_it():
    source = "def a(x):\n    return b(x) + c(x)\ndef b(x):\n    return x + 1\ndef c(x):\n    return 3 * x\n"
    text = emptied(source, {"a"}, {"b"})
    assert "b(x) + c(x)" in text and "3 * x" in text and "x + 1" not in text


def test_lambdas_and_methods_are_emptied_too():
    text = emptied(
        "f = lambda x: x + 1\nclass A:\n    'x + 1'\n    def g(self, x):\n        return x + 1\n",
        set(),
        {"f"},
    )
    assert "x + 1" not in text and "class A" in text


def test_of_a_file_of_checks_only_what_is_asked_for():
    text = only((ROOT / "course_lib" / "checks" / "vae" / "interpolate.py").read_text(), {"two_codes"})
    assert "def two_codes" in text and "import Case" in text and "generator" in text
    assert "INTERPOLATE" not in text and "lerp" not in text and "models.vae" not in text


def test_imports_are_found_wherever_they_stand():
    found = imports_of(
        ["def f():\n    from course_lib.models import vae\n    from course_lib.types import Images"]
    )
    assert found == {"course_lib.models.vae": set(), "course_lib.types": {"Images"}}


def test_every_reference_can_be_lent_to_the_exercises_after_it(tmp_path):
    """For an answer that is wrong only because an earlier one is, see `follow_through`."""
    given: dict[str, set[str]] = {}
    for exercise in catalogue().values():
        given.setdefault(exercise.reference.__module__, set()).add(exercise.reference.__qualname__)
    clean_copy(tmp_path, [], [e.reference for e in catalogue().values()], given)
    program = "import sys; sys.path[:0] = sys.argv[1:2]\n"
    program += "import course_lib; assert sys.argv[1] in course_lib.__file__\n"
    program += "".join(
        f"from {module} import {', '.join(sorted(names))}\n" for module, names in given.items()
    )
    packages = [path for path in sys.path if Path(path).name.endswith("-packages")]
    program = f"import sys; sys.path += {packages!r}\n{program}"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, str(tmp_path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_a_course_that_lies_beneath_tmp_is_shown_all_the_same(tmp_path):
    """The sandbox's own /tmp is laid down before what is shown, or it would hide an environment in /tmp."""
    command = sandbox.sandboxed(tmp_path, sandbox.Limits(), None)
    own = command.index("--tmpfs")
    assert command[own + 1] == "/tmp" and own < command.index("--ro-bind")
