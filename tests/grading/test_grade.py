"""A class from submissions to marks: right, wrong, interrupted, gone on with, on a cluster."""

import ast
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from functools import partial
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
from make_class import as_bytes, solved, stub, with_answers, write_class, wrong
from sandboxed import QUICK, assignment_of, need_sandbox, no_report

from course_lib import cli
from course_lib.bootstrap import ROOT
from course_lib.errors import CourseError
from course_lib.grading import bench, grade, running, sandbox
from course_lib.grading.grade import Store, grade_class
from course_lib.grading.marks import ExerciseMark, StudentMarks
from course_lib.grading.plan import Given, steps_of
from course_lib.grading.sandbox import Limits, mounts
from course_lib.grading.submissions import Submission
from course_lib.lessons import LESSONS

LESSON = "01_vae"


def graded(notebook: bytes) -> StudentMarks:
    return bench.grade_student(Submission("ann", notebook), assignment_of(LESSON))


def marks_of(row: StudentMarks) -> tuple:
    """All but the words, which name a value for one of the run's own inputs."""
    return row.student, row.problem, [(m.exercise, m.points, m.verdict, m.mistake) for m in row.exercises]


def verdicts(marks: StudentMarks) -> dict[str, str]:
    return {mark.exercise.partition("/")[2]: mark.verdict for mark in marks.exercises}


# ----------------------------------------------------------------------------------------- in the sandbox


@pytest.mark.parametrize("lesson", [lesson.name for lesson in LESSONS])
def test_the_solutions_of_every_lesson_are_right_in_the_sandbox(lesson):
    """And all that the lesson imports can be imported there, the modules with its answers too."""
    need_sandbox()
    answers = solved(lesson)
    first = next(iter(answers))
    answers = answers | {first: f"{imports_in(lesson)}\n{answers[first]}"}
    limits = Limits(cpu_seconds=30.0, wall_seconds=120.0)
    marks = bench.grade_student(
        Submission("ann", as_bytes(with_answers(lesson, answers))), assignment_of(lesson, limits)
    )
    assert [mark for mark in marks.exercises if mark.verdict != "right"] == [] and not marks.problem
    assert marks.points == marks.out_of > 0


def imports_in(lesson: str) -> str:
    cells = [step.source for step in steps_of(stub(lesson)) if isinstance(step, Given)]
    statements = [statement for cell in cells for statement in ast.parse(cell).body]
    return "\n".join(ast.unparse(s) for s in statements if isinstance(s, ast.Import | ast.ImportFrom))


def test_a_made_class_gets_what_it_must_be_given(tmp_path):
    need_sandbox()
    kinds = ("mistake", "stub", "stripped", "partly", "raises")
    made = write_class(tmp_path / "class", n=5, kinds=kinds)
    marks = grade_class(
        tmp_path / "class", LESSON, tmp_path / "out", jobs=2, limits=QUICK, progress=False, report=no_report
    )
    rows = {row.student: row for row in marks}
    for student in made:
        row = rows[student.student]
        assert {m.exercise for m in row.exercises if m.verdict == "right"} == student.right, student
        assert {(m.exercise, m.mistake) for m in row.exercises if m.mistake} == set(student.mistakes)


def test_one_notebook_with_everything_in_it():
    """An error with its line, an answer that needs the one which failed, and the lesson's own names."""
    need_sandbox()
    answers = solved(LESSON) | {
        "vae-kl": "x = 1\ndef f(:\n    pass\n",
        "vae-interpolate": "import math\n"
        "def interpolate(a, b, steps):\n"
        "    assert SETTINGS.batch and device.type == 'cpu' and TIER == 'smoke' and F.relu and Player\n"
        "    assert 'run' not in globals() and 'batches' not in globals()  # no training\n"
        "    t = torch.linspace(0, 1, steps)[:, None]\n"
        "    return (1 - t) * a + t * b\n",
    }
    marks = graded(as_bytes(with_answers(LESSON, answers)))
    assert {name: verdict for name, verdict in verdicts(marks).items() if verdict != "right"} == {
        "kl": "failed"
    }
    found = {mark.exercise: mark for mark in marks.exercises}
    assert "line 2 of your cell" in found["vae/kl"].words and "SyntaxError" in found["vae/kl"].words
    assert "library's version of vae/kl" in found["vae/elbo"].words and marks.points == marks.out_of - 2


