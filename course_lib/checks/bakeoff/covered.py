"""bakeoff/covered: the heart of precision and recall."""

import torch

from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise
from course_lib.metrics.precision_recall import balls_around
from course_lib.metrics.ranking import covered

NAMES = ("points", "centres", "radii")


def clouds(seed: int) -> list[Case]:
    g = generator(seed)

    def cloud(n: int, m: int, d: int) -> dict:
        """Each point near one centre; some balls are large, some small."""
        centres = 3 * torch.randn(m, d, generator=g)
        points = centres[torch.randint(m, (n,), generator=g)] + 0.8 * torch.randn(n, d, generator=g)
        radii = 0.3 + 2 * torch.rand(m, generator=g)
        return dict(zip(NAMES, (points, centres, radii), strict=True))

    d = pick(2, 4, g)
    # The nearest centre has a small ball, which the point is not in; a far one has a large ball, which it is.
    large = {
        "points": torch.tensor([[0.0, 0.0], [0.1, 0.0], [9.0, 9.0]]) + torch.rand(1, 2, generator=g),
        "centres": torch.tensor([[0.6, 0.0], [3.0, 0.0]]) + torch.zeros(2, 2),
        "radii": torch.tensor([0.01, 6.0]),
    }
    # Radii far from their mean and from 1, and points between a ball and the ball of a wrong rule.
    along = torch.tensor([1.0, 1.2, 12.5, 0.2, 12.2, 12.4, 19.0])
    line = {
        "points": torch.stack([along, torch.zeros(7)], dim=1)[torch.randperm(7, generator=g)],
        "centres": torch.tensor([[0.0, 0.0], [10.0, 0.0]]),
        "radii": torch.tensor([0.5, 3.0]),
    }
    shift = torch.randn(1, 2, generator=g)
    line["points"], line["centres"] = line["points"] + shift, line["centres"] + shift
    inside = cloud(pick(3, 5, g), pick(6, 8, g), d)
    inside["radii"] = inside["radii"] + 40
    far = cloud(4, 3, d)
    far["points"] = far["points"] + 100
    return [
        Case("two clouds", cloud(pick(20, 30, g), pick(8, 12, g), d), seed, NAMES),
        Case("a large ball further away", large, seed + 1, NAMES),
        Case("a small and a large ball", line, seed + 2, NAMES),
        Case("points inside many balls", inside, seed + 3, NAMES),
        Case("points far from all", far, seed + 4, NAMES),
    ]


COVERED = Exercise("bakeoff/covered", points=2, reference=covered, inputs=clouds, also=(balls_around,))


def distances(points, centres):
    return (points[:, None] - centres[None]).square().sum(-1).sqrt()


@COVERED.accept
def by_hand(points, centres, radii):
    return (distances(points, centres) <= radii[None]).any(1).float().mean()


@COVERED.accept
def by_margin(points, centres, radii):
    return ((torch.cdist(points, centres) - radii).amin(dim=1) <= 0).float().mean()


@COVERED.accept
def by_squares(points, centres, radii):
    gaps = points.unsqueeze(1) - centres.unsqueeze(0)
    inside = (gaps * gaps).sum(dim=2) < radii**2
    return (inside.sum(dim=1) > 0).float().sum() / len(points)


@COVERED.mistake
def nearest_only(points, centres, radii):
    """You ask only the nearest centre. A centre further away may have a larger ball, and the point may lie in
    that one: any ball will do."""
    closest = distances(points, centres).min(dim=1)
    return (closest.values <= radii[closest.indices]).float().mean()


@COVERED.mistake
def all_balls(points, centres, radii):
    """You ask that a point lies in all balls. One is enough."""
    return (distances(points, centres) <= radii).all(dim=1).float().mean()


@COVERED.mistake
def pairs_instead(points, centres, radii):
    """You take the share of all pairs of a point and a ball. A point that lies in any ball counts fully, and
    only once."""
    return (distances(points, centres) <= radii).float().mean()


@COVERED.mistake
def balls_counted(points, centres, radii):
    """You count in how many balls a point lies, so the answer can exceed 1. That is density, without its
    division by k; here a point counts once."""
    return (distances(points, centres) <= radii).sum(dim=1).float().mean()


@COVERED.mistake
def centres_instead(points, centres, radii):
    """You return the share of balls with a point in them. Asked for is the share of points that lie in a
    ball: the other dimension."""
    return (distances(points, centres) <= radii).any(dim=0).float().mean()


@COVERED.mistake
def compared_as_squares(points, centres, radii):
    """You compare squared distances with radii. Take the root, or square the radii."""
    return (distances(points, centres).square() <= radii).any(dim=1).float().mean()


@COVERED.mistake
def outside(points, centres, radii):
    """You return the share of the points that lie outside all balls: 1 minus the answer."""
    return 1 - (distances(points, centres) <= radii).any(dim=1).float().mean()


@COVERED.mistake
def number(points, centres, radii):
    """You return a number of points. Divide by how many there are."""
    return (distances(points, centres) <= radii).any(dim=1).float().sum()


@COVERED.mistake
def one_radius(points, centres, radii):
    """You give all balls the same radius. Each centre has its own: small where images are crowded."""
    return (distances(points, centres) <= radii.mean()).any(dim=1).float().mean()
