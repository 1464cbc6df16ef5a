"""cyclegan/cycle: there and back again, in both directions."""

import torch
import torch.nn.functional as F_

from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise, Network
from course_lib.models.cyclegan import cycle_loss


def translators(seed: int) -> list[Case]:
    g = generator(seed)

    def draw(b, c, n):
        return {
            "G": Network((("Linear", n, n),), seed),
            "F": Network((("Linear", n, n),), seed + 1),
            "x": torch.randn(b, n, generator=g),
            "y": torch.randn(c, n, generator=g) + 0.5,
        }

    b, data = pick(3, 4, g), ("x", "y")
    return [
        Case("as many x as y", draw(b, b, pick(3, 4, g)), seed, data),
        Case("fewer y than x", draw(5, 2, 3), seed + 1, data),
    ]


CYCLE = Exercise("cyclegan/cycle", points=2, reference=cycle_loss, inputs=translators)


@CYCLE.accept
def cycle_by_l1_loss(G, F, x, y):
    return F_.l1_loss(F(G(x)), x) + F_.l1_loss(G(F(y)), y)


@CYCLE.accept
def cycle_the_other_way_around(G, F, x, y):
    back_y, back_x = G(F(y)), F(G(x))
    return torch.mean(torch.abs(y - back_y)) + torch.mean(torch.abs(x - back_x))


@CYCLE.accept
def cycle_by_sums(G, F, x, y):
    return (x - F(G(x))).abs().sum() / x.numel() + (y - G(F(y))).norm(p=1) / y.numel()


def mean_abs(a, b):
    return (a - b).abs().mean()


@CYCLE.mistake
def cycle_of_x_only(G, F, x, y):
    """Only x goes there and back. Eq. (2) has two terms: F(G(x)) must be x, and G(F(y)) must be y."""
    return mean_abs(F(G(x)), x)


@CYCLE.mistake
def cycle_of_y_only(G, F, x, y):
    """Only y goes there and back. Eq. (2) has two terms: F(G(x)) must be x, and G(F(y)) must be y."""
    return mean_abs(G(F(y)), y)


@CYCLE.mistake
def cycle_halved(G, F, x, y):
    """You take the average of the two terms. Eq. (2) is their sum."""
    return 0.5 * (mean_abs(F(G(x)), x) + mean_abs(G(F(y)), y))


@CYCLE.mistake
def cycle_squared(G, F, x, y):
    """You take squares. Here it is the absolute difference (L1), which blurs less: .abs().mean()."""
    return (F(G(x)) - x).square().mean() + (G(F(y)) - y).square().mean()


@CYCLE.mistake
def cycle_rooted(G, F, x, y):
    """You take the length of the difference (L2). Here it is the absolute difference, averaged:
    .abs().mean()."""
    return (F(G(x)) - x).square().mean().sqrt() + (G(F(y)) - y).square().mean().sqrt()


@CYCLE.mistake
def cycle_summed(G, F, x, y):
    """You sum over the pixels. Average each term over images and pixels: .mean()."""
    return (F(G(x)) - x).abs().sum() + (G(F(y)) - y).abs().sum()


@CYCLE.mistake
def cycle_without_abs(G, F, x, y):
    """You average the differences themselves, and too bright cancels too dark. Take .abs() first."""
    return (F(G(x)) - x).mean() + (G(F(y)) - y).mean()


@CYCLE.mistake
def cycle_one_way(G, F, x, y):
    """You compare G(x) with x, so a translator that does nothing is best. Go back first: F(G(x)) with x."""
    return mean_abs(G(x), x) + mean_abs(F(y), y)


@CYCLE.mistake
def cycle_to_the_other(G, F, x, y):
    """You compare translations with images of the other domain: but G(x) and y are no pair. Compare F(G(x))
    with x."""
    n = min(len(x), len(y))
    return mean_abs(G(x[:n]), y[:n]) + mean_abs(F(y[:n]), x[:n])


@CYCLE.mistake
def cycle_of_identity(G, F, x, y):
    """That is the identity loss, |G(y) - y| + |F(x) - x|. The cycle goes there and back: F(G(x))."""
    return mean_abs(G(y), y) + mean_abs(F(x), x)


@CYCLE.mistake
def cycle_with_one_translator(G, F, x, y):
    """You go there twice, G(G(x)). The way back is the other translator: F(G(x)) and G(F(y))."""
    return mean_abs(G(G(x)), x) + mean_abs(F(F(y)), y)


@CYCLE.mistake
def cycle_started_wrongly(G, F, x, y):
    """x starts with F and y with G. G takes x, F takes y: F(G(x)) and G(F(y))."""
    return mean_abs(G(F(x)), x) + mean_abs(F(G(y)), y)


@CYCLE.mistake
def cycle_detached_in_the_middle(G, F, x, y):
    """The values are right, but the translation is detached on its way: only the way back would learn, and
    the way there would not know what it must keep."""
    return mean_abs(F(G(x).detach()), x) + mean_abs(G(F(y).detach()), y)


@CYCLE.mistake
def cycle_of_all_pixels(G, F, x, y):
    """You average over the pixels of both domains at once, so the larger batch counts more. Average each term
    by itself, then add."""
    both = torch.cat([(F(G(x)) - x).abs().flatten(), (G(F(y)) - y).abs().flatten()])
    return 2 * both.mean() if len(x) == len(y) else both.mean()
