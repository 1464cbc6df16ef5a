"""Grading one student: run the answers in the sandbox, judge what they did out here, give marks.

The worker's word is data. The verdict is computed here, against the exercise's reference, on inputs drawn
for this grading run, which no submission can have known. So a lie about values or gradients must be a right
answer. What cannot be seen in values is believed: that an input was left unchanged, that .backward() was not
called, how many torch calls were made, that the second draw of a random function came from a second call. Who
forges these from inside has written the right values and gradients all the same.
"""

import re
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import nbformat

from course_lib.checks.diagnose import ITS_FORM
from course_lib.checks.engine import find_exercise
from course_lib.checks.exercise import Exercise
from course_lib.checks.judge import Oracle, Verdict
from course_lib.checks.observe import Observation
from course_lib.errors import CourseError
from course_lib.grading.answers import put_into, read_answers
from course_lib.grading.clean_copy import clean_copy
from course_lib.grading.marks import ExerciseMark, StudentMarks
from course_lib.grading.plan import Answer, Check, Given, Step, request, steps_of
from course_lib.grading.protocol import Frame, ProtocolError, read_observations
from course_lib.grading.running import Ended, run_worker
from course_lib.grading.sandbox import Limits, SandboxError
from course_lib.grading.submissions import Submission

MOST_WORDS = 1_500  # characters about one exercise: some are the student's
_judging = threading.RLock()  # torch's random state and sys.stdout belong to the whole process


@dataclass(frozen=True)
class Assignment:
    """A lesson as it is graded in one run. Plain data: a cluster's workers get it as it is."""

    lesson: str
    notebook: str  # the official student's notebook, as JSON
    seeds: tuple[int, ...]  # drawn for this run
    limits: Limits = field(default_factory=Limits)
    unsafe: bool = False


@dataclass(frozen=True)
class Found:
    """What is known of one exercise."""

    verdict: str  # as in ExerciseMark
    words: str = ""
    mistake: str | None = None
    ended: bool = False  # the process did, while this was tried


class Bench:
    """All that the students of one assignment share: the clean copies, the oracles."""

    def __init__(self, assignment: Assignment):
        self.assignment = assignment
        self.notebook = nbformat.reads(assignment.notebook, as_version=4)
        steps = steps_of(self.notebook)
        self.checks = {step.exercise: step for step in steps if isinstance(step, Check)}
        if not self.checks:
            raise CourseError(f"{assignment.lesson} has no exercise to grade.")
        self.exercises = {name: find_exercise(name) for name in self.checks}
        self.given = [step.source for step in steps if isinstance(step, Given)]
        self._oracles: dict[str, list[Oracle]] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="course-grading-")
        self._copies: dict[tuple[str, ...], Path] = {}

    def oracles(self, exercise: str) -> list[Oracle]:
        """One a seed, made once."""
        with _judging:
            if exercise not in self._oracles:
                self._oracles[exercise] = [
                    Oracle(self.exercises[exercise], seed) for seed in self.assignment.seeds
                ]
            return self._oracles[exercise]

    def copy(self, marked: Sequence[str] = ()) -> Path:
        """The clean copy of course_lib; with the references of exercises that are `marked` already."""
        key = tuple(sorted(marked))
        with _judging:
            if key not in self._copies:
                folder = Path(self._folder.name) / str(len(self._copies))
                answers = [f for exercise in self.exercises.values() for f in exercise.secrets]
                given: dict[str, set[str]] = {}
                for name in key:
                    module, function = reference_of(self.exercises[name])
                    given.setdefault(module, set()).add(function)
                clean_copy(folder, self.given, answers, given)
                self._copies[key] = folder
            return self._copies[key]


def reference_of(exercise: Exercise) -> tuple[str, str]:
    return exercise.reference.__module__, exercise.reference.__qualname__


@lru_cache(maxsize=4)
def bench_of(assignment: Assignment) -> Bench:
    """The bench of this process."""
    return Bench(assignment)


# ------------------------------------------------------------------------------------------- one student


def grade_student(
    submission: Submission, assignment: Assignment, stop: threading.Event | None = None
) -> StudentMarks:
    """The marks of one student. An error is the machine's (a full disk, no sandbox), not the student's."""
    bench = bench_of(assignment)
    if submission.problem is not None or submission.notebook is None:
        return problem_row(submission, bench, submission.problem or "there is no notebook")
    try:
        answers = read_answers(submission.notebook, bench.notebook)
        steps = steps_of(put_into(bench.notebook, answers))
        notes = (*submission.notes, *answers.notes)
        found = {name: Found("missing", "not written yet") for name, check in bench.checks.items()
                 if check.answer in answers.missing}  # fmt: skip
        found |= look(bench, steps, [name for name in bench.checks if name not in found], stop)
        found |= follow_through(bench, steps, found, stop)
    except SandboxError:
        raise
    except CourseError as error:
        return problem_row(submission, bench, str(error))
    marks = tuple(mark(bench.exercises[name], found[name]) for name in bench.checks)
    return StudentMarks(submission.student, assignment.lesson, marks, None, notes)


def mark(exercise: Exercise, found: Found) -> ExerciseMark:
    points = exercise.points if found.verdict == "right" else 0
    words = found.words if len(found.words) <= MOST_WORDS else found.words[: MOST_WORDS - 1] + "…"
    return ExerciseMark(exercise.name, points, exercise.points, found.verdict, found.mistake, words)


