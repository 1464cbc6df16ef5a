"""Lesson 01: its answers are in course_lib/models/vae.py; here are other right ones, and the wrong ones."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.checks.exercise import Case, Exercise, cotangent
from course_lib.checks.observe import Observation
from course_lib.models.vae import (
    append_label,
    interpolate,
    kl_to_standard_normal,
    make_decoder,
    negative_elbo,
    reparameterize,
)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pick(low: int, high: int, g: torch.Generator) -> int:
    """A size in low..high: an answer must hold for every shape, not for the notebook's."""
    return int(torch.randint(low, high + 1, (), generator=g))


# --------------------------------------------------------------------------------------- vae/reparameterize


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


# ------------------------------------------------------------------------------------------------ vae/kl


def gaussian_parameters(seed: int) -> list[Case]:
    g = generator(seed)

    def draw(b, d, spread_mean=1.0, spread_logvar=1.0):
        return {
            "mean": spread_mean * torch.randn(b, d, generator=g),
            "logvar": spread_logvar * torch.randn(b, d, generator=g),
        }

    return [
        Case("a small batch", draw(pick(5, 8, g), pick(2, 4, g)), seed),
        Case("a batch of one", draw(1, pick(3, 6, g)), seed + 1),
        Case("64 rows of wide range", draw(64, 17, 5.0, 4.0), seed + 2, strided=True),
    ]


KL = Exercise(
    "vae/kl",
    points=2,
    reference=kl_to_standard_normal,
    inputs=gaussian_parameters,
)


@KL.accept
def kl_by_distributions(mean, logvar):
    q = torch.distributions.Normal(mean, torch.exp(0.5 * logvar))
    return torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0)).sum(dim=1)


@KL.accept
def kl_with_std(mean, logvar):
    std = torch.exp(logvar / 2)
    return ((mean**2 + std**2 - 1) / 2 - std.log()).sum(-1)


@KL.accept
def kl_by_norms(mean, logvar):
    var = logvar.exp()
    return 0.5 * (mean.pow(2).sum(1) + var.sum(1) - logvar.sum(1) - mean.shape[1])


@KL.mistake
def kl_mean_over_dimensions(mean, logvar):
    """You average over the latent dimensions. The KL of independent dimensions is their sum: .sum(dim=1)."""
    return -0.5 * (1 + logvar - mean**2 - logvar.exp()).mean(dim=1)


@KL.mistake
def kl_summed_over_the_batch(mean, logvar):
    """You sum over the whole batch. The function returns one number for each image: sum over dimension 1
    only."""
    return -0.5 * (1 + logvar - mean**2 - logvar.exp()).sum()


@KL.mistake
def kl_averaged_over_the_batch(mean, logvar):
    """You average over the batch already. The function returns one number for each image; the loss averages
    later."""
    return -0.5 * (1 + logvar - mean**2 - logvar.exp()).sum(dim=1).mean()


@KL.mistake
def kl_summed_over_images(mean, logvar):
    """You sum over dimension 0, which is the images. Each image keeps its own KL: sum over dimension 1, the
    latent dimensions."""
    return -0.5 * (1 + logvar - mean**2 - logvar.exp()).sum(dim=0)


@KL.mistake
def kl_of_each_dimension(mean, logvar):
    """You return the KL of every latent dimension separately. They are independent, so an image's KL is their
    sum: .sum(dim=1)."""
    return -0.5 * (1 + logvar - mean**2 - logvar.exp())


@KL.mistake
def kl_without_half(mean, logvar):
    """Your KL is twice the right one: the factor 1/2 of the Gaussian's exponent is missing."""
    return -(1 + logvar - mean**2 - logvar.exp()).sum(dim=1)


@KL.mistake
def kl_with_wrong_sign(mean, logvar):
    """The sign is wrong: a KL divergence is never negative. It is -1/2 (1 + logvar - mean² - exp(logvar)),
    summed."""
    return 0.5 * (1 + logvar - mean**2 - logvar.exp()).sum(dim=1)


