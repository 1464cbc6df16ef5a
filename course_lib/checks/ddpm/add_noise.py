"""ddpm/add_noise: from a clean image to step t in one move (Ho et al., arXiv:2006.11239, eq. 4)."""

import torch

from course_lib.checks.ddpm.draws import noise, random_abar
from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise
from course_lib.models.ddpm import add_noise


def images_and_steps(seed: int) -> list[Case]:
    g = generator(seed)
    steps = pick(7, 10, g)
    abar = random_abar(steps, g)

    def draw(size, t):
        return {"x0": noise(*size, g=g), "t": torch.tensor(t), "eps": noise(*size, g=g), "abar": abar}

    several = (1 + torch.randperm(steps - 1, generator=g)[:3]).tolist()
    data = ("x0", "eps", "abar")
    return [  # as many images as channels, rows and columns: a t on the wrong axis raises no error here
        Case("three images, each at its own step", draw((3, 3, 3, 3), several), seed, data, strided=True),
        Case("one image at the last step", draw((1, 2, 4, 5), [steps]), seed + 1, data),
        Case("points of a plane, one of them at step 0", draw((2, 2), [0, steps // 2]), seed + 2, data),
    ]


ADD_NOISE = Exercise("ddpm/add_noise", points=2, reference=add_noise, inputs=images_and_steps)


def per_image(a, x):
    return a.view(-1, *[1] * (x.ndim - 1))


@ADD_NOISE.accept
def noised_by_reshape(x0, t, eps, abar):
    a = abar[t].reshape([len(x0)] + [1] * (x0.dim() - 1))
    return torch.sqrt(a) * x0 + torch.sqrt(1 - a) * eps


@ADD_NOISE.accept
def noised_by_flattening(x0, t, eps, abar):
    a = abar.gather(0, t)[:, None]
    return (a**0.5 * x0.flatten(1) + (1 - a) ** 0.5 * eps.flatten(1)).reshape(x0.shape)


@ADD_NOISE.accept
def noised_with_the_batch_last(x0, t, eps, abar):
    a = abar[t]
    return (a.sqrt() * x0.movedim(0, -1) + (1.0 - a).sqrt() * eps.movedim(0, -1)).movedim(-1, 0)


@ADD_NOISE.accept
def noised_one_by_one(x0, t, eps, abar):
    pairs = zip(x0, abar[t], eps, strict=True)
    return torch.stack([a.sqrt() * x + (1 - a).sqrt() * e for x, a, e in pairs])


@ADD_NOISE.mistake
def noised_without_roots(x0, t, eps, abar):
    """Both square roots are missing. abar is a share of the variance; the factors are sqrt(abar) and
    sqrt(1 - abar), so that their squares add up to 1."""
    a = per_image(abar[t], x0)
    return a * x0 + (1 - a) * eps


@ADD_NOISE.mistake
def noised_without_root_of_signal(x0, t, eps, abar):
    """The square root of abar before x0 is missing: abar.sqrt() * x0."""
    a = per_image(abar[t], x0)
    return a * x0 + (1 - a).sqrt() * eps


@ADD_NOISE.mistake
def noised_without_root_of_noise(x0, t, eps, abar):
    """The square root before eps is missing: 1 - abar is the variance of the noise, its factor is the root
    of that."""
    a = per_image(abar[t], x0)
    return a.sqrt() * x0 + (1 - a) * eps


@ADD_NOISE.mistake
def noised_with_root_inside(x0, t, eps, abar):
    """The factor of eps is sqrt(1 - abar), not 1 - sqrt(abar): subtract first, then take the root."""
    a = per_image(abar[t], x0).sqrt()
    return a * x0 + (1 - a) * eps


@ADD_NOISE.mistake
def noised_the_wrong_way(x0, t, eps, abar):
    """Image and noise have each other's factor. abar falls from 1 to 0, so sqrt(abar) belongs to x0, and at
    step 0 nothing but x0 is there."""
    a = per_image(abar[t], x0)
    return (1 - a).sqrt() * x0 + a.sqrt() * eps


@ADD_NOISE.mistake
def noised_one_step_early(x0, t, eps, abar):
    """You read abar one place too early. This abar begins with abar[0] = 1 for the clean image, so step t is
    abar[t], not abar[t - 1]."""
    a = per_image(abar[(t - 1).clamp(min=0)], x0)
    return a.sqrt() * x0 + (1 - a).sqrt() * eps


@ADD_NOISE.mistake
def noised_from_the_end(x0, t, eps, abar):
    """You read abar one place too early, and at t = 0 that is its last entry: abar[-1]. This abar begins with
    abar[0] = 1, so step t is abar[t]."""
    a = per_image(abar[t - 1], x0)
    return a.sqrt() * x0 + (1 - a).sqrt() * eps


@ADD_NOISE.mistake
def noised_by_a_single_step(x0, t, eps, abar):
    """You add the noise of one step only: that is q(x_t | x_{t-1}), with alpha. From x0 it takes abar, the
    product of all alphas up to t."""
    alpha = per_image(torch.where(t > 0, abar[t] / abar[(t - 1).clamp(min=0)], torch.ones(())), x0)
    return alpha.sqrt() * x0 + (1 - alpha).sqrt() * eps


@ADD_NOISE.mistake
def noised_with_a_product_of_products(x0, t, eps, abar):
    """You multiply up abar once more. It is the product of the alphas already: take abar[t] as it is."""
    a = per_image(abar.cumprod(0)[t], x0)
    return a.sqrt() * x0 + (1 - a).sqrt() * eps


@ADD_NOISE.mistake
def noised_by_columns(x0, t, eps, abar):
    """abar[t] met the columns of the image: torch lines up shapes from the right. Give it a 1 for every
    other axis: abar[t].view(-1, 1, 1, 1) for images."""
    a = abar[t]
    return a.sqrt() * x0 + (1 - a).sqrt() * eps


@ADD_NOISE.mistake
def noised_by_rows(x0, t, eps, abar):
    """abar[t][:, None] met the rows of the image, so each row has a t of its own. A batch of images needs
    three 1s behind the batch: as many as x0.ndim - 1."""
    a = abar[t][:, None]
    return a.sqrt() * x0 + (1 - a).sqrt() * eps


@ADD_NOISE.mistake
def noised_by_channels(x0, t, eps, abar):
    """abar[t][:, None, None] met the channels of the image. One more None: the batch needs as many 1s behind
    it as x0 has other axes."""
    a = abar[t][:, None, None]
    return a.sqrt() * x0 + (1 - a).sqrt() * eps


@ADD_NOISE.mistake
def noised_images_only(x0, t, eps, abar):
    """Right for images, but x0 may have any number of axes (the toy world has points, (b, 2)). Instead of
    three 1s write as many as it has: abar[t].view(-1, *[1] * (x0.ndim - 1))."""
    a = abar[t].view(-1, 1, 1, 1)
    return a.sqrt() * x0 + (1 - a).sqrt() * eps


@ADD_NOISE.mistake
def noised_all_alike(x0, t, eps, abar):
    """All images get the noise of the first one's step. Each has its own: abar[t[i]] for image i."""
    a = abar[t[0]]
    return a.sqrt() * x0 + (1 - a).sqrt() * eps


@ADD_NOISE.mistake
def noised_without_shrinking(x0, t, eps, abar):
    """You add noise but do not shrink the image. Its factor is sqrt(abar), so that the variance stays 1
    instead of growing."""
    return x0 + per_image((1 - abar[t]).sqrt(), x0) * eps


@ADD_NOISE.mistake
def noised_by_other_noise(x0, t, eps, abar):
    """You draw noise of your own. Use the eps that is handed in: the network has to guess just that one."""
    a = per_image(abar[t], x0)
    return a.sqrt() * x0 + (1 - a).sqrt() * torch.randn_like(x0)
