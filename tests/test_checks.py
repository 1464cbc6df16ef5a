"""The catalogue of every lesson, held to its word: right answers pass, each mistake hears its own words."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from course_lib.checks.engine import catalogue, observe_all, verdict_on
from course_lib.checks.judge import Oracle

EXERCISES = catalogue()
LESSONS = sorted({name.split("/")[0] for name in EXERCISES})
SEEDS = [0, *range(1_000_003, 1_000_003 + 49 * 7919, 7919)]  # the notebook's, and 49 a grader might draw


@cache
def verdicts(name):
    """Everything that the catalogue of one exercise says on 50 seeds."""
    right, wrong = [], []
    exercise = EXERCISES[name]
    for seed in SEEDS:
        oracle = Oracle(exercise, seed)
        for answer in exercise.accepts:
            right.append((seed, answer.__name__, oracle.judge(observe_all(answer, oracle.cases))))
        # What is observed of a function depends on the case alone: the oracle's look at it is a student's.
        for mistake, observations in oracle.mistakes:
            wrong.append((seed, mistake, oracle.judge(observations)))
    return right, wrong


@pytest.mark.parametrize("name", EXERCISES)
def test_right_answers_pass_on_every_seed(name):
    right, _ = verdicts(name)
    assert len(right) == 50 * len(EXERCISES[name].accepts)
    for seed, answer, verdict in right:
        assert verdict.passed and verdict.points == EXERCISES[name].points, (seed, answer, verdict.words)


@pytest.mark.parametrize("name", EXERCISES)
def test_every_mistake_hears_its_own_words_on_every_seed(name):
    _, wrong = verdicts(name)
    assert len(wrong) == 50 * len(EXERCISES[name].mistakes)
    for seed, mistake, verdict in wrong:
        assert (verdict.mistake, verdict.points) == (mistake.name, 0), (seed, mistake.name, verdict.words)
        assert verdict.words == mistake.words


@pytest.mark.parametrize("name", EXERCISES)
def test_a_student_who_makes_the_mistake_hears_the_same(name):
    for mistake in EXERCISES[name].mistakes:
        assert verdict_on(EXERCISES[name], mistake.answer).words == mistake.words


@pytest.mark.parametrize("name", EXERCISES)
def test_the_catalogue_is_rich_and_its_words_are_short(name):
    exercise = EXERCISES[name]
    assert len(exercise.accepts) >= 3 and len(exercise.mistakes) >= 5
    words = [mistake.words for mistake in exercise.mistakes]
    assert len(set(words)) == len(words)
    assert all(30 < len(text) < 260 and text.endswith(".") for text in words), max(words, key=len)
    assert exercise.points > 0


@pytest.fixture(scope="module")
def costs():
    script = [sys.executable, str(Path(__file__).with_name("checks_cost.py"))]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    return json.loads(subprocess.run(script, capture_output=True, check=True, env=environment).stdout)


@pytest.mark.parametrize("lesson", LESSONS)
def test_fifty_seeds_of_a_lesson_are_quick(lesson, costs):
    """Under five processor seconds where a bare call takes 42 microseconds."""
    seconds, calls = costs[lesson]
    assert calls < 120_000, f"{seconds:.1f} s, {calls:,.0f} bare calls"
