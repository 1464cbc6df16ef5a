"""The loop equals a loop written by hand, for one player and for two; budgets, schedules and precision."""

import copy
import itertools

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce

from course_lib.errors import CourseError
from course_lib.training import loop
from course_lib.training.loop import (
    Player,
    cpu_seconds,
    seconds,
    set_learning_rates,
    train,
    warm_down,
    warm_up_down,
)

STEPS = 20


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def data(k: int) -> torch.Tensor:
    return torch.randn(16, 6, generator=torch.Generator().manual_seed(k))


def batches(start: int = 0):
    return ({"image": data(k)} for k in itertools.count(start))


def mlp(*sizes: int) -> nn.Sequential:
    layers = [part for a, b in itertools.pairwise(sizes) for part in (nn.Linear(a, b), nn.Tanh())]
    return nn.Sequential(*layers[:-1])


def assert_same_weights(a: nn.Module, b: nn.Module) -> None:
    for mine, theirs in zip(a.parameters(), b.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-6, rtol=1e-6)


def autoencoder_player(net: nn.Module, lr: float = 0.1) -> Player:
    """Plain SGD with momentum: a gradient that is kept, doubled or lost shows at once."""

    def loss(batch):
        error = net(batch["image"]) - batch["image"]
        return {"square": error.square().mean(), "absolute": 0.1 * error.abs().mean()}

    return Player("AE", loss, torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9))


def test_one_player_equals_a_loop_written_by_hand():
    net = mlp(6, 4, 6)
    hand = copy.deepcopy(net)
    seen = [step.losses["AE"]["square"].item() for step in train([autoencoder_player(net)], batches(), STEPS)]

    optimizer = torch.optim.SGD(hand.parameters(), lr=0.1, momentum=0.9)
    expected = []
    for k in range(STEPS):
        x = data(k)
        error = hand(x) - x
        expected.append(error.square().mean().item())
        loss = error.square().mean() + 0.1 * error.abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert_same_weights(net, hand)
    assert seen == pytest.approx(expected, abs=1e-6)
    assert expected[-1] < expected[0]


def test_two_players_equal_a_gan_written_by_hand():
    """G's loss leaves gradients in D; they must be gone when D moves, and D moves first."""
    G, D = mlp(2, 8, 6), mlp(6, 8, 1)
    hand_G, hand_D = copy.deepcopy(G), copy.deepcopy(D)
    z = torch.randn(16, 2)

    def d_loss(batch):
        real, fake = D(batch["image"]), D(G(z).detach())
        return {"real": bce(real, torch.ones_like(real)), "fake": bce(fake, torch.zeros_like(fake))}

    def g_loss(batch):
        fake = D(G(z))
        return {"fool": bce(fake, torch.ones_like(fake))}

    game = [
        Player("D", d_loss, torch.optim.SGD(D.parameters(), lr=0.5)),
        Player("G", g_loss, torch.optim.SGD(G.parameters(), lr=0.5)),
    ]
    steps = list(train(game, batches(), STEPS))
    assert {name: set(terms) for name, terms in steps[0].losses.items()} == {
        "D": {"real", "fake"},
        "G": {"fool"},
    }

    for_D = torch.optim.SGD(hand_D.parameters(), lr=0.5)
    for_G = torch.optim.SGD(hand_G.parameters(), lr=0.5)
    one, zero = torch.ones(16, 1), torch.zeros(16, 1)
    for k in range(STEPS):
        loss = bce(hand_D(data(k)), one) + bce(hand_D(hand_G(z).detach()), zero)
        hand_D.zero_grad()
        loss.backward()
        for_D.step()
        loss = bce(hand_D(hand_G(z)), one)
        hand_G.zero_grad()
        loss.backward()
        for_G.step()
    assert_same_weights(D, hand_D)
    assert_same_weights(G, hand_G)


def test_an_unconsumed_train_does_nothing():
    net = mlp(6, 4, 6)
    before = copy.deepcopy(net)
    train([autoencoder_player(net)], batches(), STEPS)
    assert_same_weights(net, before)


def test_it_yields_after_the_move_what_the_step_saw():
    net = mlp(6, 6)
    before = copy.deepcopy(net)
    step = next(train([autoencoder_player(net)], batches(), STEPS))
    assert step.index == 0 and step.progress == 1 / STEPS
    assert torch.equal(step.batch["image"], data(0))
    assert not torch.equal(net[0].weight, before[0].weight)
    loss = step.losses["AE"]["square"]
    assert not loss.requires_grad
    assert torch.equal(loss, (before(data(0)) - data(0)).square().mean())


def test_progress_goes_to_one_and_there_it_ends():
    steps = list(train([autoencoder_player(mlp(6, 6))], batches(), 8))
    assert [step.index for step in steps] == list(range(8))
    assert [step.progress for step in steps] == [k / 8 for k in range(1, 9)]


