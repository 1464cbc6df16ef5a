"""gan/gradient_penalty: the slope of D, on the lines between real images and fakes."""

import torch

from course_lib.checks.exercise import Case, Exercise, Network
from course_lib.checks.gans.draws import generator, pick
from course_lib.models.gan import gradient_penalty


def critics(seed: int) -> list[Case]:
    g = generator(seed)

    def draw(b, *shape):
        n = torch.Size(shape).numel()
        layers = (("Flatten",), ("Linear", n, 6), ("Tanh",), ("Linear", 6, 1), ("Flatten", 0))
        x, fake = torch.randn(2, b, *shape, generator=g).unbind()
        return {"D": Network(layers, seed), "x": x, "fake": fake, "eps": torch.rand(b, generator=g)}

    data = ("x", "fake", "eps")
    return [
        Case("a batch of images", draw(pick(4, 7, g), 2, 3, 3), seed, data),
        Case("points of the plane", draw(pick(5, 8, g), 2), seed + 2, data),
    ]


PENALTY = Exercise("gan/gradient_penalty", points=3, reference=gradient_penalty, inputs=critics)


def between(x, fake, eps):
    eps = eps.view(-1, *[1] * (x.ndim - 1))
    return (eps * x + (1 - eps) * fake).requires_grad_()


def slopes(D, x_hat, create_graph=True):
    return torch.autograd.grad(D(x_hat).sum(), x_hat, create_graph=create_graph)[0].flatten(1)


@PENALTY.accept
def penalty_with_ones(D, x, fake, eps):
    x_hat = between(x, fake, eps)
    out = D(x_hat)
    slope = torch.autograd.grad(out, x_hat, torch.ones_like(out), create_graph=True, retain_graph=True)[0]
    return ((slope.reshape(len(x), -1).norm(2, dim=1) - 1) ** 2).mean()


@PENALTY.accept
def penalty_with_lerp(D, x, fake, eps):
    x_hat = torch.lerp(fake, x, eps.reshape(len(x), *[1] * (x.ndim - 1))).requires_grad_(True)
    return (torch.linalg.vector_norm(slopes(D, x_hat), dim=1) - 1).pow(2).sum() / len(x)


@PENALTY.accept
def penalty_with_roots(D, x, fake, eps):
    slope = slopes(D, between(x, fake, eps))
    return (slope.square().sum(dim=1).sqrt() - 1).square().mean()


@PENALTY.mistake
def penalty_one_sided(D, x, fake, eps):
    """You punish only slopes above 1. The penalty of eq. (3) has two sides: slopes below 1 are pulled up
    too."""
    norm = slopes(D, between(x, fake, eps)).norm(dim=1)
    return (norm - 1).clamp(min=0).square().mean()


@PENALTY.mistake
def penalty_abs(D, x, fake, eps):
    """You take the absolute distance of the slope from 1. Eq. (3) squares it."""
    return (slopes(D, between(x, fake, eps)).norm(dim=1) - 1).abs().mean()


@PENALTY.mistake
def penalty_of_the_mean_norm(D, x, fake, eps):
    """You average the slopes first and compare that average with 1. Each line has its own penalty: square,
    then average."""
    return (slopes(D, between(x, fake, eps)).norm(dim=1).mean() - 1).square()


@PENALTY.mistake
def penalty_of_the_batch_norm(D, x, fake, eps):
    """You take one norm over the whole batch. Each image has a slope of its own: flatten(1), then
    norm(dim=1)."""
    return (slopes(D, between(x, fake, eps)).norm() - 1).square()


@PENALTY.mistake
def penalty_of_squared_norm(D, x, fake, eps):
    """You compare the squared norm with 1: the root is missing. Eq. (3) has (norm - 1)², not (norm² - 1)²."""
    return (slopes(D, between(x, fake, eps)).square().sum(dim=1) - 1).square().mean()


@PENALTY.mistake
def penalty_towards_zero(D, x, fake, eps):
    """The 1 is missing: this pulls all slopes to 0 (that is another penalty, R1). Eq. (3) wants slopes of
    1."""
    return slopes(D, between(x, fake, eps)).norm(dim=1).square().mean()


@PENALTY.mistake
def penalty_detached(D, x, fake, eps):
    """The value is right, but D learns nothing from it: say create_graph=True, so that the slope itself can
    be differentiated."""
    return (slopes(D, between(x, fake, eps), create_graph=False).norm(dim=1) - 1).square().mean()


@PENALTY.mistake
def penalty_at_fakes(D, x, fake, eps):
    """You take the slope at the fakes only. It belongs to points between: eps x + (1 - eps) fake."""
    return (slopes(D, (1.0 * fake).requires_grad_()).norm(dim=1) - 1).square().mean()


@PENALTY.mistake
def penalty_at_reals(D, x, fake, eps):
    """You take the slope at the real images only. It belongs to points between: eps x + (1 - eps) fake."""
    return (slopes(D, (1.0 * x).requires_grad_()).norm(dim=1) - 1).square().mean()


@PENALTY.mistake
def penalty_at_the_middle(D, x, fake, eps):
    """You take the slope halfway and ignore eps. Each line has its own random point: eps x + (1 - eps)
    fake."""
    return (slopes(D, (0.5 * x + 0.5 * fake).requires_grad_()).norm(dim=1) - 1).square().mean()


@PENALTY.mistake
def penalty_with_swapped_eps(D, x, fake, eps):
    """Here eps is the share of the fake. In the paper it is the share of the real image: eps x + (1 - eps)
    fake."""
    return (slopes(D, between(fake, x, eps)).norm(dim=1) - 1).square().mean()


@PENALTY.mistake
def penalty_with_weight(D, x, fake, eps):
    """It is 10 times too large: the weight is already in it. Return the bare average; the turn multiplies."""
    return 10 * (slopes(D, between(x, fake, eps)).norm(dim=1) - 1).square().mean()


@PENALTY.mistake
def penalty_summed(D, x, fake, eps):
    """You sum over the batch. Average instead: .mean()."""
    return (slopes(D, between(x, fake, eps)).norm(dim=1) - 1).square().sum()


@PENALTY.mistake
def penalty_of_each_line(D, x, fake, eps):
    """You return one number for each line. Average them: .mean()."""
    return (slopes(D, between(x, fake, eps)).norm(dim=1) - 1).square()
