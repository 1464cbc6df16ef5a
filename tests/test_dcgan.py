"""The DCGAN's networks against the published table, and its small helpers against known answers."""

import math

import pytest
import torch
from torch import nn

from course_lib.models.dcgan import (
    checkerboard_energy,
    initialise,
    make_discriminator,
    make_generator,
    sides,
    up_size,
    with_spectral_norm,
    without_batch_norm,
)
from course_lib.models.gan import draw_codes, sample_gan


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def shapes(net: nn.Sequential, x: torch.Tensor) -> list[tuple[int, ...]]:
    found = []
    for layer in net:
        x = layer(x)
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            found.append(tuple(x.shape[1:]))
    return found


def parameters(net: nn.Module) -> int:
    return sum(weight.numel() for weight in net.parameters())


def test_the_generator_is_that_of_the_table():
    G = make_generator()
    assert parameters(G) == 3_806_080
    up = [(512, 4, 4), (256, 8, 8), (128, 16, 16), (64, 32, 32), (3, 64, 64)]
    assert shapes(G, torch.randn(2, 128)) == up
    kinds = [type(layer).__name__ for layer in G]
    assert kinds == [
        "Unflatten",
        *["ConvTranspose2d", "BatchNorm2d", "ReLU"] * 4,
        "ConvTranspose2d",
        "Tanh",
    ]


def test_the_discriminator_is_that_of_the_table():
    D = make_discriminator()
    assert parameters(D) == 2_765_696
    down = [(64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4), (1, 1, 1)]
    assert shapes(D, torch.randn(2, 3, 64, 64)) == down
    assert all(layer.negative_slope == 0.2 for layer in D if isinstance(layer, nn.LeakyReLU))
    kinds = [type(layer).__name__ for layer in D]
    assert kinds == [*["Conv2d", "BatchNorm2d", "LeakyReLU"] * 4, "Conv2d", "Flatten"]


@pytest.mark.parametrize(("size", "channels"), [(28, 1), (32, 3), (64, 3)])
def test_small_forms_keep_the_shape_of_the_game(size, channels):
    G, D = make_generator(6, channels, size, 4), make_discriminator(channels, size, 4)
    fake = sample_gan(G, draw_codes(3, 6))
    assert fake.shape == (3, channels, size, size) and fake.abs().max() <= 1
    assert D(fake).shape == (3,)
    assert not any(
        layer.bias is not None for net in (G, D) for layer in net if "Conv" in type(layer).__name__
    )


def test_sides_are_halved_down_to_the_smallest():
    assert [sides(size)[0] for size in (28, 32, 48, 64, 128)] == [7, 4, 6, 4, 4]
    assert sides(28) == [7, 14, 28] and sides(28, 4) == [4, 7, 14, 28] and sides(64, 4) == sides(64)
    for size, smallest in [(7, 7), (4, 4), (3, 7)]:
        with pytest.raises(ValueError, match="above"):
            sides(size, smallest)


@pytest.mark.parametrize("size", [8, 13, 28, 30, 31, 36])
def test_any_size_is_met_in_as_many_stages_as_it_has_sides(size):
    for smallest in (4, 7):
        G, D = make_generator(3, 1, size, 2, smallest), make_discriminator(1, size, 2, smallest)
        fake = sample_gan(G, draw_codes(2, 3))
        assert [shape[1] for shape in shapes(G, torch.randn(2, 3))] == sides(size, smallest)
        assert [shape[1] for shape in shapes(D, fake)] == [*sides(size, smallest)[-2::-1], 1]


def test_the_side_after_a_transposed_convolution():
    for side, kernel, stride, padding, extra in [
        (4, 4, 2, 1, 0),
        (1, 7, 1, 0, 0),
        (5, 3, 2, 1, 1),
        (6, 5, 3, 2, 2),
    ]:
        layer = nn.ConvTranspose2d(1, 1, kernel, stride, padding, extra)
        assert layer(torch.zeros(1, 1, side, side)).shape[-1] == up_size(side, kernel, stride, padding, extra)


