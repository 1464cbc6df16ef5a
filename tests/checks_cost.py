"""What 50 seeds of each lesson's whole catalogue cost, as JSON: lesson -> [seconds, bare calls].

A process of its own, without the tests' type checks, which double the time. A bare call is one forward and
backward pass of a small loss, timed in between: it costs 35 to 70 microseconds of a processor, as busy as the
machine is, and the catalogue's cost in bare calls stays the same. Every fifth seed is run.
"""

import json
import time

import torch

from course_lib.checks.engine import catalogue, exercises_of, observe_all
from course_lib.checks.exercise import Exercise
from course_lib.checks.judge import Oracle

SEEDS = range(1_000_003, 1_000_003 + 10 * 7919, 7919)


def main() -> None:
    torch.set_num_threads(1)
    lessons = dict.fromkeys(name.split("/")[0] for name in catalogue())
    print(json.dumps({lesson: cost(lesson) for lesson in lessons}))


def cost(lesson: str) -> tuple[float, float]:
    spent, calls = 0.0, 0.0
    for exercise in exercises_of(lesson):
        run(exercise, seed=0)  # what is imported or kept on first use
        here, bare = 0.0, 0.0
        for seed in SEEDS:
            bare += bare_call(repeats=40)
            began = time.process_time()
            run(exercise, seed)
            here += time.process_time() - began
        spent, calls = spent + 5 * here, calls + 50 * here / bare
    return spent, calls


def run(exercise: Exercise, seed: int) -> None:
    """All right answers and all mistakes of one exercise on one seed, observed and judged."""
    oracle = Oracle(exercise, seed)
    for answer in exercise.accepts:
        oracle.judge(observe_all(answer, oracle.cases))
    for _, observations in oracle.mistakes:
        oracle.judge(observations)


def bare_call(repeats: int) -> float:
    mean, logvar = torch.randn(5, 3, requires_grad=True), torch.randn(5, 3, requires_grad=True)
    began = time.process_time()
    for _ in range(repeats):
        torch.autograd.grad((-0.5 * (1 + logvar - mean**2 - logvar.exp()).sum(dim=1)).sum(), (mean, logvar))
    return (time.process_time() - began) / repeats


if __name__ == "__main__":
    main()
