"""The course's environment: `.venv` at the root of the clone, made on first use. Standard library only.

A stamp inside `.venv` says what was installed (requirements, extras, the Python, the folder). While it still
holds, nothing is installed; it is removed before an installation and written after it.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from course_lib.errors import CourseError

ROOT = Path(__file__).resolve().parent.parent  # of the clone
MINIMUM = (3, 11)

Run = Callable[[list, Path], int]  # a command line, the folder to run it in -> its exit status


def ensure_environment(*extras: str, root: Path = ROOT, run: Run | None = None) -> Path:
    """The Python of the course's environment, which is made or brought up to date first if need be.

    With `COURSE_NO_VENV=1` it is the running Python, and nothing is installed (Binder, conda, a container).
    Raises CourseError when the installation fails.
    """
    if os.environ.get("COURSE_NO_VENV"):
        return Path(sys.executable)
    venv, python, stamp = root / ".venv", venv_python(root), read_stamp(root)
    version = python_version(python)
    wanted = {
        "project": project_digest(root),
        "extras": sorted({*extras, *stamp.get("extras", [])}),  # `lab` does not undo what `test` installed
        "python": version,
        "root": str(root),
    }
    if stamp == wanted:
        return python

    stamp_file(root).unlink(missing_ok=True)
    upgraded = bool(stamp) and stamp.get("python") != version
    moved = bool(stamp) and stamp.get("root") != str(root)
    if venv.exists() and (version is None or upgraded or moved):
        remove(venv)
    print(
        f"Setting up {venv}: on first use this downloads some gigabytes and takes a few minutes.", flush=True
    )
    install(root, wanted["extras"], run or call)
    write_stamp(root, {**wanted, "python": python_version(python)})
    return python


def install(root: Path, extras: list[str], run: Run) -> None:
    """Make `.venv` where it is missing and install the course into it: by uv, and where that fails by pip."""
    uv = find_uv()
    plans = [uv_plan, pip_plan] if uv else [pip_plan]
    for plan in plans:
        if plan is pip_plan and uv:
            print("uv could not do it; trying pip.", flush=True)
        if all(run(command, root) == 0 for command in plan(root, extras)):
            return
    free = shutil.disk_usage(root).free / 1e9
    raise CourseError(
        f"Setting up {root / '.venv'} failed (the reason stands above): check the network and the disk "
        f"({free:.0f} GB are free, about 8 are needed), then run the same command again."
    )


def uv_plan(root: Path, extras: list[str]) -> list[list[str]]:
    """The command lines by which uv makes the environment (with pip in it, for `%pip` in a notebook)."""
    python = venv_python(root)
    make = [["uv", "venv", "--seed", "--python", base_python(), ".venv"]]
    return ([] if python.exists() else make) + [
        ["uv", "pip", "install", "--python", str(python), "-e", requirement(extras)]
    ]


def pip_plan(root: Path, extras: list[str]) -> list[list[str]]:
    """The command lines by which Python's own venv and pip make the environment."""
    python = venv_python(root)
    has_pip = python.exists() and call_quietly([str(python), "-m", "pip", "--version"]) == 0
    return ([] if has_pip else [[base_python(), "-m", "venv", ".venv"]]) + [
        [str(python), "-m", "pip", "install", "-e", requirement(extras)]
    ]


def requirement(extras: list[str]) -> str:
    return f".[{','.join(extras)}]" if extras else "."


def venv_python(root: Path = ROOT, windows: bool = os.name == "nt") -> Path:
    return root / ".venv" / ("Scripts/python.exe" if windows else "bin/python")


def inside_venv(root: Path = ROOT) -> bool:
    return Path(sys.prefix).resolve() == (root / ".venv").resolve()


def base_python() -> str:
    """The Python that environments are made from, even when this one runs in an environment."""
    return getattr(sys, "_base_executable", None) or sys.executable


def find_uv() -> bool:
    """True where uv is on the path and works (a pyenv shim may be there and not work)."""
    return shutil.which("uv") is not None and call_quietly(["uv", "--version"]) == 0


def python_version(python: Path) -> str | None:
    """Such as 3.13; None where that interpreter is missing, does not start, or is too old for the course."""
    script = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run([str(python), "-I", "-c", script], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    version = answer.stdout.strip()
    if answer.returncode != 0 or tuple(map(int, version.split("."))) < MINIMUM:
        return None
    return version


def project_digest(root: Path) -> str:
    """A hash of what decides on the installed packages: other tables of pyproject.toml may change freely."""
    import tomllib  # since Python 3.11

    file = root / "pyproject.toml"
    if not file.is_file():
        raise CourseError(
            f"There is no pyproject.toml in {root}: clone the course's repository and run this in the clone."
        )
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise CourseError(
            f"{file} cannot be read ({error}): undo the change with `git checkout {file.name}`."
        ) from None
    chosen = {name: tables.get(name) for name in ("project", "build-system")}
    return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()


def stamp_file(root: Path) -> Path:
    return root / ".venv" / "course-stamp.json"


def read_stamp(root: Path) -> dict:
    """What the stamp says; empty where there is none that can be read."""
    try:
        stamp = json.loads(stamp_file(root).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(root: Path, stamp: dict) -> None:
    """All of it or nothing: a stamp that is half written would be a lie."""
    partial = stamp_file(root).with_suffix(".partial")
    partial.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
    partial.replace(stamp_file(root))


def remove(venv: Path) -> None:
    try:
        shutil.rmtree(venv)
    except OSError as error:
        raise CourseError(
            f"{venv} belongs to another Python or another folder and cannot be removed ({error}): "
            "close what uses it, delete it by hand, then run the same command again."
        ) from None


def call(command: list, folder: Path) -> int:
    """Run it in sight of the user."""
    print("$", " ".join(command), flush=True)
    try:
        return subprocess.call(command, cwd=folder)
    except OSError as error:
        print(error, file=sys.stderr)
        return 127


def call_quietly(command: list) -> int:
    try:
        return subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError:
        return 127
