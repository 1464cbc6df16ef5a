"""The latent space has spread 1 and loses nothing; the loss is lesson 06's; words are heard, padding not."""

import contextlib
import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_lib.models import latent
from course_lib.models.autoencoder import KLAutoencoder
from course_lib.models.ddpm import V, cosine_schedule, ddpm_loss
from course_lib.models.latent import LatentSpace, Painter, latent_loss, latent_player, latent_scale
from course_lib.models.samplers import sample_dpm_solver
from course_lib.models.text import PAD, START, Vocabulary, empty_prompts
from course_lib.models.text_unet import TextShape, TextUNet

SHAPE = TextShape(channels=12, widths=(8, 8), listening=(0,), heads=2, d=8, text_blocks=1)
WORDS = Vocabulary(["blond", "hair", "hat", "red"], length=5)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


class Exact(KLAutoencoder):
    """An autoencoder that loses nothing: each 2x2 block of pixels is a place of 12 numbers, ten times."""

    def __init__(self):
        super().__init__(12, 3, (4,))  # its f is 2
        self.weight = nn.Parameter(torch.tensor(10.0))

    def encode(self, x):
        mean = self.weight * F.pixel_unshuffle(x, 2)
        return mean, torch.full_like(mean, -40.0)

    def decode(self, z):
        return F.pixel_shuffle(z / self.weight, 2)


def awake(net: TextUNet) -> TextUNet:
    """Layers that start at zero get weights, so that something can be seen."""
    for weight in net.parameters():
        if weight.ndim > 1 and not weight.any():
            nn.init.normal_(weight, std=0.2)
    return net.eval()


def pictures(n: int = 6, size: int = 8) -> torch.Tensor:
    return torch.rand(n, 3, size, size) * 2 - 1


class Drawn(Exact):
    """The same with a spread of 3, and it keeps the modes in which it was asked."""

    def __init__(self):
        super().__init__()
        self.modes = []

    def encode(self, x):
        self.modes.append(self.training)
        mean, _ = super().encode(x)
        return mean, torch.full_like(mean, math.log(9.0))


def painter() -> Painter:
    net = awake(TextUNet(len(WORDS), WORDS.length, SHAPE))
    return Painter(LatentSpace.of(Exact(), pictures(64)), net, WORDS, cosine_schedule(50), size=8)


def test_the_scale_brings_the_spread_to_one():
    z = torch.randn(5, 4, 3, 3) * 7 + 2
    assert (latent_scale(z) * z).std(correction=0).item() == pytest.approx(1, abs=1e-5)
    space = LatentSpace.of(Exact(), pictures(64))
    assert space.scale == pytest.approx(0.1 / pictures(4_000).std().item(), rel=0.02)
    z = space.encode(pictures(64))
    assert z.std().item() == pytest.approx(1, abs=0.03) and z.shape[1:] == space.shape(8)


def test_there_and_back():
    space, x = LatentSpace.of(Exact(), pictures()), pictures()
    torch.testing.assert_close(space.decode(space.encode(x)), x, atol=1e-5, rtol=0)
    whole = space.encode_all(x.split(4))
    torch.testing.assert_close(whole, space.encode(x))
    assert not whole.requires_grad
    net = KLAutoencoder(2, 3, (4, 4)).train()
    LatentSpace.of(net, pictures()).encode(pictures())
    assert net.training  # borrowed, and given back


def test_codes_are_drawn_in_eval_mode():
    net, x = Drawn().train(), torch.zeros(500, 3, 8, 8)
    space = LatentSpace.of(net, x)
    assert space.scale == pytest.approx(1 / 3, rel=0.02)
    assert space.encode(x).std().item() == pytest.approx(1, abs=0.02)
    assert net.modes == [False, False] and net.training


def test_many_codes_are_decoded_a_few_at_a_time(monkeypatch):
    space, x, seen = LatentSpace.of(Exact(), pictures()), pictures(7), []
    monkeypatch.setattr(latent, "DECODED", 3)
    decode = space.net.decode
    monkeypatch.setattr(space.net, "decode", lambda z: seen.append(len(z)) or decode(z))
    torch.testing.assert_close(space.decode(space.encode(x)), x, atol=1e-5, rtol=0)
    assert seen == [3, 3, 1]


def test_the_loss_is_lesson_06s_with_prompts_forgotten():
    net, schedule = awake(TextUNet(len(WORDS), WORDS.length, SHAPE)), cosine_schedule(50)
    z, tokens = torch.randn(8, 12, 4, 4), WORDS(["red hair", "blond hair"] * 4)

    torch.manual_seed(3)
    torch.rand(8)  # what forgetting draws
    expected = ddpm_loss(net, schedule, z, tokens, prediction=V)["simple"]
    torch.manual_seed(3)
    torch.testing.assert_close(latent_loss(net, schedule, z, tokens, 0.0)["simple"], expected)
    net_sees = []
    handle = net.register_forward_pre_hook(lambda _, given: net_sees.append(given[2]))
    latent_loss(net, schedule, z, tokens, 0.0)
    latent_loss(net, schedule, z, tokens, 1.0)
    handle.remove()
    assert torch.equal(net_sees[0], tokens) and torch.equal(net_sees[1], empty_prompts(tokens))


def test_the_text_encoder_learns_with_it():
    net = awake(TextUNet(len(WORDS), WORDS.length, SHAPE)).train()
    player = latent_player(net, cosine_schedule(50), 0.25, drop=0.0)
    assert player.optimizer.param_groups[0]["lr"] == 0.25
    batch = {"latent": torch.randn(8, 12, 4, 4), "tokens": WORDS(["red hair", "blond hat"] * 4)}
    net_sees = []
    net.register_forward_pre_hook(lambda _, given: net_sees.append(given[2]))
    sum(player.loss(batch).values()).backward()
    assert net.text.word.weight.grad[WORDS(["red"])[0, 1]].abs().sum() > 0
    assert all(w.grad is not None and w.grad.abs().sum() > 0 for w in net.text.blocks.parameters())
    latent_player(net, cosine_schedule(50), drop=1.0).loss(batch)
    assert torch.equal(net_sees[0], batch["tokens"])
    assert torch.equal(net_sees[1], empty_prompts(batch["tokens"]))


