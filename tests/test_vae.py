"""The VAE against truths known in closed form."""

import math

import pytest
import torch
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from course_lib.models.vae import (
    VAE,
    Autoencoder,
    ConditionalVAE,
    append_label,
    autoencoder_loss,
    bernoulli_mean,
    cvae_loss,
    cvae_player,
    gaussian_mean,
    gaussian_negative_elbo,
    interpolate,
    kl_to_standard_normal,
    make_decoder,
    negative_elbo,
    one_hot,
    reparameterize,
    sample_cvae,
    sample_vae,
    vae_loss,
    vae_player,
)
from course_lib.training.loop import train


def test_kl_is_that_of_torch_distributions():
    mean, logvar = torch.randn(7, 5), torch.randn(7, 5)
    expected = kl_divergence(Normal(mean, (logvar / 2).exp()), Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(kl_to_standard_normal(mean, logvar), expected)
    assert kl_to_standard_normal(torch.zeros(3, 4), torch.zeros(3, 4)).eq(0).all()


def test_reparameterized_draws_have_the_stated_moments_and_gradients():
    torch.manual_seed(0)
    mean = torch.full((200_000, 1), 2.0, requires_grad=True)
    logvar = torch.full((200_000, 1), math.log(9.0), requires_grad=True)
    z = reparameterize(mean, logvar)
    assert abs(z.mean().item() - 2) < 0.03  # 4 standard errors of 3 / sqrt(200,000)
    assert abs(z.std().item() - 3) < 0.02
    z.sum().backward()
    assert mean.grad.eq(1).all()
    # dz/dlogvar = (z - mean) / 2
    torch.testing.assert_close(logvar.grad, ((z - mean) / 2).detach(), rtol=1e-4, atol=1e-5)


def orthogonal_decoder():
    """A linear-Gaussian world in 5-D with two latent dimensions, whose exact posterior is diagonal."""
    torch.manual_seed(1)
    basis = torch.linalg.qr(torch.randn(5, 2, dtype=torch.float64)).Q
    return basis * torch.tensor([2.0, 0.7], dtype=torch.float64), 0.3


def test_the_elbo_of_a_linear_vae_with_the_exact_posterior_is_the_log_likelihood():
    """Probabilistic PCA (Tipping and Bishop 1999): p(x) = N(0, W W' + s2 I); p(z|x) is diagonal here."""
    W, s2 = orthogonal_decoder()
    x = MultivariateNormal(torch.zeros(5).double(), W @ W.T + s2 * torch.eye(5)).sample((4,))
    precision = 1 + (W**2).sum(0) / s2
    mean, logvar = x @ W / s2 / precision, (-precision.log()).expand(4, 2)
    draws = 20_000
    z = reparameterize(mean.repeat(draws, 1), logvar.repeat(draws, 1))
    log_px_z = Normal(z @ W.T, math.sqrt(s2)).log_prob(x.repeat(draws, 1)).sum(1).view(draws, 4)
    elbo = log_px_z.mean(0) - kl_to_standard_normal(mean, logvar)
    truth = MultivariateNormal(torch.zeros(5).double(), W @ W.T + s2 * torch.eye(5)).log_prob(x)
    assert ((elbo - truth).abs() < 5 * log_px_z.std(0) / math.sqrt(draws)).all()
    worse = log_px_z.mean(0) - kl_to_standard_normal(mean + 0.5, logvar)
    assert (worse < truth).any()


def test_training_a_linear_vae_reaches_the_likelihood_of_probabilistic_pca():
    W, s2 = orthogonal_decoder()
    truth = MultivariateNormal(torch.zeros(5), (W @ W.T + s2 * torch.eye(5)).float())
    torch.manual_seed(0)
    x = truth.sample((2_000,))
    encoder, decoder = torch.nn.Linear(5, 4), torch.nn.Linear(2, 5)
    log_s2 = torch.nn.Parameter(torch.zeros(()))
    adam = torch.optim.Adam([*encoder.parameters(), *decoder.parameters(), log_s2], lr=2e-2)
    averages = []
    for k in range(800):
        mean, logvar = encoder(x).chunk(2, dim=1)
        log_px_z = Normal(decoder(reparameterize(mean, logvar)), (log_s2 / 2).exp()).log_prob(x).sum(1)
        loss = (kl_to_standard_normal(mean, logvar) - log_px_z).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        if k >= 700:
            averages.append(-loss.item())
    # Tipping and Bishop, eq. (4): the maximum of the likelihood, from the eigenvalues of the covariance.
    eigenvalues = torch.linalg.eigvalsh(torch.cov(x.T, correction=0)).flip(0)
    noise = eigenvalues[2:].mean()
    best = -0.5 * (5 * math.log(2 * math.pi) + eigenvalues[:2].log().sum() + 3 * noise.log() + 5)
    reached = sum(averages) / len(averages)
    assert best - 0.06 < reached < best + 0.02, (reached, best.item())


def test_negative_elbo_counts_nats_per_image():
    x = torch.ones(3, 1, 28, 28)
    undecided = negative_elbo(torch.zeros_like(x), x, torch.zeros(3, 2), torch.zeros(3, 2))
    assert undecided["recon"].item() == pytest.approx(784 * math.log(2), rel=1e-6)
    assert undecided["kl"].item() == 0
    extreme = negative_elbo(torch.full_like(x, 1e4), -x, torch.zeros(3, 2), torch.zeros(3, 2))
    assert extreme["recon"].item() == pytest.approx(784e4)  # finite: taken from logits


def test_gaussian_elbo_uses_the_variance_that_is_best():
    torch.manual_seed(0)
    x, x_hat, zero = torch.rand(4, 3, 8, 8) * 2 - 1, torch.rand(4, 3, 8, 8) * 2 - 1, torch.zeros(4, 2)
    here = gaussian_negative_elbo(x_hat, x, zero, zero)["recon"]
    mse = ((x - x_hat) ** 2).mean()
    at = lambda s2: -Normal(x_hat, s2.sqrt()).log_prob(x).flatten(1).sum(1).mean()  # noqa: E731
    torch.testing.assert_close(here, at(mse))
    assert here < at(mse * 1.1) and here < at(mse * 0.9)


def test_append_label_and_interpolate():
    h = append_label(torch.tensor([[5.0], [6.0]]), torch.tensor([2, 0]), 3)
    assert h.tolist() == [[5, 0, 0, 1], [6, 1, 0, 0]]
    line = interpolate(torch.tensor([0.0, 1.0]), torch.tensor([4.0, 1.0]), 5)
    assert line.tolist() == [[0, 1], [1, 1], [2, 1], [3, 1], [4, 1]]


@pytest.mark.parametrize(("channels", "size"), [(1, 28), (3, 32)])
def test_networks_give_images_of_the_size_they_take(channels, size):
    x, y = torch.rand(2, channels, size, size) * 2 - 1, one_hot(torch.tensor([0, 3]), 10)
    vae = VAE(6, channels, size, width=8)
    cvae = ConditionalVAE(6, 10, channels, size, width=8)
    assert sample_vae(vae, 5).shape == (5, channels, size, size)
    assert sample_cvae(cvae, y).shape == x.shape
    assert vae.training and cvae.training  # eval mode was borrowed
    for losses in (
        vae_loss(vae, x),
        cvae_loss(cvae, x, y),
        autoencoder_loss(Autoencoder(6, channels, size, 8), x),
    ):
        assert all(value.shape == () and value.isfinite() for value in losses.values())
    assert bernoulli_mean(torch.tensor([[[[-50.0, 50.0]]]])).flatten().tolist() == [-1, 1]
    assert gaussian_mean(torch.full((1, 1, 1, 1), 3.0)).item() == 1


def test_the_decoder_of_the_lesson_has_123_553_parameters():
    assert sum(p.numel() for p in make_decoder(16).parameters()) == 123_553


def test_the_label_reaches_both_networks():
    torch.manual_seed(0)
    cvae, x = ConditionalVAE(4, 10, width=8), torch.rand(2, 1, 28, 28)
    zeros, ones = (one_hot(torch.full((2,), k), 10) for k in (0, 1))
    assert not torch.equal(cvae.encode(x, zeros)[0], cvae.encode(x, ones)[0])
    z = torch.randn(2, 4)
    assert not torch.equal(cvae.decode(z, zeros), cvae.decode(z, ones))


def test_players_learn_one_batch_by_heart():
    torch.manual_seed(0)
    x = torch.full((8, 1, 28, 28), -1.0)
    for k in range(8):
        x[k, :, 3 * k : 3 * k + 4] = 1  # a bar of its own for each
    batch = {"image": x, "label": torch.arange(8)}
    for player in (vae_player(VAE(8, width=8)), cvae_player(ConditionalVAE(8, 10, width=8))):
        seen = [
            step.losses[player.name]["recon"].item() for step in train([player], iter([batch] * 200), 200)
        ]
        assert seen[-1] < 0.2 * seen[0]
