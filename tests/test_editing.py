"""Denoising, inpainting and redrawing on mixtures, where the right answer is known."""

import pytest
import torch

from course_lib.models.ddpm import add_noise, ancestral_step, cosine_schedule
from course_lib.models.editing import denoise, image_to_image, inpaint, time_of_noise
from course_lib.models.mixture import Mixture

SCHEDULE = cosine_schedule(200)
# Two pictures of 2 pixels, both bright or both dark: one pixel tells what the other must be.
DIAGONAL = Mixture(torch.tensor([[0.8, 0.8], [-0.8, -0.8]]), torch.full((2,), 0.05), torch.full((2,), 0.5))
EXACT = DIAGONAL.denoiser(SCHEDULE)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_the_time_of_a_noise_is_where_the_schedule_has_it():
    for t in (1, 50, 150):
        sigma = ((1 - SCHEDULE.abar[t]) / SCHEDULE.abar[t]).sqrt().item()
        assert time_of_noise(sigma, SCHEDULE) == t
    low, high = (((1 - a) / a).sqrt().item() for a in SCHEDULE.abar[2:4])
    assert time_of_noise((low * high) ** 0.5 * 1.01, SCHEDULE) == 3  # nearest as a ratio
    for sigma in (0.0, -1.0, 1e9):
        with pytest.raises(ValueError, match="expected sigma in"):
            time_of_noise(sigma, SCHEDULE)


@pytest.mark.parametrize("sigma", [0.2, 0.6, 1.5])
def test_one_step_of_denoising_is_the_best_guess(sigma):
    """E[x0 | x0 + sigma noise] by Bayes' rule, without any diffusion in it."""
    noisy = DIAGONAL.sample(500) + sigma * torch.randn(500, 2)
    s2 = 0.05**2
    away = (noisy[:, None] - DIAGONAL.means).square().sum(dim=2)
    weight = (-0.5 * away / (s2 + sigma**2)).softmax(dim=1)
    guesses = DIAGONAL.means + s2 / (s2 + sigma**2) * (noisy[:, None] - DIAGONAL.means)
    expected = (weight[..., None] * guesses).sum(dim=1)
    found = denoise(EXACT, noisy, sigma, SCHEDULE)
    assert (found - expected).abs().mean() < 0.01  # the nearest of 200 times is not quite sigma's


def test_more_steps_of_denoising_are_sharp():
    """Between the two pictures the best guess is grey; a sample is one of them."""
    noisy = torch.zeros(400, 2) + 0.3 * torch.randn(400, 2)
    guess, sample = denoise(EXACT, noisy, 1.0, SCHEDULE), denoise(EXACT, noisy, 1.0, SCHEDULE, 50)
    assert guess.abs().mean() < 0.5
    assert (sample.abs() - 0.8).abs().mean() < 0.1


def test_denoising_takes_no_more_steps_than_there_are_and_fresh_noise_only_if_asked():
    noisy = DIAGONAL.sample(5)
    faint = ((1 - SCHEDULE.abar[1]) / SCHEDULE.abar[1]).sqrt().item()
    assert (denoise(EXACT, noisy, faint, SCHEDULE, 50) - noisy).abs().max() < 0.1  # t = 1: a single step
    calm = [denoise(EXACT, noisy, 1.0, SCHEDULE, 20) for _ in range(2)]
    lively = [denoise(EXACT, noisy, 1.0, SCHEDULE, 20, eta=1.0) for _ in range(2)]
    assert torch.equal(*calm) and not torch.equal(*lively)


def test_inpainting_is_its_algorithm_written_out():
    """Algorithm 1 of 2201.09865 in single steps, each taken and noised again but for the last one."""
    image, known, repeats = DIAGONAL.sample(4), torch.tensor([1.0, 0.0]), 3
    schedule = cosine_schedule(6)
    exact = DIAGONAL.denoiser(schedule)
    torch.manual_seed(2)
    xt = torch.randn_like(image)
    for step in range(6, 0, -1):
        t = torch.full((4,), step)
        for u in range(repeats if step > 1 else 1):
            if u > 0:
                beta = schedule.betas[step]
                xt = (1 - beta).sqrt() * xt + beta.sqrt() * torch.randn_like(xt)
            unknown = ancestral_step(xt, exact(xt, t), t, schedule, torch.randn_like(xt))
            xt = known * add_noise(image, t - 1, torch.randn_like(xt), schedule.abar) + (1 - known) * unknown
    torch.manual_seed(2)
    found = inpaint(exact, image, known, schedule, 6, repeats)
    torch.testing.assert_close(found, xt, atol=1e-4, rtol=1e-4)


