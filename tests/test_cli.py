"""The verbs: what they hand on, how they end, and that an error is a sentence."""

import ast
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from course_lib import __main__, bootstrap, cli, jobs
from course_lib.errors import CourseError
from course_lib.lessons import LESSONS, Lesson, find_lesson


def course(*words: str, **env: str) -> subprocess.CompletedProcess:
    """`python -m course_lib ...` in a process of its own, without set-up."""
    return subprocess.run(
        [sys.executable, "-m", "course_lib", *words],
        cwd=bootstrap.ROOT, env={**os.environ, "COURSE_NO_VENV": "1", **env}, capture_output=True, text=True,
    )  # fmt: skip


def test_help_names_every_verb_with_examples_and_the_exit_statuses():
    answer = course("--help")
    assert answer.returncode == 0
    for verb in cli.VERBS:
        assert verb.name in answer.stdout and verb.examples.splitlines()[0] in answer.stdout
    assert "exit status:" in answer.stdout


@pytest.mark.parametrize("verb", [verb.name for verb in cli.VERBS])
def test_every_verb_has_help_and_says_so_without_running(verb):
    answer = course(verb, "--help")
    assert answer.returncode == 0 and "usage:" in answer.stdout


def test_the_examples_parse():
    for verb in cli.VERBS:
        for line in verb.examples.splitlines():
            words = shlex.split(line)
            assert words[:2] == ["course", verb.name]
            if verb.run is not cli.by_bootstrap:
                assert cli.parser().parse_args(words[1:]).run is verb.run


def test_run_hands_everything_on(monkeypatch, tmp_path):
    calls = record(monkeypatch, "course_lib.notebook.execute", "run_lesson", 1)
    out = tmp_path / "x.html"
    words = ["run", "01_vae", "--tier", "smoke", "--timeout", "9", "--out", str(out), "--solution"]
    assert cli.main(words) == 1
    assert calls == [(("01_vae", "smoke", out), {"solution": True, "timeout": 9.0})]


def test_release_hands_everything_on(monkeypatch):
    calls = record(monkeypatch, "course_lib.grading.release", "release", 0)
    assert cli.main(["release", "--check"]) == 0
    assert cli.main(["release", "01_vae", "--execute", "--tier", "cpu"]) == 0
    assert calls == [
        (([],), {"check": True, "execute": False, "tier": None}),
        ((["01_vae"],), {"check": False, "execute": True, "tier": "cpu"}),
    ]


def record(monkeypatch, module: str, function: str, status: int) -> list:
    calls = []

    def stand_in(*args, **more) -> int:
        calls.append((args, more))
        return status

    monkeypatch.setattr(f"{module}.{function}", stand_in)
    return calls


def test_a_course_error_is_one_sentence_and_status_2(monkeypatch, capsys):
    def failing() -> int:
        raise CourseError("The disk is full: delete something.")

    monkeypatch.setattr("course_lib.doctor.doctor", failing)
    assert cli.main(["doctor"]) == 2
    assert capsys.readouterr().err == "The disk is full: delete something.\n"


def test_a_fault_of_the_disk_is_one_sentence(monkeypatch, capsys):
    def full() -> int:
        raise OSError(28, "No space left on device", "runs/x")

    monkeypatch.setattr("course_lib.doctor.doctor", full)
    assert cli.main(["doctor"]) == 2
    assert capsys.readouterr().err == "runs/x: No space left on device\n"


def test_a_missing_package_is_a_sentence_and_a_missing_module_of_ours_is_not(monkeypatch, capsys):
    def missing(name: str):
        def doctor() -> int:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

        return doctor

    monkeypatch.setattr("course_lib.doctor.doctor", missing("torch"))
    assert cli.main(["doctor"]) == 2
    assert "python -m course_lib lab" in capsys.readouterr().err
    monkeypatch.setattr("course_lib.doctor.doctor", missing("course_lib.doctors"))
    with pytest.raises(ModuleNotFoundError):
        cli.main(["doctor"])


