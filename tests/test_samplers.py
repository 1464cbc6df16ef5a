"""Samplers against diffusers, against a mixture whose answers are known, and guidance against its formula."""

import pytest
import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler
from torch import nn

from course_lib.models.ddpm import (
    EPS,
    NO_LABEL,
    X0,
    Schedule,
    V,
    add_noise,
    ancestral_path,
    ancestral_step,
    at,
    cosine_schedule,
    ddpm_loss,
    denoiser,
    eps_from_x0,
    from_betas,
    large_variance,
    last,
    linear_schedule,
    sample_ddpm,
    small_variance,
)
from course_lib.models.mixture import Mixture, PointNet, ring_mixture
from course_lib.models.samplers import (
    ddim_path,
    ddim_step,
    dpm_solver_path,
    dpm_solver_step,
    guided,
    sample_ddim,
    sample_dpm_solver,
    spread_times,
    steps_of,
)

SCHEDULES = {"linear": linear_schedule(), "cosine": cosine_schedule()}
THEIRS = {"linear": "linear", "cosine": "squaredcos_cap_v2"}
PREDICTIONS = {"epsilon": EPS, "sample": X0, "v_prediction": V}
POINT = torch.tensor([[0.3, -0.8]])


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def close(found, expected, tolerance=1e-5):
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


def exact_point(xt, t):
    return POINT.to(xt.dtype).expand_as(xt)


