"""gan/discriminator_loss and gan/generator_loss: from logits to nats."""

import torch
import torch.nn.functional as F

from course_lib.checks.exercise import Case, Exercise
from course_lib.checks.gans.draws import generator, pick
from course_lib.models.gan import discriminator_loss, generator_loss


def logits(b: int, g: torch.Generator, spread: float = 2.0) -> torch.Tensor:
    return spread * torch.randn(b, generator=g)


def two_batches_of_logits(seed: int) -> list[Case]:
    g = generator(seed)
    sizes = pick(5, 9, g), 1, 40
    spreads = 2.0, 2.0, 200.0
    labels = "a small batch", "a batch of one", "40 extreme logits"
    return [
        Case(label, {"real": logits(b, g, spread) + 0.5, "fake": logits(b, g, spread) - 0.5}, seed + i)
        for i, (label, b, spread) in enumerate(zip(labels, sizes, spreads, strict=True))
    ]


DISCRIMINATOR_LOSS = Exercise(
    "gan/discriminator_loss", points=2, reference=discriminator_loss, inputs=two_batches_of_logits
)


@DISCRIMINATOR_LOSS.accept
def d_by_cross_entropy(real, fake):
    bce = F.binary_cross_entropy_with_logits
    return {"real": bce(real, torch.ones_like(real)), "fake": bce(fake, torch.zeros_like(fake))}


@DISCRIMINATOR_LOSS.accept
def d_by_logsigmoid(real, fake):
    return {"real": -F.logsigmoid(real).mean(), "fake": -F.logsigmoid(-fake).mean()}


@DISCRIMINATOR_LOSS.accept
def d_by_logaddexp(real, fake):
    zero = torch.zeros(())
    return {"real": torch.logaddexp(zero, -real).mean(), "fake": torch.logaddexp(zero, fake).mean()}


@DISCRIMINATOR_LOSS.mistake
def d_with_swapped_labels(real, fake):
    """The labels are swapped: this D learns to call real images fake. -log D(x) is softplus(-logit), for the
    fakes it is softplus(+logit)."""
    return {"real": F.softplus(real).mean(), "fake": F.softplus(-fake).mean()}


@DISCRIMINATOR_LOSS.mistake
def d_with_all_labels_one(real, fake):
    """The fakes are labelled 1, as if they were real. In D's loss the label of a fake is 0 (in G's it is
    1)."""
    return {"real": F.softplus(-real).mean(), "fake": F.softplus(-fake).mean()}


@DISCRIMINATOR_LOSS.mistake
def d_with_two_sigmoids(real, fake):
    """The sigmoid is applied twice: a loss "with logits" has it inside, so it must get D's output as it
    is."""
    bce = F.binary_cross_entropy_with_logits
    return {
        "real": bce(real.sigmoid(), torch.ones_like(real)),
        "fake": bce(fake.sigmoid(), torch.zeros_like(fake)),
    }


@DISCRIMINATOR_LOSS.mistake
def d_by_log_of_sigmoid(real, fake):
    """The formula is right, but log(sigmoid(t)) is log(0), minus infinity, where a logit is extreme. Use
    softplus, logsigmoid or the cross-entropy with logits."""
    return {"real": -real.sigmoid().log().mean(), "fake": -(1 - fake.sigmoid()).log().mean()}


@DISCRIMINATOR_LOSS.mistake
def d_by_cross_entropy_of_sigmoid(real, fake):
    """The formula is right, but the cross-entropy of a sigmoid is cut at 100 and its slope is lost where a
    logit is extreme. Take the cross-entropy with logits."""
    bce = F.binary_cross_entropy
    return {
        "real": bce(real.sigmoid(), torch.ones_like(real)),
        "fake": bce(fake.sigmoid(), torch.zeros_like(fake)),
    }


@DISCRIMINATOR_LOSS.mistake
def d_with_small_number_in_the_log(real, fake):
    """The small number inside the logarithm keeps it finite, but it bends the loss and kills the slope where
    D is badly wrong. softplus needs no such number."""
    return {
        "real": -(real.sigmoid() + 1e-8).log().mean(),
        "fake": -(1 - fake.sigmoid() + 1e-8).log().mean(),
    }


@DISCRIMINATOR_LOSS.mistake
def d_with_sums(real, fake):
    """You sum over the batch. Average instead, so that the loss does not grow with the batch: .mean()."""
    return {"real": F.softplus(-real).sum(), "fake": F.softplus(fake).sum()}


@DISCRIMINATOR_LOSS.mistake
def d_halved(real, fake):
    """Each term is half of what eq. (1) says: the average is over m images and m fakes apart, not over all 2
    m together."""
    return {"real": 0.5 * F.softplus(-real).mean(), "fake": 0.5 * F.softplus(fake).mean()}


@DISCRIMINATOR_LOSS.mistake
def d_that_ascends(real, fake):
    """The sign is wrong: D maximises eq. (1), and optimizers minimise, so the loss is minus that value, which
    is never negative."""
    return {"real": -F.softplus(-real).mean(), "fake": -F.softplus(fake).mean()}


