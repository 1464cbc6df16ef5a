"""Where the course lies on the web: the ONE place. Badges, the Colab cell and the README take it from here.

There is no public address yet. When there is one, or in a fork: change `REPOSITORY` (and `BRANCH`), then run
`course release`; tests/test_binder.py names the lines of the README that must follow.
"""

from course_lib.lessons import Lesson

REPOSITORY = "https://github.com/course-lib/course"  # on GitHub: Colab and Binder open notebooks from there
BRANCH = "main"


def clone_command() -> str:
    return f"git clone {REPOSITORY}"


def colab_link(lesson: Lesson) -> str:
    return f"https://colab.research.google.com/github/{slug()}/blob/{BRANCH}/lessons/{lesson.name}.ipynb"


def binder_link(lesson: Lesson) -> str:
    return f"https://mybinder.org/v2/gh/{slug()}/{BRANCH}?urlpath=lab/tree/lessons/{lesson.name}.ipynb"


def badges(lesson: Lesson) -> str:
    """Markdown for the head of a lesson. Words, not pictures: a badge from afar is a broken image offline."""
    return f"[Open in Colab]({colab_link(lesson)}) · [Open in Binder]({binder_link(lesson)})"


def slug() -> str:
    """ "course-lib/course": owner and name of the repository."""
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
