"""dcgan/update: the three parts of a GAN's step, and who learns from which."""

import torch
import torch.nn.functional as F

from course_lib.checks.exercise import Case, Exercise
from course_lib.checks.gans.draws import (
    generator,
    pick,
    small_discriminator,
    small_generator,
    statistics_of_turns,
)
from course_lib.models.gan import discriminator_loss, discriminator_turn, generator_loss, generator_turn


def three_parts(G, D, x, z):
    """{"real", "fake"}: what D minimises; {"fool"}: what G minimises. `real` and `fake` leave G alone."""
    losses = discriminator_turn(G, D, x, z, loss=discriminator_loss)
    return losses | generator_turn(G, D, z, loss=generator_loss)


def games(seed: int) -> list[Case]:
    g = generator(seed)

    def draw(b, n, d):
        return {
            "G": small_generator(d, n, seed),
            "D": small_discriminator(n, seed + 1),
            "x": torch.randn(b, n, generator=g) + 1,
            "z": torch.randn(b, d, generator=g),
        }

    data = ("x", "z")
    return [
        Case("a small batch", draw(pick(4, 7, g), pick(4, 5, g), 3), seed, data),
        Case("a batch of one", draw(1, 3, 2), seed + 1, data),
    ]


UPDATE = Exercise(
    "dcgan/update", points=3, reference=three_parts, inputs=games, statistics=statistics_of_turns
)


def real_part(t):
    return F.softplus(-t).mean()


def fake_part(t):
    return F.softplus(t).mean()


@UPDATE.accept
def parts_with_detach(G, D, x, z):
    fake = G(z)
    return {"real": real_part(D(x)), "fake": fake_part(D(fake.detach())), "fool": real_part(D(fake))}


@UPDATE.accept
def parts_with_cross_entropy(G, D, x, z):
    bce = F.binary_cross_entropy_with_logits
    with torch.no_grad():
        fake = G(z)
    real, found, fool = D(x), D(fake), D(G(z))
    ones = torch.ones(len(x))
    return {"real": bce(real, ones), "fake": bce(found, 0 * ones), "fool": bce(fool, ones)}


@UPDATE.accept
def parts_in_another_order(G, D, x, z):
    fool = -F.logsigmoid(D(G(z))).mean()
    return {"fool": fool, "fake": -F.logsigmoid(-D(G(z).data)).mean(), "real": -F.logsigmoid(D(x)).mean()}


@UPDATE.mistake
def parts_without_detach(G, D, x, z):
    """The gradient of `fake` reaches G: D's turn would teach G to be found out. Detach the fakes there:
    D(G(z).detach())."""
    fake = G(z)
    return {"real": real_part(D(x)), "fake": fake_part(D(fake)), "fool": real_part(D(fake))}


@UPDATE.mistake
def parts_all_detached(G, D, x, z):
    """No gradient of `fool` reaches G, so G would never learn: detach the fakes for D's part only, and let
    G's part go through D."""
    fake = G(z).detach()
    return {"real": real_part(D(x)), "fake": fake_part(D(fake)), "fool": real_part(D(fake))}


@UPDATE.mistake
def parts_with_detached_verdict(G, D, x, z):
    """You detach D's verdict on the fakes, not the fakes: D learns nothing from them. The detach stands
    inside: D(G(z).detach())."""
    fake = G(z)
    return {"real": real_part(D(x)), "fake": fake_part(D(fake).detach()), "fool": real_part(D(fake))}


@UPDATE.mistake
def parts_with_swapped_labels(G, D, x, z):
    """D's labels are swapped: `real` has the label 1, softplus(-logit), `fake` the label 0,
    softplus(+logit)."""
    fake = G(z)
    return {"real": fake_part(D(x)), "fake": real_part(D(fake.detach())), "fool": real_part(D(fake))}


@UPDATE.mistake
def parts_with_fool_found_out(G, D, x, z):
    """`fool` has the label 0: G would learn to be found out. In G's part the fakes have the label 1."""
    fake = G(z)
    return {"real": real_part(D(x)), "fake": fake_part(D(fake.detach())), "fool": fake_part(D(fake))}


@UPDATE.mistake
def parts_with_saturating_fool(G, D, x, z):
    """`fool` is the saturating loss, log(1 - D(G(z))). Here it is the non-saturating one, -log D(G(z))."""
    fake = G(z)
    return {"real": real_part(D(x)), "fake": fake_part(D(fake.detach())), "fool": -fake_part(D(fake))}


@UPDATE.mistake
def parts_with_two_sigmoids(G, D, x, z):
    """The sigmoid is applied twice: D says logits, and a loss "with logits" has the sigmoid inside."""
    fake, D_ = G(z), lambda x: D(x).sigmoid()
    return {"real": real_part(D_(x)), "fake": fake_part(D_(fake.detach())), "fool": real_part(D_(fake))}


@UPDATE.mistake
def parts_with_sums(G, D, x, z):
    """You sum over the batch. Average each part instead: .mean()."""
    fake, n = G(z), len(x)
    return {
        "real": n * real_part(D(x)),
        "fake": n * fake_part(D(fake.detach())),
        "fool": n * real_part(D(fake)),
    }


@UPDATE.mistake
def parts_with_fool_of_real(G, D, x, z):
    """`fool` is taken at the real images, where G has no say. It is taken at the fakes: D(G(z))."""
    fake = G(z)
    return {"real": real_part(D(x)), "fake": fake_part(D(fake.detach())), "fool": real_part(D(x))}


@UPDATE.mistake
def parts_with_real_twice(G, D, x, z):
    """`fake` is taken at the real images: D never sees a fake. It is taken at G(z), detached."""
    return {"real": real_part(D(x)), "fake": fake_part(D(x)), "fool": real_part(D(G(z)))}
