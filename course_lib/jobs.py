"""The two jobs that the bootstrap starts once the environment stands: JupyterLab, and every test there is.

Standard library only: this file runs in whichever Python was called, and starts the environment's Python.
"""

import contextlib
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from course_lib.bootstrap import ROOT
from course_lib.errors import CourseError
from course_lib.progress import PAGE, VARIABLE, progress_file, write_page

TWO_FILES_AT_A_TIME = ["-n", "2", "--dist", "loadfile"]
NOTHING_COLLECTED = 5  # pytest's exit status when no test matches


@dataclass(frozen=True)
class Stage:
    name: str
    command: list
    env: dict = field(default_factory=dict)
    passes: tuple = (0,)  # exit statuses


def lab(python: Path, args: list[str], root: Path = ROOT) -> int:
    """Serve JupyterLab at lessons/ until it is stopped; further arguments are JupyterLab's own."""
    if not (root / "lessons").is_dir():
        raise CourseError(f"There is no folder {root / 'lessons'}: restore it with `git checkout lessons`.")
    command = lab_command(python, args, root)
    with contextlib.suppress(OSError):  # a folder that cannot be written to is served all the same
        write_page(root)
    print("JupyterLab is starting; its address follows. Ctrl-C stops it.", flush=True)
    return hand_over(command, lab_environment(root), root)


def lab_environment(root: Path) -> dict:
    """Where progress is kept, and the course's settings of JupyterLab, beside the user's own."""
    settings = [
        str(Path(__file__).parent / "notebook" / "jupyter"),
        os.environ.get("JUPYTER_CONFIG_PATH", ""),
    ]
    return environment(
        **{VARIABLE: str(progress_file(root)), "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, settings))}
    )


def lab_command(python: Path, args: list[str], root: Path) -> list[str]:
    command = [
        str(python),
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={root / 'lessons'}",
        f"--LabApp.default_url=/lab/tree/{PAGE}",
        "--log-level=ERROR",
    ]
    if not has_desktop() and "--no-browser" not in args:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0 and "--allow-root" not in args:
        command.append("--allow-root")  # a container; the address still carries a token
    return command + args


def has_desktop() -> bool:
    """Is there a screen on which a browser could open?"""
    if "SSH_CONNECTION" in os.environ or os.environ.get("CI"):
        return False
    return sys.platform in ("win32", "darwin") or any(
        os.environ.get(v) for v in ("DISPLAY", "WAYLAND_DISPLAY")
    )


def hand_over(command: list, env: dict, folder: Path) -> int:
    """Become that command, so that signals reach it; where that is not to be had (Windows), wait for it."""
    if os.name == "posix":
        os.chdir(folder)
        sys.stdout.flush()
        os.execvpe(command[0], command, env)
    child = subprocess.Popen(command, env=env, cwd=folder)
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:  # the child heard it too, and asks the user by itself
            continue


def environment(**settings: str) -> dict:
    """This process's variables, with what the course asks of the processes it starts."""
    return {"OMP_WAIT_POLICY": "PASSIVE", **os.environ, **settings}


def test(python: Path, args: list[str], root: Path = ROOT) -> int:
    """Run every stage, also after one that failed; print how each ended; 0 if all passed.

    Further arguments go to pytest, in the stage "tests" only.
    """
    results = []
    for stage in stages(python, args, root):
        print(f"\n== {stage.name}: {' '.join(stage.command[1:])}", flush=True)
        began = time.perf_counter()
        env = environment(**stage.env)
        env.pop(VARIABLE, None)  # JupyterLab's terminal has it, and here the solutions are run
        status = subprocess.call(stage.command, env=env, cwd=root)
        results.append((stage, status, time.perf_counter() - began))
    return report(results)


def stages(python: Path, args: list[str], root: Path) -> list[Stage]:
    def module(*words: str) -> list[str]:
        return [str(python), "-m", *words]

    one_thread = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
    imports = "from importlinter.cli import lint_imports_command as main; main()"
    found = [
        Stage("lint", module("ruff", "check", ".")),
        Stage("format", module("ruff", "format", "--check", ".")),
        Stage("import direction", [str(python), "-c", imports], {"PYTHONUTF8": "1"}),
        Stage("lessons as released", module("course_lib", "release", "--check")),
        Stage(
            "tests",
            # All of them: two files at a time. A choice of the user's: in one process, with theirs alone.
            module("pytest", "tests", *(args or TWO_FILES_AT_A_TIME)),
            one_thread,
            # Without arguments a run that collects nothing is a failure.
            passes=(0, NOTHING_COLLECTED) if args else (0,),
        ),
    ]
    if notebooks := [
        f"{n.parent.name}/{n.name}"
        for f in ("solutions", "lessons")
        for n in sorted((root / f).glob("*.ipynb"))
    ]:
        # Cells run in the environment's own kernel.
        options = ["--nbval-lax", "--nbval-current-env", "-o", "addopts=", *TWO_FILES_AT_A_TIME]
        found.append(
            Stage("notebooks", module("pytest", *options, *notebooks), {**one_thread, "COURSE_TIER": "smoke"})
        )
    return found


def report(results: list[tuple[Stage, int, float]]) -> int:
    """Print one line a stage; 0 if all passed, else 1."""
    width = max(len(stage.name) for stage, _, _ in results)
    failed = [stage.name for stage, status, _ in results if status not in stage.passes]
    print("\n== summary")
    for stage, status, seconds in results:
        word = "FAILED" if stage.name in failed else "nothing matched" if status else "passed"
        print(f"{stage.name:<{width}}  {seconds:6.1f} s  {word}")
    total = sum(seconds for _, _, seconds in results)
    verdict = f"failed: {', '.join(failed)}" if failed else "everything passed"
    print(f"{verdict} ({total:.0f} s)", flush=True)
    return 1 if failed else 0
