"""What a lesson's first cell does on Colab, once the course is cloned: install it and what is missing."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from course_lib.bootstrap import ROOT
from course_lib.errors import CourseError

# What the lessons import and Colab may lack: module -> package. torch and torchvision are Colab's own.
NEEDED = {
    "jaxtyping": "jaxtyping",
    "wadler_lindig": "wadler-lindig",  # jaxtyping's only dependency
    "mlxtend": "mlxtend",
    "einops": "einops",
    "safetensors": "safetensors",
    "accelerate": "accelerate",
}
DRIVE = Path("/content/drive")


def set_up(*, drive: bool = False, root: Path = ROOT) -> None:
    """Install the course from its clone and what Colab lacks, each without dependencies: torch stays.

    `drive=True` asks for your Google Drive and keeps checkpoints there, in MyDrive/course_runs.
    """
    for wanted in (["-e", str(root)], missing_packages()):
        if wanted and subprocess.call(pip_install(wanted)) != 0:
            raise CourseError(
                f"Installing {wanted[-1]} failed: choose Runtime > Disconnect and delete runtime, "
                "then run this cell again."
            )
    os.environ["COURSE_NO_VENV"] = "1"  # `!course test` uses Colab's Python
    if drive:
        keep_runs_in_drive()


def missing_packages() -> list[str]:
    return [package for module, package in NEEDED.items() if find_spec(module) is None]


def pip_install(wanted: list[str]) -> list[str]:
    return [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", *wanted]


def keep_runs_in_drive() -> None:
    """From now on the folder `runs` here is one in Google Drive, so it outlives the machine."""
    from google.colab import drive  # only there

    drive.mount(str(DRIVE))
    kept, here = DRIVE / "MyDrive" / "course_runs", Path("runs")
    kept.mkdir(parents=True, exist_ok=True)
    if here.is_symlink():
        return
    if here.exists():
        raise CourseError(
            f"{here.absolute()} holds checkpoints already: move them to {kept}, then run this again."
        )
    here.symlink_to(kept, target_is_directory=True)
