"""The diffusion's formulas against their definitions, against diffusers, and against exact answers."""

import contextlib
import math
import weakref

import pytest
import torch
from diffusers import DDPMScheduler
from torch import nn

from course_lib.models.ddpm import (
    EPS,
    NO_LABEL,
    X0,
    Point,
    Schedule,
    V,
    add_noise,
    ancestral_path,
    ancestral_step,
    at,
    cosine_schedule,
    ddpm_loss,
    ddpm_player,
    denoiser,
    draw_times,
    drop_condition,
    eps_from_v,
    eps_from_x0,
    from_betas,
    large_variance,
    last,
    linear_schedule,
    posterior,
    sample_ddpm,
    simple_loss,
    small_variance,
    velocity,
    x0_from_eps,
    x0_from_v,
)
from course_lib.training.loop import train

SCHEDULES = {"linear": linear_schedule(), "cosine": cosine_schedule()}
THEIRS = {"linear": "linear", "cosine": "squaredcos_cap_v2"}
PREDICTIONS = {"epsilon": EPS, "sample": X0, "v_prediction": V}


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def close(found, expected, tolerance=1e-5):
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


# ---------------------------------------------------------------------------------------- the way to noise


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("steps", [10, 1000])
def test_schedules_are_those_of_diffusers(name, steps):
    ours = linear_schedule(steps) if name == "linear" else cosine_schedule(steps)
    theirs = DDPMScheduler(steps, beta_schedule=THEIRS[name])
    assert ours.steps == steps and ours.abar[0] == 1 and len(ours.betas) == len(ours.alphas) == steps + 1
    close(ours.abar[1:], theirs.alphas_cumprod)
    close(ours.betas[1:], theirs.betas)
    close(ours.alphas[1:], theirs.alphas)
    assert ours.betas[0] == 0 and ours.alphas[0] == 1


def test_cosine_is_its_formula_at_half_time():
    f = lambda u: math.cos((u + 0.008) / 1.008 * math.pi / 2) ** 2  # noqa: E731
    assert cosine_schedule(100).abar[50].item() == pytest.approx(f(0.5) / f(0), rel=1e-5)


@pytest.mark.parametrize("name", SCHEDULES)
def test_one_jump_is_many_small_steps(name):
    """Eq. (4) against eq. (2) applied t times: coefficient of x_0, and variance of what was added."""
    schedule = SCHEDULES[name]
    scale, variance = 1.0, 0.0
    for t in range(1, 401):
        beta = schedule.betas[t].item()
        scale, variance = math.sqrt(1 - beta) * scale, (1 - beta) * variance + beta
    one, zero, t = torch.ones(1, 1), torch.zeros(1, 1), torch.tensor([400])
    assert add_noise(one, t, zero, schedule.abar).item() == pytest.approx(scale, rel=1e-4)
    assert add_noise(zero, t, one, schedule.abar).item() ** 2 == pytest.approx(variance, rel=1e-4)


@pytest.mark.parametrize("name", SCHEDULES)
def test_add_noise_is_diffusers_one_step_earlier_in_its_count(name):
    x0, eps = torch.rand(6, 1, 4, 4) * 2 - 1, torch.randn(6, 1, 4, 4)
    t = torch.tensor([1, 2, 300, 500, 999, 1000])
    theirs = DDPMScheduler(beta_schedule=THEIRS[name]).add_noise(x0, eps, t - 1)
    close(add_noise(x0, t, eps, SCHEDULES[name].abar), theirs)


def test_no_noise_at_time_0():
    x0 = torch.rand(3, 2)
    assert torch.equal(
        add_noise(x0, torch.zeros(3, dtype=torch.long), torch.randn(3, 2), linear_schedule().abar), x0
    )


