"""The GAN's losses against their definitions, its turns, and its game against loops written by hand."""

import copy
import itertools
import math

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce

from course_lib.models.gan import (
    Game,
    discriminator_loss,
    discriminator_turn,
    draw_codes,
    frozen,
    gan_players,
    generator_loss,
    generator_turn,
    gradient_norm,
    gradient_penalty,
    least_squares_discriminator_loss,
    least_squares_generator_loss,
    make_discriminator,
    make_generator,
    sample_gan,
    saturating_generator_loss,
    share,
    smoothed_discriminator_loss,
    wasserstein_discriminator_loss,
    wasserstein_generator_loss,
    wasserstein_players,
    wasserstein_turn,
)
from course_lib.training.loop import train

STEPS = 20


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


# ------------------------------------------------------------------------------------------------ losses


def test_the_minimax_losses_are_the_logarithms_of_eq_1():
    real, fake = torch.randn(50), torch.randn(50)
    found = discriminator_loss(real, fake)
    torch.testing.assert_close(found["real"], -real.sigmoid().log().mean())
    torch.testing.assert_close(found["fake"], -(1 - fake.sigmoid()).log().mean())
    torch.testing.assert_close(generator_loss(fake)["fool"], -fake.sigmoid().log().mean())
    torch.testing.assert_close(saturating_generator_loss(fake)["fool"], (1 - fake.sigmoid()).log().mean())


def test_an_undecided_discriminator_costs_log_4():
    losses = discriminator_loss(torch.zeros(8), torch.zeros(8))
    assert sum(losses.values()).item() == pytest.approx(math.log(4))


