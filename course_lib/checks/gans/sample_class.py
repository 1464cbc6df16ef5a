"""cgan/sample_class: pictures of one class, each from a code of its own."""

import torch
from torch import Tensor

from course_lib.checks.exercise import Case, Exercise, Network
from course_lib.checks.gans.draws import generator, pick
from course_lib.checks.observe import Observation


def sample_class(G, k, n, d, classes):
    """n pictures of class k: G gets codes (n, d), each followed by the one-hot vector of k."""
    one_hot = torch.zeros(n, classes)
    one_hot[:, k] = 1.0
    with torch.no_grad():
        return G(torch.cat([torch.randn(n, d), one_hot], dim=1))


def classes_to_sample(seed: int) -> list[Case]:
    g = generator(seed)
    d, classes = pick(2, 5, g), pick(5, 10, g)
    k = pick(1, classes - 2, g)
    args = {"G": Network((("Identity",),)), "k": k, "n": 1024, "d": d, "classes": classes}
    return [
        Case("a G that shows what it is told", args, seed, calls=2),
        Case("the last class", args | {"k": classes - 1, "n": 900}, seed + 1, calls=2),
    ]


def told(case: Case, seen: Observation) -> dict[str, Tensor]:
    """The codes' distribution, and the label's numbers exactly."""
    d, out = case.args["d"], seen.outputs[""].double()
    z, y, again = out[:, :d], out[:, d:], seen.again[""].double()[:, :d]
    return {
        "the average of each number of the codes": z.mean(dim=0),
        "the spread of each number of the codes": z.std(dim=0),
        "the share of numbers beyond two, times ten": 10 * (z.abs() > 2).double().mean(),
        "the change of the codes from one call to the next": (again - z).std() / 2**0.5,
        "the average of each number of the label": 10 * y.mean(dim=0),
        "the spread of each number of the label": 10 * y.std(dim=0),
        "how much gradient comes back from the pictures": torch.tensor(float(bool(seen.gradients))),
    }


SAMPLE_CLASS = Exercise(
    "cgan/sample_class",
    points=2,
    reference=sample_class,
    inputs=classes_to_sample,
    statistics=told,
    tolerance=0.2,
    absolute=0.25,
)


def join(G, z, y):
    return G(torch.cat([z, y], dim=1))


def one_hot(k, n, classes):
    return torch.eye(classes)[torch.full((n,), k)]


@SAMPLE_CLASS.accept
def class_by_identity(G, k, n, d, classes):
    return join(G, torch.randn(n, d), torch.eye(classes)[k].expand(n, classes))


@SAMPLE_CLASS.accept
def class_by_one_hot(G, k, n, d, classes):
    label = torch.full((n,), k)
    z = torch.empty(n, d).normal_()
    return join(G, z, torch.nn.functional.one_hot(label, classes).float())


@SAMPLE_CLASS.accept
def class_by_comparison(G, k, n, d, classes):
    y = (torch.arange(classes) == k).float().repeat(n, 1)
    return join(G, torch.normal(0.0, 1.0, (n, d)), y)


@SAMPLE_CLASS.mistake
def class_from_one_code(G, k, n, d, classes):
    """All n pictures come from one code, so they are the same picture. Draw a code for each: torch.randn(n,
    d)."""
    return join(G, torch.randn(1, d).expand(n, d), one_hot(k, n, classes))


@SAMPLE_CLASS.mistake
def class_from_old_codes(G, k, n, d, classes):
    """The codes are the same at every call: drawn once, or seeded inside the function. Draw new ones each
    time."""
    return join(G, torch.randn(n, d, generator=generator(0)), one_hot(k, n, classes))


@SAMPLE_CLASS.mistake
def class_of_several_labels(G, k, n, d, classes):
    """The pictures are of several classes. All n are of class k."""
    return join(G, torch.randn(n, d), torch.eye(classes)[torch.randint(classes, (n,))])


@SAMPLE_CLASS.mistake
def class_shifted(G, k, n, d, classes):
    """You ask for class k - 1: classes count from 0, so class k is entry k of the one-hot vector."""
    return join(G, torch.randn(n, d), one_hot(k - 1, n, classes))


@SAMPLE_CLASS.mistake
def class_as_number(G, k, n, d, classes):
    """The label's numbers are all k. One-hot: 1 at place k, 0 elsewhere."""
    return join(G, torch.randn(n, d), torch.full((n, classes), float(k)))


@SAMPLE_CLASS.mistake
def class_with_weight_k(G, k, n, d, classes):
    """The one of the one-hot vector is k. It is 1, whatever the class."""
    return join(G, torch.randn(n, d), k * one_hot(k, n, classes) if k > 1 else 2.0 * one_hot(k, n, classes))


@SAMPLE_CLASS.mistake
def class_not_told(G, k, n, d, classes):
    """The label's numbers are zeros: G is not told the class. Put a 1 at place k."""
    return join(G, torch.randn(n, d), torch.zeros(n, classes))


@SAMPLE_CLASS.mistake
def class_from_uniform_noise(G, k, n, d, classes):
    """The codes are uniform (torch.rand). They are standard normal, as in training: torch.randn, with an
    n."""
    return join(G, torch.rand(n, d), one_hot(k, n, classes))


@SAMPLE_CLASS.mistake
def class_before_code(G, k, n, d, classes):
    """The label stands before the code. In training it came after it: torch.cat([z, y], dim=1)."""
    return G(torch.cat([one_hot(k, n, classes), torch.randn(n, d)], dim=1))