@pytest.mark.parametrize("t", [2, 7, 10])
def test_the_posterior_is_bayes_rule(t):
    """q(x_{t-1}|x_t, x_0) is proportional to q(x_t|x_{t-1}) q(x_{t-1}|x_0): two Gaussians in x_{t-1}."""
    schedule = linear_schedule(10, 0.05, 0.4)
    x0, xt = torch.randn(5, 1), torch.randn(5, 1)
    alpha, beta, abar_s = schedule.alphas[t], schedule.betas[t], schedule.abar[t - 1]
    precision = alpha / beta + 1 / (1 - abar_s)
    expected = (alpha.sqrt() * xt / beta + abar_s.sqrt() * x0 / (1 - abar_s)) / precision
    mean, variance = posterior(x0, xt, torch.full((5,), t), schedule)
    close(mean, expected)
    close(variance, (1 / precision).expand(5, 1))


def test_the_posterior_at_t_1_is_the_image():
    x0, xt = torch.rand(4, 1, 2, 2), torch.randn(4, 1, 2, 2)
    mean, variance = posterior(x0, xt, torch.ones(4, dtype=torch.long), linear_schedule())
    close(mean, x0)
    assert (variance == 0).all()


def test_each_item_has_its_own_time():
    schedule, x = linear_schedule(), torch.randn(3, 1, 2, 2)
    t = torch.tensor([1, 500, 1000])
    assert at(schedule.abar, t, x).shape == (3, 1, 1, 1)
    noisy = add_noise(x, t, torch.ones_like(x), schedule.abar)
    for i in range(3):
        close(noisy[i : i + 1], add_noise(x[i : i + 1], t[i : i + 1], torch.ones(1, 1, 2, 2), schedule.abar))


# -------------------------------------------------------------------------------------- eps, x0, v and back


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_prediction_leads_back_to_x0_and_eps(name):
    x0, eps = torch.rand(50, 3) * 2 - 1, torch.randn(50, 3)
    t = torch.randint(1, 700, (50,))
    abar_t = at(SCHEDULES[name].abar, t, x0)
    xt = add_noise(x0, t, eps, SCHEDULES[name].abar)
    for prediction in (EPS, X0, V):
        close(prediction.to_x0(xt, prediction.target(x0, eps, abar_t), abar_t), x0, 1e-4)
    v = velocity(x0, eps, abar_t)
    close(x0_from_v(xt, v, abar_t), x0)
    close(eps_from_v(xt, v, abar_t), eps)
    close(x0_from_eps(xt, eps, abar_t), x0, 1e-4)
    close(eps_from_x0(xt, x0, abar_t)[t > 20], eps[t > 20], 1e-3)


def test_velocity_is_that_of_diffusers():
    x0, eps, t = torch.rand(5, 1, 2, 2), torch.randn(5, 1, 2, 2), torch.tensor([1, 10, 400, 900, 1000])
    close(velocity(x0, eps, at(linear_schedule().abar, t, x0)), DDPMScheduler().get_velocity(x0, eps, t - 1))


# ------------------------------------------------------------------------------------------------ the loss


def test_simple_loss_is_eq_14():
    schedule, x0, eps = linear_schedule(), torch.rand(6, 1, 4, 4), torch.randn(6, 1, 4, 4)
    t = torch.tensor([1, 2, 100, 500, 999, 1000])
    seen = {}

    def net(xt, t):
        seen.update(xt=xt, t=t)
        return 0.5 * xt

    loss = simple_loss(net, schedule, x0, t, eps)
    close(seen["xt"], add_noise(x0, t, eps, schedule.abar))
    assert torch.equal(seen["t"], t)
    close(loss, (eps - 0.5 * seen["xt"]).square().mean())


@pytest.mark.parametrize("prediction", [EPS, X0, V])
def test_a_net_that_knows_the_answer_loses_nothing(prediction):
    """All data are one point x0, so eps can be read off xt exactly."""
    schedule, point = cosine_schedule(), torch.rand(1, 2)

    def net(xt, t):
        abar_t = at(schedule.abar, t, xt)
        return prediction.target(point, eps_from_x0(xt, point, abar_t), abar_t)

    assert ddpm_loss(net, schedule, point.expand(64, 2), prediction=prediction)["simple"] < 1e-4
    assert ddpm_loss(lambda xt, t: net(xt, t) + 1, schedule, point.expand(64, 2), prediction=prediction)[
        "simple"
    ].item() == pytest.approx(1, abs=0.05)


