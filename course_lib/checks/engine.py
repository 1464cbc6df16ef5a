"""`check("vae/kl", fn)`: observe, judge, say one thing, and give back a function to go on with."""

import difflib
import importlib
import os
import pkgutil
import textwrap
from collections.abc import Callable
from functools import cache

import course_lib.checks
from course_lib.checks.exercise import Exercise
from course_lib.checks.judge import Oracle, Verdict
from course_lib.checks.observe import observe_all
from course_lib.progress import record

VISIBLE_SEED = 0  # the notebook's; a grading run draws its own

_verdicts: dict[str, Verdict] = {}  # of this session: exercise -> the latest


def check(name: str, fn: object) -> Callable:
    """Say whether `fn` solves the exercise; return `fn` if it does, the library's version if it does not.

    So a notebook with unfinished exercises runs to its end: `kl = check("vae/kl", kl)`. Only under nbgrader's
    autograder, which gives a cell's points unless it raises, a wrong answer is an AssertionError.
    """
    exercise = find_exercise(name)
    try:
        verdict = verdict_on(exercise, fn)
    except Exception as error:  # whatever an answer is made of, the notebook goes on
        words = f"the check cannot compare what your function returns ({type(error).__name__}: {error})."
        verdict = Verdict(exercise.name, False, 0, "not judged", words)
    remember(verdict)
    print(report(verdict))
    if os.environ.get("NBGRADER_EXECUTION") and not verdict.passed:
        raise AssertionError(f"{verdict.exercise}: {verdict.words}") from None
    return fn if verdict.passed else exercise.reference


def verdict_on(exercise: Exercise, fn: object, seed: int = VISIBLE_SEED) -> Verdict:
    oracle = oracle_for(exercise, seed)
    return oracle.judge(observe_all(fn, oracle.cases))


@cache
def oracle_for(exercise: Exercise, seed: int) -> Oracle:
    return Oracle(exercise, seed)


# ---------------------------------------------------------------------------------------- the catalogue


def catalogue() -> dict[str, Exercise]:
    """Every exercise of every lesson, by name."""
    modules = [module.name for module in pkgutil.iter_modules(course_lib.checks.__path__)]
    found = [exercise for module in modules for exercise in exercises_of(module)]
    return {exercise.name: exercise for exercise in found}


def exercises_of(lesson: str) -> tuple[Exercise, ...]:
    """The exercises of one lesson, in its order: those of course_lib/checks/<lesson>, a file or a folder."""
    return getattr(importlib.import_module(f"course_lib.checks.{lesson}"), "EXERCISES", ())


def find_exercise(name: str) -> Exercise:
    lesson = str(name).partition("/")[0]
    if lesson in (module.name for module in pkgutil.iter_modules(course_lib.checks.__path__)):
        for exercise in exercises_of(lesson):
            if exercise.name == name:
                return exercise
    known = list(catalogue())
    near = difflib.get_close_matches(str(name), known, n=3, cutoff=0.4) or known
    raise ValueError(f"there is no exercise {name!r}: did you mean {' or '.join(map(repr, near))}?")


# ---------------------------------------------------------------------------------------------- to read


def report(verdict: Verdict) -> str:
    """A few lines of plain text, none so long that a notebook would break it within a word."""
    points = f"{verdict.points} point{'' if verdict.points == 1 else 's'}"
    if verdict.passed:
        lines = [f"✓ {verdict.exercise} — {points}"]
    elif verdict.code == "not written":
        lines = [f"○ {verdict.exercise} — not written yet: going on with the library's version."]
    else:
        words = verdict.words if verdict.mistake else verdict.words[:1].upper() + verdict.words[1:]
        lines = [
            *wrap(f"✗ {verdict.exercise} — {words}"),
            "  Until it is right, the notebook goes on with the library's version.",
        ]
    if verdict.printed:
        first, *rest = verdict.printed.strip().splitlines() or [""]
        more = f" (and {len(rest)} more line{'' if len(rest) == 1 else 's'})" if rest else ""
        lines.append(f"  Your function printed: {first[:100]}{more}")
    return "\n".join(lines)


def wrap(text: str) -> list[str]:
    return textwrap.wrap(text, 96, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def remember(verdict: Verdict) -> None:
    """Keep the verdict for `progress` (in this session), and what has passed for the table of lessons."""
    _verdicts[verdict.exercise] = verdict
    if verdict.passed:
        record(verdict.exercise)


def progress(lesson: str | None = None) -> None:
    """Print a line or two for each lesson: how many exercises are solved, which are open."""
    lessons = [lesson] if lesson else list(dict.fromkeys(key.split("/")[0] for key in _verdicts))
    if not lessons:
        print("No exercise has been checked yet.")
    for name in lessons:
        exercises = exercises_of(name)
        solved = [e for e in exercises if e.name in _verdicts and _verdicts[e.name].passed]
        still = [e.name for e in exercises if e not in solved]
        points, total = sum(e.points for e in solved), sum(e.points for e in exercises)
        tail = f"; still open: {', '.join(still)}" if still else ""
        line = f"{name}: {len(solved)} of {len(exercises)} exercises, {points} of {total} points{tail}"
        print("\n".join(wrap(line)))