@KL.mistake
def kl_without_one(mean, logvar):
    """The 1 in the sum is missing: for mean = 0 and logvar = 0 the two Gaussians are the same, and the KL
    must be 0."""
    return -0.5 * (logvar - mean**2 - logvar.exp()).sum(dim=1)


@KL.mistake
def kl_without_square(mean, logvar):
    """The mean enters without its square: a code at -3 is as far from the origin as one at +3."""
    return -0.5 * (1 + logvar - mean - logvar.exp()).sum(dim=1)


@KL.mistake
def kl_of_a_variance(mean, logvar):
    """You treat logvar as the variance and take its logarithm again, which is NaN where it is negative. The
    variance is exp(logvar)."""
    return -0.5 * (1 + logvar.log() - mean**2 - logvar).sum(dim=1)


@KL.mistake
def kl_of_a_std(mean, logvar):
    """You treat logvar as the standard deviation. The variance is exp(logvar), and its logarithm is logvar
    itself."""
    return -0.5 * (1 + (logvar**2).log() - mean**2 - logvar**2).sum(dim=1)


@KL.mistake
def kl_with_half_an_exponent(mean, logvar):
    """exp(logvar / 2) is the standard deviation. The formula holds the variance: exp(logvar)."""
    return -0.5 * (1 + logvar - mean**2 - (0.5 * logvar).exp()).sum(dim=1)


@KL.mistake
def kl_the_other_way(mean, logvar):
    """That is KL(N(0, I) || q), the other direction. The ELBO has KL(q(z|x) || N(0, I)); the two differ."""
    return 0.5 * (logvar + (1 + mean**2) / logvar.exp() - 1).sum(dim=1)


@KL.mistake
def kl_with_detached_mean(mean, logvar):
    """The values are right, but mean is detached: nothing pulls the codes towards the origin in training."""
    return kl_of_each_dimension(mean.detach(), logvar).sum(dim=1)


@KL.mistake
def kl_with_detached_logvar(mean, logvar):
    """The values are right, but logvar is detached: nothing keeps the variances from shrinking to zero."""
    return kl_of_each_dimension(mean, logvar.detach()).sum(dim=1)


@KL.mistake
def kl_without_gradient(mean, logvar):
    """The values are right, but no gradient comes back (detach, no_grad, .item() or .numpy()): training would
    ignore this term."""
    return kl_of_each_dimension(mean, logvar).sum(dim=1).detach()


# ---------------------------------------------------------------------------------------------- vae/elbo


def pictures_and_codes(seed: int) -> list[Case]:
    g = generator(seed)

    def draw(b, c, side, d, spread=2.0):
        return {
            "logits": spread * torch.randn(b, c, side, side, generator=g),
            "x": 2 * torch.rand(b, c, side, side, generator=g) - 1,
            "mean": torch.randn(b, d, generator=g),
            "logvar": torch.randn(b, d, generator=g),
        }

    data = ("x",)
    return [
        Case("a small batch", draw(pick(3, 5, g), 1, pick(4, 7, g), 2), seed, data),
        Case("a batch of one, in colour", draw(1, 3, 4, pick(3, 6, g)), seed + 1, data),
        Case("40 images with extreme logits", draw(40, 1, 5, 3, 60.0), seed + 2, data, strided=True),
    ]


ELBO = Exercise(
    "vae/elbo",
    points=3,
    reference=negative_elbo,
    inputs=pictures_and_codes,
)


def kl_term(mean, logvar):
    return kl_of_each_dimension(mean, logvar).sum(dim=1).mean()


def recon_term(logits, target):
    recon = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return recon.flatten(1).sum(dim=1).mean()


@ELBO.accept
def elbo_by_totals(logits, x, mean, logvar):
    b = x.shape[0]
    recon = F.binary_cross_entropy_with_logits(logits, (x + 1) / 2, reduction="sum") / b
    return {"recon": recon, "kl": kl_to_standard_normal(mean, logvar).sum() / b}


