"""What a table of scores allows to say, on tables whose truth is known."""

import torch

from course_lib.metrics.precision_recall import precision_recall
from course_lib.metrics.ranking import covered, mean_and_error, pareto_front, places


def test_the_error_of_a_mean_is_the_spread_of_means():
    g = torch.Generator().manual_seed(0)
    runs = 50 + 7 * torch.randn(20_000, 5, generator=g, dtype=torch.float32)
    means = runs.mean(dim=1)
    errors = torch.stack([mean_and_error(row)[1] for row in runs[:4_000]])
    assert abs(errors.square().mean().sqrt() / means.std() - 1) < 0.03


def test_equal_models_get_the_same_place_in_95_of_100_tables():
    g = torch.Generator().manual_seed(1)
    error = torch.tensor([3.0, 1.0])
    tied = [
        (places(100 + error * torch.randn(2, generator=g), error) == 1).all().item() for _ in range(4_000)
    ]
    assert abs(sum(tied) / len(tied) - 0.95) < 0.012


def test_places_of_a_table():
    distance, error = torch.tensor([10.0, 11.0, 50.0, 9.0]), torch.tensor([1.0, 1.0, 1.0, 0.1])
    assert places(distance, error).tolist() == [1, 2, 4, 1]  # 11 - 9 > 1.97, 10 - 9 < 1.97
    assert places(distance, 0.1 * error).tolist() == [2, 3, 4, 1]
    assert places(torch.tensor([5.0, 5.0]), torch.zeros(2)).tolist() == [1, 1]


def test_covered_gives_the_precision_and_recall_of_the_course():
    g = torch.Generator().manual_seed(2)
    real, fake = torch.randn(200, 6, generator=g), 0.7 * torch.randn(150, 6, generator=g) + 0.3

    def radii(x, k=3):
        return torch.cdist(x, x).kthvalue(k + 1, dim=1).values

    known = precision_recall(real, fake, k=3)
    assert abs(covered(fake, real, radii(real)).item() - known.precision) < 1e-6
    assert abs(covered(real, fake, radii(fake)).item() - known.recall) < 1e-6


def test_a_ball_has_its_rim():
    points = torch.tensor([[3.0, 4.0], [3.1, 4.0]])
    assert covered(points, torch.zeros(1, 2), torch.tensor([5.0])) == 0.5


def test_who_is_as_good_in_one_and_better_in_the_other_beats():
    p, r = torch.tensor([0.6, 0.6, 0.5, 0.6]), torch.tensor([0.7, 0.7, 0.7, 0.2])
    assert pareto_front(p, r).tolist() == [True, True, False, False]  # equals do not beat each other


def test_nobody_on_the_front_is_beaten_and_everybody_behind_it_is():
    g = torch.Generator().manual_seed(3)
    p, r = torch.rand(40, generator=g), torch.rand(40, generator=g)
    front = pareto_front(p, r)
    for i in range(40):
        beaten = any(p[j] >= p[i] and r[j] >= r[i] and (p[j] > p[i] or r[j] > r[i]) for j in range(40))
        assert front[i] == (not beaten)
    assert 1 < front.sum() < 20