# --------------------------------------------------------------------------------------------------- DDIM


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("kind", PREDICTIONS)
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("t", [21, 501, 981])
def test_a_ddim_step_is_that_of_diffusers(name, kind, eta, t):
    theirs = DDIMScheduler(
        beta_schedule=THEIRS[name], prediction_type=kind, clip_sample=False, set_alpha_to_one=False
    )
    theirs.set_timesteps(50)  # their t and t - 20 are our t + 1 and t - 19
    xt, said = torch.randn(4, 1, 4, 4), torch.randn(4, 1, 4, 4)
    expected = theirs.step(said, t - 1, xt, eta=eta, generator=torch.Generator().manual_seed(1)).prev_sample
    noise = torch.randn(4, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    abar = SCHEDULES[name].abar
    x0 = PREDICTIONS[kind].to_x0(xt, said, abar[t])
    close(ddim_step(xt, x0, abar[t], abar[t - 20], eta, noise), expected)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("t", [1, 2, 400, 999])
def test_ddim_with_eta_1_is_the_ancestral_step(name, t):
    schedule, (x0, xt, noise) = SCHEDULES[name], torch.randn(3, 5, 2)
    found = ddim_step(xt, x0, schedule.abar[t], schedule.abar[t - 1], 1.0, noise)
    close(found, ancestral_step(xt, x0, torch.full((5,), t), schedule, noise), 2e-4)


def test_a_leap_with_all_the_noise_there_is_stays_finite():
    """From almost pure noise sigma^2 is 1 - abar_s, but for rounding: there is no root of -6e-8."""
    abar, (x0, xt, noise) = cosine_schedule(100).abar, torch.randn(3, 5, 2)
    close(ddim_step(xt, x0, abar[100], abar[2], 1.0, noise),
          abar[2].sqrt() * x0 + (1 - abar[2]).sqrt() * noise, 1e-3)  # fmt: skip


def test_ddim_without_noise_keeps_to_one_line():
    """If x0 is right, the step lands on eq. (4) at time s with the very same eps."""
    schedule, (x0, eps) = cosine_schedule(), torch.randn(2, 5, 2)
    t, s = torch.full((5,), 800), torch.full((5,), 300)
    xt = add_noise(x0, t, eps, schedule.abar)
    found = ddim_step(xt, x0, at(schedule.abar, t, x0), at(schedule.abar, s, x0))
    close(found, add_noise(x0, s, eps, schedule.abar))


# ------------------------------------------------------------------------------------------- DPM-Solver++


def solver_of_diffusers(name, steps, kind):
    """Their scheduler, and its times as ours."""
    theirs = DPMSolverMultistepScheduler(
        beta_schedule=THEIRS[name], algorithm_type=kind, solver_order=2, solver_type="midpoint",
        prediction_type="sample", lower_order_final=False, final_sigmas_type="zero",
    )  # fmt: skip
    theirs.set_timesteps(steps)
    return theirs, [*(t + 1 for t in theirs.timesteps.tolist()), 0]


def not_linear(xt, t):
    return torch.tanh(xt + t[:, None] / 1000)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("steps", [3, 5, 20])
def test_every_step_of_dpm_solver_is_that_of_diffusers(name, steps):
    """The first, middle and last steps of a whole run, with one and the same network that is not linear."""
    theirs, times = solver_of_diffusers(name, steps, "dpmsolver++")
    denoise, xt = not_linear, torch.randn(6, 3)
    expected = xt
    for point, their_t in zip(
        dpm_solver_path(denoise, xt, SCHEDULES[name], times), theirs.timesteps, strict=True
    ):
        x0 = denoise(expected, (their_t + 1).expand(6))
        expected = theirs.step(x0, their_t, expected).prev_sample
        close(point.xt, expected)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("steps", [3, 20])
def test_every_step_with_fresh_noise_is_that_of_diffusers(name, steps):
    theirs, times = solver_of_diffusers(name, steps, "sde-dpmsolver++")
    denoise, xt = not_linear, torch.randn(6, 3)
    path = dpm_solver_path(denoise, xt, SCHEDULES[name], times, fresh=True)
    expected = xt
    for k, their_t in enumerate(theirs.timesteps):
        torch.manual_seed(k)
        point = next(path)
        torch.manual_seed(k)
        noise = torch.randn(6, 3)
        x0 = denoise(expected, (their_t + 1).expand(6))
        expected = theirs.step(x0, their_t, expected, variance_noise=noise).prev_sample
        close(point.xt, expected)


def test_dpm_solver_s_first_step_is_ddim_s():
    abar, (x0, xt) = cosine_schedule().abar, torch.randn(2, 5, 2)
    close(dpm_solver_step(xt, x0, abar[900], abar[700]), ddim_step(xt, x0, abar[900], abar[700]))


def test_dpm_solver_is_of_second_order_and_ddim_of_first():
    """On N(0, 0.5^2) the path has a closed form, x_t sqrt(v_s / v_t); half the steps cost 4 or 2 times."""
    schedule = Schedule(from_betas(torch.full((2000,), 0.002)).abar.double())
    one = torch.ones(1, dtype=torch.float64)
    exact = Mixture(0 * one[None], 0.5 * one, one).denoiser(schedule)
    v = lambda t: 0.25 * schedule.abar[t] + 1 - schedule.abar[t]  # noqa: E731
    errors, (start, end) = {}, (1280, 256)  # the last step, onto x0, is not looked at
    for path in (ddim_path, dpm_solver_path):
        for steps in (32, 64):
            points = path(exact, one[None], schedule, [*range(start, end - 1, -1024 // steps), 0])
            found = next(point.xt.item() for point in points if point.t == end)
            errors[path, steps] = abs(found - (v(end) / v(start)).sqrt().item())
    assert errors[ddim_path, 32] / errors[ddim_path, 64] == pytest.approx(2, rel=0.05)
    assert errors[dpm_solver_path, 32] / errors[dpm_solver_path, 64] == pytest.approx(4, rel=0.05)
    assert errors[dpm_solver_path, 32] < errors[ddim_path, 32] / 20


# ---------------------------------------------------------------------------------------- the exact world


def test_the_mixture_s_score_is_the_slope_of_its_density():
    mixture = Mixture(
        torch.tensor([[0.5, -0.2], [-0.8, 0.3]]), torch.tensor([0.1, 0.4]), torch.tensor([0.3, 0.7])
    )
    xt, abar_t = torch.randn(20, 2).requires_grad_(), torch.rand(20, 1) * 0.9
    (slope,) = torch.autograd.grad(mixture.log_density(xt, abar_t).sum(), xt)
    close(mixture.score(xt.detach(), abar_t), slope, 1e-4)


def test_the_mixture_s_denoiser_is_the_best():
    """E[x0 | xt] is not correlated with its own error (orthogonality), and any step aside from it costs."""
    mixture, schedule, n = ring_mixture(3, std=0.3), cosine_schedule(10), 100_000
    x0, t = mixture.sample(n), torch.full((n,), 5)
    xt = add_noise(x0, t, torch.randn_like(x0), schedule.abar)
    found = mixture.denoiser(schedule)(xt, t)
    error = x0 - found
    for other in (found, xt, xt.sin(), torch.ones_like(xt)):
        assert (error * other).mean().abs() < 4 * (error * other).std() / (2 * n) ** 0.5
    assert error.square().mean() < (x0 - 1.1 * found).square().mean()


SAMPLERS = {
    "ancestral": lambda d, xT, s: sample_ddpm(d, xT, s),
    "ancestral, large variance": lambda d, xT, s: sample_ddpm(d, xT, s, large_variance),
    "ddim": lambda d, xT, s: sample_ddim(d, xT, s, 100),
    "ddim, eta 1": lambda d, xT, s: sample_ddim(d, xT, s, 200, eta=1.0),
    "dpm-solver++": lambda d, xT, s: sample_dpm_solver(d, xT, s, 100),
    "sde-dpm-solver++": lambda d, xT, s: sample_dpm_solver(d, xT, s, 100, fresh=True),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_an_exact_denoiser_lands_on_its_point(name):
    for schedule in (linear_schedule(200, 1e-3, 0.1), cosine_schedule(200)):
        close(SAMPLERS[name](exact_point, torch.randn(20, 2), schedule), POINT.expand(20, 2))


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_exact_score_gives_the_mixture_s_moments(name):
    """Mean, covariance and shares of three unlike Gaussians, each within four standard errors, or 0.01 where
    the steps and not the draws are what limits."""
    mixture = Mixture(
        torch.tensor([[1.0, 0.0], [-0.6, 0.8], [-0.5, -0.9]]),
        torch.tensor([0.1, 0.2, 0.15]), torch.tensor([0.5, 0.3, 0.2]),
    )  # fmt: skip
    schedule, n = cosine_schedule(400), 4_000
    x = SAMPLERS[name](mixture.denoiser(schedule), torch.randn(n, 2), schedule)
    mean, covariance = mixture.moments()
    error = covariance.diagonal().sqrt() / n**0.5
    assert ((x.mean(dim=0) - mean).abs() < 4 * error + 0.01).all()
    centred = x - mean
    products = centred[:, :, None] * centred[:, None, :]
    assert ((products.mean(dim=0) - covariance).abs() < 4 * products.std(dim=0) / n**0.5 + 0.01).all()
    share = torch.bincount(mixture.nearest(x), minlength=3) / n
    assert (
        (share - mixture.shares).abs() < 4 * (mixture.shares * (1 - mixture.shares) / n).sqrt() + 0.01
    ).all()
    for k in range(3):  # and each Gaussian has its own width
        assert x[mixture.nearest(x) == k].std(dim=0).mean().item() == pytest.approx(
            mixture.std[k].item(), rel=0.08
        )


def test_a_small_trained_network_finds_the_exact_score():
    """On eight Gaussians: how far its eps, the score times -sqrt(1 - abar_t), is off, in squares."""
    mixture, schedule = ring_mixture(std=0.2), cosine_schedule(100)
    net, steps = PointNet(), 600
    adam = torch.optim.Adam(net.parameters(), lr=1e-2)
    falling = torch.optim.lr_scheduler.LinearLR(adam, 1.0, 0.02, steps)
    for _ in range(steps):
        loss = ddpm_loss(net, schedule, mixture.sample(256), prediction=V)["simple"]
        adam.zero_grad()
        loss.backward()
        adam.step()
        falling.step()
    learned, exact = denoiser(net, schedule, prediction=V, clip=False), mixture.denoiser(schedule)
    for t, share in ((20, 0.08), (30, 0.02), (50, 0.005), (80, 0.001)):
        times = torch.full((2000,), t)
        xt = add_noise(mixture.sample(2000), times, torch.randn(2000, 2), schedule.abar)
        eps, exact_eps = (eps_from_x0(xt, of(xt, times), schedule.abar[t]) for of in (learned, exact))
        assert (eps - exact_eps).square().mean() < share * exact_eps.square().mean(), t
    x = sample_ddpm(learned, torch.randn(1000, 2), schedule)
    assert (torch.cdist(x, mixture.means).min(dim=1).values < 0.6).float().mean() > 0.95
    assert (torch.bincount(mixture.nearest(x), minlength=8) > 75).all()  # 125 each on average


# ----------------------------------------------------------------------------------------------- the times


def test_times_are_spread_evenly_and_end_at_0():
    assert spread_times(1000, 4) == [1000, 750, 500, 250, 0]
    assert spread_times(7, 7) == [7, 6, 5, 4, 3, 2, 1, 0]
    for start, steps in ((1000, 20), (37, 36), (400, 7)):
        times = spread_times(start, steps)
        assert len(times) == steps + 1 and len(list(steps_of(times))) == steps
    with pytest.raises(ValueError, match="from 1 to 10 steps"):
        spread_times(10, 11)


@pytest.mark.parametrize("times", [[], [0], [5], [5, 3], [5, 5, 0], [3, 5, 0]])
def test_times_that_do_not_fall_to_0_are_refused(times):
    with pytest.raises(ValueError, match="fall and end at 0"):
        steps_of(times)


def test_every_path_asks_the_denoiser_at_its_times():
    schedule = cosine_schedule(10)
    for path in (ddim_path, dpm_solver_path):
        asked = []
        denoise = lambda xt, t: asked.append(t.tolist()) or xt.clamp(-1, 1)  # noqa: B023, E731
        points = list(path(denoise, torch.randn(2, 2), schedule, [10, 6, 1, 0]))
        assert asked == [[10, 10], [6, 6], [1, 1]] and [point.t for point in points] == [6, 1, 0]
        close(points[-1].xt, points[-1].x0)


def test_a_sampler_may_start_on_the_way():
    seen = []
    denoise = lambda xt, t: seen.append(t[0].item()) or xt  # noqa: E731
    sample_dpm_solver(denoise, torch.randn(1, 2), cosine_schedule(100), 4, start=40)
    sample_ddim(denoise, torch.randn(1, 2), cosine_schedule(100), 4, start=40)
    assert seen == [40, 30, 20, 10] * 2


def test_ddim_without_noise_gives_one_image_for_each_xT():
    mixture, schedule, xT = ring_mixture(), cosine_schedule(100), torch.randn(10, 2)
    first, again = (sample_ddim(mixture.denoiser(schedule), xT, schedule, 20) for _ in range(2))
    assert torch.equal(first, again)
    noisy = [sample_ddim(mixture.denoiser(schedule), xT, schedule, 20, eta=1.0) for _ in range(2)]
    assert not torch.equal(*noisy)


# ------------------------------------------------------------------------------------------------ guidance


class Labelled(nn.Module):
    """Says sin(x) times the label's factor; counts its calls."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, xt, t, label):
        self.calls += 1
        assert not self.training
        factor = torch.where(label == NO_LABEL, 10.0, label.float())
        return torch.sin(xt) * factor[:, None] + t[:, None]


@pytest.mark.parametrize("scale", [0.0, 1.0, 2.5])
def test_guidance_is_its_formula_in_one_call(scale):
    net, xt, t, label = Labelled(), torch.randn(4, 3), torch.tensor([1, 2, 3, 4]), torch.arange(4)
    found = guided(net, scale)(xt, t, label)
    assert net.calls == 1
    net.eval()
    without, told = net(xt, t, torch.full((4,), NO_LABEL)), net(xt, t, label)
    close(found, without + scale * (told - without))


def test_guidance_of_a_net_in_bfloat16_is_float32():
    """The difference of two answers near each other, scaled up: bfloat16 would be all rounding."""
    net = lambda xt, t, label: (xt + 0.01 * label[:, None]).bfloat16()  # noqa: E731
    assert guided(net, 7.0)(torch.ones(2, 3), torch.ones(2).long(), torch.arange(2)).dtype == torch.float32


@pytest.mark.parametrize("prediction", PREDICTIONS.values())
def test_guidance_is_the_same_for_eps_x0_and_v(prediction):
    """Guiding what the net says and reading x0 off is guiding x0 itself."""
    schedule, xt = cosine_schedule(), torch.randn(4, 3)
    net, t, label = Labelled(), torch.tensor([100, 300, 500, 700]), torch.arange(4)
    read = lambda net, y: denoiser(net, schedule, y, prediction=prediction, clip=False)(xt, t)  # noqa: E731
    without, told = read(net, torch.full((4,), NO_LABEL)), read(net, label)
    close(read(guided(net, 3.0), label), without + 3 * (told - without), 1e-3)


def test_guidance_of_the_exact_mixture_goes_further_into_the_class():
    """Two classes beside each other: guided samples lie further from the other class than unguided ones."""
    classes = [Mixture(torch.tensor([[m]]), torch.tensor([0.3]), torch.ones(1)) for m in (-0.3, 0.3)]
    both = Mixture(torch.tensor([[-0.3], [0.3]]), torch.full((2,), 0.3), torch.full((2,), 0.5))
    schedule = cosine_schedule(100)

    def net(xt, t, label):
        abar_t = at(schedule.abar, t, xt)
        of = [classes[0].denoise(xt, abar_t), classes[1].denoise(xt, abar_t), both.denoise(xt, abar_t)]
        return torch.stack(of)[label % 3, torch.arange(len(xt))]  # -1 % 3 is both

    xT, label = torch.randn(4000, 1), torch.ones(4000, dtype=torch.long)
    means = []
    for scale in (0.0, 1.0, 3.0):
        denoise = denoiser(guided(net, scale), schedule, label, prediction=X0, clip=False)
        means.append(sample_dpm_solver(denoise, xT, schedule, 30).mean().item())
    assert means[0] == pytest.approx(0, abs=0.03) and means[1] == pytest.approx(0.3, abs=0.03)
    assert means[2] > 0.4


def test_the_condition_may_be_tokens():
    net = lambda xt, t, tokens: xt + tokens.sum(dim=(1, 2))[:, None]  # noqa: E731
    tokens = torch.ones(2, 3, 4)
    found = guided(net, 2.0, nothing=torch.zeros_like)(torch.zeros(2, 5), torch.tensor([1, 1]), tokens)
    close(found, torch.full((2, 5), 24.0))


def test_small_variance_and_last_are_the_chain_s_defaults():
    schedule, xT = cosine_schedule(5), torch.randn(3, 2)
    torch.manual_seed(1)
    chain = last(ancestral_path(exact_point, xT, schedule, small_variance)).xt
    torch.manual_seed(1)
    assert torch.equal(sample_ddpm(exact_point, xT, schedule), chain)
