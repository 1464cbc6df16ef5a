"""The catalogue of every lesson, held to its word: right answers pass, each mistake hears its own words."""

import time
from functools import cache

import pytest
import torch

from course_lib.checks.engine import catalogue, exercises_of, observe_all, verdict_on
from course_lib.checks.judge import Oracle

EXERCISES = catalogue()
LESSONS = sorted({name.split("/")[0] for name in EXERCISES})
SEEDS = [0, *range(1_000_003, 1_000_003 + 49 * 7919, 7919)]  # the notebook's, and 49 a grader might draw


@cache
def verdicts(name):
    """Everything that the catalogue of one exercise says on 50 seeds, and the processor seconds it took."""
    began, right, wrong = time.process_time(), [], []
    exercise = EXERCISES[name]
    for seed in SEEDS:
        oracle = Oracle(exercise, seed)
        for answer in exercise.accepts:
            right.append((seed, answer.__name__, oracle.judge(observe_all(answer, oracle.cases))))
        # What is observed of a function depends on the case alone: the oracle's look at it is a student's.
        for mistake, observations in oracle.mistakes:
            wrong.append((seed, mistake, oracle.judge(observations)))
    return right, wrong, time.process_time() - began


@pytest.mark.parametrize("name", EXERCISES)
def test_right_answers_pass_on_every_seed(name):
    right, _, _ = verdicts(name)
    assert len(right) == 50 * len(EXERCISES[name].accepts)
    for seed, answer, verdict in right:
        assert verdict.passed and verdict.points == EXERCISES[name].points, (seed, answer, verdict.words)


@pytest.mark.parametrize("name", EXERCISES)
def test_every_mistake_hears_its_own_words_on_every_seed(name):
    _, wrong, _ = verdicts(name)
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


def bare_call() -> float:
    """Processor seconds of one forward and backward pass of a small loss: this machine's yardstick now."""
    mean, logvar = torch.randn(5, 3, requires_grad=True), torch.randn(5, 3, requires_grad=True)
    began = time.process_time()
    for _ in range(2_000):
        torch.autograd.grad((-0.5 * (1 + logvar - mean**2 - logvar.exp()).sum(dim=1)).sum(), (mean, logvar))
    return (time.process_time() - began) / 2_000


@pytest.mark.parametrize("lesson", LESSONS)
def test_fifty_seeds_of_a_lesson_are_quick(lesson):
    """About five processor seconds, or 90,000 bare calls; the type hooks of the tests make it twice that."""
    spent = sum(verdicts(exercise.name)[2] for exercise in exercises_of(lesson))
    assert spent < 400_000 * bare_call(), f"{spent:.1f} s"