@ELBO.accept
def elbo_by_softplus(logits, x, mean, logvar):
    target = (x + 1) / 2
    recon = (F.softplus(logits) - target * logits).sum(dim=(1, 2, 3)).mean()
    return {"recon": recon, "kl": kl_by_distributions(mean, logvar).mean()}


@ELBO.accept
def elbo_by_distributions(logits, x, mean, logvar):
    p = torch.distributions.Bernoulli(logits=logits, validate_args=False)
    recon = -p.log_prob(0.5 * x.detach() + 0.5).flatten(start_dim=1).sum(dim=1).mean()
    return {"kl": kl_with_std(mean, logvar).mean(), "recon": recon}


@ELBO.mistake
def elbo_averages_pixels(logits, x, mean, logvar):
    """`recon` is averaged over the pixels. In nats per image it is their sum; averaged, it is hundreds of
    times too weak beside the KL, and the codes collapse."""
    return {
        "recon": F.binary_cross_entropy_with_logits(logits, (x + 1) / 2),
        "kl": kl_term(mean, logvar),
    }


@ELBO.mistake
def elbo_sums_recon_over_batch(logits, x, mean, logvar):
    """`recon` is summed over the images too. Sum over pixels, then average over the batch, so that the loss
    does not grow with the batch."""
    recon = F.binary_cross_entropy_with_logits(logits, (x + 1) / 2, reduction="sum")
    return {"recon": recon, "kl": kl_term(mean, logvar)}


@ELBO.mistake
def elbo_sums_kl_over_batch(logits, x, mean, logvar):
    """`kl` is summed over the images. Average it over the batch, as `recon`, or it outweighs `recon` as many
    times as there are images."""
    return {
        "recon": recon_term(logits, (x + 1) / 2),
        "kl": kl_of_each_dimension(mean, logvar).sum(),
    }


@ELBO.mistake
def elbo_averages_kl_dimensions(logits, x, mean, logvar):
    """`kl` is averaged over the latent dimensions. The KL of an image is their sum; the average is over the
    batch only."""
    return {
        "recon": recon_term(logits, (x + 1) / 2),
        "kl": kl_of_each_dimension(mean, logvar).mean(),
    }


@ELBO.mistake
def elbo_of_each_image(logits, x, mean, logvar):
    """The terms are right for each image; the last step is missing: average both over the batch, to one
    number each."""
    recon = F.binary_cross_entropy_with_logits(logits, (x + 1) / 2, reduction="none").flatten(1).sum(dim=1)
    return {"recon": recon, "kl": kl_to_standard_normal(mean, logvar)}


@ELBO.mistake
def elbo_of_pixels_in_minus_one_to_one(logits, x, mean, logvar):
    """The targets are still in [-1, 1]. A Bernoulli's target is a grey value in [0, 1]: (x + 1) / 2."""
    return {"recon": recon_term(logits, x), "kl": kl_term(mean, logvar)}


@ELBO.mistake
def elbo_of_a_double_sigmoid(logits, x, mean, logvar):
    """You apply the sigmoid twice: binary_cross_entropy_with_logits holds it already. Hand it the logits."""
    return {"recon": recon_term(torch.sigmoid(logits), (x + 1) / 2), "kl": kl_term(mean, logvar)}


@ELBO.mistake
def elbo_of_a_saturated_sigmoid(logits, x, mean, logvar):
    """Right for small logits only: beyond 17 the sigmoid is exactly 1 in float32, and the logarithm of 1
    minus it is lost. binary_cross_entropy_with_logits does both steps in one, safely."""
    recon = F.binary_cross_entropy(torch.sigmoid(logits), (x + 1) / 2, reduction="sum") / len(x)
    return {"recon": recon, "kl": kl_term(mean, logvar)}


