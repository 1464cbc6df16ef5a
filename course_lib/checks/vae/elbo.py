"""vae/elbo: the two terms of -ELBO, in nats per image."""

import torch
import torch.nn.functional as F

from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise
from course_lib.checks.vae.kl import kl_by_distributions, kl_of_each_dimension, kl_with_std
from course_lib.models.vae import kl_to_standard_normal, negative_elbo


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
