"""gan/fakes: pictures from fresh noise."""

import torch
from torch import Tensor

from course_lib.checks.exercise import Case, Exercise, Network
from course_lib.checks.gans.draws import generator, pick, small_generator
from course_lib.checks.observe import Observation


def draw_fakes(G, n, d):
    """n fakes from n codes of their own: G(z), z ~ N(0, I) of d numbers."""
    return G(torch.randn(n, d))


def generators_to_draw_from(seed: int) -> list[Case]:
    g = generator(seed)
    d = pick(3, 6, g)
    identity = {"G": Network((("Identity",),)), "n": 1024, "d": d}
    net = {"G": small_generator(d, pick(7, 9, g), seed), "n": pick(4, 7, g), "d": d}
    return [
        Case("a G that shows its codes", identity, seed, calls=2),
        Case("a small G", net, seed + 1),
    ]


def noise_statistics(case: Case, seen: Observation) -> dict[str, Tensor]:
    """The distribution of the codes where G shows them; elsewhere, whether a gradient reaches G."""
    z = seen.outputs[""].double()
    if case.args["n"] < 500:
        reached = sum(float(g.abs().sum()) for g in seen.gradients.get("", {}).values()) > 0
        return {"the share of G that learns from its fakes": torch.tensor(float(reached))}
    centred = z - z.mean(dim=0)
    return {
        "the average of each number of the codes": z.mean(dim=0),
        "the spread of each number of the codes": z.std(dim=0),
        "the correlation of the first two numbers": (centred[:, 0] * centred[:, 1]).mean(),
        "the share of numbers beyond two, times ten": 10 * (z.abs() > 2).double().mean(),
        "the change from one call to the next": (seen.again[""].double() - z).std() / 2**0.5,
    }


FAKES = Exercise(
    "gan/fakes",
    points=1,
    reference=draw_fakes,
    inputs=generators_to_draw_from,
    statistics=noise_statistics,
    tolerance=0.2,
    absolute=0.25,
)


@FAKES.accept
def fakes_by_normal(G, n, d):
    return G(torch.normal(0.0, 1.0, (n, d)))


@FAKES.accept
def fakes_in_place(G, n, d):
    return G(torch.empty(n, d).normal_())


@FAKES.accept
def fakes_by_distribution(G, n, d):
    return G(torch.distributions.Normal(0.0, 1.0).sample((n, d)))


@FAKES.mistake
def fakes_of_uniform_noise(G, n, d):
    """The codes are uniform in [0, 1) (torch.rand). Here z is standard normal: torch.randn, with an n."""
    return G(torch.rand(n, d))


@FAKES.mistake
def fakes_of_centred_uniform_noise(G, n, d):
    """The codes are uniform in [-1, 1]. Here z is standard normal, so that the codes lie around a sphere:
    torch.randn."""
    return G(2 * torch.rand(n, d) - 1)


@FAKES.mistake
def fakes_of_one_code(G, n, d):
    """All n fakes come from one code, so they are all the same. Draw a code for each: torch.randn(n, d)."""
    return G(torch.randn(1, d).expand(n, d))


@FAKES.mistake
def fakes_of_one_number(G, n, d):
    """All d numbers of a code are the same one, so G sees a line instead of a space. Draw torch.randn(n,
    d)."""
    return G(torch.randn(n, 1).expand(n, d))


@FAKES.mistake
def fakes_of_old_codes(G, n, d):
    """The codes are the same at every call: drawn once, or seeded inside the function. Draw new ones each
    time, or G learns only those n by heart."""
    return G(torch.randn(n, d, generator=generator(0)))


@FAKES.mistake
def fakes_of_nothing(G, n, d):
    """The codes are zeros: G makes the same picture n times. The variety of the fakes comes from noise
    alone."""
    return G(torch.zeros(n, d))


@FAKES.mistake
def fakes_without_gradient(G, n, d):
    """The fakes are right, but no gradient leads back to G (no_grad or detach), so G could never learn.
    Detach in D's turn only."""
    return G(torch.randn(n, d)).detach()


@FAKES.mistake
def codes_instead_of_fakes(G, n, d):
    """You return the codes themselves. The fakes are what G makes of them: G(z)."""
    return torch.randn(n, d)