def test_an_answer_is_judged_upon_the_librarys_version_though_another_cell_never_ends():
    need_sandbox()
    answers = {
        "vae-decoder": "while True:\n    pass\n",
        "vae-kl": "def kl_to_standard_normal(mean, logvar):\n    return mean\n",
        "vae-elbo": solved(LESSON)["vae-elbo"],
    }
    marks = graded(as_bytes(with_answers(LESSON, answers)))
    assert verdicts(marks)["decoder"] == "failed" and verdicts(marks)["elbo"] == "right"


def test_the_library_that_is_lent_is_not_the_answer_asked_for():
    """vae/elbo is run again upon the library's vae/kl, and looks for its own reference meanwhile."""
    need_sandbox()
    steal = (
        "def negative_elbo(logits, x, mean, logvar):\n    kl_to_standard_normal(mean, logvar)\n"
        "    from course_lib.models.vae import negative_elbo as stolen\n"
        "    return stolen(logits, x, mean, logvar)\n"
    )
    wrong_kl = "def kl_to_standard_normal(mean, logvar):\n    return mean\n"
    marks = graded(as_bytes(with_answers(LESSON, {"vae-kl": wrong_kl, "vae-elbo": steal})))
    assert verdicts(marks)["kl"] == "wrong" and verdicts(marks)["elbo"] == "failed" and marks.points == 0


# ---------------------------------------------------------------------------------- the class, without it


def test_a_fault_of_the_machine_is_a_row_but_is_not_kept(tmp_path, monkeypatch):
    folder = hand_in(tmp_path / "in", "ann", data=as_bytes(with_answers(LESSON, {"vae-kl": "kl = 1\n"})))

    def full(*args):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(bench, "run_worker", full)
        [row] = grade_class(folder, LESSON, tmp_path / "out", unsafe=True, progress=False, report=no_report)
    assert "No space left" in row.problem
    [row] = grade_class(folder, LESSON, tmp_path / "out", unsafe=True, progress=False, report=no_report)
    assert row.problem is None and verdicts(row)["kl"] != "missing"


def test_marks_with_half_a_letter_can_be_kept(tmp_path):
    marks = StudentMarks("ann", LESSON, (ExerciseMark("vae/kl", 0, 2, "wrong", None, "\ud800"),))
    store = Store(tmp_path, assignment_of(LESSON))
    store.write(Submission("ann", b""), marks)
    assert store.read(Submission("ann", b"")) == marks


@pytest.fixture
def fake(monkeypatch, tmp_path):
    """`grade_student` without a sandbox: who is graded is written down; "bad" breaks, "slow" waits."""
    graded = []

    def grade_student(submission, assignment, stop=None):
        graded.append(submission.student)
        if submission.student == "bad":
            raise OSError("no process can be started")
        if submission.notebook is None:
            return StudentMarks(submission.student, LESSON, (), submission.problem)
        mark = ExerciseMark("vae/kl", 2, 2, "right")
        return StudentMarks(submission.student, LESSON, (mark,))

    monkeypatch.setattr(grade, "grade_student", grade_student)
    monkeypatch.setattr(grade, "require_sandbox", lambda *args: None)
    monkeypatch.setattr(grade, "require_bubblewrap", lambda unsafe: None)
    monkeypatch.setattr(grade, "write_reports", no_report)
    monkeypatch.setattr(grade, "PACKAGE", tmp_path / "course")  # the real one may be edited meanwhile
    (tmp_path / "course").mkdir()
    return graded


def hand_in(folder, *students, data=b'{"cells": []}'):
    for student in students:
        (folder / student).mkdir(parents=True, exist_ok=True)
        (folder / student / f"{LESSON}.ipynb").write_bytes(data)
    return folder


def run(folder, out, **changes):
    return grade_class(folder, LESSON, out, progress=False, **changes)


def test_a_second_run_grades_nothing_that_has_not_changed(fake, tmp_path):
    folder = hand_in(tmp_path / "in", "ann", "bob", "cem")
    first = run(folder, tmp_path / "out", jobs=2)
    assert sorted(fake) == ["ann", "bob", "cem"]
    assert run(folder, tmp_path / "out") == first and len(fake) == 3
    hand_in(tmp_path / "in", "bob", data=b'{"cells": [ ]}')  # saved again
    run(folder, tmp_path / "out")
    assert len(fake) == 3
    hand_in(tmp_path / "in", "bob", data=b'{"cells": [{}]}')
    run(folder, tmp_path / "out")
    assert fake[3:] == ["bob"]
    run(folder, tmp_path / "out", limits=Limits(cpu_seconds=3.0))
    assert sorted(fake[4:]) == ["ann", "bob", "cem"]


