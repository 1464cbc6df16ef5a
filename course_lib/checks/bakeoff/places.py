"""bakeoff/places: a ranking that knows which differences are luck."""

import torch

from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise
from course_lib.metrics.ranking import places

# By how many errors of the better model the next one is behind, and how much larger its own error is. Each
# wrong rule for "clearly" says something else about one of these: the right one is 1.96 sqrt(1 + k^2).
GAPS = ((1.6, 1.0), (2.4, 1.0), (3.4, 1.0), (6.0, 1.0), (2.6, 2.0), (5.0, 2.0), (1.0, 0.5), (2.5, 0.5))


def couples(g: torch.Generator) -> dict:
    """Couples of models far from all others; in each the second is behind by one of GAPS."""
    distance, error = [], []
    for i, (gap, k) in enumerate(GAPS):
        e = 1.6 + float(torch.rand((), generator=g))
        distance += [1000.0 * i + 50, 1000.0 * i + 50 + gap * e]
        error += [e, k * e]
    order = torch.randperm(len(distance), generator=g)
    return {"distance": torch.tensor(distance)[order], "error": torch.tensor(error)[order]}


def tables(seed: int) -> list[Case]:
    g = generator(seed)
    m = pick(3, 6, g)

    def table(distance: list[float], error: torch.Tensor) -> dict:
        return {"distance": torch.tensor(distance), "error": error}

    draws = {
        "models in couples": couples(g),
        "a chain of neighbours": table([10.0, 14.2, 18.4, 22.6], torch.full((4,), 2.0)),
        "models that score alike": table([100.0] * m, torch.rand(m, generator=g) + 1),
        "one model": table([30.0], torch.tensor([2.0])),
    }
    return [Case(label, args, seed + i, tuple(args)) for i, (label, args) in enumerate(draws.items())]


PLACES = Exercise("bakeoff/places", points=3, reference=places, inputs=tables)


def gap(distance):
    return distance[:, None] - distance[None, :]


def doubt(error):
    return 1.96 * torch.hypot(error[:, None], error[None, :])


@PLACES.accept
def by_views(distance, error):
    variance = error.view(-1, 1) ** 2 + error**2
    better = (distance.view(-1, 1) - distance).gt(1.96 * variance.sqrt())
    return better.count_nonzero(dim=-1).add(1)


@PLACES.accept
def by_columns(distance, error):
    return ((distance[None, :] - distance[:, None]) > doubt(error)).sum(0) + 1


@PLACES.accept
def by_z(distance, error):
    return 1 + (gap(distance) / torch.hypot(error[:, None], error[None, :]) > 1.96).long().sum(1)


@PLACES.mistake
def without_errors(distance, error):
    """You rank by the distances alone. Two models whose intervals hardly differ share a place."""
    return 1 + (gap(distance) > 0).sum(1)


@PLACES.mistake
def errors_added(distance, error):
    """You add the two errors. Errors of two measurements made on their own add as squares: the error of the
    difference is sqrt(a^2 + b^2)."""
    return 1 + (gap(distance) > 1.96 * (error[:, None] + error[None, :])).sum(1)


@PLACES.mistake
def one_error(distance, error):
    """You count a model as clearly better after one standard error of the difference: that happens by luck
    to one pair in six. Take 1.96."""
    return 1 + (gap(distance) > doubt(error) / 1.96).sum(1)


@PLACES.mistake
def own_error(distance, error):
    """You look only at the error of the model that is placed. The other model's score is as unsure as its
    own error says: both belong to the difference."""
    return 1 + (gap(distance) > 1.96 * error[:, None]).sum(1)


@PLACES.mistake
def other_error(distance, error):
    """You look only at the error of the better model. The error of the one that is placed belongs to the
    difference too."""
    return 1 + (gap(distance) > 1.96 * error[None, :]).sum(1)


@PLACES.mistake
def from_zero(distance, error):
    """Your best model has place 0. Nobody is ahead of it: place 1."""
    return (gap(distance) > doubt(error)).sum(1)


@PLACES.mistake
def upside_down(distance, error):
    """Your ranking is upside down: you count the models that are clearly worse. A small distance is good."""
    return 1 + (gap(distance) < -doubt(error)).sum(1)


@PLACES.mistake
def variances_without_root(distance, error):
    """You compare with the variance of the difference. Its root is in the units of the distances."""
    return 1 + (gap(distance) > 1.96 * doubt(error).div(1.96).square()).sum(1)


@PLACES.mistake
def either_way(distance, error):
    """You count the models that differ clearly, the worse ones too. Count those that are better."""
    return 1 + (gap(distance).abs() > doubt(error)).sum(1)


@PLACES.mistake
def as_truth(distance, error):
    """You return who is clearly better than whom. Count them for each model, and add 1."""
    return gap(distance) > doubt(error)
