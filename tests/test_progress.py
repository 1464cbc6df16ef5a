"""The table of lessons that `course lab` opens, and what is counted in it."""

import json
import re
from pathlib import Path

import pytest

from course_lib import jobs, progress
from course_lib.bootstrap import ROOT
from course_lib.checks import check
from course_lib.checks.engine import catalogue, find_exercise
from course_lib.lessons import LESSONS


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A folder whose lessons are the real ones, and in which progress is kept."""
    (tmp_path / "lessons").mkdir()
    for lesson in LESSONS:
        lesson.notebook(tmp_path).write_bytes(lesson.notebook().read_bytes())
    monkeypatch.setenv(progress.VARIABLE, str(progress.progress_file(tmp_path)))
    return tmp_path


def page(course) -> str:
    return (course / "lessons" / progress.PAGE).read_text("utf-8")


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_the_exercises_of_a_lesson_are_those_it_checks(lesson):
    names = progress.exercises(lesson.notebook())
    assert len(names) == len(set(names)) >= 3 and set(names) <= set(catalogue())


def test_a_check_that_passes_is_counted_once_and_one_that_fails_is_not(course):
    progress.write_page(course)
    total = len(progress.exercises(LESSONS[1].notebook(course)))
    assert f"0 of {total}" in page(course)
    kl = find_exercise("vae/kl")
    check("vae/kl", kl.mistakes[0].answer)
    assert f"0 of {total}" in page(course) and f"1 of {total}" not in page(course)
    for _ in range(2):
        check("vae/kl", kl.reference)
    assert re.search(rf"\| 01 \|.*\| ●○+ 1 of {total} \|", page(course))
    assert json.loads(progress.progress_file(course).read_text()) == ["vae/kl"]
    progress.record("vae/elbo")
    progress.record("gan/fakes")
    assert json.loads(progress.progress_file(course).read_text()) == ["gan/fakes", "vae/elbo", "vae/kl"]
    assert re.search(rf"\| 01 \|.*\| ●●○+ 2 of {total} \|", page(course))  # only its own


@pytest.mark.parametrize("content", ["", "{", '{"a": 1}', "[1, null]"])
def test_a_damaged_file_is_no_progress_and_no_error(course, content):
    path = progress.progress_file(course)
    path.parent.mkdir()
    path.write_text(content)
    assert progress.read(path) == []
    progress.record("vae/kl")
    assert progress.read(path) == ["vae/kl"]


def test_only_graded_cells_are_exercises(tmp_path):
    def cell(source, grade):
        return {"source": [source], "metadata": {"nbgrader": {"grade": grade}}}

    cells = [
        cell('f = check("a/b", f)', False),
        cell("f = check('c/d', f)", True),
        {"source": "check('e/f')"},
    ]
    (tmp_path / "x.ipynb").write_text(json.dumps({"cells": cells}))
    assert progress.exercises(tmp_path / "x.ipynb") == ["c/d"]
    assert progress.exercises(tmp_path / "none.ipynb") == []


def test_a_write_that_breaks_off_leaves_the_old_file_whole(tmp_path, monkeypatch):
    path, whole = tmp_path / "progress.json", progress.Path.write_text
    progress.write(path, '["vae/kl"]')

    def half(self, text, encoding):
        whole(self, text[:3], encoding)
        raise OSError("no space left")

    monkeypatch.setattr(progress.Path, "write_text", half)
    with pytest.raises(OSError):
        progress.write(path, '["vae/elbo", "vae/kl"]')
    assert progress.read(path) == ["vae/kl"]


def test_without_the_lab_nothing_is_written(course, monkeypatch):
    monkeypatch.delenv(progress.VARIABLE)
    written = []
    monkeypatch.setattr(progress, "write", lambda path, _: written.append(path))
    check("vae/kl", find_exercise("vae/kl").reference)
    assert written == []


def test_solutions_that_are_run_in_a_terminal_of_the_lab_solve_nothing(course, monkeypatch):
    from course_lib.notebook.execute import kernel_environment

    assert progress.VARIABLE not in kernel_environment("smoke")
    seen = []
    monkeypatch.setattr(jobs.subprocess, "call", lambda command, env, cwd: seen.append(env) or 0)
    assert jobs.test(Path("python"), []) == 0
    assert seen and not any(progress.VARIABLE in env for env in seen)


def test_a_folder_that_cannot_be_written_to_stops_no_lesson(course, monkeypatch):
    def refused(*_):
        raise OSError("read-only")

    monkeypatch.setattr(progress, "write", refused)
    progress.record("vae/kl")


def test_the_lab_tells_its_notebooks_where_progress_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/mine")
    told = jobs.lab_environment(tmp_path)
    assert told[progress.VARIABLE] == str(tmp_path / ".course" / "progress.json")
    ours, mine = told["JUPYTER_CONFIG_PATH"].split(jobs.os.pathsep)
    assert mine == "/mine"
    settings = json.loads((progress.Path(ours) / "labconfig" / "default_setting_overrides.json").read_text())
    assert settings["@jupyterlab/docmanager-extension:plugin"]["defaultViewers"]["markdown"]


def test_the_page_is_not_in_the_repository():
    assert f"lessons/{progress.PAGE}" in (ROOT / ".gitignore").read_text().splitlines()
