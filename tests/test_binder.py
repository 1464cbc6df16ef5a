"""Binder, Colab and the one address: rendered and run here as far as that goes without either."""

import ast
import os
import stat
import subprocess
import sys
import tomllib
import types
from importlib.metadata import requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from course_lib import address, colab
from course_lib.bootstrap import ROOT
from course_lib.errors import CourseError
from course_lib.lessons import LESSONS

BINDER = ROOT / "binder"
IN_THE_IMAGE = {
    "ipython",
    "jupyter_client",
    "packaging",
    "psutil",
}  # repo2docker's own JupyterLab brings them
# Imported where they are used, by what a Binder session does without: several processes, the grader's
# gradebook and cluster, Stable Diffusion's own networks, Inception.
OPTIONAL = {"accelerate", "diffusers", "distributed", "nbgrader", "sqlalchemy", "torch_fidelity"}


def binder_requirements() -> dict[str, Requirement]:
    lines = (BINDER / "requirements.txt").read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if line and line[0] not in "#-"]
    return {canonicalize_name(need.name): need for need in found}


def project_requirements() -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {canonicalize_name(need.name): need for need in map(Requirement, project["dependencies"])}


@pytest.fixture(scope="module")
def dockerfile() -> str:
    """What repo2docker would build, rendered without Docker."""
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(ROOT)]
    answer = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120)
    assert answer.returncode == 0, answer.stderr
    assert "Building conda environment for python=3.11" in answer.stderr
    return answer.stdout


def test_the_image_installs_what_binder_asks_for_and_then_the_course(dockerfile):
    requirements = dockerfile.index('-r "binder/requirements.txt"')
    build = dockerfile.index("./binder/postBuild")
    assert requirements < build
    assert "/binder/start" in dockerfile


def test_torch_and_torchvision_come_from_pytorch_s_own_index_without_cuda():
    text = (BINDER / "requirements.txt").read_text(encoding="utf-8")
    assert "--extra-index-url https://download.pytorch.org/whl/cpu\n" in text
    needs = binder_requirements()
    pins = {name: str(needs[name].specifier) for name in ("torch", "torchvision")}
    assert all(pin.startswith("==") and pin.endswith("+cpu") for pin in pins.values()), pins
    if not pins["torchvision"].startswith(f"=={version('torchvision').split('+')[0]}+"):
        pytest.skip("another torchvision is installed here: what the pinned one asks for is not known")
    (wanted,) = [n for n in map(Requirement, requires("torchvision")) if n.name == "torch" and not n.marker]
    assert wanted.specifier.contains(pins["torch"].removeprefix("==").removesuffix("+cpu"))


def test_binder_s_other_requirements_are_the_project_s():
    project = project_requirements()
    for name, need in binder_requirements().items():
        assert name in project
        if "torch" not in name:
            assert need.specifier == project[name].specifier, name


def test_binder_has_everything_that_the_package_imports():
    at_hand = {name.replace("-", "_") for name in binder_requirements()} | IN_THE_IMAGE
    names = {"PIL": "pillow", "IPython": "ipython", "google": "ipython"}  # google: on Colab only
    needed = {names.get(name, name) for name in imported_packages()} - set(sys.stdlib_module_names)
    assert needed - {"course_lib"} - OPTIONAL <= at_hand


def imported_packages() -> set[str]:
    found = set()
    for path in (ROOT / "course_lib").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                found.add(node.module.split(".")[0])
    return found


def test_the_scripts_of_binder_can_be_run():
    for name in ("postBuild", "start"):
        text = (BINDER / name).read_bytes()
        assert text.startswith(b"#!/bin/bash\n") and b"\r" not in text
        mode = subprocess.run(
            ["git", "ls-files", "-s", f"binder/{name}"], cwd=ROOT, capture_output=True, text=True
        )
        assert mode.stdout.startswith("100755") or (BINDER / name).stat().st_mode & stat.S_IXUSR


@pytest.mark.skipif(os.name == "nt", reason="bash")
def test_a_session_starts_with_one_thread_that_waits_passively():
    show = 'echo "$OMP_NUM_THREADS $OMP_WAIT_POLICY $COURSE_TIER $COURSE_NO_VENV $1"'
    command = [str(BINDER / "start"), "bash", "-c", show, "bash", "two words"]
    bare = {"PATH": os.environ["PATH"]}
    answer = subprocess.run(command, env=bare, capture_output=True, text=True, check=True)
    assert answer.stdout == "1 PASSIVE cpu 1 two words\n"


@pytest.mark.skipif(os.name == "nt", reason="bash")
def test_post_build_installs_without_dependencies(tmp_path):
    (tmp_path / "pip").write_text('#!/bin/sh\necho pip "$@"\n')
    (tmp_path / "pip").chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    answer = subprocess.run([str(BINDER / "postBuild")], env=env, capture_output=True, text=True, check=True)
    installs = answer.stdout.splitlines()
    assert installs[-1] == "pip install --no-deps -e ." and all("--no-deps" in line for line in installs)


def test_the_colab_cell_does_nothing_elsewhere(capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "google.colab", raising=False)
    monkeypatch.setattr(subprocess, "run", None)
    path = list(sys.path)
    exec(address.colab_setup_cell(), {})
    assert capsys.readouterr() == ("", "") and sys.path == path


