"""vae/kl: how far each image's code is from the standard normal, in nats."""

import torch

from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise
from course_lib.models.vae import kl_to_standard_normal


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
