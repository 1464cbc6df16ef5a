"""cyclegan/generators: what both translators minimise together, eq. (3)."""

import torch

from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise, Network
from course_lib.checks.gans.draws import gradients_of
from course_lib.checks.observe import Observation
from course_lib.models.cyclegan import distance, fool_loss

KEYS = ("fool x", "fool y", "cycle")


def terms(G, F, D_X, D_Y, x, y, weight):
    """{"fool x", "fool y", "cycle"}: G(x) shall fool D_Y, F(y) shall fool D_X, and both shall lead back."""
    fake_y, fake_x = G(x), F(y)
    return {
        "fool x": fool_loss(D_X(fake_x)),
        "fool y": fool_loss(D_Y(fake_y)),
        "cycle": weight * (distance(F(fake_y), x) + distance(G(fake_x), y)),
    }


def games(seed: int) -> list[Case]:
    g = generator(seed)
    n, patches, b = pick(3, 4, g), pick(2, 3, g), pick(3, 5, g)
    args = {name: Network((("Linear", n, n),), seed + k) for k, name in enumerate(("G", "F"))}
    args |= {name: Network((("Linear", n, patches),), seed + k) for k, name in enumerate(("D_X", "D_Y"), 2)}
    args |= {"x": torch.randn(b, n, generator=g), "y": torch.randn(b, n, generator=g) + 0.5, "weight": 7.0}
    return [Case("a small game", args, seed, ("x", "y"))]


def what_translators_learn(case: Case, seen: Observation) -> dict[str, torch.Tensor]:
    """The three values, and what each teaches G and F. What reaches the judges does not matter: their
    optimizer forgets it before their own turn."""
    found = {f"the value of `{key}`": seen.outputs[key] for key in KEYS}
    for key in KEYS:
        for net in ("G", "F"):
            for name, gradient in gradients_of(case, seen, key, net).items():
                found[f"the gradient of `{key}` with respect to {name}"] = gradient
    return found


GENERATORS = Exercise(
    "cyclegan/generators",
    points=3,
    reference=terms,
    inputs=games,
    statistics=what_translators_learn,
)


def hit(t):
    return (t - 1).square().mean()


def gap(a, b):
    return (a - b).abs().mean()


@GENERATORS.accept
def terms_made_anew(G, F, D_X, D_Y, x, y, weight):
    cycle = gap(F(G(x)), x) + gap(G(F(y)), y)
    return {"fool y": hit(D_Y(G(x))), "fool x": hit(D_X(F(y))), "cycle": weight * cycle}


@GENERATORS.accept
def terms_by_library_losses(G, F, D_X, D_Y, x, y, weight):
    mse, l1 = torch.nn.functional.mse_loss, torch.nn.functional.l1_loss
    a, b = G(x), F(y)
    p, q = D_Y(a), D_X(b)
    return {
        "fool x": mse(q, torch.ones_like(q)),
        "fool y": mse(p, torch.ones_like(p)),
        "cycle": weight * l1(F(a), x) + weight * l1(G(b), y),
    }


@GENERATORS.accept
def terms_in_another_order(G, F, D_X, D_Y, x, y, weight):
    a, b = G(x), F(y)
    there = torch.cat([F(a) - x, G(b) - y])  # as many x as y: one average, twice
    return {
        "cycle": 2 * weight * there.abs().mean(),
        "fool x": (1 - D_X(b)).pow(2).mean(),
        "fool y": (1 - D_Y(a)).pow(2).mean(),
    }


def wrong_terms(G, F, D_X, D_Y, x, y, weight, fool=hit, cut=lambda fake: fake, cut_cycle=lambda fake: fake):
    """The three terms with something else in one place."""
    a, b = G(x), F(y)
    return {
        "fool x": fool(D_X(cut(b))),
        "fool y": fool(D_Y(cut(a))),
        "cycle": weight * (gap(F(cut_cycle(a)), x) + gap(G(cut_cycle(b)), y)),
    }


