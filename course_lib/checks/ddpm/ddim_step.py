"""ddpm/ddim_step: from x_t to any earlier x_s (Song, Meng and Ermon, arXiv:2010.02502, eq. 12 and 16)."""

import torch

from course_lib.checks.ddpm.draws import noise, random_abar
from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise
from course_lib.models.samplers import ddim_step


def jumps(seed: int) -> list[Case]:
    g = generator(seed)
    steps = pick(9, 12, g)
    abar = random_abar(steps, g)

    def draw(size, t, s, eta):
        given = {"xt": noise(*size, g=g), "x0": noise(*size, g=g), "abar_t": abar[t], "abar_s": abar[s]}
        return given | {"eta": eta, "noise": noise(*size, g=g)}

    data = ("xt", "x0", "abar_t", "abar_s", "noise")
    far = pick(3, 4, g)
    return [
        Case("a jump with some noise", draw((3, 1, 4, 4), steps - 1, far, 0.6), seed, data, strided=True),
        Case("a jump without noise, eta = 0", draw((2, 2), steps, far + 1, 0.0), seed + 1, data),
        Case("the jump to the clean image, abar_s = 1", draw((1, 2, 3, 3), 3, 0, 1.0), seed + 2, data),
    ]


DDIM_STEP = Exercise("ddpm/ddim_step", points=3, reference=ddim_step, inputs=jumps)


@DDIM_STEP.accept
def jump_by_names(xt, x0, abar_t, abar_s, eta, noise):
    eps = xt / (1 - abar_t).sqrt() - (abar_t / (1 - abar_t)).sqrt() * x0
    variance = eta**2 * (1 - abar_s) / (1 - abar_t) * (1 - abar_t / abar_s)
    return abar_s.sqrt() * x0 + torch.sqrt(1 - abar_s - variance) * eps + torch.sqrt(variance) * noise


@DDIM_STEP.accept
def jump_in_two_roots(xt, x0, abar_t, abar_s, eta, noise):
    sigma = eta * torch.sqrt((1 - abar_s) / (1 - abar_t)) * torch.sqrt(1 - abar_t / abar_s)
    eps = (xt - abar_t**0.5 * x0) / (1 - abar_t) ** 0.5
    return abar_s**0.5 * x0 + (1 - abar_s - sigma * sigma) ** 0.5 * eps + sigma * noise


@DDIM_STEP.accept
def jump_by_weights(xt, x0, abar_t, abar_s, eta, noise):
    sigma = eta * (((1 - abar_s) * (abar_s - abar_t)) / ((1 - abar_t) * abar_s)) ** 0.5
    of_xt = ((1 - abar_s - sigma**2) / (1 - abar_t)) ** 0.5
    return of_xt * xt + (abar_s**0.5 - of_xt * abar_t**0.5) * x0 + sigma * noise


def wrong_jump(xt, x0, abar_t, abar_s, eta, noise, *, eps=None, of_noise=None, of_eps=None, of_x0=None):
    """The same where one part is another one."""
    sigma = sigma_of(abar_t, abar_s, eta)
    eps = (xt - abar_t.sqrt() * x0) / (1 - abar_t).sqrt() if eps is None else eps
    of_noise = sigma if of_noise is None else of_noise
    of_eps = (1 - abar_s - sigma**2).sqrt() if of_eps is None else of_eps
    of_x0 = abar_s.sqrt() if of_x0 is None else of_x0
    return of_x0 * x0 + of_eps * eps + of_noise * noise


def sigma_of(abar_t, abar_s, eta):
    return eta * ((1 - abar_s) / (1 - abar_t) * (1 - abar_t / abar_s)).sqrt()


def root(x):
    return x.clamp(min=0).sqrt()


