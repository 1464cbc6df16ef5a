"""bakeoff/front: reading a plane of precision and recall, on which two models need not be better or worse."""

import torch

from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise
from course_lib.metrics.ranking import pareto_front

NAMES = ("precision", "recall")


def planes(seed: int) -> list[Case]:
    g = generator(seed)

    def plane(precision, recall) -> dict:
        order = torch.randperm(len(precision), generator=g)
        return dict(zip(NAMES, (torch.tensor(precision)[order], torch.tensor(recall)[order]), strict=True))

    m = pick(5, 8, g)
    spread = (
        (0.4 + 0.3 * torch.rand(m, generator=g)).tolist(),
        (0.4 + 0.3 * torch.rand(m, generator=g)).tolist(),
    )
    # A front of three that bulges inwards in the middle, its beaten ones, and a pair that is equal in one.
    front = [0.95, 0.55, 0.20, 0.50, 0.15, 0.95, 0.10], [0.10, 0.45, 0.90, 0.40, 0.85, 0.05, 0.90]
    twins = [0.6, 0.6, 0.5], [0.7, 0.7, 0.6]
    return [
        Case("a front with a dent", plane(*front), seed, NAMES),
        Case("models at random", plane(*spread), seed + 1, NAMES),
        Case("two equal models", plane(*twins), seed + 2, NAMES),
        Case("one model", plane([0.5], [0.5]), seed + 3, NAMES),
    ]


FRONT = Exercise("bakeoff/front", points=2, reference=pareto_front, inputs=planes)


def both(p, r, relation):
    return relation(p[None, :], p[:, None]) & relation(r[None, :], r[:, None])


@FRONT.accept
def by_loop(precision, recall):
    free = []
    for p, r in zip(precision, recall, strict=True):
        beaten = (precision >= p) & (recall >= r) & ((precision > p) | (recall > r))
        free.append(not bool(beaten.any()))
    return torch.tensor(free)


@FRONT.accept
def by_matrices(precision, recall):
    equal = (precision[None, :] == precision[:, None]) & (recall[None, :] == recall[:, None])
    return (both(precision, recall, torch.ge) & ~equal).sum(dim=1) == 0


@FRONT.accept
def by_columns(precision, recall):
    p, r = precision[:, None], recall[:, None]  # (the other one, the model)
    beaten = (p >= precision) & (r >= recall) & ((p > precision) | (r > recall))
    return torch.logical_not(beaten.any(dim=0))


@FRONT.mistake
def better_in_both(precision, recall):
    """You let a model be beaten only by one that is better in both. One that is as good in one of them and
    better in the other beats it too."""
    return ~both(precision, recall, torch.gt).any(dim=1)


@FRONT.mistake
def beaten_by_itself(precision, recall):
    """In your version every model beats itself: >= holds for a model and itself. Ask that the other is better
    in at least one."""
    return ~both(precision, recall, torch.ge).any(dim=1)


@FRONT.mistake
def the_beaten(precision, recall):
    """You return the models that are beaten. Asked for are the others."""
    better = (precision[None, :] > precision[:, None]) | (recall[None, :] > recall[:, None])
    return (both(precision, recall, torch.ge) & better).any(dim=1)


@FRONT.mistake
def best_sum(precision, recall):
    """You keep the model with the largest sum. That puts a price of one for one between quality and variety;
    on the front are all models that nobody beats, whatever the price."""
    total = precision + recall
    return total == total.max()


@FRONT.mistake
def best_f1(precision, recall):
    """You keep the best harmonic mean. That is one price between quality and variety; on the front are all
    models that nobody beats, whatever the price."""
    f1 = 2 * precision * recall / (precision + recall)
    return f1 == f1.max()


@FRONT.mistake
def best_of_either(precision, recall):
    """You keep the best in precision and the best in recall. Between these two extremes are models that
    nobody beats either."""
    return (precision == precision.max()) | (recall == recall.max())


@FRONT.mistake
def better_in_one(precision, recall):
    """You throw a model out as soon as another is better in one of the two. It must be at least as good in
    the other as well."""
    better = (precision[None, :] > precision[:, None]) | (recall[None, :] > recall[:, None])
    return ~better.any(dim=1)