@ELBO.mistake
def elbo_by_naive_logarithms(logits, x, mean, logvar):
    """Right for small logits only: log(sigmoid(logits)) becomes log(0) for large ones, so infinite or NaN.
    binary_cross_entropy_with_logits does both steps in one, safely."""
    p, target = torch.sigmoid(logits), (x + 1) / 2
    recon = -(target * p.log() + (1 - target) * (1 - p).log()).flatten(1).sum(dim=1).mean()
    return {"recon": recon, "kl": kl_term(mean, logvar)}


@ELBO.mistake
def elbo_by_squares(logits, x, mean, logvar):
    """`recon` is a squared error, the likelihood of a Gaussian decoder. This decoder is Bernoulli: binary
    cross entropy, from the logits."""
    recon = ((torch.sigmoid(logits) - (x + 1) / 2) ** 2).flatten(1).sum(dim=1).mean()
    return {"recon": recon, "kl": kl_term(mean, logvar)}


@ELBO.mistake
def elbo_with_negative_recon(logits, x, mean, logvar):
    """The sign of `recon` is wrong: you return the log-likelihood, which is to be maximised. The loss is
    minimised, so it holds minus that."""
    return {"recon": -recon_term(logits, (x + 1) / 2), "kl": kl_term(mean, logvar)}


@ELBO.mistake
def elbo_with_negative_kl(logits, x, mean, logvar):
    """The sign of `kl` is wrong: minimising this pushes the codes away from N(0, I). -ELBO is recon plus
    KL."""
    return {"recon": recon_term(logits, (x + 1) / 2), "kl": -kl_term(mean, logvar)}


@ELBO.mistake
def elbo_with_weak_kl(logits, x, mean, logvar):
    """`kl` is divided by the number of pixels, `recon` is not. Both are in nats per image: leave the KL its
    full weight."""
    return {"recon": recon_term(logits, (x + 1) / 2), "kl": kl_term(mean, logvar) / x[0].numel()}


@ELBO.mistake
def elbo_without_the_data(logits, x, mean, logvar):
    """`recon` does not depend on x: the logits are compared with themselves, so nothing is learned from the
    images. The target is (x + 1) / 2."""
    return {"recon": recon_term(logits, torch.sigmoid(logits)), "kl": kl_term(mean, logvar)}


@ELBO.mistake
def elbo_with_detached_recon(logits, x, mean, logvar):
    """The values are right, but `recon` is detached: no gradient reaches the decoder, which would never
    learn."""
    return {"recon": recon_term(logits.detach(), (x + 1) / 2), "kl": kl_term(mean, logvar)}


@ELBO.mistake
def elbo_with_detached_kl(logits, x, mean, logvar):
    """The values are right, but `kl` is detached: it is shown and never felt, so nothing pulls the codes
    towards N(0, I)."""
    return {"recon": recon_term(logits, (x + 1) / 2), "kl": kl_term(mean, logvar).detach()}


@ELBO.mistake
def elbo_as_one_number(logits, x, mean, logvar):
    """You return the sum. Return the two terms by name, {"recon": ..., "kl": ...}: the loop adds them, and
    the curves show them apart."""
    return recon_term(logits, (x + 1) / 2) + kl_term(mean, logvar)


# -------------------------------------------------------------------------------------------- vae/decoder


def code_sizes(seed: int) -> list[Case]:
    d = 2 + seed % 5
    g = generator(seed)
    return [Case(f"codes of {d} dimensions", {"d": d}, seed, probe=torch.randn(2, d, generator=g))]


DECODER = Exercise("vae/decoder", points=2, reference=make_decoder, inputs=code_sizes)


