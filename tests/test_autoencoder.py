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
    ResidualBlock,
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


def test_a_draw_has_the_mean_and_the_spread_it_is_given():
    mean, logvar = torch.tensor([3.0, -1.0]), torch.tensor([0.25, 4.0]).log()  # spreads 0.5 and 2
    z = draw(mean.view(1, 2, 1, 1).expand(40_000, 2, 1, 1), logvar.view(1, 2, 1, 1).expand(40_000, 2, 1, 1))
    torch.testing.assert_close(z.mean(dim=(0, 2, 3)), mean, atol=0.04, rtol=0)  # four standard errors
    torch.testing.assert_close(z.std(dim=(0, 2, 3)), torch.tensor([0.5, 2.0]), atol=0, rtol=0.02)


def test_the_spread_cannot_run_away():
    net = tiny()
    nn.init.constant_(net.encoder[-1].bias, 500.0)
    assert net.encode(torch.zeros(1, 3, 16, 16))[1].max() == 10
    nn.init.constant_(net.encoder[-1].bias, -500.0)
    assert net.encode(torch.zeros(1, 3, 16, 16))[1].min() == -20


def test_a_block_adds_to_what_it_gets():
    block, x = ResidualBlock(4), torch.randn(2, 4, 3, 3)
    for weight in block.change[-1].parameters():
        nn.init.zeros_(weight)
    assert torch.equal(block(x), x)


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
    a.requires_grad_(), b.requires_grad_()
    perceptual_distance(lambda x: [2 * x], a, b).backward()
    assert a.grad.abs().sum() > 0 and b.grad is None  # the truth costs no backward pass


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
    rebuild, judge = autoencoder_players(net, D, maps, rate=3e-4, discriminator_rate=7e-4)
    sum(rebuild.loss(batch).values()).backward()
    assert all(w.grad is None for w in D.parameters())
    assert all(w.grad is not None for w in net.parameters())
    net.zero_grad(set_to_none=True)
    sum(judge.loss(batch).values()).backward()
    assert all(w.grad is None for w in net.parameters())
    assert all(w.grad is not None for w in D.parameters())
    for player, own, rate in ((rebuild, net, 3e-4), (judge, D, 7e-4)):
        (group,) = player.optimizer.param_groups
        assert {id(w) for w in group["params"]} == {id(w) for w in own.parameters()}
        assert group["lr"] == rate
    assert autoencoder_player(net, maps, rate=0.5).optimizer.param_groups[0]["lr"] == 0.5


def test_d_is_taught_to_praise_the_real_ones():
    """With a D that likes bright patches, white images are right by more than the margin, grey ones not."""
    net, D = tiny(), nn.Conv2d(3, 1, 1, bias=False)
    nn.init.constant_(D.weight, 1.0)  # white: a logit of 3
    rebuild = net.decoder[-1][0]
    nn.init.zeros_(rebuild.weight), nn.init.constant_(rebuild.bias, -1.0)  # black, whatever it sees
    _, judge = autoencoder_players(net, D, maps)
    losses = judge.loss({"image": torch.ones(2, 3, 16, 16)})
    assert losses["real"] == 0 and losses["fake"] == 0
    losses = judge.loss({"image": -torch.ones(2, 3, 16, 16)})
    assert losses["real"] == 4 and losses["fake"] == 0


def test_what_is_taught_is_a_draw_and_what_is_shown_is_the_mean():
    net, x = tiny(), torch.rand(2, 3, 16, 16)
    nn.init.constant_(net.encoder[-1].bias, 3.0)  # a wide spread
    losses = [autoencoder_loss(net, x, maps, Weights())["pixels"] for _ in range(2)]
    assert not torch.equal(*losses)
    shown = [reconstruct(net, x) for _ in range(2)]
    nn.init.constant_(net.decoder[-1][0].bias, 5.0)
    assert torch.equal(*shown) and reconstruct(net, x).max() == 1


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