def test_an_interrupt_ends_with_130(monkeypatch):
    def stopped() -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("course_lib.doctor.doctor", stopped)
    assert cli.main(["doctor"]) == 130


def test_an_unknown_verb_is_refused():
    answer = course("labb")
    assert answer.returncode == 2 and "Traceback" not in answer.stderr


def test_a_lesson_that_does_not_exist_is_a_sentence(tmp_path):
    answer = course("run", "99_nothing", "--out", str(tmp_path / "x.ipynb"))
    assert answer.returncode == 2
    assert "99_nothing" in answer.stderr and "Traceback" not in answer.stderr


def test_lab_and_test_go_to_the_bootstrap_with_their_own_arguments(monkeypatch):
    seen = []
    monkeypatch.setattr(bootstrap, "ensure_environment", lambda *extras: Path("python", *extras))
    monkeypatch.setattr(jobs, "lab", lambda python, args: seen.append((python, args)) or 0)
    monkeypatch.setattr(jobs, "test", lambda python, args: seen.append((python, args)) or 1)
    assert cli.main(["lab", "--port", "8889", "--no-browser"]) == 0
    assert __main__.main(["test", "-k", "vae"]) == 1
    assert seen == [
        (Path("python"), ["--port", "8889", "--no-browser"]),
        (Path("python", "test"), ["-k", "vae"]),
    ]


def test_a_failed_set_up_is_a_sentence_and_status_2(monkeypatch, capsys):
    def failing(*extras: str) -> Path:
        raise CourseError("Setting up failed: check the network.")

    monkeypatch.setattr(bootstrap, "ensure_environment", failing)
    assert __main__.main(["lab"]) == 2
    assert capsys.readouterr().err == "Setting up failed: check the network.\n"


def test_other_verbs_move_into_the_environment(monkeypatch, tmp_path):
    python = tmp_path / "python"
    python.touch()
    monkeypatch.delenv("COURSE_NO_VENV", raising=False)
    monkeypatch.setattr(bootstrap, "venv_python", lambda: python)
    monkeypatch.setattr(bootstrap, "inside_venv", lambda: False)
    moved = []
    monkeypatch.setattr(jobs, "hand_over", lambda command, env, folder: moved.append(command) or 0)
    __main__.main(["doctor"])
    assert moved == [[str(python), "-m", "course_lib", "doctor"]]
    calls = record(monkeypatch, "course_lib.cli", "main", 0)
    monkeypatch.setattr(bootstrap, "inside_venv", lambda: True)
    __main__.main(["doctor"])
    assert calls == [((["doctor"],), {})]


def test_the_command_line_imports_nothing_heavy():
    script = (
        "import sys, course_lib.cli as cli; cli.parser(); assert not {'torch', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_tiers_are_those_of_device():
    """Written out in cli.py, so that `--help` needs no torch."""
    from typing import get_args

    from course_lib.device import Tier

    assert get_args(Tier) == cli.TIERS


def test_a_lesson_is_found_by_name_and_by_its_beginning():
    assert find_lesson("01_vae") is find_lesson("01")
    for wrong in ("", "0", "99") if len(LESSONS) > 1 else ("99", ""):
        with pytest.raises(CourseError, match="01_vae"):
            find_lesson(wrong)


def test_the_table_of_lessons_is_the_folder_of_sources():
    assert [lesson.name for lesson in LESSONS] == sorted(lesson.name for lesson in LESSONS)
    found = sorted(path.stem for path in (bootstrap.ROOT / "solutions").glob("[0-9][0-9]_*.py"))
    assert [lesson.name for lesson in LESSONS] == found
    lesson = Lesson("07_x", "X")
    assert lesson.source(Path("r")) == Path("r/solutions/07_x.py")
    assert lesson.notebook(Path("r")) == Path("r/lessons/07_x.ipynb")


def test_the_start_is_readable_by_an_old_python():
    """Up to the sentence about its version, an old Python must be able to read what it imports."""
    for name in ("__init__", "__main__"):
        text = (bootstrap.ROOT / "course_lib" / f"{name}.py").read_text(encoding="utf-8")
        ast.parse(text, feature_version=(3, 7))