@GENERATORS.mistake
def terms_with_swapped_judges(G, F, D_X, D_Y, x, y, weight):
    """D_X judges G(x). But G(x) claims to be a y, and D_Y knows what a y looks like: D_Y(G(x)) and
    D_X(F(y))."""
    return terms(G, F, D_Y, D_X, x, y, weight)


@GENERATORS.mistake
def terms_with_swapped_names(G, F, D_X, D_Y, x, y, weight):
    """The two names are swapped: `fool x` is what F(y) achieves with D_X, `fool y` what G(x) achieves with
    D_Y."""
    found = terms(G, F, D_X, D_Y, x, y, weight)
    return found | {"fool x": found["fool y"], "fool y": found["fool x"]}


@GENERATORS.mistake
def terms_found_out(G, F, D_X, D_Y, x, y, weight):
    """The target of `fool` is 0: the translators would learn to be found out. They want D to say 1."""
    return wrong_terms(G, F, D_X, D_Y, x, y, weight, fool=lambda t: t.square().mean())


@GENERATORS.mistake
def terms_detached(G, F, D_X, D_Y, x, y, weight):
    """The fakes are detached before the judges see them, so no gradient of `fool` reaches G and F. Detach in
    D's turn only."""
    return wrong_terms(G, F, D_X, D_Y, x, y, weight, cut=torch.Tensor.detach)


@GENERATORS.mistake
def terms_with_cut_cycle(G, F, D_X, D_Y, x, y, weight):
    """The translation is detached inside the cycle: the way there would not learn what it must keep."""
    return wrong_terms(G, F, D_X, D_Y, x, y, weight, cut_cycle=torch.Tensor.detach)


@GENERATORS.mistake
def terms_without_weight(G, F, D_X, D_Y, x, y, weight):
    """`cycle` is not weighted: multiply it by `weight`, the lambda of eq. (3)."""
    return terms(G, F, D_X, D_Y, x, y, 1.0)


@GENERATORS.mistake
def terms_all_weighted(G, F, D_X, D_Y, x, y, weight):
    """You weigh the fool terms too. Lambda belongs to the cycle alone."""
    found = terms(G, F, D_X, D_Y, x, y, weight)
    return found | {key: weight * found[key] for key in ("fool x", "fool y")}


@GENERATORS.mistake
def terms_halved(G, F, D_X, D_Y, x, y, weight):
    """The fool terms are halved. The paper halves D's loss only."""
    return wrong_terms(G, F, D_X, D_Y, x, y, weight, fool=lambda t: 0.5 * hit(t))


@GENERATORS.mistake
def terms_with_half_a_cycle(G, F, D_X, D_Y, x, y, weight):
    """The cycle goes one way only. It has two terms: F(G(x)) - x and G(F(y)) - y."""
    return terms(G, F, D_X, D_Y, x, y, weight) | {"cycle": weight * gap(F(G(x)), x)}


@GENERATORS.mistake
def terms_fooling_with_reals(G, F, D_X, D_Y, x, y, weight):
    """You show the judges real images, where the translators have no say. Show them the translations:
    D_Y(G(x))."""
    return terms(G, F, D_X, D_Y, x, y, weight) | {"fool x": hit(D_X(x)), "fool y": hit(D_Y(y))}


@GENERATORS.mistake
def terms_judged_after_the_cycle(G, F, D_X, D_Y, x, y, weight):
    """You show the judges the images that came back, F(G(x)). They judge the translations, G(x) and F(y)."""
    return terms(G, F, D_X, D_Y, x, y, weight) | {"fool x": hit(D_X(F(G(x)))), "fool y": hit(D_Y(G(F(y))))}


@GENERATORS.mistake
def terms_by_softplus(G, F, D_X, D_Y, x, y, weight):
    """That is the fool loss of lesson 02, from logits. CycleGAN takes squares: (D_Y(G(x)) - 1)^2."""
    softplus = torch.nn.functional.softplus
    return wrong_terms(G, F, D_X, D_Y, x, y, weight, fool=lambda t: softplus(-t).mean())