def test_times_are_uniform_and_spread():
    counts = torch.stack([draw_times(10, 100) for _ in range(2000)])
    assert counts.min() == 1 and counts.max() == 100
    assert counts.float().mean().item() == pytest.approx(50.5, abs=0.5)
    frequency = torch.bincount(counts.flatten(), minlength=101)[1:].float() / counts.numel()
    assert (frequency * 100 - 1).abs().max() < 0.35  # five standard errors of 200 hits a time
    tenths = ((counts - 1) // 10).sort(dim=1).values
    assert torch.equal(tenths, torch.arange(10).expand_as(tenths))


def test_labels_are_dropped_at_the_rate_asked():
    label = torch.randint(10, (20_000,))
    found = drop_condition(label, 0.2)
    gone = found == NO_LABEL
    assert gone.float().mean().item() == pytest.approx(0.2, abs=0.015)
    assert torch.equal(found[~gone], label[~gone])
    assert torch.equal(drop_condition(label, 0.0), label) and (drop_condition(label, 1.0) == NO_LABEL).all()


def test_any_condition_can_be_dropped_whole():
    tokens = torch.ones(1000, 3, 4)
    found = drop_condition(tokens, 0.5, torch.zeros_like)
    each = found.flatten(1).sum(dim=1)
    assert set(each.tolist()) == {0.0, 12.0}


class Scaled(nn.Module):
    """Says x_t times its only weight, 0 at first, and keeps what it was told."""

    def __init__(self):
        super().__init__()
        self.weight, self.told = nn.Parameter(torch.zeros(())), []

    def forward(self, xt, t, *label):
        self.told.append(label)
        return self.weight * xt


def test_the_player_tells_the_net_its_labels():
    batch = {"image": torch.rand(8, 1, 4, 4), "label": torch.arange(8), "colour": torch.arange(8) + 1}
    net, schedule = Scaled(), linear_schedule()
    list(train([ddpm_player(net, schedule, drop=0.0)], iter([batch]), 1))
    assert net.weight != 0
    for settings in ({"condition": "colour", "drop": 0.0}, {"condition": None}, {"drop": 1.0}):
        ddpm_player(net, schedule, **settings).loss(batch)
    (label,), (colour,), nothing, (dropped,) = net.told
    assert torch.equal(label, batch["label"]) and torch.equal(colour, batch["colour"])
    assert nothing == () and (dropped == NO_LABEL).all()


@pytest.mark.parametrize("prediction", [EPS, X0, V])
def test_the_player_teaches_what_it_is_asked_to(prediction):
    """All images are 3: their mean square is 9, that of the noise 1, and that of v between them."""
    net, schedule, x = Scaled(), linear_schedule(), torch.full((2000, 1, 1, 1), 3.0)
    player = ddpm_player(net, schedule, 0.25, prediction, condition=None)
    assert player.optimizer.param_groups[0]["lr"] == 0.25
    abar = schedule.abar[1:].mean().item()
    expected = {EPS: 1.0, X0: 9.0, V: abar + 9 * (1 - abar)}[prediction]
    assert player.loss({"image": x})["simple"].item() == pytest.approx(expected, rel=0.1)


# ------------------------------------------------------------------------------------------- the way back


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("kind", PREDICTIONS)
@pytest.mark.parametrize(
    ("variance", "their_variance"), [(small_variance, "fixed_small"), (large_variance, "fixed_large")]
)
@pytest.mark.parametrize("t", [1, 2, 500, 999])
def test_a_step_is_that_of_diffusers(name, kind, variance, their_variance, t):
    schedule, prediction = SCHEDULES[name], PREDICTIONS[kind]
    theirs = DDPMScheduler(
        beta_schedule=THEIRS[name], variance_type=their_variance, prediction_type=kind, clip_sample=True
    )
    xt, said = torch.randn(4, 1, 4, 4), torch.randn(4, 1, 4, 4)
    expected = theirs.step(said, t - 1, xt, generator=torch.Generator().manual_seed(1)).prev_sample
    noise = torch.randn(4, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    times = torch.full((4,), t)
    x0 = denoiser(lambda xt, t: said, schedule, prediction=prediction)(xt, times)
    close(ancestral_step(xt, x0, times, schedule, noise, variance), expected)


def test_a_path_is_its_steps_and_ends_at_0():
    schedule, xT = cosine_schedule(5), torch.randn(2, 3)
    points = list(ancestral_path(lambda xt, t: xt.tanh(), xT, schedule))
    assert [point.t for point in points] == [4, 3, 2, 1, 0]
    torch.manual_seed(3)
    x = xT
    for step in (5, 4, 3, 2, 1):
        t = torch.full((2,), step)
        x = ancestral_step(x, x.tanh(), t, schedule, torch.randn_like(x))
    torch.manual_seed(3)
    assert torch.equal(sample_ddpm(lambda xt, t: xt.tanh(), xT, schedule), x)
    close(points[-1].xt, points[-1].x0)  # the last step lands on the last guess
    assert last(iter(points)) is points[-1]


@pytest.mark.parametrize("variance", [small_variance, large_variance])
def test_an_exact_denoiser_lands_on_its_point(variance):
    point = torch.tensor([[0.3, -0.8]])
    for schedule in (linear_schedule(50, 1e-3, 0.3), cosine_schedule(50)):
        found = sample_ddpm(lambda xt, t: point.expand_as(xt), torch.randn(20, 2), schedule, variance)
        close(found, point.expand(20, 2))


def test_the_small_variance_is_right_for_a_point_and_the_large_one_for_noise():
    """Section 3.2: of data that are one point, or N(0, I), the chain keeps q(x_t)'s variance at every t."""
    schedule, n = linear_schedule(20, 0.02, 0.3), 40_000
    point = lambda xt, t: torch.zeros_like(xt)  # noqa: E731
    gauss = lambda xt, t: at(schedule.abar, t, xt).sqrt() * xt  # noqa: E731  (E[x0 | xt] of N(0, I))
    for denoise, variance, q in (
        (point, small_variance, 1 - schedule.abar),
        (gauss, large_variance, torch.ones(21)),
    ):
        start = torch.randn(n, 1) * q[20].sqrt()
        for place in ancestral_path(denoise, start, schedule, variance):
            if place.t > 0:
                assert place.xt.var().item() == pytest.approx(q[place.t].item(), rel=0.04)


def test_a_denoiser_borrows_eval_mode_and_clips_only_if_asked():
    class Net(nn.Module):
        def forward(self, xt, t, y):
            assert not self.training and not torch.is_grad_enabled()
            return 9 * torch.ones_like(xt) * y[:, None]

    net, xt, t, y = Net(), torch.zeros(2, 3), torch.tensor([1, 2]), torch.tensor([1.0, -1.0])
    schedule = Schedule(torch.tensor([1.0, 0.9, 0.8]))
    clipped = denoiser(net, schedule, y, prediction=X0)(xt, t)
    free = denoiser(net, schedule, y, prediction=X0, clip=False)(xt, t)
    assert clipped.tolist() == [[1.0] * 3, [-1.0] * 3] and free.tolist() == [[9.0] * 3, [-9.0] * 3]
    assert net.training


def test_a_denoiser_asks_the_net_in_the_precision_given():
    seen = []

    @contextlib.contextmanager
    def precision():
        seen.append("in")
        yield
        seen.append("out")

    def net(xt, t):
        seen.append("asked")
        return xt.bfloat16()

    x0 = denoiser(net, linear_schedule(), prediction=X0, precision=precision)(
        torch.rand(2, 3), torch.ones(2).long()
    )
    assert seen == ["in", "asked", "out"] and x0.dtype == torch.float32


def test_a_schedule_goes_to_a_device():
    assert linear_schedule(5).to("meta").abar.device.type == "meta"


def test_from_betas_multiplies():
    close(from_betas(torch.tensor([0.1, 0.5])).abar, torch.tensor([1.0, 0.9, 0.45]))


def test_the_end_of_a_path_keeps_no_other_point():
    alive = weakref.WeakSet()

    def path():
        for t in range(9, -1, -1):
            point = Point(t, torch.zeros(1, 1), torch.zeros(1, 1))
            alive.add(point.xt)
            yield point
            del point
            assert len(alive) <= 2

    assert last(path()).t == 0