def test_initialisation_draws_what_the_paper_says():
    for net in (initialise(make_generator(64, 3, 32, 32)), initialise(make_discriminator(3, 32, 32))):
        for layer in net:
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                n = layer.weight.numel()
                assert layer.weight.std().item() == pytest.approx(0.02, rel=5 / math.sqrt(2 * n))
                assert abs(layer.weight.mean().item()) < 5 * 0.02 / math.sqrt(n)
            elif isinstance(layer, nn.BatchNorm2d):
                assert layer.bias.eq(0).all()
                assert layer.weight.mean().item() == pytest.approx(1, abs=0.02) and layer.weight.std() > 0.01
    linear = initialise(nn.Linear(100, 100))
    assert linear.bias.eq(0).all() and linear.weight.std().item() == pytest.approx(0.02, rel=0.1)


def test_spectral_norm_bounds_every_layer():
    D = with_spectral_norm(without_batch_norm(make_discriminator(1, 28, 4)))
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in D)
    for _ in range(30):  # power iteration: one step for each forward pass in train mode
        D(torch.randn(2, 1, 28, 28))
    D.eval()
    for layer in D:
        if isinstance(layer, nn.Conv2d):
            assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=0.02)


def test_checkerboard_energy_of_known_pictures():
    i, j = torch.meshgrid(torch.arange(28), torch.arange(28), indexing="ij")
    board = ((i + j) % 2 * 2.0 - 1)[None, None]
    wave = torch.cos(2 * math.pi * i / 28)[None, None]
    assert checkerboard_energy(board) == pytest.approx(1, abs=1e-5)
    assert checkerboard_energy(wave) == pytest.approx(0, abs=1e-5)
    assert checkerboard_energy(board + wave) == pytest.approx(1 / (1 + 0.5), abs=1e-4)
    assert checkerboard_energy((i % 2 * 2.0 - 1)[None, None]) == pytest.approx(1, abs=1e-5)  # stripes too
    assert checkerboard_energy(torch.randn(200, 1, 28, 28)) == pytest.approx(3 / 783, rel=0.2)
    with pytest.raises(ValueError, match="divides"):
        checkerboard_energy(torch.zeros(1, 1, 9, 9))


def test_a_kernel_that_the_stride_does_not_divide_draws_checkerboards():
    x = torch.randn(16, 1, 14, 14)
    uneven, even = (
        nn.ConvTranspose2d(1, 1, 3, 2, 1, 1, bias=False),
        nn.ConvTranspose2d(1, 1, 4, 2, 1, bias=False),
    )
    with torch.no_grad():
        for layer in (uneven, even):
            layer.weight.fill_(1.0)
        smooth = torch.ones_like(x) + 0.01 * x
        assert checkerboard_energy(uneven(smooth)[..., 2:-2, 2:-2]) > 10 * checkerboard_energy(
            even(smooth)[..., 2:-2, 2:-2]
        )


@pytest.mark.parametrize(("smallest", "field"), [(7, 10), (4, 18)])
def test_what_a_place_of_the_smallest_maps_sees(smallest, field):
    """Between pixels that no place sees together D is a sum: the reason for the third stage at 28x28."""
    D = make_discriminator(1, 28, 4, smallest).double().eval()
    blank = torch.zeros(1, 1, 28, 28, dtype=torch.float64)

    def together(apart):
        found = []
        for left in range(28 - apart):
            a, b = blank.clone(), blank.clone()
            a[..., 13, left] = b[..., 13, left + apart] = 1.0
            both, first, second, none = D(torch.cat([a + b, a, b, blank]))
            found.append((both - first - second + none).abs().item())
        return max(found)

    assert together(field - 1) > 1e-9 and together(field) < 1e-12
