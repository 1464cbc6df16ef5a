"""Stable Diffusion's own autoencoder and U-Net, beside the ones of this course.

Rombach et al., arXiv:2112.10752. The networks are some gigabytes, come through Hugging Face's diffusers, and
are asked for only where there is a GPU and a network.

    stable = load_stable()           # None, and one sentence why, where it cannot be had
    z = stable.encode(x)             # our LatentSpace.encode: their VAE, times 0.18215
    eps = stable.net(z, t, words)    # our TextUNet: theirs takes the words' vectors, and says eps
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from course_lib.device import evaluating, pick_device
from course_lib.models.autoencoder import Latents
from course_lib.types import Images

NAME = "stable-diffusion-v1-5/stable-diffusion-v1-5"


@dataclass(frozen=True)
class Stable:
    """Their two networks behind the functions of models/latent.py."""

    vae: nn.Module  # diffusers.AutoencoderKL
    unet: nn.Module  # diffusers.UNet2DConditionModel

    @property
    def scale(self) -> float:
        """1 / the spread of their codes, measured once (appendix G): 0.18215."""
        return self.vae.config.scaling_factor

    @property
    def f(self) -> int:
        """How many pixels a side one place of the code describes."""
        return 2 ** (len(self.vae.config.block_out_channels) - 1)

    def encode(self, x: Images) -> Latents:
        """z_0 = scale * a draw from their encoder's Gaussian; sides must be multiples of f."""
        if x.shape[2] % self.f or x.shape[3] % self.f:
            raise ValueError(f"expected sides that {self.f} divides, got {tuple(x.shape[2:])}")
        with evaluating(self.vae):
            found = self.vae.encode(x.to(dtype_of(self.vae))).latent_dist.sample()
        return self.scale * found.float()

    def decode(self, z: Latents) -> Images:
        with evaluating(self.vae):
            return self.vae.decode((z / self.scale).to(dtype_of(self.vae))).sample.float().clamp(-1, 1)

    def net(self, zt: Latents, t: Int[Tensor, " b"], words: Float[Tensor, "b n d"]) -> Latents:
        """eps: what their U-Net takes for the noise, told by vectors of words (CLIP's, in their pictures)."""
        kind = dtype_of(self.unet)
        with evaluating(self.unet):
            return self.unet(zt.to(kind), t, encoder_hidden_states=words.to(kind)).sample.float()

    def parts(self) -> list[tuple[str, str, int]]:
        """(ours, theirs, their parameters), part by part."""
        cross = [m for name, m in self.unet.named_modules() if name.endswith("attn2")]
        blocks = [m for m in self.unet.modules() if type(m).__name__ == "ResnetBlock2D"]
        return [
            ("make_encoder", "vae.encoder", count(self.vae.encoder)),
            ("make_decoder", "vae.decoder", count(self.vae.decoder)),
            ("latent_scale", f"vae.config.scaling_factor = {self.scale}", 0),
            ("Block", f"{len(blocks)} ResnetBlock2D", sum(map(count, blocks))),
            ("CrossAttention", f"{len(cross)} attn2", sum(map(count, cross))),
            ("TextUNet.time", "unet.time_embedding", count(self.unet.time_embedding)),
            ("TextUNet, whole", "unet", count(self.unet)),
        ]


def load_stable(name: str = NAME) -> Stable | None:
    """Their networks on the GPU, in half precision; None, and one sentence, where they cannot be had."""
    device = pick_device()
    if device.type != "cuda":
        print("Skipped: Stable Diffusion's networks need a GPU, and there is none here.")
        return None
    try:
        from diffusers import AutoencoderKL, UNet2DConditionModel
    except ImportError:
        print("Skipped: this section needs diffusers, run `pip install diffusers`.")
        return None
    try:
        vae, unet = (
            kind.from_pretrained(name, subfolder=folder, torch_dtype=torch.float16).to(device).eval()
            for kind, folder in ((AutoencoderKL, "vae"), (UNet2DConditionModel, "unet"))
        )
    except (OSError, ValueError) as error:  # no network, or no such model
        print(f"Skipped: {name} could not be downloaded ({str(error).splitlines()[0][:100]}).")
        return None
    return Stable(vae, unet)


def count(net: nn.Module) -> int:
    return sum(weight.numel() for weight in net.parameters())


def dtype_of(net: nn.Module) -> torch.dtype:
    return next(net.parameters()).dtype