def test_words_are_heard_and_padding_is_not():
    net = awake(TextUNet(len(WORDS), 9, SHAPE))
    z, t = torch.randn(1, 12, 4, 4), torch.tensor([7])
    tokens = torch.tensor([[START, 5, 6]])
    padded = F.pad(tokens, (0, 4), value=PAD)
    with torch.no_grad():
        torch.testing.assert_close(net(z, t, tokens), net(z, t, padded))
        assert not torch.allclose(net(z, t, tokens), net(z, t, torch.tensor([[START, 5, 4]])), atol=1e-4)
        assert not torch.allclose(net(z, t, tokens), net(z, torch.tensor([40]), tokens), atol=1e-4)


def test_cross_attention_alone_tells_words_apart():
    """Without the summary the words still reach the picture."""
    net = awake(TextUNet(len(WORDS), 9, SHAPE))
    nn.init.zeros_(net.summary.weight)
    z, t = torch.randn(1, 12, 4, 4), torch.tensor([7])
    with torch.no_grad():
        a, b = (net(z, t, torch.tensor([[START, word]])) for word in (4, 5))
    assert not torch.allclose(a, b, atol=1e-4)


def test_an_untrained_net_says_zero():
    net = TextUNet(len(WORDS), WORDS.length, SHAPE)
    assert not net(torch.randn(2, 12, 4, 4), torch.tensor([1, 2]), WORDS(["red", ""])).any()


def test_guidance_of_one_is_the_prompt_alone():
    p, prompts = painter(), ["red hair", "blond hat"]
    z, t = torch.randn(2, 12, 4, 4), torch.tensor([20, 20])
    tokens = WORDS(prompts)
    with torch.no_grad():
        words, empty = p.net(z, t, tokens), p.net(z, t, empty_prompts(tokens))
    abar = p.schedule.abar[20]
    for w in (0.0, 1.0, 3.0):
        v = empty + w * (words - empty)
        expected = abar.sqrt() * z - (1 - abar).sqrt() * v
        torch.testing.assert_close(p.denoiser(prompts, w)(z, t), expected, atol=1e-4, rtol=1e-4)


def test_painting():
    p, prompts = painter(), ["red hair", "blond hat", ""]
    noise = p.noise(3)
    x = p.paint(prompts, 2.0, 5, noise)
    z = sample_dpm_solver(p.denoiser(prompts, 2.0), noise, p.schedule, 5)
    torch.testing.assert_close(x, p.space.decode(z))
    assert x.shape == (3, 3, 8, 8) and x.abs().max() <= 1
    assert torch.equal(x, p.paint(prompts, 2.0, 5, noise))
    with pytest.raises(ValueError, match="never seen the word 'beard'"):
        p.paint(["red beard"])


def test_repainting_a_little_and_wholly():
    p, x = painter(), pictures(2)
    near, far = (p.repaint(x, ["red", "hat"], strength, 1.0, 10) for strength in (0.02, 1.0))
    assert (near - x).abs().mean() < 0.1 < 0.3 < (far - x).abs().mean()


def calls(p: Painter) -> list:
    """A list that grows by one for each call of the painter's network."""
    found = []
    p.net.register_forward_hook(lambda *_: found.append(1))
    return found


def test_every_verb_takes_the_steps_and_the_precision_it_is_given():
    seen = []

    @contextlib.contextmanager
    def precision():
        seen.append(1)
        yield

    p, x = replace(painter(), precision=precision), pictures(2)
    for paint, steps in (
        (lambda: p.paint(["red", "hat"], steps=7), 7),
        (lambda: p.repaint(x, ["red", "hat"], 0.5, steps=8), 4),
        (lambda: p.fill_in(x, torch.ones(8, 8), ["red", "hat"], steps=4, repeats=2), 3 * 2 + 1),
    ):
        seen.clear()
        asked = calls(p)
        paint()
        assert len(asked) == steps  # one call for both halves of the guidance
        assert len(seen) >= steps + 1  # the network's, the decoder's, and the encoder's if there is one


def test_filling_in_keeps_what_is_known():
    p, x = painter(), pictures(2)
    known = torch.ones(8, 8)
    known[3:6, 4:8] = 0  # touches the places 2..5 in steps of two, 4..7
    out = p.fill_in(x, known, ["red", "hat"], 1.0, 5, 2)
    hole = torch.zeros(8, 8, dtype=torch.bool)
    hole[2:6, 4:8] = True
    torch.testing.assert_close(out[..., ~hole], x[..., ~hole], atol=1e-4, rtol=0)
    changed = F.avg_pool2d((out - x).abs().mean(dim=(0, 1), keepdim=True), 2)[0, 0]
    assert (changed[F.max_pool2d(hole[None, None].float(), 2)[0, 0].bool()] > 0.02).all()  # every place


def test_shapes_of_the_u_net():
    for widths, listening in (((8,), ()), ((8, 16), (0, 1)), ((8, 8, 8), (2,))):
        shape = replace(SHAPE, channels=3, widths=widths, listening=listening, blocks=2)
        net = TextUNet(len(WORDS), WORDS.length, shape)
        assert net(torch.randn(2, 3, 8, 8), torch.tensor([1, 2]), WORDS(["red", ""])).shape == (2, 3, 8, 8)
