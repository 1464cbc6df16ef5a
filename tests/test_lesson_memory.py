"""A Binder session has 2 GB: each lesson, at the sizes of its cpu tier, must stay well below."""

import os
import re
import subprocess
import sys

import pytest

from course_lib.bootstrap import ROOT
from course_lib.lessons import LESSONS

MOST = 1.5  # GB of resident memory
# A lesson's settings: how long, which memory does not feel.
STEPS = re.compile(r"(\w*steps: int = )[\d_]+")
SECONDS = re.compile(r"(\w*seconds: float = )[\d.]+")
EPOCHS = re.compile(r"(\w*epochs: tuple\[int, \.\.\.\] = )\([^)]*\)")
# Not ru_maxrss, which a process inherits from the one that started it: a test worker may be larger.
MEASURE = """
import pathlib, runpy, sys
runpy.run_path(sys.argv[1], run_name="__main__")
print("peak", pathlib.Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_a_lesson_stays_under_its_memory(lesson, tmp_path):
    source, found = STEPS.subn(r"\g<1>5", lesson.source(ROOT).read_text("utf-8"))
    source = EPOCHS.sub(r"\g<1>(1, 2)", SECONDS.sub(r"\g<1>0.5", source))
    script = tmp_path / f"{lesson.name}.py"
    script.write_text(source, "utf-8")
    environment = {
        **os.environ,
        "COURSE_TIER": "cpu",
        "COURSE_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "MPLBACKEND": "agg",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(script)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    peak = int(re.search(r"^peak (\d+)$", done.stdout, re.MULTILINE)[1]) / 1e6
    print(f"{lesson.name}: {peak:.2f} GB at its peak, {found} trainings cut short")
    assert peak < MOST