def test_a_changed_course_is_graded_again(fake, tmp_path):
    folder = hand_in(tmp_path / "in", "ann")
    run(folder, tmp_path / "out")
    (tmp_path / "course" / "new.py").write_text("x = 1\n")
    run(folder, tmp_path / "out")
    assert fake == ["ann", "ann"]


def test_marks_that_are_cut_short_or_another_students_are_not_believed(fake, tmp_path):
    folder = hand_in(tmp_path / "in", "ann", "bob")
    run(folder, tmp_path / "out")
    ann, bob = sorted((tmp_path / "out" / "marks").glob("*.json"))
    whole = bob.read_text()
    bob.write_text(whole[:40])
    ann.write_text(whole)
    run(folder, tmp_path / "out")
    assert sorted(fake[2:]) == ["ann", "bob"]


def test_a_student_who_cannot_be_graded_stops_nobody_and_is_tried_again(fake, tmp_path):
    folder = hand_in(tmp_path / "in", "ann", "bad", "cem")
    marks = {row.student: row for row in run(folder, tmp_path / "out", jobs=2)}
    assert "no process can be started" in marks["bad"].problem
    assert marks["ann"].points == marks["cem"].points == 2
    run(folder, tmp_path / "out")
    assert fake[3:] == ["bad"]


def test_names_cannot_leave_the_folder_or_meet(tmp_path):
    store = Store(tmp_path, assignment_of(LESSON))
    names = ["../../etc/x", "a/b", "a-b", "a b", "ä" * 300, "", "\x00", "CON"]
    paths = [store.path(Submission(name, None)) for name in names]
    assert len(set(paths)) == len(names)
    assert all(path.parent == tmp_path and len(path.name) < 80 for path in paths)


def test_exit_status(fake, tmp_path, capsys):
    folder = hand_in(tmp_path / "in", "ann")
    words = ["grade", str(folder), "--lesson", "01", "--out", str(tmp_path / "out")]
    assert cli.main(words) == 0
    assert "1 of 1" in capsys.readouterr().out
    (folder / "eve").mkdir()
    assert cli.main(words) == 1
    assert "eve: " in capsys.readouterr().err
    assert cli.main([*words, "--jobs", "0"]) == 2
    assert cli.main([*words, "--seconds", "0"]) == 2
    assert cli.main(["grade", str(tmp_path / "none"), *words[2:]]) == 2
    assert cli.main([*words[:3], "77", *words[4:]]) == 2
    (tmp_path / "empty").mkdir()
    assert cli.main(["grade", str(tmp_path / "empty"), *words[2:]]) == 2


