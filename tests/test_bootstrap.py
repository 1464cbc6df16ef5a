"""The bootstrap on tiny projects: real venv and real stamps, with the installer replaced by a recorder."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from course_lib import bootstrap, jobs
from course_lib.errors import CourseError

PROJECT = '[build-system]\nrequires = []\n[project]\nname = "tiny"\nversion = "1"\ndependencies = []\n'


class Installer:
    """Records every command line; makes the venv for real (without pip), installs nothing."""

    def __init__(self, *, fails: tuple[str, ...] = ()):
        self.commands: list[list[str]] = []
        self.fails = fails

    def __call__(self, command: list, folder: Path) -> int:
        self.commands.append(command)
        if any(word in command for word in self.fails):
            return 1
        if "venv" in command:
            plain = [bootstrap.base_python(), "-m", "venv", "--without-pip", ".venv"]
            return subprocess.call(plain, cwd=folder)
        return 0

    @property
    def installs(self) -> list[str]:
        """What was installed: ".", ".[test]"."""
        return [command[-1] for command in self.commands if "install" in command]


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.delenv("COURSE_NO_VENV", raising=False)
    monkeypatch.setattr(bootstrap, "find_uv", lambda: False)
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    return tmp_path


def test_the_first_start_makes_and_installs_and_the_second_does_neither(root):
    first, second = Installer(), Installer()
    python = bootstrap.ensure_environment(root=root, run=first)
    assert first.installs == ["."]
    assert python == bootstrap.venv_python(root) and python.exists()
    assert bootstrap.ensure_environment(root=root, run=second) == python
    assert second.commands == []


def test_a_start_when_nothing_changed_takes_less_than_two_seconds(root):
    bootstrap.ensure_environment(root=root, run=Installer())
    script = (
        "import pathlib; from course_lib import bootstrap\n"
        f"print(bootstrap.ensure_environment(root=pathlib.Path({str(root)!r})))"
    )
    began = time.perf_counter()
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert time.perf_counter() - began < 2
    assert answer.stdout.strip() == str(bootstrap.venv_python(root))


def test_extras_are_added_once_and_not_undone(root):
    runs = [Installer() for _ in range(4)]
    bootstrap.ensure_environment(root=root, run=runs[0])
    bootstrap.ensure_environment("test", root=root, run=runs[1])
    bootstrap.ensure_environment(root=root, run=runs[2])
    bootstrap.ensure_environment("test", root=root, run=runs[3])
    assert [run.installs for run in runs] == [["."], [".[test]"], [], []]


def test_a_new_requirement_installs_again_with_all_extras_and_a_lint_rule_does_not(root):
    bootstrap.ensure_environment("test", root=root, run=Installer())
    file = root / "pyproject.toml"
    file.write_text(PROJECT + "[tool.ruff]\nline-length = 110\n")
    lint = Installer()
    bootstrap.ensure_environment(root=root, run=lint)
    assert lint.commands == []
    file.write_text(PROJECT.replace("dependencies = []", 'dependencies = ["new"]'))
    new = Installer()
    bootstrap.ensure_environment(root=root, run=new)
    assert new.installs == [".[test]"]


def test_a_failed_installation_says_what_to_do_and_leaves_no_stamp(root):
    with pytest.raises(CourseError, match="check the network and the disk"):
        bootstrap.ensure_environment(root=root, run=Installer(fails=("install",)))
    assert not bootstrap.stamp_file(root).exists()
    again = Installer()
    bootstrap.ensure_environment(root=root, run=again)
    assert again.installs == ["."]


def test_an_interrupted_update_leaves_no_stamp(root):
    bootstrap.ensure_environment(root=root, run=Installer())
    assert bootstrap.stamp_file(root).exists()

    def interrupted(command: list, folder: Path) -> int:
        assert not bootstrap.stamp_file(root).exists()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bootstrap.ensure_environment("test", root=root, run=interrupted)
    assert bootstrap.read_stamp(root) == {}
    again = Installer()
    bootstrap.ensure_environment(root=root, run=again)
    assert again.installs == ["."]


def test_an_environment_of_another_folder_or_python_is_made_anew(root):
    for changed in ({"root": "/elsewhere"}, {"python": "3.5"}):
        bootstrap.ensure_environment(root=root, run=Installer())
        old = root / ".venv" / "old"
        old.touch()
        bootstrap.write_stamp(root, {**bootstrap.read_stamp(root), **changed})
        bootstrap.ensure_environment(root=root, run=Installer())
        assert not old.exists(), changed


def test_an_environment_whose_python_is_gone_is_made_anew(root):
    bootstrap.ensure_environment(root=root, run=Installer())
    python = bootstrap.venv_python(root)
    python.unlink()
    bootstrap.stamp_file(root).unlink()
    (root / ".venv" / "old").touch()
    bootstrap.ensure_environment(root=root, run=Installer())
    assert not (root / ".venv" / "old").exists()
    assert bootstrap.python_version(python) == "{}.{}".format(*sys.version_info[:2])


def test_an_environment_made_by_hand_is_kept_and_installed_into(root):
    subprocess.run([bootstrap.base_python(), "-m", "venv", "--without-pip", root / ".venv"], check=True)
    (root / ".venv" / "mine").touch()
    installer = Installer()
    bootstrap.ensure_environment(root=root, run=installer)
    assert (root / ".venv" / "mine").exists() and installer.installs == ["."]


def test_a_damaged_stamp_counts_as_none(root):
    bootstrap.ensure_environment(root=root, run=Installer())
    for text in ("", "{", "[]", '{"project"'):
        bootstrap.stamp_file(root).write_text(text)
        installer = Installer()
        bootstrap.ensure_environment(root=root, run=installer)
        assert installer.installs == ["."]
        assert json.loads(bootstrap.stamp_file(root).read_text())["root"] == str(root)


def test_without_a_venv_nothing_is_installed(root, monkeypatch):
    monkeypatch.setenv("COURSE_NO_VENV", "1")
    installer = Installer()
    assert bootstrap.ensure_environment("test", root=root, run=installer) == Path(sys.executable)
    assert installer.commands == [] and not (root / ".venv").exists()


def test_the_command_lines_of_uv_and_of_pip(root):
    python = str(bootstrap.venv_python(root))
    make, install = bootstrap.uv_plan(root, ["test"])
    assert make == ["uv", "venv", "--seed", "--python", bootstrap.base_python(), ".venv"]
    assert install == ["uv", "pip", "install", "--python", python, "-e", ".[test]"]
    make, install = bootstrap.pip_plan(root, [])
    assert make == [bootstrap.base_python(), "-m", "venv", ".venv"]
    assert install == [python, "-m", "pip", "install", "-e", "."]


def test_uv_is_used_when_it_works_and_pip_when_uv_fails(root, monkeypatch, capsys):
    monkeypatch.setattr(bootstrap, "find_uv", lambda: True)
    good, bad = Installer(), Installer(fails=("uv",))
    bootstrap.ensure_environment(root=root, run=good)
    assert [command[0] for command in good.commands] == ["uv", "uv"]
    assert "trying pip" not in capsys.readouterr().out
    bootstrap.stamp_file(root).unlink()
    bootstrap.ensure_environment(root=root, run=bad)
    assert bad.installs[-1] == "." and "pip" in bad.commands[-1] and bad.commands[-1][0] != "uv"
    assert "trying pip" in capsys.readouterr().out


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for uv is a shell script")
def test_a_uv_that_does_not_work_is_not_used(tmp_path, monkeypatch):
    shim = tmp_path / "uv"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert not bootstrap.find_uv()
    shim.write_text("#!/bin/sh\nexit 0\n")
    assert bootstrap.find_uv()


def test_where_the_python_of_an_environment_lies():
    root = Path("course")
    assert bootstrap.venv_python(root, windows=True) == root / ".venv/Scripts/python.exe"
    assert bootstrap.venv_python(root, windows=False) == root / ".venv/bin/python"


def test_outside_a_clone_the_sentence_says_to_clone(tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_NO_VENV", raising=False)
    with pytest.raises(CourseError, match="clone"):
        bootstrap.ensure_environment(root=tmp_path, run=Installer())
    (tmp_path / "pyproject.toml").write_text("<<<<<<< HEAD\n")
    with pytest.raises(CourseError, match="git checkout"):
        bootstrap.ensure_environment(root=tmp_path, run=Installer())


def test_pip_installs_a_real_project_and_a_broken_one_is_reported(root, capfd):
    """The whole way with the real runner: a project without requirements, built by a backend of its own."""
    (root / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "tiny"\nversion = "1"\n'
    )
    (root / "backend.py").write_text(BACKEND)
    python = bootstrap.ensure_environment(root=root)
    assert subprocess.call([python, "-c", "import importlib.metadata as m; m.version('tiny')"]) == 0
    (root / "backend.py").write_text("raise SystemExit('the disk is full')")
    with pytest.raises(CourseError):
        bootstrap.ensure_environment("test", root=root)
    assert not bootstrap.stamp_file(root).exists()


BACKEND = """\
import zipfile
def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "tiny-1-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        wheel.writestr("tiny-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1\\n")
        wheel.writestr("tiny-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        wheel.writestr("tiny-1.dist-info/RECORD", "")
    return name
"""


def test_the_lab_is_served_at_lessons_without_a_browser_where_there_is_no_desktop(tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "has_desktop", lambda: False)
    command = jobs.lab_command(Path("python"), ["--port", "8889"], tmp_path)
    assert command[:3] == ["python", "-m", "jupyterlab"]
    assert f"--ServerApp.root_dir={tmp_path / 'lessons'}" in command
    assert command.count("--no-browser") == 1 and command[-2:] == ["--port", "8889"]
    monkeypatch.setattr(jobs, "has_desktop", lambda: True)
    assert "--no-browser" not in jobs.lab_command(Path("python"), [], tmp_path)


def test_a_desktop_is_a_screen_of_this_machine(monkeypatch):
    for name in ("CI", "SSH_CONNECTION", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert not jobs.has_desktop()
    monkeypatch.setenv("DISPLAY", ":0")
    assert jobs.has_desktop()
    monkeypatch.setenv("SSH_CONNECTION", "somewhere")
    assert not jobs.has_desktop()


def test_started_processes_wait_passively_unless_the_user_says_otherwise(monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    assert jobs.environment()["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert jobs.environment(COURSE_TIER="smoke") == {**os.environ, "COURSE_TIER": "smoke"}


def test_the_lab_needs_its_folder(tmp_path):
    with pytest.raises(CourseError, match="git checkout lessons"):
        jobs.lab(Path(sys.executable), [], tmp_path)


def test_every_stage_runs_after_a_failure_and_the_summary_names_it(tmp_path, monkeypatch, capfd):
    def stage(name: str, status: int, **more) -> jobs.Stage:
        return jobs.Stage(
            name, [sys.executable, "-c", f"print('ran {name}'); raise SystemExit({status})"], **more
        )

    found = [stage("one", 0), stage("two", 3), stage("three", 5, passes=(0, 5))]
    monkeypatch.setattr(jobs, "stages", lambda python, args, root: found)
    assert jobs.test(Path(sys.executable), [], tmp_path) == 1
    out = capfd.readouterr().out
    assert all(f"ran {name}" in out for name in ("one", "two", "three"))
    assert "failed: two" in out and "nothing matched" in out
    found.pop(1)
    assert jobs.test(Path(sys.executable), [], tmp_path) == 0
    assert "everything passed" in capfd.readouterr().out


def test_arguments_reach_pytest_alone_and_notebooks_run_small(tmp_path):
    for folder in ("solutions", "lessons"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "01_vae.ipynb").touch()
    found = {stage.name: stage for stage in jobs.stages(Path("python"), ["-k", "vae"], tmp_path)}
    assert [name for name, stage in found.items() if "vae" in stage.command] == ["tests"]
    assert found["tests"].command[-3:] == ["tests", "-k", "vae"]
    notebooks = found["notebooks"]
    assert notebooks.command[-2:] == ["solutions/01_vae.ipynb", "lessons/01_vae.ipynb"]
    assert notebooks.env["COURSE_TIER"] == "smoke" and "loadfile" in notebooks.command
    # A run that was asked for nothing in particular and finds no test has failed.
    plain = {stage.name: stage for stage in jobs.stages(Path("python"), [], tmp_path)}
    assert jobs.NOTHING_COLLECTED not in plain["tests"].passes
    assert jobs.NOTHING_COLLECTED in found["tests"].passes


def test_the_bootstrap_needs_nothing_installed():
    script = (
        "import sys; sys.argv = ['x', '--help']\nimport course_lib.__main__ as m\nm.main(['lab', '--help'])"
    )
    script += "\nassert 'torch' not in sys.modules and 'numpy' not in sys.modules"
    # -S: without site-packages; every import must come from the standard library.
    subprocess.run([sys.executable, "-S", "-c", script], check=True, cwd=bootstrap.ROOT)


def test_an_old_python_gets_a_sentence(tmp_path):
    script = (
        "import runpy, sys, collections\n"
        "sys.version_info = collections.namedtuple('V', 'major minor micro')(3, 8, 1)\n"
        f"runpy.run_path({str(bootstrap.ROOT / 'course_lib/__main__.py')!r})"
    )
    answer = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True)
    assert answer.returncode == 1
    assert "needs Python 3.11 or newer and this is 3.8" in answer.stderr and "Traceback" not in answer.stderr
