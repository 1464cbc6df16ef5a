"""The U-Net's sizes, its embedding against the formula, its attention against a loop, what reaches what."""

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from diffusers.models.embeddings import TimestepEmbedding
from diffusers.models.resnet import ResnetBlock2D
from torch import nn

from course_lib.models.unet import DIGITS, PAPER, Attention, Block, Shape, UNet, time_embedding

TINY = Shape(channels=1, widths=(8, 16), blocks=1, attention=(1,), groups=4, dropout=0.0, classes=10)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def parameters(net) -> int:
    return sum(weight.numel() for weight in net.parameters())


def awake(net):
    """The net with none of its weights 0, as after a little training."""
    with torch.no_grad():
        for weight in net.parameters():
            if not weight.any():
                weight.normal_(0, 0.1)
    return net


def test_the_paper_s_network_has_35_7_million_parameters():
    """Built without memory, on the meta device; 35,746,307 is what Ho's code has for CIFAR-10."""
    with torch.device("meta"):
        net = UNet(PAPER)
        assert parameters(net) == 35_746_307
        assert net(torch.empty(2, 3, 32, 32), torch.empty(2)).shape == (2, 3, 32, 32)


@pytest.mark.parametrize(
    "shape",
    [
        TINY,
        DIGITS,
        replace(TINY, heads=2),
        replace(TINY, patch=2),
        replace(TINY, widths=(8, 8, 16), blocks=2),
    ],
)
@pytest.mark.parametrize("size", [8, 16])
def test_the_picture_keeps_its_shape(shape, size):
    net = UNet(shape)
    x, t = torch.randn(3, 1, size, size), torch.tensor([1, 500, 1000])
    assert net(x, t, torch.tensor([0, 9, -1])).shape == x.shape


def test_it_starts_by_saying_nothing():
    """The last convolution is 0: an honest guess of eps before anything is learned, with a loss of 1."""
    assert (UNet(TINY)(torch.randn(2, 1, 8, 8), torch.tensor([1, 2])) == 0).all()


def test_the_embedding_is_its_formula():
    t = torch.tensor([0, 1, 37, 1000])
    found = time_embedding(t, 8)
    for i, time in enumerate(t.tolist()):
        waves = [time * 10_000 ** (-k / 3) for k in range(4)]
        expected = [math.sin(w) for w in waves] + [math.cos(w) for w in waves]
        torch.testing.assert_close(found[i], torch.tensor(expected), rtol=1e-4, atol=1e-4)


def test_no_two_times_look_alike():
    e = time_embedding(torch.arange(1, 1001), 64)
    distance = torch.cdist(e, e) + 9 * torch.eye(1000)
    assert distance.min() > 0.5


def test_attention_is_a_weighted_mean_over_all_pixels():
    """Against softmax(q k' / sqrt(c)) v written out pixel by pixel (arXiv:1706.03762, eq. 1)."""
    net = awake(Attention(8, replace(TINY, heads=2)))
    x = torch.randn(2, 8, 3, 4)
    h = net.norm(x).flatten(2).transpose(1, 2)
    q, (k, v) = net.ask(h), net.tell(h).split(8, dim=2)
    expected = torch.zeros(2, 12, 8)
    for b in range(2):
        for head in (slice(0, 4), slice(4, 8)):
            for i in range(12):
                weights = (k[b, :, head] @ q[b, i, head] / 4**0.5).softmax(dim=0)
                expected[b, i, head] = weights @ v[b, :, head]
    expected = x + net.out(expected).transpose(1, 2).view(2, 8, 3, 4)
    torch.testing.assert_close(net(x), expected, rtol=1e-4, atol=1e-5)


def test_time_and_label_each_reach_every_pixel():
    net = awake(UNet(TINY)).eval()
    x, t, label = torch.randn(1, 1, 8, 8), torch.tensor([3]), torch.tensor([2])
    said = net(x, t, label)
    for other in (net(x, torch.tensor([4]), label), net(x, t, torch.tensor([5])), net(x, t, None)):
        assert (said != other).all()


def test_without_a_label_is_the_label_minus_1():
    net = awake(UNet(TINY)).eval()
    x, t = torch.randn(2, 1, 8, 8), torch.tensor([3, 4])
    torch.testing.assert_close(net(x, t), net(x, t, torch.tensor([-1, -1])))
    with pytest.raises(ValueError, match="takes no labels"):
        UNet(replace(TINY, classes=0))(x, t, torch.tensor([1, 2]))