@DDIM_STEP.mistake
def jump_with_old_and_new_noise(xt, x0, abar_t, abar_s, eta, noise):
    """eps keeps all of sqrt(1 - abar_s), and fresh noise comes on top: too much in all. Fresh noise replaces
    old noise: sqrt(1 - abar_s - sigma ** 2)."""
    return wrong_jump(xt, x0, abar_t, abar_s, eta, noise, of_eps=(1 - abar_s).sqrt())


@DDIM_STEP.mistake
def jump_with_sigma_not_squared(xt, x0, abar_t, abar_s, eta, noise):
    """Under the root before eps stands sigma, not its square. Variances are subtracted: 1 - abar_s -
    sigma ** 2."""
    sigma = sigma_of(abar_t, abar_s, eta)
    return wrong_jump(xt, x0, abar_t, abar_s, eta, noise, of_eps=root(1 - abar_s - sigma))


@DDIM_STEP.mistake
def jump_without_fresh_noise(xt, x0, abar_t, abar_s, eta, noise):
    """The noise is never added: where eta is above 0 some of the old noise is taken out, and sigma * noise
    must replace it."""
    return wrong_jump(xt, x0, abar_t, abar_s, eta, noise, of_noise=0.0)


@DDIM_STEP.mistake
def jump_without_eta(xt, x0, abar_t, abar_s, eta, noise):
    """eta is ignored: you step as if it were 1. sigma is eta times the root."""
    return ddim_step(xt, x0, abar_t, abar_s, 1.0, noise)


@DDIM_STEP.mistake
def jump_always_deterministic(xt, x0, abar_t, abar_s, eta, noise):
    """You step as if eta were 0. That is plain DDIM; this function must also add noise where eta asks for
    it."""
    return ddim_step(xt, x0, abar_t, abar_s, 0.0, noise)


@DDIM_STEP.mistake
def jump_with_eta_as_sigma(xt, x0, abar_t, abar_s, eta, noise):
    """eta is not the standard deviation itself. It is a share of the posterior's: sigma = eta * sqrt((1 -
    abar_s) / (1 - abar_t) * (1 - abar_t / abar_s))."""
    return wrong_jump(xt, x0, abar_t, abar_s, eta, noise, of_noise=eta, of_eps=root(1 - abar_s - eta**2))


@DDIM_STEP.mistake
def jump_with_eta_under_the_root(xt, x0, abar_t, abar_s, eta, noise):
    """eta stands under the root, so it counts as its own square root. It multiplies the standard deviation:
    sigma = eta * sqrt(...)."""
    return ddim_step(xt, x0, abar_t, abar_s, eta**0.5, noise)


@DDIM_STEP.mistake
def jump_with_eta_on_the_noise_only(xt, x0, abar_t, abar_s, eta, noise):
    """eta multiplies the noise but is missing under the other root. sigma, with its eta, stands in both
    places: what the noise adds, eps gives up."""
    one = sigma_of(abar_t, abar_s, 1.0)
    return wrong_jump(xt, x0, abar_t, abar_s, eta, noise, of_eps=root(1 - abar_s - one**2))


@DDIM_STEP.mistake
def jump_with_variance_as_std(xt, x0, abar_t, abar_s, eta, noise):
    """The noise is multiplied by sigma squared. It is multiplied by the standard deviation, sigma."""
    return wrong_jump(xt, x0, abar_t, abar_s, eta, noise, of_noise=sigma_of(abar_t, abar_s, eta) ** 2)


@DDIM_STEP.mistake
def jump_with_the_noise_of_the_way_there(xt, x0, abar_t, abar_s, eta, noise):
    """The factor (1 - abar_s) / (1 - abar_t) is missing in sigma: that is the noise of the way to t, not of
    the way back."""
    sigma = eta * (1 - abar_t / abar_s).sqrt()
    return wrong_jump(xt, x0, abar_t, abar_s, eta, noise, of_noise=sigma, of_eps=root(1 - abar_s - sigma**2))