def test_on_colab_the_cell_fetches_and_sets_up(monkeypatch):
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    commands, calls = [], []
    monkeypatch.setattr(subprocess, "run", lambda command, shell, check: commands.append(command))
    monkeypatch.setattr(colab, "set_up", lambda drive: calls.append(drive))
    exec(address.colab_setup_cell(), {})
    assert f"{address.REPOSITORY} /content/course" in commands[0] and sys.path[0] == "/content/course"
    assert calls == [False]


def test_colab_s_torch_is_left_alone(monkeypatch, tmp_path):
    commands = []
    monkeypatch.setattr(colab.subprocess, "call", lambda command: commands.append(command) or 0)
    monkeypatch.setattr(
        colab, "find_spec", lambda name: None if name in ("jaxtyping", "wadler_lindig") else True
    )
    monkeypatch.setenv("COURSE_NO_VENV", "")
    colab.set_up(root=tmp_path)
    assert [command[1:5] for command in commands] == [["-m", "pip", "install", "--quiet"]] * 2
    assert [command[5:] for command in commands] == [
        ["--no-deps", "-e", str(tmp_path)],
        ["--no-deps", "jaxtyping", "wadler-lindig"],
    ]
    assert os.environ["COURSE_NO_VENV"] == "1"
    assert not {"torch", "torchvision"} & set(colab.NEEDED.values())


def test_a_failed_installation_on_colab_is_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(colab.subprocess, "call", lambda command: 1)
    with pytest.raises(CourseError, match="Runtime"):
        colab.set_up(root=tmp_path)


def test_drive_is_asked_for_only_when_wanted_and_keeps_runs(monkeypatch, tmp_path):
    mounted = []
    drive = types.SimpleNamespace(mount=mounted.append)
    monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", types.SimpleNamespace(drive=drive))
    monkeypatch.setattr(colab, "DRIVE", tmp_path / "drive")
    monkeypatch.setattr(colab.subprocess, "call", lambda command: 0)
    monkeypatch.setenv("COURSE_NO_VENV", "")
    (tmp_path / "content").mkdir()
    monkeypatch.chdir(tmp_path / "content")
    colab.set_up(root=tmp_path)
    assert not mounted and not Path("runs").exists()
    for _ in range(2):
        colab.set_up(drive=True, root=tmp_path)
        Path("runs/a").write_text("kept")
    assert (tmp_path / "drive/MyDrive/course_runs/a").read_text() == "kept"
    Path("runs").unlink()
    Path("runs").mkdir()
    with pytest.raises(CourseError, match="move them"):
        colab.set_up(drive=True, root=tmp_path)


def test_badges_name_the_lesson_at_the_one_address(monkeypatch):
    monkeypatch.setattr(address, "REPOSITORY", "https://github.com/me/fork")
    monkeypatch.setattr(address, "BRANCH", "dev")
    text = address.badges(LESSONS[0])
    assert (
        "github/me/fork/blob/dev/lessons/" in text and "v2/gh/me/fork/dev?urlpath=lab/tree/lessons/" in text
    )
    assert "-b dev https://github.com/me/fork " in address.colab_setup_cell()


def test_a_fork_changes_one_line_and_everything_follows(monkeypatch, tmp_path):
    lesson = LESSONS[0]
    (tmp_path / "solutions").mkdir()
    lesson.source(tmp_path).write_text(SOURCE, encoding="utf-8")
    (tmp_path / "README.md").write_bytes((ROOT / "README.md").read_bytes())
    address.readdress(tmp_path)
    once = lesson.source(tmp_path).read_text(encoding="utf-8")
    assert address.badges(lesson) in once and address.colab_setup_cell() in once
    assert address.readdress(tmp_path) == []
    monkeypatch.setattr(address, "REPOSITORY", "https://github.com/me/fork")
    assert address.readdress(tmp_path) == [tmp_path / "README.md", lesson.source(tmp_path)]
    for path in (tmp_path / "README.md", lesson.source(tmp_path)):
        text = path.read_text(encoding="utf-8")
        assert "me/fork" in text and "course-lib/course" not in text
    assert lesson.source(tmp_path).read_text(encoding="utf-8").endswith("# %%\nimport torch\n")


SOURCE = """\
# %% [markdown]
# # 01 · A lesson
#
# BADGES
#
# Text with [a link](x).

# %% tags=["colab-setup"]
COLAB_SETUP

# %%
import torch
"""


def test_readme_and_sources_say_the_address_and_every_lesson(tmp_path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme == address.readdress_readme(readme), "run python -m course_lib.address"
    for lesson in LESSONS:
        assert address.badges(lesson) in readme
        source = lesson.source().read_text(encoding="utf-8")
        assert source == address.readdress_source(source, lesson), "run python -m course_lib.address"
        assert address.badges(lesson) in source and address.colab_setup_cell() in source
        assert f"# # {lesson.name[:2]} · {lesson.title}\n" in source


def test_the_readme_opens_with_the_two_commands():
    code = [block.strip() for block in (ROOT / "README.md").read_text(encoding="utf-8").split("```")[1::2]]
    assert code[0] == f"git clone {address.REPOSITORY} && cd course\npython -m course_lib lab"
    assert code[1] == "python -m course_lib test"
