"""A lesson in a real browser: JupyterLab as `course lab` starts it, Run All, and its pictures are there.

The screenshots stay under pytest's temporary folder (`--basetemp` moves it): look at them.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest
from sample_lesson import write_sample

from course_lib.grading import release as releasing
from course_lib.jobs import lab_command, lab_environment
from course_lib.progress import VARIABLE, write_page

ROOT = Path(__file__).parents[1]
TOKEN = "only-for-this-test"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# Without these Chromium looks for its maker's hosts at every start.
QUIET = (
    "--disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update"
)
OPTIONS = ["--no-sandbox", "--disable-sync", *QUIET.split()]
CELL_SECONDS = 240  # all cells of one lesson in the smoke tier, on a busy machine

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright for Python is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here (Debian: apt-get install chromium)"),
]


def lessons():
    return ["90_sample", *sorted(path.stem for path in (ROOT / "lessons").glob("[0-9][0-9]_*.ipynb"))]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Copies of all lessons, and the sample, in a folder of their own."""
    root = write_sample(tmp_path_factory.mktemp("course"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(releasing, "known_exercises", lambda: {"sample/double": 2})
        assert releasing.release([], execute=True, tier="smoke", root=root, progress=False) == 0
    shutil.copytree(ROOT / "lessons", root / "lessons", dirs_exist_ok=True)
    return root


@pytest.fixture(scope="module")
def lab(course, tmp_path_factory):
    """The address of a JupyterLab that serves the copies, with settings and caches of its own."""
    home, port = tmp_path_factory.mktemp("home"), free_port()
    write_settings(home)
    options = [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}"]
    command = lab_command(
        Path(sys.executable), ["--no-browser", "--LabApp.expose_app_in_browser=True", *options], course
    )
    write_page(course)
    log = home / "lab.log"
    with log.open("wb") as file:
        server = subprocess.Popen(
            command, cwd=course, env=environment(home, course), stdout=file, stderr=file
        )
    try:
        address = f"http://127.0.0.1:{port}"
        await_answer(f"{address}/api?token={TOKEN}", server, log)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=30)


def free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def write_settings(home):
    """No news from the network, and every cell in the page, also those out of sight."""
    settings = {
        "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
        "notebook-extension/tracker": {"windowingMode": "none"},
    }
    for name, values in settings.items():
        path = home / "config" / "lab" / "user-settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), "utf-8")


def environment(home, course):
    folders = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "run",
               "IPYTHONDIR": "ipython", "XDG_CACHE_HOME": "cache", "COURSE_DATA": "digits"}  # fmt: skip
    for folder in folders.values():
        (home / folder).mkdir(exist_ok=True)
    own = {name: str(home / folder) for name, folder in folders.items()}
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    settings = {
        "COURSE_TIER": "smoke",
        "COURSE_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
    }
    ours = lab_environment(course)
    served = {name: ours[name] for name in (VARIABLE, "JUPYTER_CONFIG_PATH")}
    return {**os.environ, **own, **served, **settings, "PYTHONPATH": path, "JUPYTER_PREFER_ENV_PATH": "1"}


def await_answer(url, server, log, seconds=90):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not answer: {log.read_text()[-2000:]}")


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as p:
        chromium = p.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    yield page
    page.close()


PANEL = "const panel = window.jupyterapp?.shell.currentWidget; "
IDLE = "() => {" + PANEL + "return panel?.sessionContext?.session?.kernel?.status === 'idle' }"
RUN = "() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }"  # not awaited here
DONE = (
    "() => {" + PANEL + "return panel.content.widgets.every(cell => cell.model.type !== 'code' "
    "|| !cell.model.sharedModel.source.trim() || cell.model.executionCount) "
    "&& panel.sessionContext.session.kernel.status === 'idle' }"
)
ERRORS = (
    "() => {" + PANEL + "return panel.content.widgets.filter(cell => cell.model.type === 'code').flatMap("
    "cell => cell.model.toJSON().outputs.filter(output => output.output_type === 'error')"
    ".map(output => output.ename + ': ' + output.evalue)) }"
)
IMAGES = (
    "images => images.map(image => ({alt: image.alt.trim(), width: image.naturalWidth, "
    "which: image.className || image.parentElement.className}))"
)


def open_lesson(page, lab, name):
    """Open it and wait for its kernel: a command given before that is silently lost."""
    page.goto(f"{lab}/lab/tree/{name}.ipynb?token={TOKEN}&reset")
    page.wait_for_function(IDLE, timeout=90_000)


