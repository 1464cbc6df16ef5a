"""bakeoff/error: the mean of several trainings' scores, and how far to trust it."""

import torch

from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise
from course_lib.metrics.ranking import mean_and_error


def trainings(seed: int) -> list[Case]:
    g = generator(seed)

    def scores(r: int) -> dict:
        return {"scores": 40 + 100 * torch.rand(r, generator=g)}

    return [
        Case("several trainings", scores(pick(4, 9, g)), seed),
        Case("three trainings", scores(3), seed + 1),
        Case("two trainings", scores(2), seed + 2),
    ]


ERROR = Exercise("bakeoff/error", points=2, reference=mean_and_error, inputs=trainings)


@ERROR.accept
def by_var(scores):
    return scores.mean(), (scores.var() / scores.numel()).sqrt()


@ERROR.accept
def by_hand(scores):
    r = len(scores)
    mean = scores.sum() / r
    return mean, ((scores - mean) ** 2).sum().div(r * (r - 1)).sqrt()


@ERROR.accept
def by_std_mean(scores):
    s, mean = torch.std_mean(scores)
    return mean, s / torch.tensor(float(len(scores))).sqrt()


@ERROR.mistake
def spread_itself(scores):
    """You return the spread of the trainings. The mean of r of them is surer than one by sqrt(r): divide."""
    return scores.mean(), scores.std()


@ERROR.mistake
def over_r(scores):
    """Your variance divides by r. The mean was taken from the same r scores, so it lies too well in their
    middle: divide by r - 1."""
    return scores.mean(), scores.std(correction=0) / len(scores) ** 0.5


@ERROR.mistake
def divided_by_r(scores):
    """You divide the spread by r. Variances of a mean fall as 1/r, so the standard error falls as
    1/sqrt(r)."""
    return scores.mean(), scores.std() / len(scores)


@ERROR.mistake
def variance_of_mean(scores):
    """You return the variance of the mean. Its root is the standard error, in the units of the scores."""
    return scores.mean(), scores.var() / len(scores)


@ERROR.mistake
def half_interval(scores):
    """You return 1.96 standard errors, half a 95 % interval. Here the standard error itself is asked for."""
    return scores.mean(), 1.96 * scores.std() / len(scores) ** 0.5


@ERROR.mistake
def median(scores):
    """Your first value is the median of the scores. The standard error asked for belongs to the mean."""
    return scores.median(), scores.std() / len(scores) ** 0.5


@ERROR.mistake
def best(scores):
    """Your first value is the best of the trainings. Whoever trains more often then gets better numbers from
    luck alone: take the mean."""
    return scores.min(), scores.std() / len(scores) ** 0.5


@ERROR.mistake
def swapped(scores):
    """You return the error first and the mean second."""
    return scores.std() / len(scores) ** 0.5, scores.mean()