def test_without_bubblewrap_nothing_is_run_unless_told(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    folder = hand_in(tmp_path / "in", "ann")
    words = ["grade", str(folder), "--lesson", "01", "--out", str(tmp_path / "out")]
    assert cli.main(words) == 2
    assert "bubblewrap is missing" in capsys.readouterr().err and not (tmp_path / "out").exists()
    monkeypatch.setattr(grade, "on_this_machine", lambda jobs: lambda *args: iter(()))
    with pytest.raises(KeyError):  # past the door: nobody was graded by that
        grade_class(folder, LESSON, tmp_path / "out", unsafe=True, progress=False)


def test_a_sandbox_that_does_not_start_says_so(tmp_path):
    need_sandbox()
    with pytest.raises(CourseError, match=r"does not start .*course_lib"):
        running.require_sandbox(tmp_path, QUICK, unsafe=False)


@pytest.mark.skipif(os.name != "posix", reason="sessions are POSIX's")
def test_a_worker_is_killed_with_what_it_has_started():
    """Bubblewrap, killed in its set-up, left a child that waited for ever, and the grader for the child."""
    shell = ["sh", "-c", "sleep 100 & echo started; wait"]
    process = subprocess.Popen(shell, stdout=subprocess.PIPE, start_new_session=True, text=True)
    assert process.stdout.readline() == "started\n"
    running.kill(process)
    process.communicate(timeout=5)  # the pipe ends with the last process that holds it


def test_without_a_sandbox_marks_are_the_same(tmp_path):
    notebook = as_bytes(
        with_answers(LESSON, {"vae-kl": "def kl_to_standard_normal(mean, logvar):\n    return mean\n"})
    )
    marks = bench.grade_student(Submission("ann", notebook), assignment_of(LESSON, unsafe=True))
    assert verdicts(marks)["kl"] == "wrong" and not marks.problem


def test_the_white_list_has_no_home_and_no_root(tmp_path):
    words = mounts(tmp_path)
    bound = {source for option, source in pairwise(words) if option.endswith("bind")}
    private = ("/", "/etc", "/home", "/root", "/tmp", "/usr", "/var", "/run", str(ROOT), str(Path.home()))
    assert bound and not bound & set(private)
    assert {option for option in words if option.endswith("bind")} == {"--ro-bind"}


def test_an_installed_copy_of_the_course_is_covered(tmp_path, monkeypatch):
    (tmp_path / "site-packages" / "course_lib" / "checks").mkdir(parents=True)
    monkeypatch.setattr(sandbox, "packages", lambda: [str(tmp_path / "site-packages")])
    pairs = list(pairwise(mounts(tmp_path / "copy")))
    assert ("--ro-bind", str(tmp_path / "site-packages")) in pairs
    assert ("--tmpfs", str(tmp_path / "site-packages" / "course_lib")) in pairs


def test_words_about_an_exercise_stay_short():
    found = bench.Found("wrong", "x" * 100_000)
    assert len(bench.mark(bench.find_exercise("vae/kl"), found).words) == bench.MOST_WORDS


# --------------------------------------------------------------------------------- Ctrl-C, and a cluster


def test_ctrl_c_leaves_no_process_and_keeps_what_is_done(tmp_path):
    need_sandbox()
    folder = hand_in(tmp_path / "in", "ann", data=b'{"cells": [')
    sleeper = "import time\ndef kl_to_standard_normal(mean, logvar):\n    time.sleep(1000)\n"
    hand_in(folder, "bob", data=as_bytes(with_answers(LESSON, {"vae-kl": sleeper})))
    command = [
        sys.executable,
        "-m",
        "course_lib",
        "grade",
        str(folder),
        "--lesson",
        LESSON,
        "--out",
        str(tmp_path / "out"),
    ]
    process = subprocess.Popen(
        [*command, "--jobs", "1", "--seconds", "200"], cwd=ROOT, env={**os.environ, "COURSE_NO_VENV": "1"},
        stderr=subprocess.PIPE, start_new_session=True, text=True,
        # A shell starts what runs in its background deaf to Ctrl-C, and all that comes from it.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        kept = tmp_path / "out" / "marks"
        deadline = time.monotonic() + 200
        while not (list(kept.glob("ann*.json")) and busy_worker(process)):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.3)
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stderr.read().strip().endswith("Stopped.")
        assert not psutil.wait_procs(children, timeout=10)[1]
        assert [json.loads(path.read_text())["marks"]["student"] for path in kept.glob("*.json")] == ["ann"]
    finally:
        process.kill()
        process.stderr.close()


def busy_worker(process: subprocess.Popen) -> bool:
    return any("bwrap" in child.name() for child in psutil.Process(process.pid).children())


def test_a_cluster_gives_the_same_marks(tmp_path):
    distributed = pytest.importorskip("distributed")
    need_sandbox()
    folder = hand_in(tmp_path / "in", "ann", data=as_bytes(wrong(LESSON, "vae/kl", "kl_without_half")))
    hand_in(folder, "bob", data=b'{"cells": [')
    options = {"limits": QUICK, "progress": False, "report": no_report}
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    ) as cluster:
        marks = grade_class(folder, LESSON, tmp_path / "a", scheduler=cluster.scheduler_address, **options)
    here = grade_class(folder, LESSON, tmp_path / "b", **options)
    assert [marks_of(row) for row in marks] == [marks_of(row) for row in here]
    assert [m.mistake for m in marks[0].exercises if m.verdict == "wrong"] == ["kl_without_half"]
    assert marks[1].problem


def test_what_goes_over_a_cluster_is_plain_data():
    assignment = assignment_of(LESSON)
    assert pickle.loads(pickle.dumps(assignment)) == assignment
    submission = Submission("ann", b"{}", fields={"moodle_id": "3"})
    assert pickle.loads(pickle.dumps(submission)) == submission


def test_a_scheduler_that_does_not_answer_is_one_sentence(tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(grade, "PATIENCE", 0.5)
    folder = hand_in(tmp_path / "in", "ann")
    monkeypatch.setattr(grade, "require_bubblewrap", lambda unsafe: None)
    with pytest.raises(CourseError, match="no Dask scheduler answers"):
        run(folder, tmp_path / "out", scheduler="tcp://127.0.0.1:9")


def test_seeds_are_new_in_every_run():
    seeds = [assignment_of(LESSON).seeds for _ in range(3)]
    assert len(set(seeds)) == 3 and all(len(set(some)) == grade.SEEDS for some in seeds)
