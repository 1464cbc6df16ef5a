"""vae/reparameterize: codes drawn from N(mean, exp(logvar)), such that gradients come back."""

import math

import torch
from torch import Tensor

from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise, cotangent
from course_lib.checks.observe import Observation
from course_lib.models.vae import reparameterize


def codes_to_draw(seed: int) -> list[Case]:
    g = generator(seed)
    rows, d = 1024, 5
    mean = 3 * torch.randn(d, generator=g).expand(rows, d)
    logvar = torch.linspace(-3, 2, d)[torch.randperm(d, generator=g)].expand(rows, d)
    size = 1, pick(2, 9, g)
    one = {"mean": torch.randn(size, generator=g), "logvar": torch.randn(size, generator=g)}
    return [
        Case("many draws", {"mean": mean.clone(), "logvar": logvar.clone()}, seed, strided=True, calls=2),
        Case("a batch of one", one, seed + 1),
    ]


def noise_statistics(case: Case, seen: Observation) -> dict[str, Tensor]:
    """What a draw must satisfy whatever its noise: gradients exactly, and the noise's distribution if there
    are enough rows. The noise is what the draw says it was: (z - mean) / std."""
    mean, logvar, z = case.args["mean"].double(), case.args["logvar"].double(), seen.outputs[""].double()
    if z.shape != mean.shape:
        raise ValueError("no noise to recover")
    direction = cotangent(z.shape, case.seed).double()
    gradients = seen.gradients.get("", {})
    found = {
        "the error of the gradient of `mean`, in thousandths": excess(direction, gradients.get("mean")),
        "the error of the gradient of `logvar`, in thousandths": excess(
            0.5 * (z - mean) * direction, gradients.get("logvar")
        ),
    }
    if len(z) < 500:
        return found
    eps = (z - mean) / torch.exp(0.5 * logvar)
    beyond = (eps.abs() > 2).double() + 0 * eps  # NaN stays NaN
    found |= {
        "the average of (z - mean) / std in each dimension": eps.mean(dim=0),
        "the spread of (z - mean) / std in each dimension": eps.std(dim=0),
        "the share of draws beyond two standard deviations, times 20": 20 * beyond.mean(),
        "the spread of a row's average noise, times sqrt(d)": eps.mean(dim=1).std() * math.sqrt(z.shape[1]),
    }
    if seen.again:
        change = (seen.again[""].double() - z) / torch.exp(0.5 * logvar)
        found["the change from one call to the next, in standard deviations"] = change.std() / math.sqrt(2)
    return found


def excess(right: Tensor, gradient: Tensor | None) -> Tensor:
    """0 if the gradient is the right one, -1000 if none arrives."""
    if gradient is None:
        return torch.tensor(-1000.0)
    return 1000 * ((gradient.double() * right).sum() / (right * right).sum() - 1)


REPARAMETERIZE = Exercise(
    "vae/reparameterize",
    points=2,
    reference=reparameterize,
    inputs=codes_to_draw,
    statistics=noise_statistics,
    tolerance=0.2,
    absolute=0.25,  # six standard errors of the averages over 1,024 rows
)


@REPARAMETERIZE.accept
def draw_by_distributions(mean, logvar):
    return torch.distributions.Normal(mean, torch.exp(logvar / 2)).rsample()


@REPARAMETERIZE.accept
def draw_by_sqrt(mean, logvar):
    return torch.randn(mean.shape) * logvar.exp().sqrt() + mean


@REPARAMETERIZE.accept
def draw_by_addcmul(mean, logvar):
    return torch.addcmul(mean, (0.5 * logvar).exp(), torch.empty_like(mean).normal_())


@REPARAMETERIZE.mistake
def logvar_as_std(mean, logvar):
    """You use logvar itself as the standard deviation. It is the logarithm of the variance: the standard
    deviation is exp(logvar / 2)."""
    return mean + logvar * torch.randn_like(mean)


@REPARAMETERIZE.mistake
def variance_as_std(mean, logvar):
    """exp(logvar) is the variance. The noise is multiplied by the standard deviation, its square root:
    exp(logvar / 2)."""
    return mean + logvar.exp() * torch.randn_like(mean)


@REPARAMETERIZE.mistake
def logvar_as_variance(mean, logvar):
    """You take the square root of logvar, which is NaN wherever logvar is negative. logvar is a logarithm:
    undo it first, with exp(logvar / 2)."""
    return mean + logvar.sqrt() * torch.randn_like(mean)


@REPARAMETERIZE.mistake
def one_noise_for_the_batch(mean, logvar):
    """Every image of the batch gets the same noise. Draw eps with the shape of mean, (b, d), not (d,)."""
    return mean + torch.exp(0.5 * logvar) * torch.randn(mean.shape[1])


@REPARAMETERIZE.mistake
def one_noise_for_the_row(mean, logvar):
    """All d dimensions of a code share one noise value, so codes move along one line only. Draw eps with the
    shape of mean, (b, d), not (b, 1)."""
    return mean + torch.exp(0.5 * logvar) * torch.randn(mean.shape[0], 1)


@REPARAMETERIZE.mistake
def the_same_noise_again(mean, logvar):
    """The noise is the same at every call: drawn once, or seeded inside the function. Draw a new eps at each
    call, or the decoder learns that one noise by heart."""
    return mean + torch.exp(0.5 * logvar) * torch.randn(mean.shape, generator=generator(0))


@REPARAMETERIZE.mistake
def uniform_noise(mean, logvar):
    """The noise is uniform in [0, 1) (torch.rand). eps is standard normal: torch.randn, with an n."""
    return mean + torch.exp(0.5 * logvar) * torch.rand_like(mean)


@REPARAMETERIZE.mistake
def no_noise(mean, logvar):
    """You return the mean without noise: that is a plain autoencoder. Add exp(logvar / 2) * eps."""
    return mean + 0 * logvar


@REPARAMETERIZE.mistake
def draw_without_gradient(mean, logvar):
    """The draws are right, but no gradient comes back through them (torch.normal, .sample(), no_grad or
    detach). Write z = mean + std * eps, so that the encoder can learn."""
    return torch.normal(mean.detach(), torch.exp(0.5 * logvar).detach())


@REPARAMETERIZE.mistake
def draw_with_detached_mean(mean, logvar):
    """The draws are right, but mean is detached: no gradient reaches it, so the encoder cannot move its
    codes."""
    return mean.detach() + torch.exp(0.5 * logvar) * torch.randn_like(mean)


@REPARAMETERIZE.mistake
def draw_with_detached_std(mean, logvar):
    """The draws are right, but the standard deviation is detached: no gradient reaches logvar, so the encoder
    cannot learn how sure it is."""
    return mean + torch.exp(0.5 * logvar).detach() * torch.randn_like(mean)
