"""Notebooks without a front end: this interpreter, failures in one sentence, nothing lost; then nbval."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from sample_lesson import write_sample

from course_lib.errors import CourseError
from course_lib.grading import release as releasing
from course_lib.notebook.execute import CellFailed, execute, run_lesson, to_text

HERE = Path(__file__).parent


def notebook(*sources):
    return new_notebook(cells=[new_markdown_cell("# title"), *map(new_code_cell, sources)])


def run(tmp_path, *sources, **options):
    return execute(notebook(*sources), cwd=tmp_path, progress=False, **options)


def text_of(cell):
    return "".join(o.get("text") or o.data.get("text/plain", "") for o in cell.outputs)


def save(folder, *sources, name="nb.ipynb"):
    path = folder / name
    path.write_text(to_text(notebook(*sources)), "utf-8")
    return path


def test_kernel_is_this_interpreter_with_this_package_tier_and_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    ask = """import os, sys, course_lib
print(sys.executable, course_lib.__file__, os.getcwd(), sep="\\n")
print(os.environ["COURSE_TIER"], os.environ["OMP_WAIT_POLICY"], os.environ["MPLBACKEND"] != "Agg")"""
    done = run(tmp_path, ask, "", tier="smoke")
    import course_lib

    where = [sys.executable, course_lib.__file__, str(tmp_path.resolve()), "smoke PASSIVE True"]
    assert text_of(done.cells[1]).splitlines() == where
    assert [c.execution_count for c in done.cells[1:]] == [1, None]
    assert "execution" not in done.cells[1].metadata and "widgets" not in done.metadata


def test_streams_are_one_output_and_a_live_display_keeps_its_last_state(tmp_path):
    done = run(
        tmp_path, "for k in range(3): print(k, flush=True)", "h = display(1, display_id=True); h.update(2)"
    )
    assert [len(cell.outputs) for cell in done.cells[1:]] == [1, 1]
    assert text_of(done.cells[2]) == "2"
    assert "transient" not in done.cells[2].outputs[0]


@pytest.mark.parametrize(
    ("source", "options", "words"),
    [
        (
            "# why\n1 / 0",
            {},
            r"cell 3 of the notebook \(1 / 0\) stopped with ZeroDivisionError: division by zero",
        ),
        ("while True: pass", {"timeout": 0.9}, "took longer than 1 s"),
        ("import os; os._exit(9)", {}, "the Python process died in cell 3"),
    ],
)
def test_a_cell_that_fails_is_one_sentence_and_what_was_reached_is_kept(tmp_path, source, options, words):
    nb = notebook("print('reached')", source, "print('never')")
    with pytest.raises(CellFailed, match=words) as caught:
        execute(nb, cwd=tmp_path, progress=False, **options)
    assert "\n" not in str(caught.value) and caught.value.index == 2
    assert text_of(nb.cells[1]) == "reached\n"
    assert nb.cells[3].outputs == []


def test_stale_outputs_do_not_survive_a_run(tmp_path):
    nb = notebook("1", "1 / 0", "3")
    nb.cells[3].outputs = [nbformat.v4.new_output("stream", text="old")]
    with pytest.raises(CellFailed):
        execute(nb, cwd=tmp_path, progress=False)
    assert nb.cells[3].outputs == []


def test_run_lesson_by_name_and_by_beginning_to_ipynb_and_html(tmp_path, capfd):
    root = write_sample(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(releasing, "known_exercises", lambda: {"sample/double": 2})
        assert releasing.release([], execute=True, tier="smoke", root=root, progress=False) == 0
    assert run_lesson("90", "smoke", tmp_path / "new" / "x.html", root=root) == 0
    assert "90_sample" in capfd.readouterr().err  # the bar over the cells
    page = (tmp_path / "new" / "x.html").read_text("utf-8")
    assert 'alt="a grey ramp [0, 255]" src="data:image/webp;base64,' in page  # the kept picture, embedded
    assert 'alt="a grey ramp [0, 255]" src="data:image/png;base64,' in page  # the one just drawn
    assert run_lesson("90_sample", "cpu", tmp_path / "x.ipynb", root=root, solution=True, progress=False) == 0
    cells = nbformat.read(tmp_path / "x.ipynb", as_version=4).cells
    assert text_of(cells[-2]).startswith("for teachers: cpu ")
    assert text_of(cells[-1]) == "the end\n"
    # Run All on the untouched lesson reaches the last cell.
    assert run_lesson("90", "cpu", tmp_path / "y.ipynb", root=root, progress=False) == 0
    assert text_of(nbformat.read(tmp_path / "y.ipynb", as_version=4).cells[-1]) == "the end\n"


def test_run_lesson_saves_what_a_failure_left(tmp_path, capsys):
    path, out = save(tmp_path, "print('reached')", "1 / 0"), tmp_path / "out.ipynb"
    assert run_lesson(str(path), None, out, progress=False) == 1
    assert (
        f"stopped with ZeroDivisionError: division by zero; what was reached is in {out}"
        in capsys.readouterr().err
    )
    saved = nbformat.read(out, as_version=4)
    assert text_of(saved.cells[1]) == "reached\n" and saved.cells[2].outputs[0].ename == "ZeroDivisionError"


@pytest.mark.skipif(os.name != "posix", reason="a signal like Ctrl-C needs POSIX")
def test_run_lesson_saves_what_ctrl_c_left_and_stops_the_kernel(tmp_path):
    flag, out = tmp_path / "flag", tmp_path / "out.ipynb"
    say = f"import os, time\nwith open({str(flag)!r}, 'w') as f: print(os.getpid(), file=f)\ntime.sleep(60)"
    path = save(tmp_path, "print('reached')", say)
    job = f"from course_lib.notebook.execute import *; run_lesson({str(path)!r}, None, Path({str(out)!r}))"
    child = subprocess.Popen([sys.executable, "-c", job], stderr=subprocess.PIPE, cwd=HERE.parent)
    deadline = time.monotonic() + 60
    while not (flag.exists() and flag.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    said = child.communicate(timeout=30)[1].decode()
    assert "KeyboardInterrupt" in said
    assert text_of(nbformat.read(out, as_version=4).cells[1]) == "reached\n"
    with pytest.raises(ProcessLookupError):
        os.kill(int(flag.read_text()), 0)


def test_run_lesson_refuses_what_it_cannot_do(tmp_path):
    root = write_sample(tmp_path)
    for name, out, words in [
        ("90_sample", "x.pdf", "must end in .ipynb or .html"),
        ("02", "x.ipynb", "there are none"),
        ("missing.ipynb", "x.ipynb", "there is no notebook missing.ipynb"),
        (str(save(tmp_path)), "nb.ipynb/x.ipynb", "cannot be written"),
    ]:
        with pytest.raises(CourseError, match=words):
            run_lesson(name, None, tmp_path / out, root=root)
    (tmp_path / "broken.ipynb").write_text('{"cells": [', "utf-8")
    with pytest.raises(CourseError, match="cannot be read as a notebook"):
        run_lesson(str(tmp_path / "broken.ipynb"), None, tmp_path / "x.ipynb", root=root)


# ------------------------------------------------------------------------ nbval, as the test command calls it


def nbval(*paths):
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env", "-o", "addopts=", "-q"]
    command += ["-p", "no:cacheprovider", *map(str, paths)]
    env = dict(os.environ, COURSE_TIER="smoke")
    return subprocess.run(command, cwd=paths[0].parent, env=env, capture_output=True, text=True)


def test_nbval_compares_marked_cells_and_lets_live_displays_be(tmp_path):
    root = write_sample(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(releasing, "known_exercises", lambda: {"sample/double": 2})
        assert releasing.release([], execute=True, tier="smoke", root=root, progress=False) == 0
    solution, lesson = root / "solutions" / "90_sample.ipynb", root / "lessons" / "90_sample.ipynb"
    good = nbval(solution, lesson)
    assert good.returncode == 0, good.stdout
    assert "13 passed" in good.stdout
    text = solution.read_text("utf-8")
    assert '"42"' in text
    solution.write_text(
        text.replace('"42"', '"43"').replace("for teachers: smoke", "for teachers: gpu"), "utf-8"
    )
    bad = nbval(solution)
    assert bad.returncode == 1
    assert "Cell outputs differ" in bad.stdout and "1 failed, 6 passed" in bad.stdout