@pytest.mark.parametrize("done", [0, 7, STEPS])
def test_resumed_it_is_the_same_run(done):
    whole, parts = mlp(6, 4, 6), mlp(6, 4, 6)
    parts.load_state_dict(whole.state_dict())
    indices = [s.index for s in train([autoencoder_player(whole)], batches(), STEPS, schedule=warm_down)]
    player = autoencoder_player(parts)
    halves = itertools.islice(train([player], batches(), STEPS, schedule=warm_down), done)
    resumed = [step.index for step in halves]
    resumed += [s.index for s in train([player], batches(done), STEPS, start=done, schedule=warm_down)]
    assert resumed == indices == list(range(STEPS))
    for mine, theirs in zip(whole.parameters(), parts.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_no_steps_is_no_training():
    assert list(train([autoencoder_player(mlp(6, 6))], batches(), 0)) == []
    assert list(train([autoencoder_player(mlp(6, 6))], batches(), seconds(0))) == []


def test_batches_that_end_too_early_are_a_sentence():
    few = itertools.islice(batches(), 3)
    with pytest.raises(CourseError, match="ended after 3 steps"):
        list(train([autoencoder_player(mlp(6, 6))], few, 5))


class Clock:
    """A clock that goes on by an eighth of a second with every batch."""

    def __init__(self):
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def batches(self):
        for batch in batches():
            self.now += 0.125
            yield batch


def test_a_budget_of_seconds_counts_from_its_first_look_and_on_from_what_was_used():
    clock, player = Clock(), autoencoder_player(mlp(6, 6))
    progress = [step.progress for step in train([player], clock.batches(), seconds(1, clock=clock))]
    assert progress == [k / 8 for k in range(1, 9)]
    progress = [
        step.progress for step in train([player], clock.batches(), seconds(1, used=0.75, clock=clock))
    ]
    assert progress == [0.875, 1.0]


def test_processor_seconds_are_another_clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(loop.time, "process_time", clock)
    assert len(list(train([autoencoder_player(mlp(6, 6))], clock.batches(), cpu_seconds(0.5)))) == 4


def test_warm_down_holds_then_falls_in_a_straight_line_to_its_floor():
    assert [warm_down(p) for p in (0.0, 0.1, 0.29)] == [1.0, 1.0, 1.0]
    assert warm_down(0.3) == pytest.approx(1.0) and warm_down(1.0) == pytest.approx(0.02)
    assert warm_down(0.65) == pytest.approx((1 + 0.02) / 2)


def test_warm_up_down_rises_first_and_then_is_warm_down():
    assert [warm_up_down(p) for p in (0.0, 0.025, 0.05)] == pytest.approx([0.1, 0.55, 1.0])
    assert [warm_up_down(p) for p in (0.2, 0.65, 1.0)] == [warm_down(p) for p in (0.2, 0.65, 1.0)]


def test_the_schedule_scales_each_optimizers_own_rate():
    a, b = autoencoder_player(mlp(6, 6), lr=0.1), autoencoder_player(mlp(6, 6), lr=0.4)
    rates = []
    for _ in train([a, b], batches(), 4, schedule=lambda p: 1 - p):
        rates.append([player.optimizer.param_groups[0]["lr"] for player in (a, b)])
    torch.testing.assert_close(
        torch.tensor(rates), torch.tensor([[1], [0.75], [0.5], [0.25]]) * torch.tensor([0.1, 0.4])
    )
    set_learning_rates([a], 1.0)
    assert a.optimizer.param_groups[0]["lr"] == 0.1


def test_precision_wraps_the_forward_pass_only():
    inside, seen = [], {"forward": [], "backward": [], "step": []}

    class Watched:
        def __enter__(self):
            inside.append(True)

        def __exit__(self, *_):
            inside.pop()

    net = mlp(6, 6)
    net[0].weight.register_hook(lambda grad: seen["backward"].append(bool(inside)))

    def loss(batch):
        seen["forward"].append(bool(inside))
        return {"l": net(batch["image"]).square().mean()}

    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    optimizer.register_step_pre_hook(lambda *_: seen["step"].append(bool(inside)))
    list(train([Player("p", loss, optimizer)], batches(), 2, precision=Watched))
    assert seen == {"forward": [True, True], "backward": [False, False], "step": [False, False]}
    assert inside == []


def test_bfloat16_learns_too():
    net = mlp(6, 32, 6)
    steps = train(
        [autoencoder_player(net)], batches(), 60, precision=lambda: torch.autocast("cpu", torch.bfloat16)
    )
    losses = [step.losses["AE"]["square"].item() for step in steps]
    assert losses[-1] < losses[0] and net[0].weight.dtype == torch.float32
