"""ddpm/reverse_step: one step of Algorithm 2 (Ho et al., arXiv:2006.11239), with the variance beta_t."""

import torch

from course_lib.checks.ddpm.draws import noise, random_abar
from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise


def reverse_step(xt, t, eps_hat, z, abar):
    """x_{t-1} from x_t: the mean of eq. (11), and above t = 1 noise z of variance beta_t."""
    alpha = abar[t] / abar[t - 1]
    mean = (xt - (1 - alpha) / (1 - abar[t]).sqrt() * eps_hat) / alpha.sqrt()
    return mean + (1 - alpha).sqrt() * z if t > 1 else mean


def noisy_images(seed: int) -> list[Case]:
    g = generator(seed)
    steps = pick(7, 10, g)
    abar = random_abar(steps, g)

    def draw(size, t):
        return {
            "xt": noise(*size, g=g),
            "t": t,
            "eps_hat": noise(*size, g=g),
            "z": noise(*size, g=g),
            "abar": abar,
        }

    data = ("xt", "eps_hat", "z", "abar")
    return [
        Case("a step in the middle", draw((3, 1, 4, 4), pick(3, 5, g)), seed, data, strided=True),
        Case("the last step, from t = 1", draw((2, 2, 3, 3), 1), seed + 1, data),
        Case("the first step, from t = T", draw((2, 2), steps), seed + 2, data),
    ]


REVERSE_STEP = Exercise("ddpm/reverse_step", points=3, reference=reverse_step, inputs=noisy_images)


def wrong_step(xt, t, eps_hat, z, abar, *, alpha=None, mean_of=None, std_of=None, noisy=None):
    """Algorithm 2 where one part is another one."""
    alpha = abar[t] / abar[t - 1] if alpha is None else alpha
    beta, a = 1 - alpha, abar[t]
    mean = (xt - beta / (1 - a).sqrt() * eps_hat) / alpha.sqrt()
    mean = mean if mean_of is None else mean_of(alpha, beta, a)
    std = beta.sqrt() if std_of is None else std_of(alpha, beta, a)
    return mean + std * z if (t > 1 if noisy is None else noisy) else mean


@REVERSE_STEP.accept
def step_by_posterior(xt, t, eps_hat, z, abar):
    a, before = abar[t], abar[t - 1]
    x0 = (xt - (1 - a).sqrt() * eps_hat) / a.sqrt()
    beta = 1 - a / before
    mean = before.sqrt() * beta / (1 - a) * x0 + (a / before).sqrt() * (1 - before) / (1 - a) * xt
    return mean + (t > 1) * beta.sqrt() * z


@REVERSE_STEP.accept
def step_with_lists(xt, t, eps_hat, z, abar):
    alpha = abar[1:] / abar[:-1]  # alpha[t - 1] is the paper's alpha_t
    beta = 1 - alpha[t - 1]
    noise = torch.zeros_like(xt) if t == 1 else z
    return (xt - beta * eps_hat / torch.sqrt(1 - abar[t])) / torch.sqrt(alpha[t - 1]) + beta**0.5 * noise


@REVERSE_STEP.accept
def step_in_two_roots(xt, t, eps_hat, z, abar):
    alpha = abar[t] / abar[t - 1]
    step = 1 / alpha.sqrt() * (xt - (1 - alpha) / torch.sqrt(1 - abar[t]) * eps_hat)
    if t == 1:
        return step
    return step + z * (1 - alpha).sqrt()


@REVERSE_STEP.mistake
def step_noisy_to_the_end(xt, t, eps_hat, z, abar):
    """You add noise at the last step too, from t = 1. Then every finished image has a veil of noise that
    nobody removes: at t = 1 return the mean."""
    return wrong_step(xt, t, eps_hat, z, abar, noisy=True)


@REVERSE_STEP.mistake
def step_quiet_from_two(xt, t, eps_hat, z, abar):
    """You leave the noise out when t is large. It is left out at t = 1 only, the last step of all: z = 0 if
    t == 1."""
    return wrong_step(xt, t, eps_hat, z, abar, noisy=t == 1)


@REVERSE_STEP.mistake
def step_without_noise(xt, t, eps_hat, z, abar):
    """You return the mean and never add noise. Algorithm 2 adds sqrt(beta) * z above t = 1; without it the
    samples lose their variety."""
    return wrong_step(xt, t, eps_hat, z, abar, noisy=False)


@REVERSE_STEP.mistake
def step_with_variance_as_std(xt, t, eps_hat, z, abar):
    """You multiply z by the variance beta. Noise is multiplied by the standard deviation, its square root."""
    return wrong_step(xt, t, eps_hat, z, abar, std_of=lambda alpha, beta, a: beta)


@REVERSE_STEP.mistake
def step_with_small_variance(xt, t, eps_hat, z, abar):
    """Your noise has the posterior's variance, beta tilde (eq. 7). That is the paper's other choice and
    works, but here the variance is beta_t itself."""
    before = abar[t - 1]
    return wrong_step(
        xt, t, eps_hat, z, abar, std_of=lambda alpha, beta, a: (beta * (1 - before) / (1 - a)).sqrt()
    )


