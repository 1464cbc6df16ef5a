"""Where the course lies on the web: the ONE place. Badges, the Colab cell and the README take it from here.

There is no public address yet. When there is one, and in a fork: change `REPOSITORY` (and `BRANCH`), then run
`python -m course_lib.address`, which writes it into README.md and the sources of the lessons, and then
`course release`. Tests fail while one of these files says another address.
"""

import re
import sys
from pathlib import Path

from course_lib.bootstrap import ROOT
from course_lib.lessons import LESSONS, Lesson

REPOSITORY = "https://github.com/course-lib/course"  # on GitHub: Colab and Binder open notebooks from there
BRANCH = "main"


def colab_link(lesson: Lesson) -> str:
    return f"https://colab.research.google.com/github/{slug()}/blob/{BRANCH}/lessons/{lesson.name}.ipynb"


def binder_link(lesson: Lesson) -> str:
    return f"https://mybinder.org/v2/gh/{slug()}/{BRANCH}?urlpath=lab/tree/lessons/{lesson.name}.ipynb"


def badges(lesson: Lesson) -> str:
    """Markdown for the head of a lesson. Words, not pictures: a badge from afar is a broken image offline."""
    return f"[Open in Colab]({colab_link(lesson)}) · [Open in Binder]({binder_link(lesson)})"


def slug() -> str:
    """Owner and name of the repository: course-lib/course."""
    return "/".join(REPOSITORY.rstrip("/").split("/")[-2:])


def colab_setup_cell() -> str:
    """The text of a lesson's first code cell: on Colab it installs the course, elsewhere it does nothing."""
    return f"""\
# On Colab this fetches the course and installs it; Colab's own torch stays. Elsewhere it does nothing.
import sys

if "google.colab" in sys.modules:
    import subprocess

    fetch = "test -d /content/course || git clone -q --depth 1 -b {BRANCH} {REPOSITORY} /content/course"
    subprocess.run(fetch, shell=True, check=True)
    sys.path.insert(0, "/content/course")
    from course_lib.colab import set_up

    set_up(drive=False)  # True keeps checkpoints in your Google Drive"""


def lesson_table() -> str:
    """The README's table, a row for each lesson that exists."""
    rows = [
        f"| {lesson.name[:2]} | [{lesson.title}](lessons/{lesson.name}.ipynb) | {lesson.minutes or '–'} | "
        f"{badges(lesson)} |"
        for lesson in LESSONS
    ]
    return "\n".join(["| | lesson | minutes | without installing |", "|---|---|---:|---|", *rows])


def readdress_source(text: str, lesson: Lesson) -> str:
    """A lesson's py:percent source with today's badges and Colab cell.

    The badges are the line `# BADGES` or an earlier line of badges; the cell is the one tagged colab-setup.
    """
    text = re.sub(r"^# (BADGES|\[Open in Colab\]\(.*)$", lambda _: f"# {badges(lesson)}", text, flags=re.M)
    cell = re.compile(r"^(# %%[^\n]*colab-setup[^\n]*\n).*?(?=^# %%)", re.M | re.S)
    return cell.sub(lambda found: f"{found[1]}{colab_setup_cell()}\n\n", text)


def readdress_readme(text: str) -> str:
    """README.md with today's table of lessons, between its two marks, and today's `git clone`."""
    marks = re.compile(r"(<!-- lessons -->\n).*?(<!-- end -->)", re.S)
    text = marks.sub(lambda found: f"{found[1]}{lesson_table()}\n{found[2]}", text)
    return re.sub(r"git clone \S+", lambda _: f"git clone {REPOSITORY}", text)


def readdress(root: Path = ROOT) -> list[Path]:
    """Write the address into README.md and solutions/*.py; returns the files that changed."""
    new = {root / "README.md": readdress_readme}
    for lesson in LESSONS:
        new[lesson.source(root)] = lambda text, lesson=lesson: readdress_source(text, lesson)
    changed = []
    for path, rewrite in new.items():
        if path.is_file() and (text := path.read_text(encoding="utf-8")) != rewrite(text):
            path.write_text(rewrite(text), encoding="utf-8", newline="\n")
            changed.append(path)
    return changed


if __name__ == "__main__":
    for path in readdress():
        print(f"{path}: rewritten")
    sys.exit(0)
