"""The import direction is held by import-linter; here it must notice what it is there for."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from course_lib.bootstrap import ROOT

LINT = (
    "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command as main; main()"
)


def lint(folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-P", "-c", LINT], cwd=folder, capture_output=True, text=True, encoding="utf-8"
    )


@pytest.fixture
def copy(tmp_path) -> Path:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(
        ROOT / "course_lib", tmp_path / "course_lib", ignore=shutil.ignore_patterns("__pycache__")
    )
    return tmp_path


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("models/vae.py", "import course_lib.data.digits", "Models know neither data nor metrics"),
        ("types.py", "import course_lib.device", "Imports run one way"),
        ("training/loop.py", "import course_lib.notebook.show", "Imports run one way"),
        ("bootstrap.py", "import numpy", "The bootstrap needs nothing installed"),
        ("stray.py", "", "Imports run one way"),
    ],
)
def test_a_wrong_import_breaks_its_contract(copy, module, line, broken):
    file = copy / "course_lib" / module
    file.write_text(
        (file.read_text(encoding="utf-8") if file.exists() else "") + f"\n{line}\n", encoding="utf-8"
    )
    answer = lint(copy)
    assert answer.returncode != 0
    assert f"{broken} BROKEN" in answer.stdout or "stray" in answer.stdout + answer.stderr


def test_the_package_as_it_is_keeps_every_contract(copy):
    answer = lint(copy)
    assert answer.returncode == 0, answer.stdout + answer.stderr