def problem_row(submission: Submission, bench: Bench, problem: str) -> StudentMarks:
    nothing = tuple(mark(exercise, Found("missing")) for exercise in bench.exercises.values())
    return StudentMarks(submission.student, bench.assignment.lesson, nothing, problem, submission.notes)


def look(
    bench: Bench,
    steps: Sequence[Step],
    wanted: Sequence[str],
    stop: threading.Event | None,
    stand_ins: dict[str, tuple[str, str]] | None = None,
    marked: Sequence[str] = (),
    without: frozenset[str] = frozenset(),
) -> dict[str, Found]:
    """Run the answers and judge them. Where one ends the process, a new one goes on without its cell."""
    found: dict[str, Found] = {}
    cases = {name: [oracle.cases for oracle in bench.oracles(name)] for name in wanted}
    folder = bench.copy(marked)
    while open_ones := [name for name in wanted if name not in found]:
        told = request(steps, cases, bench.assignment.limits, open_ones, without, stand_ins)
        with closing(events(bench, told, len(open_ones), folder, stop)) as coming:
            for name, event in zip(open_ones, coming, strict=False):
                found[name] = verdict_on(bench, name, event)
                if isinstance(event, Ended):
                    without |= {bench.checks[name].answer}
                    break
    return found


def events(
    bench: Bench, told: bytes, checks: int, folder: Path, stop: threading.Event | None
) -> Iterator[Frame | Ended]:
    """One event a check, as long as the process lives."""
    assignment = bench.assignment
    with closing(run_worker(folder, told, checks, assignment.limits, assignment.unsafe, stop)) as coming:
        ready = next(coming)
        if isinstance(ready, Ended):
            raise SandboxError(f"the sandbox did not start ({ready.said or ready.why}); grade again.")
        yield from coming


def verdict_on(bench: Bench, name: str, event: Frame | Ended) -> Found:
    if isinstance(event, Ended):
        return ended_words(event, bench.assignment.limits)
    oracles = bench.oracles(name)
    try:
        rounds = read_observations(event, [oracle.cases for oracle in oracles])
    except ProtocolError as error:
        return Found("failed", f"what your function returns cannot be read ({error}).")
    with _judging:
        for oracle, observations in zip(oracles, rounds, strict=True):
            verdict = judged(oracle, observations)
            if not verdict.passed:
                return found_of(verdict)
    return Found("right")


def judged(oracle: Oracle, observations: Sequence[Observation]) -> Verdict:
    """The oracle's verdict; an answer that it cannot compare, or that hides a statistic, is wrong."""
    name = oracle.exercise.name
    try:
        verdict = oracle.judge(observations)
        if verdict.mistake:
            verdict = replace(verdict, words=f"{verdict.words}\n{first_wrong(oracle, observations)}".strip())
        if verdict.passed and oracle.exercise.statistics:
            mine = oracle.behaviours(observations)
            if any(set(a.values) != set(b.values) for a, b in zip(mine, oracle.right, strict=True)):
                return Verdict(name, False, 0, "wrong value", "the draws cannot be compared with right ones.")
        return verdict
    except Exception as error:
        words = f"what your function returns cannot be compared ({type(error).__name__})."
        return Verdict(name, False, 0, "not judged", words)


def first_wrong(oracle: Oracle, observations: Sequence[Observation]) -> str:
    """Where an answer that is a known mistake first differs: the words alone would not say on which input."""
    mine = oracle.behaviours(observations)
    found = oracle.first(ITS_FORM, observations) or oracle.first_difference(mine, observations)
    return found["words"][:1].upper() + found["words"][1:]


def found_of(verdict: Verdict) -> Found:
    kind = {"not written": "missing", "raises": "failed"}.get(verdict.code, "wrong")
    return Found(kind, verdict.words, verdict.mistake or None)


def ended_words(event: Ended, limits: Limits) -> Found:
    words = {
        "time": f"your code was stopped after {limits.cpu_seconds:g} seconds of computing or "
        f"{limits.wall_seconds:g} of waiting: is there a loop that never ends?",
        "output": "what your function returns cannot be read: it is too much, or in disorder.",
        "killed": "your code was stopped because it used up its seconds or its memory.",
        "stopped": "your code ended the process, by leaving Python or by using up its memory.",
    }
    return Found("failed", words[event.why], ended=True)


# ---------------------------------------------------------------------------------------- follow-through


def follow_through(
    bench: Bench, steps: Sequence[Step], found: dict[str, Found], stop: threading.Event | None
) -> dict[str, Found]:
    """Answers that are wrong only because an earlier one is: run again upon the library's version of it.

    The notebook does the same, where `check` gives back the library's version for a wrong answer. The worker
    then holds the references of the exercises above, which are not asked for, and of no other.
    """
    sources = {step.name: step.source for step in steps if isinstance(step, Answer)}
    better: dict[str, Found] = {}
    order = list(bench.checks)
    for k, (name, check) in enumerate(bench.checks.items()):
        if found[name].verdict == "right":
            continue
        words = set(re.findall(r"\w+", sources.get(check.answer, "")))
        above = [other for other in order[:k] if found[other].verdict != "right"]
        uses = [other for other in above if bench.checks[other].target in words]
        if not uses or found[name].verdict == "missing":
            continue
        stand_ins = {other: reference_of(bench.exercises[other]) for other in uses}
        without = frozenset(
            bench.checks[other].answer for other in order if other != name and found[other].ended
        )
        again = look(bench, steps, [name], stop, stand_ins, order[:k], without)[name]
        if again.verdict == "right":
            better[name] = Found("right", f"right, with the library's version of {' and '.join(uses)}.")
    return better