def test_each_image_is_seen_by_itself():
    net = awake(UNet(TINY)).eval()
    x, t, label = torch.randn(3, 1, 8, 8), torch.tensor([1, 50, 900]), torch.tensor([1, -1, 3])
    together = net(x, t, label)
    for i in range(3):
        alone = net(x[i : i + 1], t[i : i + 1], label[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone, rtol=1e-4, atol=1e-5)


def test_every_weight_learns():
    """One step of gradient with nothing left at 0 reaches every parameter: no layer is built and not used."""
    net = awake(UNet(replace(TINY, blocks=2)))
    net(torch.randn(2, 1, 8, 8), torch.tensor([3, 4]), torch.arange(2)).square().sum().backward()
    unused = [name for name, weight in net.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert unused == []


@pytest.mark.parametrize("width", [8, 12])
def test_a_block_is_that_of_diffusers(width):
    shape = replace(TINY, dropout=0.5)
    mine = awake(Block(8, width, 32, shape)).eval()
    theirs = ResnetBlock2D(in_channels=8, out_channels=width, temb_channels=32, groups=4, eps=1e-5).eval()
    names = {"embed": "time_emb_proj", "skip": "conv_shortcut"}
    for part in ("norm1", "conv1", "embed", "norm2", "conv2", "skip"):
        if not isinstance(layer := getattr(mine, part), nn.Identity):
            layer.weight.data.normal_()
            getattr(theirs, names.get(part, part)).load_state_dict(layer.state_dict())
    x, embedding = torch.randn(2, 8, 4, 4), torch.randn(2, 32)
    torch.testing.assert_close(
        mine(x, F.silu(embedding)), theirs(x, embedding), atol=1e-4, rtol=1e-4
    )  # theirs applies the SiLU in each block, ours once
    mine.train()
    assert not torch.equal(mine(x, embedding), mine(x, embedding))  # dropout


def test_the_time_goes_through_the_layers_of_diffusers():
    net = UNet(replace(TINY, classes=0))
    theirs = TimestepEmbedding(8, 32)
    theirs.linear_1.load_state_dict(net.time[0].state_dict())
    theirs.linear_2.load_state_dict(net.time[2].state_dict())
    t = torch.tensor([1, 30, 1000])
    torch.testing.assert_close(net.embed(t, None), F.silu(theirs(time_embedding(t, 8))))


def test_the_bridges_carry_each_pixel_past_the_bottom():
    """With what comes up from below cut off, the output still feels every pixel of the input."""
    net = awake(UNet(TINY))
    for weight in net.way.grow[-1].parameters():
        nn.init.zeros_(weight)
    x = torch.randn(1, 1, 8, 8, requires_grad=True)
    (slope,) = torch.autograd.grad(net(x, torch.tensor([3])).square().sum(), x)
    assert (slope != 0).all()


def test_what_reaches_the_last_layer_is_normed_and_bent():
    net, seen = awake(UNet(TINY)), []
    net.last.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    net(torch.randn(2, 1, 8, 8), torch.tensor([1, 2]))
    assert -0.2785 < seen[0].min() < -0.1 and seen[0].max() > 0.5  # SiLU's range


def test_attention_stands_where_it_is_asked_for():
    def where(**fields):
        named = UNet(replace(TINY, widths=(8, 16), blocks=2, **fields)).named_modules()
        return [name for name, layer in named if isinstance(layer, Attention)]

    assert where(attention=(), middle_attention=False) == []
    assert len(where(attention=(), middle_attention=True)) == 1
    assert len(where(attention=(1,), middle_attention=False)) == 2 + 3  # two stages down, three up


def test_a_block_starts_as_its_shortcut():
    block = Block(8, 8, 32, TINY)
    x = torch.randn(2, 8, 4, 4)
    assert torch.equal(block(x, torch.randn(2, 32)), x)


def test_patches_come_back_where_they_were():
    """With a net that passes its 4 channels on, the picture must be the picture."""
    net = UNet(replace(TINY, patch=2))
    seen = []
    net.first.register_forward_hook(lambda module, args, out: seen.append(args[0]))
    net.last.register_forward_hook(lambda module, args, out: seen[0])
    x = torch.randn(2, 1, 8, 8)
    assert torch.equal(net(x, torch.tensor([1, 2])), x)
    assert torch.equal(seen[0][:, 1], x[:, 0, ::2, 1::2])  # pixel (0, 1) of each 2x2 patch
