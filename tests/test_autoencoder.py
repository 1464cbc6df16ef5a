"""The autoencoder's four losses by hand, who learns from which, and that pictures come back."""

import copy

import pytest
import torch
from torch import nn
from torch.distributions import Normal, kl_divergence

from course_lib.metrics.features import digits_extractor, faces_extractor
from course_lib.metrics.perceptual import feature_maps
from course_lib.models.autoencoder import (
    KLAutoencoder,
    Weights,
    autoencoder_loss,
    autoencoder_player,
    autoencoder_players,
    draw,
    latent_kl,
    patch_discriminator_loss,
    patch_generator_loss,
    perceptual_distance,
    pixel_distance,
    reconstruct,
)
from course_lib.models.cyclegan import make_discriminator
from course_lib.training.loop import train


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def tiny() -> KLAutoencoder:
    return KLAutoencoder(z=2, channels=3, widths=(4, 8, 8))


def maps(x):
    return [x, nn.functional.avg_pool2d(x, 2)]


@pytest.mark.parametrize("widths, side", [((4, 8, 8), 4), ((4, 8), 8)])
def test_shapes(widths, side):
    net, x = KLAutoencoder(5, 3, widths), torch.rand(2, 3, 32, 32) * 2 - 1
    mean, logvar = net.encode(x)
    assert mean.shape == logvar.shape == (2, 5, side, side) and net.f == 32 // side
    assert net.decode(draw(mean, logvar)).shape == x.shape


def test_the_losses_by_hand():
    a, b = torch.rand(2, 3, 4, 4), torch.rand(2, 3, 4, 4)
    assert pixel_distance(a, b).item() == pytest.approx((a - b).abs().mean().item())
    mean, logvar = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)
    expected = kl_divergence(Normal(mean, (logvar / 2).exp()), Normal(0.0, 1.0)).mean()
    torch.testing.assert_close(latent_kl(mean, logvar), expected)
    real, fake = torch.tensor([2.0, 0.5]), torch.tensor([-3.0, 0.5])
    losses = patch_discriminator_loss(real, fake)
    assert losses["real"].item() == 0.25 and losses["fake"].item() == 0.75
    assert patch_generator_loss(fake).item() == 1.25


def test_perceptual_distance_compares_directions():
    a, b = torch.rand(2, 3, 4, 4) + 0.1, torch.rand(2, 3, 4, 4) + 0.1
    one = lambda x: [x]  # noqa: E731
    assert perceptual_distance(one, a, 3 * a).item() == pytest.approx(0, abs=1e-6)
    cosine = nn.functional.cosine_similarity(a, b, dim=1)
    assert perceptual_distance(one, a, b).item() == pytest.approx((2 - 2 * cosine).mean().item(), rel=1e-4)
    a.requires_grad_()
    perceptual_distance(maps, a, b).backward()
    assert a.grad.abs().sum() > 0


def test_the_extractors_layers():
    extractor = faces_extractor()
    x = (torch.rand(2, 3, 64, 64) * 2 - 1).requires_grad_()
    found = feature_maps(extractor)(x)
    assert [tuple(h.shape[1:]) for h in found] == [(24, 32, 32), (48, 16, 16), (64, 8, 8)]
    last = nn.functional.max_pool2d(found[-1], 2).flatten(1)
    torch.testing.assert_close(extractor.net.body[-1](extractor.net.body[-2](last)), extractor(x.detach())[0])
    sum(h.sum() for h in found).backward()
    assert x.grad.abs().sum() > 0 and all(w.grad is None for w in extractor.net.parameters())
    other = copy.copy(digits_extractor())
    object.__setattr__(other, "net", nn.Identity())
    with pytest.raises(ValueError, match=r"made of the course's LeNet, got digits-LeNet"):
        feature_maps(other)


def test_who_learns_from_which():
    net, D = tiny(), make_discriminator(3, 4, downs=1)
    batch = {"image": torch.rand(4, 3, 16, 16) * 2 - 1}
    rebuild, judge = autoencoder_players(net, D, maps)
    sum(rebuild.loss(batch).values()).backward()
    assert all(w.grad is None for w in D.parameters())
    assert all(w.grad is not None for w in net.parameters())
    net.zero_grad(set_to_none=True)
    sum(judge.loss(batch).values()).backward()
    assert all(w.grad is None for w in net.parameters())
    assert all(w.grad is not None for w in D.parameters())
    moved = {id(w) for group in rebuild.optimizer.param_groups for w in group["params"]}
    assert moved == {id(w) for w in net.parameters()}


def test_the_fooling_term_moves_towards_higher_logits():
    """With a D that likes bright patches, the autoencoder is taught to rebuild brighter."""
    net, D = tiny(), nn.Conv2d(3, 1, 1, bias=False)
    nn.init.ones_(D.weight)
    batch = {"image": torch.zeros(4, 3, 16, 16)}
    heavy = Weights(perceptual=0.0, kl=0.0, fool=10.0)
    before = net.decode(net.encode(batch["image"])[0]).mean().item()
    rebuild, _ = autoencoder_players(net, D, maps, heavy, rate=2e-3)
    for _ in range(5):
        sum(rebuild.loss(batch).values()).backward()
        rebuild.optimizer.step()
        rebuild.optimizer.zero_grad()
    assert net.decode(net.encode(batch["image"])[0]).mean().item() > before + 0.1


def test_pictures_come_back():
    net = KLAutoencoder(4, 3, (8, 16))
    x = torch.linspace(-1, 1, 16).expand(8, 3, 16, 16) * torch.linspace(-1, 1, 8).view(8, 1, 1, 1)
    before = pixel_distance(reconstruct(net, x), x).item()
    batches = iter([{"image": x}] * 60)
    for _ in train([autoencoder_player(net, maps, Weights(perceptual=0.05), rate=5e-3)], batches, 60):
        pass
    assert net.training and pixel_distance(reconstruct(net, x), x).item() < 0.4 * before
    assert set(autoencoder_loss(net, x, maps, Weights())) == {"pixels", "perceptual", "kl"}
