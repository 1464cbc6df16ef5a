"""The toy world's truths: its density, its counts, the best discriminator, and the orbit of a game."""

import math

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from course_lib.models.gan import Game, discriminator_loss, discriminator_turn, gan_players
from course_lib.models.toy import (
    Ring,
    bilinear_orbit,
    make_toy_discriminator,
    make_toy_generator,
    optimal_discriminator,
    optimal_logit,
)
from course_lib.training.loop import train


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_the_density_is_that_of_a_mixture():
    ring, x = Ring(radius=1.0, std=0.3), torch.randn(100, 2)
    centres = Independent(Normal(ring.centres(), 0.3), 1)
    truth = MixtureSameFamily(Categorical(torch.ones(8)), centres).log_prob(x)
    torch.testing.assert_close(ring.log_density(x), truth, rtol=1e-4, atol=1e-4)


def test_the_rings_own_points_are_as_good_as_can_be():
    ring = Ring()
    x = ring.sample(20_000)
    assert ring.share_good(x) == pytest.approx(1 - math.exp(-4.5), abs=0.003)  # a Rayleigh tail
    assert ring.modes_hit(x) == 8
    assert ring.kl_to_truth(x) < 0.001  # (modes - 1) / (2 n) = 0.0002 is expected


def test_a_collapse_is_counted():
    ring = Ring()
    one = ring.centres()[3].expand(500, 2)
    assert (ring.modes_hit(one), ring.share_good(one)) == (1, 1.0)
    assert ring.kl_to_truth(one) == pytest.approx(math.log(8))
    half = ring.centres()[:4].repeat(100, 1)
    assert ring.modes_hit(half) == 4 and ring.kl_to_truth(half) == pytest.approx(math.log(2))
    assert ring.modes_hit(torch.zeros(100, 2)) == 0 and ring.share_good(torch.zeros(100, 2)) == 0
    few = torch.cat([half, ring.centres()[7:].expand(4, 2)])  # under a tenth of a fair share
    assert ring.modes_hit(few) == 4


def test_a_trained_discriminator_nears_p_over_p_plus_q():
    """D learns against fakes of a known Gaussian; D* follows from both densities."""
    ring = Ring(modes=2, radius=1.0, std=0.5)
    fakes = lambda z: z  # noqa: E731  (G is the identity: q is N(0, I))
    D = make_toy_discriminator(64)
    adam = torch.optim.Adam(D.parameters(), lr=3e-3)
    for _ in range(400):
        losses = discriminator_turn(fakes, D, ring.sample(512), torch.randn(512, 2), loss=discriminator_loss)
        adam.zero_grad()
        sum(losses.values()).backward()
        adam.step()
    x = torch.cat([ring.sample(500), torch.randn(500, 2)])
    log_q = Independent(Normal(torch.zeros(2), 1.0), 1).log_prob(x)
    best = optimal_logit(ring.log_density(x), log_q).sigmoid()
    assert (D(x).sigmoid() - best).abs().mean() < 0.05
    assert (0.5 - best).abs().mean() > 0.2  # a D that has learned nothing would not pass


def test_the_best_discriminator_by_densities_and_by_logarithms():
    p, q = torch.tensor([0.5, 0.0, 2.0]), torch.tensor([0.5, 1.0, 1.0])
    assert optimal_discriminator(p, q).tolist() == pytest.approx([0.5, 0.0, 2 / 3])
    torch.testing.assert_close(optimal_logit(p.log(), q.log()).sigmoid(), optimal_discriminator(p, q))
    assert optimal_logit(torch.tensor(-300.0), torch.tensor(-301.0)).sigmoid() == pytest.approx(
        0.731, abs=1e-3
    )


def test_the_orbit_leaves_at_a_known_rate_and_stays_when_players_take_turns():
    eta, steps = 0.1, 200
    radius = bilinear_orbit(steps, eta).norm(dim=1)
    expected = torch.sqrt(torch.tensor(1 + eta**2)) ** torch.arange(steps + 1)
    torch.testing.assert_close(radius, expected, rtol=1e-4, atol=1e-4)
    a, b = bilinear_orbit(5_000, eta, alternating=True).unbind(1)
    invariant = a**2 + b**2 - eta * a * b
    assert invariant.max() - invariant.min() < 1e-3 and invariant[0] == 1
    assert bilinear_orbit(0, eta).tolist() == [[1, 0]]


def test_a_gan_finds_every_mode_of_the_ring():
    ring = Ring()
    G, D = make_toy_generator(), make_toy_discriminator()
    points = iter(lambda: {"image": ring.sample(256)}, None)
    for _ in train(gan_players(G, D, Game(d=2, generator_rate=1e-3, discriminator_rate=1e-3)), points, 400):
        pass
    with torch.no_grad():
        x = G(torch.randn(2_000, 2))
    assert ring.modes_hit(x) == 8 and ring.share_good(x) > 0.2
