"""cgan/losses: the GAN's three parts, with the condition told to both networks."""

import torch

from course_lib.checks.exercise import Case, Exercise
from course_lib.checks.gans.draws import (
    generator,
    pick,
    small_discriminator,
    small_generator,
    statistics_of_turns,
)
from course_lib.checks.gans.update import fake_part, real_part


def conditional_parts(G, D, x, y, z):
    """x (b, n), z (b, d) and one-hot labels y (b, classes), which G and D get appended to z and x."""
    fake = G(torch.cat([z, y], dim=1))
    return {
        "real": real_part(D(torch.cat([x, y], dim=1))),
        "fake": fake_part(D(torch.cat([fake.detach(), y], dim=1))),
        "fool": real_part(D(torch.cat([fake, y], dim=1))),
    }


def conditional_games(seed: int) -> list[Case]:
    g = generator(seed)

    def draw(b, n, d, classes, labels):
        return {
            "G": small_generator(d + classes, n, seed),
            "D": small_discriminator(n + classes, seed + 1),
            "x": torch.randn(b, n, generator=g) + 1,
            "y": torch.eye(classes)[torch.tensor(labels)],
            "z": torch.randn(b, d, generator=g),
        }

    data = ("x", "y", "z")
    return [
        Case("several labels", draw(5, pick(3, 5, g), 2, 4, [0, 3, 1, 1, 2]), seed, data),
    ]


LOSSES = Exercise(
    "cgan/losses",
    points=3,
    reference=conditional_parts,
    inputs=conditional_games,
    statistics=statistics_of_turns,
)


@LOSSES.accept
def parts_with_no_grad(G, D, x, y, z):
    with torch.no_grad():
        fake = G(torch.hstack([z, y]))
    found = {"real": real_part(D(torch.hstack([x, y]))), "fake": fake_part(D(torch.hstack([fake, y])))}
    return found | {"fool": real_part(D(torch.hstack([G(torch.hstack([z, y])), y])))}


@LOSSES.accept
def parts_with_cross_entropy(G, D, x, y, z):
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    fake, ones = G(torch.cat([z, y], 1)), torch.ones(len(x))
    real, found, fool = (D(torch.cat([a, y], 1)) for a in (x, fake.detach(), fake))
    return {"real": bce(real, ones), "fake": bce(found, 0 * ones), "fool": bce(fool, ones)}


@LOSSES.accept
def parts_with_joined_pairs(G, D, x, y, z):
    pair = torch.cat([G(torch.cat([z, y], -1)), y], -1)
    return {
        "fool": real_part(D(pair)),
        "fake": fake_part(D(pair.detach())),
        "real": real_part(D(torch.cat([x, y], -1))),
    }


def parts_of(G, D, x, z, told_G, told_real, told_fake, told_fool=None, detach=torch.Tensor.detach):
    """The three parts where each place may be told something else."""
    fake = G(torch.cat([z, told_G], dim=1))
    return {
        "real": real_part(D(torch.cat([x, told_real], dim=1))),
        "fake": fake_part(D(torch.cat([detach(fake), told_fake], dim=1))),
        "fool": real_part(D(torch.cat([fake, told_fake if told_fool is None else told_fool], dim=1))),
    }


@LOSSES.mistake
def condition_not_told_to_d(G, D, x, y, z):
    """G is told the label and D is not: D cannot see that a 3 was asked for and a 7 came, so G may ignore the
    label. Tell both."""
    return parts_of(G, D, x, z, y, 0 * y, 0 * y)


@LOSSES.mistake
def condition_not_told_to_g(G, D, x, y, z):
    """D is told the label and G is not: G would have to guess what was asked for. Append y to z as well."""
    return parts_of(G, D, x, z, 0 * y, y, y)


@LOSSES.mistake
def condition_told_for_real_only(G, D, x, y, z):
    """D is told the label of real images only, so a missing label gives every fake away. Append y to the
    fakes too."""
    return parts_of(G, D, x, z, y, y, 0 * y)


@LOSSES.mistake
def condition_told_for_fakes_only(G, D, x, y, z):
    """D is told the label of the fakes only. It must see real pairs (x, y) to know what belongs together."""
    return parts_of(G, D, x, z, y, 0 * y, y)


@LOSSES.mistake
def condition_of_another_fake(G, D, x, y, z):
    """The fakes are judged with the labels of other fakes. Each is judged with the label that it was made
    from."""
    return parts_of(G, D, x, z, y, y, y.roll(1, 0))


@LOSSES.mistake
def condition_of_another_image(G, D, x, y, z):
    """The real images are shown with other images' labels, so D learns that labels mean nothing. Image i goes
    with label i."""
    return parts_of(G, D, x, z, y, y.roll(1, 0), y)


@LOSSES.mistake
def condition_lost_when_fooling(G, D, x, y, z):
    """In G's turn D is not told the label: G would learn to make any digit at all. Append y there too."""
    return parts_of(G, D, x, z, y, y, y, told_fool=0 * y)


@LOSSES.mistake
def condition_without_detach(G, D, x, y, z):
    """The gradient of `fake` reaches G: D's turn would teach G to be found out. Detach the fakes in that
    part."""
    return parts_of(G, D, x, z, y, y, y, detach=lambda fake: fake)


@LOSSES.mistake
def condition_all_detached(G, D, x, y, z):
    """No gradient of `fool` reaches G, so G would never learn: detach the fakes for D's part only."""
    fake = G(torch.cat([z, y], dim=1)).detach()
    pair = torch.cat([fake, y], dim=1)
    return {
        "real": real_part(D(torch.cat([x, y], 1))),
        "fake": fake_part(D(pair)),
        "fool": real_part(D(pair)),
    }


@LOSSES.mistake
def condition_with_swapped_labels(G, D, x, y, z):
    """The labels of D's game are swapped (not the digits'): `real` has the label 1, `fake` the label 0."""
    parts = parts_of(G, D, x, z, y, y, y)
    pair = torch.cat([G(torch.cat([z, y], dim=1)).detach(), y], dim=1)
    return parts | {"real": fake_part(D(torch.cat([x, y], dim=1))), "fake": real_part(D(pair))}