@DDIM_STEP.mistake
def jump_with_upturned_share(xt, x0, abar_t, abar_s, eta, noise):
    """abar_s and abar_t have changed places in the first factor of sigma: it is (1 - abar_s) / (1 - abar_t),
    below 1, for less noise is left at s."""
    over = (1 - abar_t) / (1 - abar_s).clamp(min=1e-3)
    sigma = eta * (over * (1 - abar_t / abar_s)).sqrt()
    return wrong_jump(xt, x0, abar_t, abar_s, eta, noise, of_noise=sigma, of_eps=root(1 - abar_s - sigma**2))


@DDIM_STEP.mistake
def jump_with_eps_of_step_s(xt, x0, abar_t, abar_s, eta, noise):
    """eps is read from x_t with abar_s. x_t has the noise of step t: eps = (xt - sqrt(abar_t) x0) /
    sqrt(1 - abar_t)."""
    eps = (xt - abar_s.sqrt() * x0) / (1 - abar_s).clamp(min=1e-3).sqrt()
    return wrong_jump(xt, x0, abar_t, abar_s, eta, noise, eps=eps)


@DDIM_STEP.mistake
def jump_with_eps_not_divided(xt, x0, abar_t, abar_s, eta, noise):
    """eps is not divided by sqrt(1 - abar_t), so it is smaller than noise of variance 1."""
    return wrong_jump(xt, x0, abar_t, abar_s, eta, noise, eps=xt - abar_t.sqrt() * x0)


@DDIM_STEP.mistake
def jump_with_eps_of_the_bare_difference(xt, x0, abar_t, abar_s, eta, noise):
    """You take x0 from x_t at full strength. In x_t the image has the factor sqrt(abar_t): eps = (xt -
    sqrt(abar_t) x0) / sqrt(1 - abar_t)."""
    return wrong_jump(xt, x0, abar_t, abar_s, eta, noise, eps=(xt - x0) / (1 - abar_t).sqrt())


@DDIM_STEP.mistake
def jump_towards_xt(xt, x0, abar_t, abar_s, eta, noise):
    """You add x_t in place of eps. First find the noise in it: eps = (xt - sqrt(abar_t) x0) /
    sqrt(1 - abar_t)."""
    return wrong_jump(xt, x0, abar_t, abar_s, eta, noise, eps=xt)


@DDIM_STEP.mistake
def jump_without_shrinking(xt, x0, abar_t, abar_s, eta, noise):
    """x0 goes in at full strength. At step s the image has the factor sqrt(abar_s)."""
    return wrong_jump(xt, x0, abar_t, abar_s, eta, noise, of_x0=1.0)


@DDIM_STEP.mistake
def jump_without_root_of_abar(xt, x0, abar_t, abar_s, eta, noise):
    """x0 is multiplied by abar_s. Its factor is the square root, sqrt(abar_s)."""
    return wrong_jump(xt, x0, abar_t, abar_s, eta, noise, of_x0=abar_s)


@DDIM_STEP.mistake
def jump_to_x0(xt, x0, abar_t, abar_s, eta, noise):
    """You return x0. At step s some of the noise must still be there: add it with the factors of step s."""
    return x0 + 0 * xt


@DDIM_STEP.mistake
def jump_back_to_t(xt, x0, abar_t, abar_s, eta, noise):
    """You put the image back to step t, where it came from. The new factors are those of s: sqrt(abar_s) and
    sqrt(1 - abar_s - sigma ** 2)."""
    sigma = sigma_of(abar_t, abar_s, eta)
    return wrong_jump(
        xt, x0, abar_t, abar_s, eta, noise, of_x0=abar_t.sqrt(), of_eps=root(1 - abar_t - sigma**2)
    )


@DDIM_STEP.mistake
def jump_with_own_noise(xt, x0, abar_t, abar_s, eta, noise):
    """You draw noise of your own. Use the noise that is handed in, so that a run can be repeated."""
    return ddim_step(xt, x0, abar_t, abar_s, eta, torch.randn_like(xt))