@pytest.mark.parametrize("t", [-1e4, -100.0, 100.0, 1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_losses_and_slopes_are_finite_at_extreme_logits(t, dtype):
    logits = torch.full((4,), t, dtype=dtype, requires_grad=True)
    for loss in (generator_loss, saturating_generator_loss, lambda f: discriminator_loss(f, f),
                 lambda f: smoothed_discriminator_loss(f, f)):  # fmt: skip
        total = sum(loss(logits).values())
        (slope,) = torch.autograd.grad(total, logits)
        assert total.dtype == torch.float32 and total.isfinite() and slope.isfinite().all()
    (slope,) = torch.autograd.grad(generator_loss(logits)["fool"], logits)
    assert slope.float().sum().item() == pytest.approx(-1 if t < 0 else 0)  # the loser still learns


def test_smoothing_is_a_cross_entropy_with_a_target_and_leaves_the_fakes_alone():
    real, fake = torch.randn(20), torch.randn(20)
    found = smoothed_discriminator_loss(real, fake, 0.8)
    torch.testing.assert_close(found["real"], bce(real, torch.full((20,), 0.8)))
    torch.testing.assert_close(found["fake"], bce(fake, torch.zeros(20)))
    torch.testing.assert_close(smoothed_discriminator_loss(real, fake, 1.0), discriminator_loss(real, fake))


def test_least_squares_and_wasserstein_losses():
    real, fake = torch.tensor([3.0, 1.0]), torch.tensor([2.0, 0.0])
    assert least_squares_discriminator_loss(real, fake) == {"real": 1.0, "fake": 1.0}
    assert least_squares_generator_loss(fake) == {"fool": 0.5}
    assert wasserstein_discriminator_loss(real, fake) == {"real": -2.0, "fake": 1.0}
    assert wasserstein_generator_loss(fake) == {"fool": -1.0}


def test_the_penalty_of_a_linear_critic_is_known():
    weight = torch.tensor([3.0, 4.0], requires_grad=True)
    x, fake, eps = torch.randn(7, 2), torch.randn(7, 2), torch.rand(7)
    penalty = gradient_penalty(lambda x: x @ weight, x, fake, eps)
    assert penalty.item() == pytest.approx((5 - 1) ** 2)
    penalty.backward()  # d/dw (|w| - 1)^2 = 2 (|w| - 1) w / |w|
    torch.testing.assert_close(weight.grad, torch.tensor([4.8, 6.4]))


def test_the_penalty_is_taken_on_the_line_between_and_two_sided():
    x, fake = torch.ones(1, 1), torch.zeros(1, 1)
    half_square = lambda x: 0.5 * x.square().sum(1)  # noqa: E731  (its slope is x itself)
    for eps in (0.0, 0.25, 1.0):
        found = gradient_penalty(half_square, x, fake, torch.tensor([eps])).item()
        assert found == pytest.approx((eps - 1) ** 2)


# ------------------------------------------------------------------------------------------------- turns


def small() -> tuple[nn.Sequential, nn.Sequential]:
    return make_generator(3, 1, 4, (8,)), make_discriminator(1, 4, (8, 8), dropout=0.0)


def gradients(net: nn.Module) -> list:
    return [weight.grad for weight in net.parameters()]


def test_neither_player_learns_in_the_others_turn():
    G, D = small()
    x, z = torch.rand(5, 1, 4, 4), draw_codes(5, 3)
    sum(discriminator_turn(G, D, x, z, loss=discriminator_loss).values()).backward()
    assert all(grad is None for grad in gradients(G)) and all(grad is not None for grad in gradients(D))
    G, D = small()
    sum(generator_turn(G, D, z, loss=generator_loss).values()).backward()
    assert all(grad is not None for grad in gradients(G)) and all(grad is None for grad in gradients(D))
    assert all(weight.requires_grad for weight in D.parameters())  # frozen was only borrowed


def test_frozen_gives_back_what_it_found():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    net[0].requires_grad_(False)
    with pytest.raises(ZeroDivisionError), frozen(net):
        assert not any(weight.requires_grad for weight in net.parameters())
        raise ZeroDivisionError
    assert [weight.requires_grad for weight in net.parameters()] == [False, False, True, True]


def test_the_saturating_loss_starves_a_losing_generator():
    """Where D(G(z)) = sigmoid(-t), the slopes are sigmoid(-t) and 1 - sigmoid(-t): at t = 10, 1 to 22,026."""
    G, z = make_generator(3, 1, 4, (8,)), draw_codes(16, 3)
    sure = lambda x: x.flatten(1).sum(1) * 1e-3 - 10  # noqa: E731
    starved = gradient_norm(saturating_generator_loss(sure(G(z)))["fool"], G)
    fed = gradient_norm(generator_loss(sure(G(z)))["fool"], G)
    assert starved / fed == pytest.approx(math.exp(-10), rel=0.05)


# -------------------------------------------------------------------------------------------------- game


def batches(size: int):
    def data(k):
        g = torch.Generator().manual_seed(k)
        return {"image": torch.rand(size, 1, 4, 4, generator=g) * 2 - 1}

    return (data(k) for k in itertools.count())


def same_weights(a: nn.Module, b: nn.Module) -> None:
    for mine, theirs in zip(a.state_dict().values(), b.state_dict().values(), strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("k", [1, 3])
def test_the_game_equals_algorithm_1_written_by_hand(k):
    """The loop of every tutorial: detach, labels of ones and zeros, both gradients zeroed."""
    game = Game(d=3, k=k, batch=6, generator_rate=1e-2, discriminator_rate=2e-2)
    G, D = small()
    G2, D2 = copy.deepcopy(G), copy.deepcopy(D)
    torch.manual_seed(1)
    for _ in train(gan_players(G, D, game), batches(6 * k), STEPS):
        pass

    torch.manual_seed(1)
    adam_G = torch.optim.Adam(G2.parameters(), lr=1e-2, betas=(0.5, 0.999))
    adam_D = torch.optim.Adam(D2.parameters(), lr=2e-2, betas=(0.5, 0.999))
    ones, zeros = torch.ones(6), torch.zeros(6)
    for batch in itertools.islice(batches(6 * k), STEPS):
        for x in batch["image"].chunk(k):
            adam_D.zero_grad()
            loss = bce(D2(x), ones) + bce(D2(G2(torch.randn(6, 3)).detach()), zeros)
            loss.backward()
            adam_D.step()
        adam_G.zero_grad()
        bce(D2(G2(torch.randn(6, 3))), ones).backward()
        adam_G.step()
    same_weights(G, G2)
    same_weights(D, D2)


def test_the_wasserstein_game_equals_a_loop_written_by_hand():
    game = Game(d=3, k=2, batch=6, generator_rate=1e-3, discriminator_rate=1e-3, betas=(0.0, 0.9))
    G, _ = small()
    # Smooth layers: at a kink of LeakyReLU two right orders of arithmetic part for good.
    D = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 1), nn.Flatten(0))
    G2, D2 = copy.deepcopy(G), copy.deepcopy(D)
    torch.manual_seed(1)
    for _ in train(wasserstein_players(G, D, game), batches(12), STEPS):
        pass

    torch.manual_seed(1)
    adam_G = torch.optim.Adam(G2.parameters(), lr=1e-3, betas=(0.0, 0.9))
    adam_D = torch.optim.Adam(D2.parameters(), lr=1e-3, betas=(0.0, 0.9))
    for batch in itertools.islice(batches(12), STEPS):
        for x in batch["image"].chunk(2):
            fake = G2(torch.randn(6, 3)).detach()
            eps = torch.rand(6)[:, None, None, None]
            between = (eps * x + (1 - eps) * fake).requires_grad_()
            slope = torch.autograd.grad(D2(between).sum(), between, create_graph=True)[0]
            penalty = ((slope.pow(2).sum((1, 2, 3)).sqrt() - 1) ** 2).mean()
            adam_D.zero_grad()
            (D2(fake).mean() - D2(x).mean() + 10 * penalty).backward()
            adam_D.step()
        adam_G.zero_grad()
        (-D2(G2(torch.randn(6, 3))).mean()).backward()
        adam_G.step()
    same_weights(G, G2)
    same_weights(D, D2)


def test_each_of_k_moves_sees_images_of_its_own():
    batch = {"image": torch.arange(6.0), "label": torch.arange(6)}
    parts = [share(batch, ("image", "label"), i, 3) for i in range(3)]
    assert [label.tolist() for _, label in parts] == [[0, 1], [2, 3], [4, 5]]
    with pytest.raises(ValueError, match="multiple of 4"):
        share(batch, ("image",), 0, 4)


def test_wasserstein_turn_names_its_terms_and_weighs_the_penalty():
    G, D = small()
    x, z = torch.rand(5, 1, 4, 4), draw_codes(5, 3)
    torch.manual_seed(3)
    one = wasserstein_turn(G, D, x, z, weight=1.0)
    torch.manual_seed(3)
    ten = wasserstein_turn(G, D, x, z)
    assert list(one) == ["real", "fake", "penalty"]
    torch.testing.assert_close(ten["penalty"], 10 * one["penalty"])


# ---------------------------------------------------------------------------------- networks and samplers


@pytest.mark.parametrize(("channels", "size"), [(1, 28), (3, 32)])
def test_networks_speak_images_and_logits(channels, size):
    G, D = make_generator(5, channels, size), make_discriminator(channels, size)
    fake = sample_gan(G, draw_codes(4, 5))
    assert fake.shape == (4, channels, size, size) and fake.abs().max() <= 1 and not fake.requires_grad
    assert D(fake).shape == (4,) and D(fake[:1]).shape == (1,)
    assert G.training  # eval mode was borrowed
    assert not any(isinstance(layer, nn.Sigmoid | nn.BatchNorm1d) for layer in D)


def test_the_game_learns_where_the_data_lie():
    """Two pixels that are always opposite: after 300 steps G's are too."""
    sign = lambda g: torch.randint(2, (64, 1), generator=g) * 1.8 - 0.9  # noqa: E731
    data = lambda k: sign(torch.Generator().manual_seed(k)) * torch.tensor([1.0, -1.0])  # noqa: E731
    endless = ({"image": data(k).view(64, 1, 1, 2)} for k in itertools.count())
    G = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2), nn.Tanh(), nn.Unflatten(1, (1, 1, 2)))
    D = nn.Sequential(nn.Flatten(), nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1), nn.Flatten(0))
    game = Game(d=2, generator_rate=3e-3, discriminator_rate=3e-3)
    for _ in train(gan_players(G, D, game), endless, 300):
        pass
    a, b = sample_gan(G, draw_codes(500, 2)).flatten(1).unbind(1)
    assert ((a * b) < 0).float().mean() > 0.9
