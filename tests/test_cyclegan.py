"""CycleGAN's networks at the paper's size, its losses by hand, its pool by the paper's rule, and its game."""

import copy
import itertools
import math

import pytest
import torch
from torch import nn

from course_lib.models import cyclegan
from course_lib.models.cyclegan import (
    CycleGAN,
    Game,
    Pool,
    cycle_loss,
    cyclegan_players,
    discriminator_loss,
    exchange,
    fool_loss,
    generator_turn,
    identity_loss,
    initialise,
    linear_decay,
    make_discriminator,
    make_generator,
    make_small_generator,
    measured_field,
    patch_size,
    receptive_field,
    translate,
)
from course_lib.training.loop import train


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def parameters(net: nn.Module) -> int:
    return sum(weight.numel() for weight in net.parameters())


# ---------------------------------------------------------------------------------------------- networks


def test_the_papers_sizes():
    with torch.device("meta"):
        G, D = make_generator(), make_discriminator()
        assert parameters(G) == 11_378_179 and parameters(D) == 2_764_737
        assert G(torch.empty(1, 3, 256, 256)).shape == (1, 3, 256, 256)
        assert D(torch.empty(1, 3, 256, 256)).shape == (1, 1, 30, 30)
    strides = [layer.stride[0] for layer in G if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    assert strides == [1, 2, 2, 2, 2, 1] and sum(isinstance(layer, cyclegan.Block) for layer in G) == 9
    assert all(not layer.affine for layer in G.modules() if isinstance(layer, nn.InstanceNorm2d))


def test_no_image_of_a_batch_knows_of_the_others():
    x = torch.rand(3, 3, 16, 16) * 2 - 1
    for net in (make_generator(3, 4, 1, 1), make_small_generator(3, 8, 1), make_discriminator(3, 4, 1)):
        torch.testing.assert_close(net(x)[:1], net(x[:1]))


@pytest.mark.parametrize("make", [lambda: make_generator(3, 4, 1, 2), lambda: make_small_generator(3, 8, 2)])
def test_generators_keep_the_size_and_stay_in_range(make):
    out = translate(make(), torch.randn(5, 3, 16, 24), chunk=2)
    assert out.shape == (5, 3, 16, 24) and out.abs().max() <= 1 and not out.requires_grad


@pytest.mark.parametrize(("downs", "side"), [(1, 16), (2, 34), (3, 70)])
def test_the_patch_as_measured_by_gradient(downs, side):
    D = make_discriminator(3, 4, downs)
    convolutions = [layer for layer in D if isinstance(layer, nn.Conv2d)]
    assert receptive_field([(c.kernel_size[0], c.stride[0]) for c in convolutions]) == side
    assert patch_size(4, downs) == side
    # In float64 no gradient underflows; a LeakyReLU never cuts one.
    assert measured_field(D.double(), size=2 * side + 20) == (side, side)


def test_a_field_that_is_not_square_is_seen():
    net = nn.Sequential(nn.Conv2d(3, 2, (3, 5)), nn.LeakyReLU(0.2), nn.Conv2d(2, 1, (3, 1), stride=2))
    assert measured_field(net, 30) == (5, 5)
    assert measured_field(nn.Sequential(nn.Conv2d(3, 1, (1, 7))), 30) == (1, 7)


def test_the_generator_sees_further_than_a_patch():
    """Every block adds 4 pixels of the quarter, 16 of the picture."""
    bare = [m for m in make_generator(3, 2, 2, 2).modules() if isinstance(m, nn.Conv2d)]
    assert receptive_field([(c.kernel_size[0], c.stride[0]) for c in bare[:-1]]) > 35


def test_a_block_adds_to_what_it_gets():
    block = cyclegan.Block(4)
    x = torch.randn(2, 4, 6, 6)
    h = block(x) - x
    torch.testing.assert_close(h.mean(dim=(2, 3)), torch.zeros(2, 4), atol=1e-5, rtol=0)  # instance norm
    for weight in block.parameters():
        nn.init.zeros_(weight)
    torch.testing.assert_close(block(x), x)


def test_initialisation_draws_what_the_paper_says():
    for net in (initialise(make_generator(3, 16, 2, 1)), initialise(make_discriminator(3, 16))):
        for layer in net.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                n = layer.weight.numel()
                assert layer.weight.std().item() == pytest.approx(0.02, rel=5 / math.sqrt(2 * n))
                assert layer.bias.eq(0).all()


# ------------------------------------------------------------------------------------------------ losses


def test_least_squares_on_patches():
    real, fake = torch.tensor([[[[3.0, 1.0]]]]), torch.tensor([[[[2.0, 0.0]]]])
    assert discriminator_loss(real, fake) == {"real": 1.0, "fake": 1.0}
    assert fool_loss(fake) == 1.0


def test_cycle_and_identity_of_known_translators():
    x, y = torch.full((2, 1, 2, 2), 0.5), torch.full((3, 1, 2, 2), -0.25)
    add, double = (lambda x: x + 0.1), (lambda x: 2 * x)
    # F(G(x)) = 2 (x + 0.1) differs from 0.5 by 0.7; G(F(y)) = 2 y + 0.1 from -0.25 by 0.15
    assert cycle_loss(add, double, x, y).item() == pytest.approx(0.7 + 0.15)
    assert identity_loss(add, double, x, y).item() == pytest.approx(0.1 + 0.5)
    assert cycle_loss(lambda x: x + 3, lambda y: y - 3, x, y).item() == pytest.approx(0, abs=1e-6)


def small_nets(maps: int = 8) -> CycleGAN:
    return CycleGAN(lambda: make_small_generator(3, maps, 1), lambda: make_discriminator(3, 4, 1))


def test_the_generators_turn_is_eq_3_with_the_identity_loss():
    nets, game = small_nets(), Game(cycle=7.0, identity=0.25)
    x, y = torch.rand(4, 3, 8, 8) * 2 - 1, torch.rand(4, 3, 8, 8) * 2 - 1
    losses, fake_x, fake_y = generator_turn(nets, x, y, game)
    torch.testing.assert_close(fake_x, nets.F(y).detach())
    torch.testing.assert_close(fake_y, nets.G(x).detach())
    torch.testing.assert_close(losses["fool x"], fool_loss(nets.D_X(nets.F(y))))
    torch.testing.assert_close(losses["fool y"], fool_loss(nets.D_Y(nets.G(x))))
    torch.testing.assert_close(losses["cycle"], 7 * cycle_loss(nets.G, nets.F, x, y))
    torch.testing.assert_close(losses["identity"], 7 * 0.25 * identity_loss(nets.G, nets.F, x, y))
    assert set(generator_turn(nets, x, y, Game(cycle=0.0))[0]) == {"fool x", "fool y"}


def batch(k: int, n: int = 4, side: int = 8) -> dict[str, torch.Tensor]:
    g = torch.Generator().manual_seed(k)
    return {name: torch.rand(n, 3, side, side, generator=g) * 2 - 1 for name in ("image", "other")}


def test_neither_player_learns_in_the_others_turn():
    nets = small_nets()
    G, D = cyclegan_players(nets, Game(pool=3))
    translators, judges = [nets.G, nets.F], [nets.D_X, nets.D_Y]
    sum(G.loss(batch(0)).values()).backward()
    assert all(w.grad is not None for net in translators for w in net.parameters())
    assert all(w.grad is None for net in judges for w in net.parameters())
    nets.zero_grad(set_to_none=True)
    losses = D.loss(batch(0))
    assert set(losses) == {"real x", "fake x", "real y", "fake y"}
    sum(losses.values()).backward()
    assert all(w.grad is None for net in translators for w in net.parameters())
    assert all(w.grad is not None for net in judges for w in net.parameters())


def test_the_game_equals_a_loop_written_by_hand():
    game = Game(identity=0.0, pool=0, generator_rate=1e-3, discriminator_rate=2e-3)
    nets = small_nets()
    twin = copy.deepcopy(nets)
    for _ in train(cyclegan_players(nets, game), (batch(k) for k in itertools.count()), 4):
        pass
    move_G = torch.optim.Adam([*twin.G.parameters(), *twin.F.parameters()], lr=1e-3, betas=(0.5, 0.999))
    move_D = torch.optim.Adam([*twin.D_X.parameters(), *twin.D_Y.parameters()], lr=2e-3, betas=(0.5, 0.999))
    for k in range(4):
        x, y = batch(k)["image"], batch(k)["other"]
        fake_y, fake_x = twin.G(x), twin.F(y)
        fool = (twin.D_Y(fake_y) - 1).square().mean() + (twin.D_X(fake_x) - 1).square().mean()
        cycle = (twin.F(fake_y) - x).abs().mean() + (twin.G(fake_x) - y).abs().mean()
        move_G.zero_grad()
        (fool + 10 * cycle).backward()
        move_G.step()
        loss = (twin.D_Y(y) - 1).square().mean() + twin.D_Y(fake_y.detach()).square().mean()
        loss = loss + (twin.D_X(x) - 1).square().mean() + twin.D_X(fake_x.detach()).square().mean()
        move_D.zero_grad()
        (loss / 2).backward()
        move_D.step()
    x = batch(99)["image"]  # a bias that instance norm takes off again may be anything: compare what they do
    for mine, theirs in zip(nets.children(), twin.children(), strict=True):
        torch.testing.assert_close(mine(x), theirs(x), atol=1e-4, rtol=1e-3)


def test_a_tiny_pair_is_overfitted():
    """Two images a domain, the paper's networks in small: the cycle gives them back, and did not before."""
    nets, data = (
        CycleGAN(lambda: make_generator(3, 8, 1, 1), lambda: make_discriminator(3, 4, 1)),
        batch(1, 2),
    )
    game = Game(identity=0.0, generator_rate=4e-3, discriminator_rate=1e-3)
    before = cycle_loss(nets.G, nets.F, data["image"], data["other"]).item()
    for _ in train(cyclegan_players(nets, game), itertools.repeat(data), 150, schedule=linear_decay):
        pass
    after = cycle_loss(nets.G, nets.F, data["image"], data["other"]).item()
    assert before > 0.8 and after < 0.35, (before, after)


def test_the_small_generator_starts_as_the_identity():
    x = torch.rand(4, 3, 16, 16) * 2 - 1
    G = make_small_generator()
    assert (G(x) - x).abs().mean() < 0.08 and parameters(G) == 62_892
    assert (make_generator(3, 8, 1, 1)(x) - x).abs().mean() > 0.3


# -------------------------------------------------------------------------------------------------- pool


def image(k: int) -> torch.Tensor:
    return torch.full((1, 1, 2, 2), float(k))


def shown_by(pool: Pool, count: int, batch: int = 1) -> list[int]:
    fakes = [torch.cat([image(k + i) for i in range(batch)]) for k in range(0, count, batch)]
    return [int(v) for many in fakes for v in pool(many)[:, 0, 0, 0]]


def test_until_it_is_full_the_pool_shows_what_is_new():
    assert shown_by(Pool(50), 50) == list(range(50))
    assert shown_by(Pool(0), 70) == list(range(70))


@pytest.mark.parametrize("batch", [1, 4])
def test_half_of_what_a_full_pool_shows_is_old(batch):
    """Section 4 and the authors' code: with probability 1/2 an old fake, which the new one replaces."""
    pool, n = Pool(50), 6_000
    shown = shown_by(pool, n, batch)[60:]
    old = sum(value != k + 60 for k, value in enumerate(shown))
    assert abs(old / len(shown) - 0.5) < 4 * 0.5 / math.sqrt(len(shown))  # four standard deviations
    ages = torch.tensor([k + 60 - value for k, value in enumerate(shown) if value != k + 60]).double()
    # A seat is taken over with probability 1/100 a fake, so an old fake waits 100 moves on average.
    assert ages.mean().item() == pytest.approx(100, rel=0.1)
    assert len(pool.images) == 50


def test_no_fake_is_shown_twice_nor_kept_when_it_was_shown():
    pool = Pool(5)
    shown = shown_by(pool, 400)[5:]
    kept = {int(v) for v in pool.images[:, 0, 0, 0]}
    assert len(set(shown)) == len(shown) and not kept & set(shown)


def test_the_pool_holds_no_graph_and_no_alias():
    pool, w = Pool(2), torch.ones(1, requires_grad=True)
    for k in range(6):
        fakes = image(k) * w
        shown = pool(fakes)
        assert not shown.requires_grad and not pool.images.requires_grad
        with torch.no_grad():
            fakes.fill_(99)
        assert (pool.images < 50).all()


def test_exchange_of_known_coins():
    pool = torch.cat([image(k) for k in (10, 11, 12)])
    fakes = torch.cat([image(k) for k in (0, 1, 2)])
    shown, after = exchange(pool, fakes, torch.tensor([True, False, True]), torch.tensor([1, 0, 2]))
    assert shown[:, 0, 0, 0].tolist() == [11, 1, 12]
    assert after[:, 0, 0, 0].tolist() == [10, 0, 2] and pool[:, 0, 0, 0].tolist() == [10, 11, 12]


def test_a_batch_larger_than_the_pool():
    pool = Pool(3)
    assert sorted([*shown_by(pool, 20, 10), *(int(v) for v in pool.images[:, 0, 0, 0])])[-3:] == [17, 18, 19]


def test_linear_decay():
    assert [linear_decay(p) for p in (0.0, 0.49, 0.5, 0.75, 1.0)] == [1, 1, 1, 0.5, 0]
    assert linear_decay(0.9, hold=0.8) == pytest.approx(0.5)