@DECODER.accept
class DecoderWithView(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.up3 = nn.ConvTranspose2d(32, 1, 4, 2, 1)
        self.up2 = nn.ConvTranspose2d(64, 32, 4, 2, 1)
        self.up1 = nn.ConvTranspose2d(64, 64, 3, padding=1)
        self.first = nn.Linear(d, 7 * 7 * 64)

    def forward(self, z):
        h = F.relu(self.first(z)).view(-1, 64, 7, 7)
        return self.up3(self.up2(self.up1(h).relu()).relu())


@DECODER.accept
def decoder_of_lazy_layers(d):
    return nn.Sequential(
        nn.LazyLinear(64 * 7 * 7),
        nn.Unflatten(-1, (64, 7, 7)),
        nn.ReLU(inplace=True),
        nn.LazyConvTranspose2d(64, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.LazyConvTranspose2d(32, 4, stride=2, padding=1),
        nn.ReLU(inplace=True),
        nn.LazyConvTranspose2d(1, 4, stride=2, padding=1),
    )


@DECODER.accept
def decoder_of_two_parts(d):
    layers = decoder_layers(d)
    return nn.Sequential(nn.Sequential(*layers[:3]), nn.Sequential(*layers[3:]))


def decoder_layers(d, width=32, activation=nn.ReLU):
    return [
        nn.Linear(d, 2 * width * 49),
        activation(),
        nn.Unflatten(1, (2 * width, 7, 7)),
        nn.ConvTranspose2d(2 * width, 2 * width, 3, 1, 1),
        activation(),
        nn.ConvTranspose2d(2 * width, width, 4, 2, 1),
        activation(),
        nn.ConvTranspose2d(width, 1, 4, 2, 1),
    ]


@DECODER.mistake
def decoder_with_sigmoid(d):
    """A sigmoid stands at the end. The decoder returns logits: the loss applies the sigmoid itself."""
    return nn.Sequential(*decoder_layers(d), nn.Sigmoid())


@DECODER.mistake
def decoder_with_tanh(d):
    """A tanh stands at the end. The decoder returns logits, which may be any number; the picture is made of
    them later."""
    return nn.Sequential(*decoder_layers(d), nn.Tanh())


@DECODER.mistake
def decoder_with_last_relu(d):
    """A ReLU stands at the end: the logits could never be negative, so no pixel darker than middle grey.
    The last layer has no activation."""
    return nn.Sequential(*decoder_layers(d), nn.ReLU())


@DECODER.mistake
def decoder_without_activations(d):
    """There is no activation between the layers: layers that are all linear amount to one linear layer. Put
    a ReLU after each but the last."""
    return nn.Sequential(*decoder_layers(d, activation=nn.Identity))


@DECODER.mistake
def decoder_without_first_relu(d):
    """The ReLU after the linear layer is missing: two linear layers in a row amount to one."""
    layers = decoder_layers(d)
    return nn.Sequential(layers[0], *layers[2:])


@DECODER.mistake
def decoder_with_leaky_relu(d):
    """The activations are LeakyReLU. This decoder has plain ReLU (LeakyReLU comes with the discriminators of
    lesson 03)."""
    return nn.Sequential(*decoder_layers(d, activation=lambda: nn.LeakyReLU(0.2)))


@DECODER.mistake
def decoder_with_channels_last(d):
    """The linear layer's output is folded to (7, 7, 64) and its axes moved. torch puts the channels first:
    Unflatten(1, (64, 7, 7))."""
    layers = decoder_layers(d)
    layers[2] = nn.Sequential(nn.Unflatten(1, (7, 7, 64)), ChannelsFirst())
    return nn.Sequential(*layers)


class ChannelsFirst(nn.Module):
    def forward(self, x):
        return x.permute(0, 3, 1, 2)


@DECODER.mistake
def decoder_of_two_convolutions(d):
    """One transposed convolution is missing: there are three, 64 to 64 channels at 7x7, 64 to 32, and 32 to
    1."""
    layers = decoder_layers(d)
    return nn.Sequential(*layers[:3], *layers[5:])


@DECODER.mistake
def decoder_that_does_not_grow(d):
    """The picture stays too small: two of the transposed convolutions need stride 2 to double the side, 7
    to 14 to 28."""
    layers = decoder_layers(d)
    layers[5], layers[7] = nn.ConvTranspose2d(64, 32, 3, 1, 1), nn.ConvTranspose2d(32, 1, 3, 1, 1)
    return nn.Sequential(*layers)


@DECODER.mistake
def decoder_with_output_padding(d):
    """The side doubles, but with kernel 3 and output_padding. Here it is kernel 4, stride 2, padding 1,
    where every output pixel gets the same number of contributions."""
    layers = decoder_layers(d)
    layers[5] = nn.ConvTranspose2d(64, 32, 3, 2, 1, output_padding=1)
    layers[7] = nn.ConvTranspose2d(32, 1, 3, 2, 1, output_padding=1)
    return nn.Sequential(*layers)


# ------------------------------------------------------------------------------------------ vae/condition


def features_and_labels(seed: int) -> list[Case]:
    g = generator(seed)

    def draw(b, d, classes, labels):
        return {"h": torch.randn(b, d, generator=g), "label": torch.tensor(labels), "classes": classes}

    digits = [
        3,
        0,
        7,
        3,
        *torch.randint(8, (36,), generator=g).tolist(),
    ]  # never 9: the last classes are absent
    return [
        Case("digits of which the last are absent", draw(40, pick(2, 9, g), 10, digits), seed, strided=True),
        Case("a batch of one", draw(1, 3, 6, [2]), seed + 1),
        Case("two classes", draw(4, 2, 2, [1, 0, 0, 1]), seed + 2),
    ]


CONDITION = Exercise("vae/condition", points=1, reference=append_label, inputs=features_and_labels)


@CONDITION.accept
def append_by_identity(h, label, classes):
    return torch.cat((h, torch.eye(classes)[label]), -1)


@CONDITION.accept
def append_by_comparison(h, label, classes):
    return torch.hstack([h, (label.unsqueeze(1) == torch.arange(classes)).float()])


@CONDITION.accept
def append_by_writing(h, label, classes):
    one_hot = torch.zeros(len(h), classes)
    one_hot[torch.arange(len(h)), label] = 1.0
    return torch.cat([h, one_hot], dim=1)


@CONDITION.mistake
def append_the_number(h, label, classes):
    """You append the label as one number, which says that a 9 is nine times a 1. Append a one-hot vector,
    with `classes` entries."""
    return torch.cat([h, label[:, None].to(h.dtype)], dim=1)


@CONDITION.mistake
def append_the_number_everywhere(h, label, classes):
    """You append the label's number `classes` times. A one-hot vector is 1 at the label's place and 0
    elsewhere."""
    return torch.cat([h, label[:, None].to(h.dtype).expand(-1, classes)], dim=1)


@CONDITION.mistake
def prepend_the_label(h, label, classes):
    """The label stands before the features. It comes after them: torch.cat([h, one_hot], dim=1)."""
    return torch.cat([F.one_hot(label, classes).to(h.dtype), h], dim=1)


@CONDITION.mistake
def append_classes_of_this_batch(h, label, classes):
    """F.one_hot(label) counts the classes of this batch, so the width changes when the last class is
    absent. Tell it: F.one_hot(label, classes)."""
    return torch.cat([h, F.one_hot(label).to(h.dtype)], dim=1)


@CONDITION.mistake
def append_shifted_label(h, label, classes):
    """The 1 stands one place beside the label: classes count from 0, so label k is entry k."""
    return torch.cat([h, F.one_hot((label - 1) % classes, classes).to(h.dtype)], dim=1)


@CONDITION.mistake
def append_zeros(h, label, classes):
    """The appended vector is all zeros: nothing is written at the label's place, so the network is not told
    the label."""
    return torch.cat([h, torch.zeros(len(h), classes)], dim=1)


@CONDITION.mistake
def append_first_label(h, label, classes):
    """Every row gets the label of the first image. Each row has its own: label[i] for row i."""
    return torch.cat([h, F.one_hot(label[:1], classes).to(h.dtype).expand(len(h), -1)], dim=1)


@CONDITION.mistake
def append_to_detached_features(h, label, classes):
    """The values are right, but h is detached: no gradient reaches the layers before it, so the encoder
    would not learn."""
    return torch.cat([h.detach(), F.one_hot(label, classes).to(h.dtype)], dim=1)


# ---------------------------------------------------------------------------------------- vae/interpolate


def two_codes(seed: int) -> list[Case]:
    g = generator(seed)

    def draw(d, steps):
        return {"a": torch.randn(d, generator=g), "b": torch.randn(d, generator=g), "steps": steps}

    return [
        Case("several steps", draw(pick(2, 5, g), pick(6, 9, g)), seed),
        Case("two steps: the ends", draw(3, 2), seed + 1),
        Case("one dimension", draw(1, 5), seed + 2),
    ]


INTERPOLATE = Exercise("vae/interpolate", points=1, reference=interpolate, inputs=two_codes)


@INTERPOLATE.accept
def interpolate_by_lerp(a, b, steps):
    return torch.lerp(a, b, torch.linspace(0, 1, steps).unsqueeze(-1))


@INTERPOLATE.accept
def interpolate_by_outer(a, b, steps):
    return a + torch.outer(torch.arange(steps) / (steps - 1), b - a)


@INTERPOLATE.accept
def interpolate_by_stacking(a, b, steps):
    return torch.stack([a + (b - a) * i / (steps - 1) for i in range(steps)])


@INTERPOLATE.mistake
def interpolate_without_end(a, b, steps):
    """The last point is missing: the line stops one step before b. torch.linspace(0, 1, steps) includes
    both ends."""
    t = torch.arange(steps)[:, None] / steps
    return (1 - t) * a + t * b


@INTERPOLATE.mistake
def interpolate_without_start(a, b, steps):
    """The first point is missing: the line begins one step after a. torch.linspace(0, 1, steps) includes
    both ends."""
    t = torch.arange(1, steps + 1)[:, None] / steps
    return (1 - t) * a + t * b


@INTERPOLATE.mistake
def interpolate_without_ends(a, b, steps):
    """Both ends are missing: the line holds only points between a and b. The first is a itself, the last
    b."""
    t = torch.linspace(0, 1, steps + 2)[1:-1, None]
    return (1 - t) * a + t * b


@INTERPOLATE.mistake
def interpolate_with_one_more(a, b, steps):
    """There is one point too many: `steps` counts the points, both ends among them, not the gaps between
    them."""
    t = torch.linspace(0, 1, steps + 1)[:, None]
    return (1 - t) * a + t * b


@INTERPOLATE.mistake
def interpolate_backwards(a, b, steps):
    """The line runs from b to a. It begins at a, where t = 0: (1 - t) a + t b."""
    t = torch.linspace(0, 1, steps)[:, None]
    return t * a + (1 - t) * b


@INTERPOLATE.mistake
def interpolate_past_the_end(a, b, steps):
    """The line runs from a to a + b. The direction is b - a: a + t (b - a)."""
    return a + torch.linspace(0, 1, steps)[:, None] * b


@INTERPOLATE.mistake
def interpolate_in_columns(a, b, steps):
    """The points are columns. Each point is a row: (steps, d), so that the decoder takes them as a batch."""
    t = torch.linspace(0, 1, steps)
    return a[:, None] * (1 - t) + b[:, None] * t


@INTERPOLATE.mistake
def interpolate_on_the_sphere(a, b, steps):
    """These points lie on an arc (slerp), not on the straight line from a to b: (1 - t) a + t b."""
    angle = torch.arccos(F.cosine_similarity(a, b, dim=0).clamp(-0.9999, 0.9999))
    t = torch.linspace(0, 1, steps)[:, None]
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)


@INTERPOLATE.mistake
def interpolate_detached(a, b, steps):
    """The values are right, but a and b are detached: no gradient can come back through the line."""
    t = torch.linspace(0, 1, steps)[:, None]
    return ((1 - t) * a + t * b).detach()


EXERCISES = (REPARAMETERIZE, KL, ELBO, DECODER, CONDITION, INTERPOLATE)
