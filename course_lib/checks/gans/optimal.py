"""gan/optimal: the best answer that D can give where both densities are known."""

import torch

from course_lib.checks.exercise import Case, Exercise
from course_lib.checks.gans.draws import generator, pick
from course_lib.models.toy import optimal_discriminator


def two_densities(seed: int) -> list[Case]:
    g = generator(seed)

    def draw(*shape, spread=1.0):
        return {name: (spread * torch.randn(shape, generator=g)).exp() for name in ("p", "q")}

    data = ("p", "q")
    sure = draw(6)
    sure["p"][0], sure["q"][1] = 0.0, 0.0
    return [
        Case("a few points", draw(pick(4, 8, g)), seed, data),
        Case("a grid", draw(pick(3, 5, g), pick(6, 8, g), spread=3.0), seed + 1, data, strided=True),
        Case("points that only one side has", sure, seed + 2, data),
    ]


OPTIMAL = Exercise("gan/optimal", points=1, reference=optimal_discriminator, inputs=two_densities)


@OPTIMAL.accept
def best_by_ratio(p, q):
    return 1 / (1 + q / p)


@OPTIMAL.accept
def best_by_logit(p, q):
    return torch.sigmoid(p.log() - q.log())


@OPTIMAL.accept
def best_by_the_other_side(p, q):
    return 1 - q / (q + p)


@OPTIMAL.mistake
def best_for_the_fakes(p, q):
    """That is the probability that x is a fake. D says how likely x is real: p on top, p / (p + q)."""
    return q / (p + q)


@OPTIMAL.mistake
def density_ratio(p, q):
    """p / q is the odds, from 0 to infinity. A probability is p / (p + q): odds of 1 to 1 are 1/2."""
    return p / q


@OPTIMAL.mistake
def log_ratio(p, q):
    """log p - log q is the logit of the best D. D itself is its sigmoid, p / (p + q)."""
    return p.log() - q.log()


@OPTIMAL.mistake
def difference(p, q):
    """p - q is 0 where both are equally likely, where D must say 1/2. Maximise p log D + q log(1 - D) over
    D."""
    return p - q


@OPTIMAL.mistake
def sigmoid_of_difference(p, q):
    """The sigmoid belongs to the difference of the logarithms, log p - log q, not to that of the
    densities."""
    return torch.sigmoid(p - q)


@OPTIMAL.mistake
def hard_decision(p, q):
    """You decide for the likelier side, 0 or 1. The best D says how likely: where a decision would be wrong,
    a sure D pays -log 0."""
    return (p > q).float()


@OPTIMAL.mistake
def twice_the_best(p, q):
    """You divide by the average of p and q, so the result reaches 2. It is a probability: divide by the
    sum."""
    return 2 * p / (p + q)


@OPTIMAL.mistake
def squared_densities(p, q):
    """The densities are squared. Set the slope of p log D + q log(1 - D) to zero: p / D = q / (1 - D)."""
    return p**2 / (p**2 + q**2)


@OPTIMAL.mistake
def normalised_over_points(p, q):
    """You divide by a sum over all points. D judges each point by itself: p(x) / (p(x) + q(x))."""
    return p / (p + q).sum()


@OPTIMAL.mistake
def density_itself(p, q):
    """You return p alone. How likely x is real depends on the fakes too: p / (p + q)."""
    return 1.0 * p
