"""The U-Net that is told what to draw: lesson 06's blocks, and between them a look at the words.

Rombach et al., High-Resolution Image Synthesis with Latent Diffusion Models, arXiv:2112.10752, section 3.3.
Podell et al., SDXL, arXiv:2307.01952, section 2.1 (a summary of the prompt beside its words).

A place of the picture asks, the words answer: softmax(q k^T / sqrt(d)) v with q from the picture, k and v
from the words. So "red" can be heard where the hair is and nowhere else. What concerns the whole picture is
in the summary, START's own vector, which is added to the time's. Padding is never looked at.
"""

from dataclasses import dataclass

import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Int
from torch import Tensor, nn

from course_lib.models import unet
from course_lib.models.autoencoder import Latents
from course_lib.models.text import TextEncoder, Tokens, WordMask, WordVectors, attend, word_mask
from course_lib.models.unet import Block, Embedding, Maps, Way, time_embedding, zero


@dataclass(frozen=True)
class TextShape:
    """The sizes of a U-Net with words."""

    channels: int = 8  # of the codes
    widths: tuple[int, ...] = (96,)  # maps at each level; the side halves from one to the next
    blocks: int = 1  # a level on the way down; one more on the way up
    listening: tuple[int, ...] = (0,)  # levels whose blocks listen to the words; the middle always does
    heads: int = 4
    d: int = 64  # numbers of a word's vector
    text_blocks: int = 2


FACES = TextShape()


class CrossAttention(nn.Module):
    """Every place of the picture asks the words, and adds what it hears to itself."""

    def __init__(self, width: int, d: int, heads: int):
        super().__init__()
        self.heads, self.norm = heads, nn.GroupNorm(1, width)
        self.q, self.kv = nn.Linear(width, width, bias=False), nn.Linear(d, 2 * width, bias=False)
        self.out = zero(nn.Linear(width, width))

    def forward(self, x: Maps, words: WordVectors, mask: WordMask) -> Maps:
        places = rearrange(self.norm(x), "b c h w -> b (h w) c")
        q = rearrange(self.q(places), "b n (heads c) -> b heads n c", heads=self.heads)
        k, v = rearrange(self.kv(words), "b m (two heads c) -> two b heads m c", two=2, heads=self.heads)
        heard = attend(q, k, v, mask[:, None].expand(-1, self.heads, -1))
        heard = self.out(rearrange(heard, "b heads n c -> b n (heads c)"))
        return x + rearrange(heard, "b (h w) c -> b c h w", h=x.shape[2])


class Stage(nn.Module):
    """A block of lesson 06, and then, if it listens, a look at the words."""

    def __init__(self, a: int, b: int, e: int, shape: TextShape, listens: bool):
        super().__init__()
        self.block = Block(a, b, e, unet.Shape(groups=1, dropout=0.0))
        self.listen = CrossAttention(b, shape.d, shape.heads) if listens else None

    def forward(self, x: Maps, embedding: Embedding, words: WordVectors, mask: WordMask) -> Maps:
        x = self.block(x, embedding)
        return x if self.listen is None else self.listen(x, words, mask)


class TextUNet(nn.Module):
    """net(z_t, t, tokens) -> v; the text encoder is part of it and learns with it."""

    def __init__(self, words: int, length: int, shape: TextShape = FACES):
        super().__init__()
        self.shape, first = shape, shape.widths[0]
        e = 2 * first
        self.text = TextEncoder(words, length, shape.d, shape.text_blocks)
        self.time = nn.Sequential(nn.Linear(first, e), nn.SiLU(), nn.Linear(e, e))
        self.summary = nn.Linear(shape.d, e)
        self.first = nn.Conv2d(shape.channels, first, 3, padding=1)
        self.way = Way(
            shape.widths,
            shape.blocks,
            stage=lambda a, b, level: Stage(a, b, e, shape, level in shape.listening),
            middle=lambda b: [Stage(b, b, e, shape, listens=True)],
        )
        self.norm, self.last = nn.GroupNorm(1, first), zero(nn.Conv2d(first, shape.channels, 3, padding=1))

    def forward(self, zt: Latents, t: Int[Tensor, " b"], tokens: Tokens) -> Latents:
        words, mask = self.text(tokens), word_mask(tokens)
        embedding = self.time(time_embedding(t, self.shape.widths[0])) + self.summary(words[:, 0])
        x = self.way(self.first(zt), F.silu(embedding), words, mask)
        return self.last(F.silu(self.norm(x)))