def test_inpainting_keeps_what_is_known_and_imagines_what_fits():
    known = torch.tensor([1.0, 0.0])
    image = torch.tensor([[0.8, 0.0]]).repeat(300, 1) * torch.tensor([1.0, -1.0]).repeat(150)[:, None]
    found = inpaint(EXACT, image, known, SCHEDULE, steps=40, repeats=5)
    torch.testing.assert_close(found[:, 0], image[:, 0])
    fits = (found[:, 1] - image[:, 0]).abs() < 0.25  # the second pixel equals the first
    assert fits.float().mean() > 0.97
    careless = inpaint(EXACT, image, known, SCHEDULE, steps=40, repeats=1)
    assert fits.float().mean() > ((careless[:, 1] - image[:, 0]).abs() < 0.25).float().mean()


def test_everything_known_is_the_image_and_nothing_known_a_sample():
    image = torch.rand(50, 2)
    torch.testing.assert_close(inpaint(EXACT, image, torch.ones(1), SCHEDULE, 10, 2), image)
    free = inpaint(EXACT, image, torch.zeros(1), SCHEDULE, 40, 1)
    assert (free.abs() - 0.8).abs().mean() < 0.1


def test_redrawing_changes_more_with_more_strength():
    image = torch.tensor([[0.8, 0.8]]).repeat(400, 1)
    kept = []
    for strength in (0.1, 0.7, 1.0):
        found = image_to_image(EXACT, image, strength, SCHEDULE, 40)
        assert ((found.abs() - 0.8).abs().mean()) < 0.1  # always one of the two pictures
        kept.append((found[:, 0] > 0).float().mean().item())
    assert kept[0] == 1 and 0.55 < kept[1] < 1 and kept[2] == pytest.approx(0.5, abs=0.1)
    for strength in (0.0, 1.1):
        with pytest.raises(ValueError, match="strength above 0, up to 1"):
            image_to_image(EXACT, image, strength, SCHEDULE)


def test_redrawing_asks_for_its_share_of_the_steps():
    asked = []
    count = lambda xt, t: asked.append(t[0].item()) or EXACT(xt, t)  # noqa: E731
    image_to_image(count, torch.zeros(2, 2), 0.5, SCHEDULE, 20)
    assert len(asked) == 10 and asked[0] == 100
    image_to_image(count, torch.zeros(2, 2), 1e-4, SCHEDULE, 20)
    assert asked[10:] == [1]  # the least there is


def test_redrawing_from_the_noise_given_is_repeatable():
    image, noise = DIAGONAL.sample(5), torch.randn(5, 2)
    a, b = (image_to_image(EXACT, image, 0.6, SCHEDULE, noise=noise) for _ in range(2))
    assert torch.equal(a, b)


def test_going_up_again_keeps_the_noise_of_its_time():
    """With nothing known, the denoiser is given x_t of the variance of q(x_t), at every repeat.

    Only down to t = 100: strides of five times cost 1.5 % of it there, and a fifth at t = 5.
    """
    gauss = Mixture(torch.zeros(1, 1), torch.tensor([0.5]), torch.ones(1)).denoiser(SCHEDULE)
    seen = []
    watch = lambda xt, t: seen.append((t[0].item(), xt.var().item())) or gauss(xt, t)  # noqa: E731
    inpaint(watch, torch.zeros(20_000, 1), torch.zeros(1), SCHEDULE, steps=40, repeats=3)
    assert [t for t, _ in seen[:4]] == [200, 200, 200, 195]
    for t, variance in seen:
        expected = 0.25 * SCHEDULE.abar[t].item() + 1 - SCHEDULE.abar[t].item()
        assert t < 100 or variance == pytest.approx(expected, rel=0.05), t
