"""dcgan/initialise: where the weights begin."""

import torch
from torch import Tensor, nn

from course_lib.checks.exercise import Case, Exercise, Network
from course_lib.checks.observe import Observation
from course_lib.models.dcgan import initialise

LAYERS = (
    ("ConvTranspose2d", 8, 12, 4, 2, 1),
    ("BatchNorm2d", 12),
    ("ReLU",),
    ("Conv2d", 12, 10, 4, 2, 1),
    ("BatchNorm2d", 400),
)


def initial_weights(net):
    """Initialise the net in place, and return its parameters by name, to be looked at."""
    return dict(initialise(net).named_parameters())


def fresh_networks(seed: int) -> list[Case]:
    return [Case("a net of four layers", {"net": Network(LAYERS, seed)}, seed, constants=("net",))]


def moments(case: Case, seen: Observation) -> dict[str, Tensor]:
    """Average and spread of each tensor, in units of 0.02."""
    names = {
        "0.weight": "the transposed convolution",
        "3.weight": "the convolution",
        "4.weight": "BatchNorm's scale",
    }
    found = {}
    for name, words in names.items():
        w, centre = seen.outputs[name].double().flatten(), float(name == "4.weight")
        average, spread = w.mean(), w.std()
        found[f"the average of {words}, less {centre:.0f}, over 0.02"] = (average - centre) / 0.02
        found[f"the spread of {words}, over 0.02"] = spread / 0.02
        beyond = (w - average).abs() > 2 * spread
        found[f"the share of {words} beyond two spreads, times ten"] = 10 * beyond.double().mean()
    found["the largest shift or bias"] = 100 * torch.stack(
        [value.abs().max() for name, value in seen.outputs.items() if name.endswith("bias")]
    )
    return found


INITIALISE = Exercise(
    "dcgan/initialise",
    points=2,
    reference=initial_weights,
    inputs=fresh_networks,
    statistics=moments,
    tolerance=0.2,
    absolute=0.2,
)


def parameters_after(net, weights=lambda w: nn.init.normal_(w, 0.0, 0.02), scale=None, shift=nn.init.zeros_):
    """Initialise with these functions."""
    for layer in net:
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            weights(layer.weight)
            shift(layer.bias)
        elif isinstance(layer, nn.BatchNorm2d):
            (scale or (lambda w: nn.init.normal_(w, 1.0, 0.02)))(layer.weight)
            shift(layer.bias)
    return dict(net.named_parameters())


@INITIALISE.accept
def initial_by_nn_init(net):
    return parameters_after(net)


@INITIALISE.accept
def initial_by_name(net):
    def start(layer):
        kind = type(layer).__name__
        if "Conv" in kind:
            layer.weight.data.normal_(0.0, 0.02)
            layer.bias.data.fill_(0)
        elif "BatchNorm" in kind:
            layer.weight.data.normal_(1.0, 0.02)
            layer.bias.data.fill_(0)

    net.apply(start)
    return dict(net.named_parameters())


@INITIALISE.accept
def initial_by_shape(net):
    with torch.no_grad():
        for name, weight in net.named_parameters():
            if name.endswith("bias"):
                weight.copy_(torch.zeros_like(weight))
            else:
                weight.copy_(torch.randn(weight.shape) * 0.02 + (weight.ndim == 1))
    return dict(net.named_parameters())


@INITIALISE.mistake
def initial_of_variance(net):
    """You take 0.02 for the variance: your spread is its root, 0.14. It is the standard deviation."""
    return parameters_after(net, lambda w: nn.init.normal_(w, 0.0, 0.02**0.5))


@INITIALISE.mistake
def initial_uniform(net):
    """The weights are uniform in [-0.02, 0.02]. The paper draws them from a normal distribution with standard
    deviation 0.02."""
    return parameters_after(net, lambda w: nn.init.uniform_(w, -0.02, 0.02))


@INITIALISE.mistake
def initial_of_torch(net):
    """The convolutions are as torch makes them (Kaiming), far wider than 0.02: normal_(0.0, 0.02)."""
    return parameters_after(net, lambda w: nn.init.kaiming_uniform_(w, a=5**0.5))


@INITIALISE.mistake
def initial_norm_around_zero(net):
    """BatchNorm's scale is drawn around 0, which multiplies every signal by almost nothing. It is drawn
    around 1: normal_(1.0, 0.02)."""
    return parameters_after(net, scale=lambda w: nn.init.normal_(w, 0.0, 0.02))


@INITIALISE.mistake
def initial_norm_of_ones(net):
    """BatchNorm's scale is exactly 1. That works too, but here it is drawn from N(1, 0.02): normal_(1.0,
    0.02)."""
    return parameters_after(net, scale=nn.init.ones_)


@INITIALISE.mistake
def initial_without_norm(net):
    """BatchNorm's scale is left as it was. Draw it as well, from N(1, 0.02)."""
    return parameters_after(net, scale=lambda w: w)


@INITIALISE.mistake
def initial_without_transposed(net):
    """The transposed convolutions are left as they were: ConvTranspose2d is another class than Conv2d. Name
    both."""
    return parameters_after(net, lambda w: nn.init.normal_(w, 0.0, 0.02) if w.shape == (10, 12, 4, 4) else w)


@INITIALISE.mistake
def initial_without_shift(net):
    """The shifts (bias) are left as they were. They begin at 0."""
    return parameters_after(net, shift=lambda w: w)


@INITIALISE.mistake
def initial_around_the_spread(net):
    """The two numbers are swapped: the first argument of normal_ is the average, 0.0, the second the standard
    deviation, 0.02."""
    return parameters_after(net, lambda w: nn.init.normal_(w, 0.02, 0.0))


@INITIALISE.mistake
def initial_of_copies(net):
    """Nothing has changed: you drew new tensors but did not write them into the layers. Use functions that
    end in _, as nn.init.normal_."""
    for weight in net.parameters():
        torch.randn_like(weight)
    return dict(net.named_parameters())


@INITIALISE.mistake
def initial_of_zeros(net):
    """The convolutions are zero: all maps of a layer would stay the same for good. Draw them from N(0,
    0.02)."""
    return parameters_after(net, nn.init.zeros_)
