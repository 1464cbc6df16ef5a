"""Latent diffusion: lesson 06's diffusion, but of an autoencoder's codes, and told what to draw by a prompt.

Rombach et al., High-Resolution Image Synthesis with Latent Diffusion Models, arXiv:2112.10752 (eq. 1 to 3).
Ho and Salimans, Classifier-Free Diffusion Guidance, arXiv:2207.12598 (the empty prompt).

    x --E--> * scale --> z_0 ... z_T          prompt --> words --> tau --> cross-attention in the U-Net
                                                                                   |
    x <--D-- / scale <-- z_0 <------------- DPM-Solver, guided <-------------- net(z_t, t, prompt)

Diffusion sees codes whose spread is 1, as that of its noise is; only `LatentSpace` knows of the scale. The
loss, the samplers and the editing are those of lesson 06, unchanged: a code is an image to them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from course_lib.device import Precision, evaluating, float32
from course_lib.models import editing
from course_lib.models.autoencoder import KLAutoencoder, Latents, draw
from course_lib.models.ddpm import Denoiser, Schedule, V, ddpm_loss, denoiser, drop_condition
from course_lib.models.samplers import guided, sample_dpm_solver
from course_lib.models.text import Tokens, Vocabulary, empty_prompts
from course_lib.training.loop import Player
from course_lib.types import Batch, Images, Losses, Scalar

GUIDANCE = 2.0  # the default weight of the prompt
STEPS = 20  # of the sampler
DECODED = 25  # codes at once

# ------------------------------------------------------------------------------------------ the latent space


def latent_scale(z: Latents) -> Scalar:
    """1 / the standard deviation of all numbers of the first batch's codes (appendix G)."""
    return 1 / z.std(correction=0)


@dataclass(frozen=True)
class LatentSpace:
    """Where the diffusion takes place: codes of a trained autoencoder, multiplied by `scale`."""

    net: KLAutoencoder
    scale: float

    @classmethod
    def of(cls, net: KLAutoencoder, first_batch: Images) -> "LatentSpace":
        """The scale is measured on one batch of images (appendix G)."""
        with evaluating(net):
            return cls(net, latent_scale(draw(*net.encode(first_batch))).item())

    def encode(self, x: Images) -> Latents:
        """z_0, drawn from the encoder's Gaussian. The autoencoder is not taught."""
        with evaluating(self.net):
            return self.scale * draw(*self.net.encode(x))

    def decode(self, z: Latents) -> Images:
        """Images in [-1, 1]; a few at a time, for the decoder's maps are large."""
        with evaluating(self.net):
            parts = [self.net.decode(part / self.scale).float() for part in z.split(DECODED)]
        return torch.cat(parts).clamp(-1, 1)

    def encode_all(self, x: Iterable[Tensor], precision: Precision = float32) -> Float[Tensor, "n z i j"]:
        """The codes of a whole set, batch by batch: encoded once, used in every epoch."""
        with precision():
            return torch.cat([self.encode(batch) for batch in x])

    def shape(self, size: int) -> tuple[int, int, int]:
        """Of the code of an image of this size."""
        return self.net.z, size // self.net.f, size // self.net.f


# ------------------------------------------------------------------------------------------- loss and player


def latent_loss(net: nn.Module, schedule: Schedule, z: Latents, tokens: Tokens, drop: float = 0.1) -> Losses:
    """Eq. (3), told as v: lesson 06's loss on codes; a share of the prompts is emptied, for the guidance."""
    return ddpm_loss(net, schedule, z, drop_condition(tokens, drop, empty_prompts), prediction=V)


def latent_player(net: nn.Module, schedule: Schedule, rate: float = 1.5e-3, drop: float = 0.1) -> Player:
    """The one player. A batch holds codes under "latent" and prompts under "tokens"."""

    def loss(batch: Batch) -> Losses:
        return latent_loss(net, schedule, batch["latent"], batch["tokens"], drop)

    return Player("latent", loss, torch.optim.Adam(net.parameters(), lr=rate, betas=(0.9, 0.99)))


# ----------------------------------------------------------------------------------------------- the painter


@dataclass(frozen=True)
class Painter:
    """All that is needed to paint from words: a space, a network, its words, and how it was noised."""

    space: LatentSpace
    net: nn.Module
    vocabulary: Vocabulary
    schedule: Schedule
    size: int = 64  # pixels
    precision: Precision = float32

    def denoiser(self, prompts: Sequence[str], guidance: float = GUIDANCE) -> Denoiser:
        """(z_t, t) -> z_0 under classifier-free guidance; 1 is the prompt alone, 0 none."""
        tokens = self.vocabulary(prompts).to(next(self.net.parameters()).device)
        net = guided(self.net, guidance, empty_prompts)
        return denoiser(net, self.schedule, tokens, prediction=V, clip=False, precision=self.precision)

    def noise(self, n: int) -> Latents:
        device = next(self.net.parameters()).device
        return torch.randn(n, *self.space.shape(self.size), device=device)

    def paint(
        self,
        prompts: Sequence[str],
        guidance: float = GUIDANCE,
        steps: int = STEPS,
        noise: Latents | None = None,
    ) -> Images:
        """One image for each prompt."""
        noise = self.noise(len(prompts)) if noise is None else noise
        z = sample_dpm_solver(self.denoiser(prompts, guidance), noise, self.schedule, steps)
        return self.decode(z)

    def repaint(
        self,
        x: Images,
        prompts: Sequence[str],
        strength: float = 0.6,
        guidance: float = GUIDANCE,
        steps: int = STEPS,
    ) -> Images:
        """Image to image: the code of x, noised up to `strength`, and denoised towards the prompt."""
        denoise = self.denoiser(prompts, guidance)
        return self.decode(editing.image_to_image(denoise, self.encode(x), strength, self.schedule, steps))

    def fill_in(
        self,
        x: Images,
        known: Float[Tensor, "h w"],
        prompts: Sequence[str],
        guidance: float = GUIDANCE,
        steps: int = STEPS,
        repeats: int = 3,
    ) -> Images:
        """Inpainting: keeps x where `known` is 1 (a plane of 0 and 1, as large as x), paints the rest.

        A place of the code is known if all its pixels are: the rim of the hole is painted too, and what lies
        outside it comes back through the autoencoder, not pixel for pixel.
        """
        f = self.space.net.f
        places = -nn.functional.max_pool2d(-known[None, None].float(), f)
        denoise = self.denoiser(prompts, guidance)
        return self.decode(editing.inpaint(denoise, self.encode(x), places, self.schedule, steps, repeats))

    def encode(self, x: Images) -> Latents:
        with self.precision():
            return self.space.encode(x)

    def decode(self, z: Latents) -> Images:
        with self.precision():
            return self.space.decode(z)