@pytest.mark.parametrize("name", lessons())
def test_run_all_reaches_the_end_and_shows_pictures_with_alt_text(page, lab, course, name, tmp_path):
    open_lesson(page, lab, name)
    page.evaluate(RUN)
    try:
        page.wait_for_function(DONE, timeout=CELL_SECONDS * 1000)
    finally:
        errors = page.evaluate(ERRORS)
        page.screenshot(path=tmp_path / f"{name}.png")
    if page.locator(".jp-OutputArea-output img").count():
        page.locator(".jp-OutputArea-output img").last.scroll_into_view_if_needed()
        page.screenshot(path=tmp_path / f"{name}-picture.png")
    assert errors == []
    assert page.locator(".jp-Dialog").count() == 0
    shown = page.locator(".jp-OutputArea-output img").evaluate_all(IMAGES)
    assert shown, "no picture in the outputs"
    assert [image for image in shown if not image["alt"] or image["width"] == 0] == []


def test_it_opens_at_the_table_of_lessons_and_a_lesson_from_there(page, lab, course, tmp_path):
    page.goto(f"{lab}/?token={TOKEN}")
    link = page.locator(".jp-MarkdownViewer table a", has_text="The variational autoencoder")
    link.wait_for(state="visible", timeout=60_000)
    page.screenshot(path=tmp_path / "table.png")
    assert page.locator(".jp-MarkdownViewer table", has_text="0 of 6").count() == 1
    link.click()
    page.wait_for_function(IDLE, timeout=90_000)
    assert page.evaluate("window.jupyterapp.shell.currentWidget.context.path") == "01_vae.ipynb"


def test_kept_picture_unfolds_beside_the_students_own(page, lab, course, tmp_path):
    open_lesson(page, lab, "90_sample")
    page.locator("summary", has_text="You should now see").click()
    picture = page.locator(".jp-RenderedMarkdown details img")
    picture.wait_for(state="visible", timeout=10_000)
    (image,) = picture.evaluate_all(IMAGES)
    picture.scroll_into_view_if_needed()
    page.screenshot(path=tmp_path / "kept.png")
    assert (image["alt"], image["width"]) == ("a grey ramp [0, 255]", 256)


@pytest.mark.parametrize("newer", [".ipynb", ".py"])
def test_students_notebook_opens_and_saves_whichever_twin_is_newer(page, lab, course, newer):
    """Jupytext pairs nothing in lessons/: no dialog, and saving the notebook leaves the .py alone."""
    later = time.time() + 3600
    twin = course / "lessons" / "90_sample.py"
    os.utime(twin.with_suffix(newer), (later, later))
    before = twin.read_bytes()
    open_lesson(page, lab, "90_sample")
    assert page.locator(".jp-Dialog").count() == 0
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    assert page.locator(".jp-Dialog").count() == 0
    assert twin.read_bytes() == before


LIVE = """\
import torch
from course_lib.models.vae import VAE, sample_vae, vae_player
from course_lib.notebook.explore import explore
from course_lib.notebook.live import watch
from course_lib.training.loop import seconds, train

vae, x = VAE(2, width=4), torch.rand(8, 1, 28, 28)
run = watch(train([vae_player(vae)], iter(lambda: {"image": x}, None), seconds(90)))
for step in run:
    pass
at = lambda z1: sample_vae(vae, 1, z=torch.tensor([[z1, 0.0]]))
explore(at, z1=(-3.0, 3.0, 0.0), alt="a digit at z1")
assert run.stopped == "by you", run.stopped"""


def test_stop_ends_a_training_in_a_busy_kernel_and_a_slider_draws(page, lab, course):
    live = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(LIVE, id="live")])
    live.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(live, course / "lessons" / "91_live.ipynb")
    open_lesson(page, lab, "91_live")
    page.evaluate(RUN)
    page.locator("button", has_text="Stop").click(timeout=60_000)
    page.wait_for_function(DONE, timeout=60_000)  # the budget is 90 s
    assert page.evaluate(ERRORS) == []
    picture = page.locator(".jupyter-widgets img")
    before = picture.get_attribute("src")
    page.locator(".jupyter-widgets [role=slider]").focus()
    page.keyboard.press("End")
    page.wait_for_function(
        "before => document.querySelector('.jupyter-widgets img').src !== before", arg=before, timeout=20_000
    )
    assert picture.get_attribute("alt") == "a digit at z1"