@DISCRIMINATOR_LOSS.mistake
def d_without_logarithm(real, fake):
    """The logarithm is missing: these are probabilities of being wrong. Eq. (1) has -log D(x) and -log(1 -
    D(G(z)))."""
    return {"real": (1 - real.sigmoid()).mean(), "fake": fake.sigmoid().mean()}


@DISCRIMINATOR_LOSS.mistake
def d_as_one_number(real, fake):
    """You return the sum. Return the two terms by name, {"real": ..., "fake": ...}: the loop adds them, and
    the curves show them apart."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


@DISCRIMINATOR_LOSS.mistake
def d_one_number_an_image(real, fake):
    """You return one number for each image. Average each term over the batch: .mean()."""
    return {"real": F.softplus(-real), "fake": F.softplus(fake)}


@DISCRIMINATOR_LOSS.mistake
def d_without_gradient(real, fake):
    """The values are right, but no gradient comes back (detach, no_grad or .item()): D would never learn.
    What must be detached are the fakes, before D sees them."""
    return {"real": F.softplus(-real).mean().detach(), "fake": F.softplus(fake).mean().detach()}


# ------------------------------------------------------------------------------------- gan/generator_loss


def one_batch_of_logits(seed: int) -> list[Case]:
    g = generator(seed)
    return [
        Case("a small batch", {"fake": logits(pick(5, 9, g), g)}, seed),
        Case("a batch of one", {"fake": logits(1, g)}, seed + 1),
        Case("40 fakes that D has found out", {"fake": logits(40, g, 30.0) - 150}, seed + 2),
    ]


GENERATOR_LOSS = Exercise(
    "gan/generator_loss", points=2, reference=generator_loss, inputs=one_batch_of_logits
)


@GENERATOR_LOSS.accept
def g_by_cross_entropy(fake):
    return {"fool": F.binary_cross_entropy_with_logits(fake, torch.ones_like(fake))}


@GENERATOR_LOSS.accept
def g_by_logsigmoid(fake):
    return {"fool": -F.logsigmoid(fake).mean()}


@GENERATOR_LOSS.accept
def g_by_logaddexp(fake):
    return {"fool": torch.logaddexp(torch.zeros(()), -fake).sum() / len(fake)}


@GENERATOR_LOSS.mistake
def g_saturating(fake):
    """That is the minimax loss, log(1 - D(G(z))): its slope is almost 0 just where D has found the fakes out.
    The non-saturating loss is -log D(G(z))."""
    return {"fool": -F.softplus(fake).mean()}


@GENERATOR_LOSS.mistake
def g_with_the_loss_of_d(fake):
    """That is D's loss: G would learn to be found out. G wants the label 1 for its fakes: -log D(G(z)), which
    is softplus(-logit)."""
    return {"fool": F.softplus(fake).mean()}


@GENERATOR_LOSS.mistake
def g_with_wrong_sign(fake):
    """The sign is wrong: log D(G(z)) is to become large, and optimizers make things small. The loss is -log
    D(G(z)), which is never negative."""
    return {"fool": F.logsigmoid(fake).mean()}


@GENERATOR_LOSS.mistake
def g_with_two_sigmoids(fake):
    """The sigmoid is applied twice: a loss "with logits" has it inside, so it must get D's output as it
    is."""
    return {"fool": F.binary_cross_entropy_with_logits(fake.sigmoid(), torch.ones_like(fake))}


@GENERATOR_LOSS.mistake
def g_by_log_of_sigmoid(fake):
    """The formula is right, but log(sigmoid(t)) is log(0), minus infinity, for fakes that D has found out.
    Use softplus(-t)."""
    return {"fool": -fake.sigmoid().log().mean()}


@GENERATOR_LOSS.mistake
def g_by_cross_entropy_of_sigmoid(fake):
    """The formula is right, but the cross-entropy of a sigmoid is cut at 100, and G gets no slope for fakes
    that D has found out. Take the cross-entropy with logits."""
    return {"fool": F.binary_cross_entropy(fake.sigmoid(), torch.ones_like(fake))}


@GENERATOR_LOSS.mistake
def g_with_sum(fake):
    """You sum over the batch. Average instead, so that the loss does not grow with the batch: .mean()."""
    return {"fool": F.softplus(-fake).sum()}


@GENERATOR_LOSS.mistake
def g_of_the_average_logit(fake):
    """You average the logits first and take the loss of that one number. Each fake has its own loss; average
    those."""
    return {"fool": F.softplus(-fake.mean())}


@GENERATOR_LOSS.mistake
def g_of_wasserstein(fake):
    """That is the Wasserstein loss, the plain average of -D. Here D says logits, and the loss is -log
    sigmoid(D)."""
    return {"fool": -fake.mean()}


@GENERATOR_LOSS.mistake
def g_of_probabilities(fake):
    """The logarithm is missing: 1 - D(G(z)) is nearly flat for fakes that D has found out. The loss is -log
    D(G(z))."""
    return {"fool": (1 - fake.sigmoid()).mean()}


@GENERATOR_LOSS.mistake
def g_without_gradient(fake):
    """The values are right, but no gradient comes back (detach, no_grad or .item()): G would never learn. In
    G's turn nothing is detached."""
    return {"fool": F.softplus(-fake).mean().detach()}
