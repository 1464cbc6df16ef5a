"""cyclegan/discriminator: least squares on patches, and who learns from them."""

import torch
import torch.nn.functional as F

from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise, Network
from course_lib.models.cyclegan import discriminator_loss
from course_lib.models.gan import least_squares_discriminator_loss


def verdicts(D, real, fake):
    """{"real", "fake"}: what D minimises; no gradient reaches the fakes."""
    return discriminator_loss(D(real), D(fake.detach()))


def judges(seed: int) -> list[Case]:
    g = generator(seed)

    def draw(b, c, n, patches):
        return {
            "D": Network((("Linear", n, patches),), seed),
            "real": torch.randn(b, n, generator=g) + 0.5,
            "fake": torch.randn(c, n, generator=g),
        }

    b = pick(3, 5, g)
    return [
        Case("several patches an image", draw(b, b, 3, pick(2, 4, g)), seed, ("real",)),
        Case("fewer fakes than real images", draw(4, 2, 3, 3), seed + 1, ("real",)),
    ]


DISCRIMINATOR = Exercise(
    "cyclegan/discriminator",
    points=2,
    reference=verdicts,
    inputs=judges,
    also=(least_squares_discriminator_loss,),
)


@DISCRIMINATOR.accept
def verdicts_by_mse(D, real, fake):
    good, bad = D(real), D(fake.detach())
    return {
        "real": F.mse_loss(good, torch.ones_like(good)) / 2,
        "fake": F.mse_loss(bad, torch.zeros_like(bad)) / 2,
    }


@DISCRIMINATOR.accept
def verdicts_by_powers(D, real, fake):
    return {"fake": (D(fake.data) ** 2).mean() * 0.5, "real": ((1 - D(real)) ** 2).mean() * 0.5}


@DISCRIMINATOR.accept
def verdicts_by_sums(D, real, fake):
    good, bad = D(real), D(fake.clone().detach())
    return {
        "real": (good - 1).pow(2).sum() / (2 * good.numel()),
        "fake": bad.pow(2).sum() / (2 * bad.numel()),
    }


def losses(good, bad, real=lambda t: (t - 1).square(), fake=torch.square, factor=0.5):
    return {"real": factor * real(good).mean(), "fake": factor * fake(bad).mean()}


@DISCRIMINATOR.mistake
def verdicts_without_detach(D, real, fake):
    """The gradient of `fake` reaches the fakes: D's turn would teach G to be found out. Detach them:
    D(fake.detach())."""
    return losses(D(real), D(fake))


@DISCRIMINATOR.mistake
def verdicts_detached(D, real, fake):
    """You detach D's verdict on the fakes, not the fakes: D learns nothing from them. The detach stands
    inside: D(fake.detach())."""
    return losses(D(real), D(fake).detach())


@DISCRIMINATOR.mistake
def verdicts_without_half(D, real, fake):
    """It is twice the right value: the paper halves D's loss, so that D learns more slowly than G."""
    return losses(D(real), D(fake.detach()), factor=1.0)


@DISCRIMINATOR.mistake
def verdicts_swapped(D, real, fake):
    """The targets are swapped: D shall say 1 to real images and 0 to fakes."""
    return losses(D(real), D(fake.detach()), real=torch.square, fake=lambda t: (t - 1).square())


@DISCRIMINATOR.mistake
def verdicts_that_praise_fakes(D, real, fake):
    """In `fake` the target is 1. That is G's wish; in D's turn a fake has the target 0."""
    return losses(D(real), D(fake.detach()), fake=lambda t: (t - 1).square())


@DISCRIMINATOR.mistake
def verdicts_by_softplus(D, real, fake):
    """That is the loss of lesson 02, from logits. CycleGAN takes squares: (D(x) - 1)^2 and D(G(x))^2."""
    return losses(D(real), D(fake.detach()), real=lambda t: F.softplus(-t), fake=F.softplus, factor=1.0)


@DISCRIMINATOR.mistake
def verdicts_of_sigmoids(D, real, fake):
    """You put D's output through a sigmoid. With least squares D's bare output is compared with 1 and 0."""
    return losses(D(real).sigmoid(), D(fake.detach()).sigmoid())


@DISCRIMINATOR.mistake
def verdicts_by_distance(D, real, fake):
    """You take absolute values. Least squares are squares: (D(x) - 1).square()."""
    return losses(D(real), D(fake.detach()), real=lambda t: (t - 1).abs(), fake=torch.abs)


@DISCRIMINATOR.mistake
def verdicts_summed(D, real, fake):
    """You sum over the patches. Average over images and patches: .mean()."""
    good, bad = D(real), D(fake.detach())
    return {"real": 0.5 * (good - 1).square().sum(), "fake": 0.5 * bad.square().sum()}


@DISCRIMINATOR.mistake
def verdicts_on_averages(D, real, fake):
    """You average the patches first and square then, so that patches found out are balanced by patches that
    fooled D. Square each, then average."""
    return losses(D(real).mean(1), D(fake.detach()).mean(1))


@DISCRIMINATOR.mistake
def verdicts_on_real_twice(D, real, fake):
    """`fake` is taken at the real images: D never sees a fake. It is taken at D(fake.detach())."""
    return losses(D(real), D(real))