@REVERSE_STEP.mistake
def step_with_all_noise(xt, t, eps_hat, z, abar):
    """Your noise has the variance 1 - abar, all the noise up to step t. One step adds back only beta_t."""
    return wrong_step(xt, t, eps_hat, z, abar, std_of=lambda alpha, beta, a: (1 - a).sqrt())


@REVERSE_STEP.mistake
def step_with_unit_noise(xt, t, eps_hat, z, abar):
    """z is added as it is, with variance 1. Its factor is sqrt(beta_t)."""
    return wrong_step(xt, t, eps_hat, z, abar, std_of=lambda alpha, beta, a: 1.0)


@REVERSE_STEP.mistake
def step_with_abar_for_alpha(xt, t, eps_hat, z, abar):
    """You take abar[t] for alpha_t. abar is the product of all alphas so far; one of them is
    abar[t] / abar[t - 1]."""
    return wrong_step(xt, t, eps_hat, z, abar, alpha=abar[t])


@REVERSE_STEP.mistake
def step_divided_by_root_of_abar(xt, t, eps_hat, z, abar):
    """The mean is divided by sqrt(abar). One step undoes one step: divide by sqrt(alpha_t)."""
    return wrong_step(
        xt,
        t,
        eps_hat,
        z,
        abar,
        mean_of=lambda alpha, beta, a: (xt - beta / (1 - a).sqrt() * eps_hat) / a.sqrt(),
    )


@REVERSE_STEP.mistake
def step_divided_by_alpha(xt, t, eps_hat, z, abar):
    """The mean is divided by alpha. The image was shrunk by sqrt(alpha), so divide by the root."""
    return wrong_step(
        xt,
        t,
        eps_hat,
        z,
        abar,
        mean_of=lambda alpha, beta, a: (xt - beta / (1 - a).sqrt() * eps_hat) / alpha,
    )


@REVERSE_STEP.mistake
def step_without_division(xt, t, eps_hat, z, abar):
    """The division by sqrt(alpha) is missing: the forward step shrank the image by that factor, and the step
    back must stretch it again."""
    return wrong_step(
        xt, t, eps_hat, z, abar, mean_of=lambda alpha, beta, a: xt - beta / (1 - a).sqrt() * eps_hat
    )


@REVERSE_STEP.mistake
def step_without_root_under_beta(xt, t, eps_hat, z, abar):
    """The square root under beta is missing: the factor of eps_hat is beta / sqrt(1 - abar)."""
    return wrong_step(
        xt,
        t,
        eps_hat,
        z,
        abar,
        mean_of=lambda alpha, beta, a: (xt - beta / (1 - a) * eps_hat) / alpha.sqrt(),
    )


@REVERSE_STEP.mistake
def step_with_root_of_beta(xt, t, eps_hat, z, abar):
    """The factor of eps_hat is sqrt(beta): as if x_t held only the noise of the last step. eps_hat is all the
    noise in x_t; its factor is beta / sqrt(1 - abar)."""
    return wrong_step(
        xt,
        t,
        eps_hat,
        z,
        abar,
        mean_of=lambda alpha, beta, a: (xt - beta.sqrt() * eps_hat) / alpha.sqrt(),
    )


@REVERSE_STEP.mistake
def step_that_adds_the_guess(xt, t, eps_hat, z, abar):
    """You add the guessed noise. It has to go: x_t minus beta / sqrt(1 - abar) times eps_hat."""
    return wrong_step(
        xt,
        t,
        eps_hat,
        z,
        abar,
        mean_of=lambda alpha, beta, a: (xt + beta / (1 - a).sqrt() * eps_hat) / alpha.sqrt(),
    )


@REVERSE_STEP.mistake
def step_in_one_jump(xt, t, eps_hat, z, abar):
    """You jump to the guess of x0 at once. A step goes from t to t - 1: from far away the guess of x0 is a
    blur."""
    return wrong_step(
        xt,
        t,
        eps_hat,
        z,
        abar,
        mean_of=lambda alpha, beta, a: (xt - (1 - a).sqrt() * eps_hat) / a.sqrt(),
        noisy=False,
    )


@REVERSE_STEP.mistake
def step_one_place_early(xt, t, eps_hat, z, abar):
    """You use the schedule one place too early. abar[0] = 1 is the clean image here, so step t has abar[t]
    and alpha_t = abar[t] / abar[t - 1]."""
    early = torch.cat([torch.ones(1), abar])
    alpha = early[t] / early[t - 1] if t > 1 else early[t] / abar[t]
    a = early[t] if t > 1 else abar[t]
    mean = (xt - (1 - alpha) / (1 - a).sqrt() * eps_hat) / alpha.abs().sqrt()
    return mean + (1 - alpha).abs().sqrt() * z if t > 1 else mean


@REVERSE_STEP.mistake
def step_with_own_noise(xt, t, eps_hat, z, abar):
    """You draw noise of your own. Use the z that is handed in, so that a run can be repeated."""
    return wrong_step(xt, t, eps_hat, torch.randn_like(xt), abar)
