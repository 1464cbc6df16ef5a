"""pix2pix: the U-Net and the conditional PatchGAN at the paper's size, the losses by hand, and the game."""

import copy
import itertools

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce

from course_lib.models.cyclegan import measured_field
from course_lib.models.pix2pix import (
    PairGame,
    make_pair_discriminator,
    make_unet,
    pair,
    pair_discriminator_loss,
    pix2pix_loss,
    pix2pix_players,
)
from course_lib.training.loop import train


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def parameters(net: nn.Module) -> int:
    return sum(weight.numel() for weight in net.parameters())


def test_the_papers_sizes():
    with torch.device("meta"):
        G, D = make_unet(), make_pair_discriminator()
        assert parameters(G) == 54_414_531 and parameters(D) == 2_768_705
        assert G.eval()(torch.empty(1, 3, 256, 256)).shape == (1, 3, 256, 256)
        assert D(torch.empty(1, 6, 256, 256)).shape == (1, 1, 30, 30)
    widths = [layer.out_channels for layer in G.modules() if isinstance(layer, nn.Conv2d)]
    assert widths == [64, 128, 256, 512, 512, 512, 512, 512]
    assert sum(isinstance(layer, nn.Dropout) for layer in G.modules()) == 3
    with_pairs = make_pair_discriminator(3, 2, 3).double()
    assert measured_field(with_pairs, 160, channels=6) == (70, 70)


@pytest.mark.parametrize(("downs", "size"), [(1, 8), (3, 16), (4, 32)])
def test_small_forms(downs, size):
    G = make_unet(3, 4, downs, dropout=0.0)
    assert G(torch.randn(2, 3, size, size)).shape == (2, 3, size, size)
    assert not any(isinstance(layer, nn.Dropout) for layer in G.modules())


def test_the_skips_carry_detail_past_the_bottom():
    """With the bottom of the U cut off, the output still feels each pixel of the input."""
    G = make_unet(1, 4, 3, dropout=0.0).double()
    lowest = [layer for layer in G.modules() if isinstance(layer, nn.Conv2d)][-1]
    nn.init.zeros_(lowest.weight)
    x = torch.randn(2, 1, 16, 16, dtype=torch.double, requires_grad=True)
    (slope,) = torch.autograd.grad(G(x)[0].square().sum(), x)
    assert (slope[0].abs() > 0).all()


def test_the_losses_are_cross_entropies_and_an_average():
    real, fake = torch.randn(2, 1, 3, 3), torch.randn(2, 1, 3, 3)
    losses = pair_discriminator_loss(real, fake)
    torch.testing.assert_close(losses["real"], bce(real, torch.ones_like(real)) / 2)
    torch.testing.assert_close(losses["fake"], bce(fake, torch.zeros_like(fake)) / 2)
    y, found = torch.zeros(2, 3, 4, 4), torch.full((2, 3, 4, 4), 0.25)
    losses = pix2pix_loss(fake, found, y, 100.0)
    torch.testing.assert_close(losses["fool"], bce(fake, torch.ones_like(fake)))
    assert losses["L1"].item() == pytest.approx(25)


def batch(k: int, n: int = 4) -> dict[str, torch.Tensor]:
    x = torch.rand(n, 3, 8, 8, generator=torch.Generator().manual_seed(k)) * 2 - 1
    return {"image": x, "other": -x.flip(3)}


def test_the_game_equals_a_loop_written_by_hand():
    G, D = make_unet(3, 4, 2, dropout=0.0), make_pair_discriminator(3, 4, 1)
    G2, D2 = copy.deepcopy(G), copy.deepcopy(D)
    game = PairGame(weight=10.0, generator_rate=1e-3, discriminator_rate=1e-3)
    for _ in train(pix2pix_players(G, D, game), (batch(k) for k in itertools.count()), 4):
        pass
    move_G = torch.optim.Adam(G2.parameters(), lr=1e-3, betas=(0.5, 0.999))
    move_D = torch.optim.Adam(D2.parameters(), lr=1e-3, betas=(0.5, 0.999))
    for k in range(4):
        x, y = batch(k)["image"], batch(k)["other"]
        fake = G2(x)
        real, found = D2(pair(x, y)), D2(pair(x, fake.detach()))
        move_D.zero_grad()
        (0.5 * bce(real, torch.ones_like(real)) + 0.5 * bce(found, torch.zeros_like(found))).backward()
        move_D.step()
        found = D2(pair(x, fake))
        move_G.zero_grad()
        (bce(found, torch.ones_like(found)) + 10 * (fake - y).abs().mean()).backward()
        move_G.step()
    for mine, theirs in zip([*G.parameters(), *D.parameters()], [*G2.parameters(), *D2.parameters()],
                            strict=True):  # fmt: skip
        torch.testing.assert_close(mine, theirs, atol=2e-5, rtol=1e-4)


def test_d_sees_the_input_beside_the_translation():
    D, x, y = make_pair_discriminator(3, 4, 1), torch.randn(2, 3, 8, 8), torch.randn(2, 3, 8, 8)
    x.requires_grad_()
    (slope,) = torch.autograd.grad(D(pair(x, y)).sum(), x)
    assert slope.abs().sum() > 0 and not torch.equal(pair(x, y), pair(y, x))


def test_pairs_are_learned():
    """y is x mirrored and inverted: 150 moves bring the L1 distance from above 0.4 to under 0.2."""
    G, D = make_unet(3, 8, 2, dropout=0.0), make_pair_discriminator(3, 4, 1)
    data = batch(0, 2)
    before = (G(data["image"]) - data["other"]).abs().mean().item()
    game = PairGame(generator_rate=4e-3, discriminator_rate=1e-3)
    for _ in train(pix2pix_players(G, D, game), itertools.repeat(data), 150):
        pass
    after = (G(data["image"]) - data["other"]).abs().mean().item()
    assert before > 0.4 and after < 0.2, (before, after)
