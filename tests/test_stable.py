"""Stable Diffusion's parts, by tiny models of its own classes with random weights; nothing is downloaded."""

import pytest
import torch

from course_lib.models import stable
from course_lib.models.ddpm import EPS, denoiser, linear_schedule
from course_lib.models.samplers import sample_ddim
from course_lib.models.stable import Stable, load_stable

diffusers = pytest.importorskip("diffusers", reason="diffusers is not installed (extra: test)")


@pytest.fixture(scope="module")
def tiny() -> Stable:
    torch.manual_seed(0)
    vae = diffusers.AutoencoderKL(
        block_out_channels=(8, 8, 16),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        latent_channels=4,
        norm_num_groups=4,
        layers_per_block=1,
    )
    unet = diffusers.UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(8, 16),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1,
        cross_attention_dim=12,
        attention_head_dim=4,
        norm_num_groups=4,
    )
    return Stable(vae, unet)


def test_codes_are_scaled_and_unscaled(tiny):
    x = torch.rand(2, 3, 16, 24) * 2 - 1
    torch.manual_seed(1)
    z = tiny.encode(x)
    torch.manual_seed(1)
    theirs = tiny.vae.encode(x).latent_dist.sample()
    assert z.shape == (2, 4, 4, 6) and tiny.f == 4 and tiny.scale == 0.18215
    torch.testing.assert_close(z, 0.18215 * theirs)
    torch.testing.assert_close(tiny.decode(z), tiny.vae.decode(theirs).sample.clamp(-1, 1), atol=1e-5, rtol=0)
    with pytest.raises(ValueError, match=r"sides that 4 divides, got \(15, 24\)"):
        tiny.encode(x[:, :, 1:])


def test_our_sampler_drives_their_net(tiny):
    words, z = torch.randn(2, 7, 12), torch.randn(2, 4, 8, 8)
    schedule = linear_schedule()
    denoise = denoiser(tiny.net, schedule, words, prediction=EPS, clip=False)
    out = sample_ddim(denoise, z, schedule, 3)
    assert out.shape == z.shape and out.isfinite().all()
    other = sample_ddim(denoiser(tiny.net, schedule, -words, prediction=EPS, clip=False), z, schedule, 3)
    assert not torch.allclose(out, other, atol=1e-4)


def test_every_part_is_found(tiny):
    parts = {ours: (theirs, n) for ours, theirs, n in tiny.parts()}
    assert parts["latent_scale"][0].endswith("0.18215")
    assert parts["CrossAttention"][0] == "4 attn2" and parts["CrossAttention"][1] > 0
    assert parts["make_encoder"][1] + parts["make_decoder"][1] < stable.count(tiny.vae) + 1
    assert 0 < parts["Block"][1] < parts["TextUNet, whole"][1] == stable.count(tiny.unet)


def test_one_sentence_where_it_cannot_be_had(monkeypatch, capsys):
    monkeypatch.setattr(stable, "pick_device", lambda: torch.device("cpu"))
    assert load_stable() is None
    assert capsys.readouterr().out == (
        "Skipped: Stable Diffusion's networks need a GPU, and there is none here.\n"
    )
    monkeypatch.setattr(stable, "pick_device", lambda: torch.device("cuda"))

    def no_network(*_, **__):
        raise OSError("We couldn't connect to 'https://huggingface.co'\nmore")

    monkeypatch.setattr(diffusers.AutoencoderKL, "from_pretrained", no_network)
    assert load_stable() is None
    assert (
        "could not be downloaded (We couldn't connect to 'https://huggingface.co')."
        in capsys.readouterr().out
    )
