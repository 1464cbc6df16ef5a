"""The U-Net of diffusion models: images and a time in, an image of the same shape out.

Ronneberger, Fischer and Brox, U-Net, arXiv:1505.04597 (down, up, and the bridges between).
Ho, Jain and Abbeel, Denoising Diffusion Probabilistic Models, arXiv:2006.11239, appendix B (this one).
Vaswani et al., Attention Is All You Need, arXiv:1706.03762, section 3.2.1 and 3.5 (attention, sines).

    x -> patches -> [blocks, shrink] ... -> middle -> [blocks, grow] ... -> patches -> out
                        |                                  ^
                        +------------ bridges -------------+
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float, Num
from torch import Tensor, nn

from course_lib.types import Images, Labels

Maps = Float[Tensor, "b _ h w"]  # what lies between the layers; a block may change how many there are
Embedding = Float[Tensor, "b e"]  # what time and label have to say


@dataclass(frozen=True)
class Shape:
    """The sizes of a U-Net. The defaults are the paper's for CIFAR-10: 35.7 M parameters."""

    channels: int = 3
    widths: tuple[int, ...] = (128, 256, 256, 256)  # maps at each level; the side halves from one to the next
    blocks: int = 2  # residual blocks a level on the way down; one more on the way up
    attention: tuple[int, ...] = (1,)  # levels whose blocks are followed by attention (0 is the finest)
    middle_attention: bool = True
    groups: int = 32  # of GroupNorm; 1 is much cheaper on a CPU
    heads: int = 1  # of attention
    dropout: float = 0.1
    patch: int = 1  # side of the pixel blocks that become channels at the door: 2 makes 1x28x28 into 4x14x14
    classes: int = 0  # labels 0..classes-1, and -1 for "no label"; 0: the net takes no labels


PAPER = Shape()
DIGITS = Shape(
    channels=1, widths=(32, 64), blocks=1, attention=(), middle_attention=False,
    groups=1, dropout=0.0, patch=2, classes=10,
)  # fmt: skip


def time_embedding(t: Num[Tensor, " b"], size: int, longest: float = 10_000.0) -> Float[Tensor, "b size"]:
    """t as sines and cosines of size/2 frequencies each, from 1 down to 1/longest (arXiv:1706.03762, 3.5).

    A network sees at once whether t is large or small (the slow waves) and which t exactly (the quick ones).
    """
    half = size // 2
    frequency = torch.exp(-math.log(longest) * torch.arange(half, device=t.device) / (half - 1))
    angle = t.float()[:, None] * frequency
    return torch.cat([angle.sin(), angle.cos()], dim=1)


class Block(nn.Module):
    """x + what two convolutions make of it; between them the embedding is added to every pixel."""

    def __init__(self, a: int, b: int, embedding: int, shape: Shape):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(shape.groups, a), nn.Conv2d(a, b, 3, padding=1)
        self.embed = nn.Linear(embedding, b)
        self.norm2, self.conv2 = nn.GroupNorm(shape.groups, b), zero(nn.Conv2d(b, b, 3, padding=1))
        self.dropout = nn.Dropout(shape.dropout)
        self.skip = nn.Conv2d(a, b, 1) if a != b else nn.Identity()

    def forward(self, x: Maps, embedding: Embedding) -> Maps:
        h = self.conv1(F.silu(self.norm1(x)))
        h = h + self.embed(embedding)[:, :, None, None]
        h = self.conv2(self.dropout(F.silu(self.norm2(h))))
        return self.skip(x) + h


class Attention(nn.Module):
    """Every pixel asks all others, and adds what it hears to itself."""

    def __init__(self, width: int, shape: Shape):
        super().__init__()
        self.heads = shape.heads
        self.norm = nn.GroupNorm(shape.groups, width)
        self.ask = nn.Linear(width, width)
        self.tell = nn.Linear(width, 2 * width)  # keys and values
        self.out = zero(nn.Linear(width, width))

    def forward(self, x: Maps) -> Maps:
        pixels = rearrange(self.norm(x), "b c h w -> b (h w) c")
        q = rearrange(self.ask(pixels), "b n (heads c) -> b heads n c", heads=self.heads)
        k, v = rearrange(self.tell(pixels), "b n (two heads c) -> two b heads n c", two=2, heads=self.heads)
        heard = F.scaled_dot_product_attention(q, k, v)  # softmax(q k' / sqrt(c)) v: 1706.03762, eq. (1)
        heard = self.out(rearrange(heard, "b heads n c -> b n (heads c)"))
        return x + rearrange(heard, "b (h w) c -> b c h w", h=x.shape[2])


class Stage(nn.Module):
    """A residual block, and attention after it where it is asked for."""

    def __init__(self, a: int, b: int, embedding: int, shape: Shape, attention: bool):
        super().__init__()
        self.block = Block(a, b, embedding, shape)
        self.attention = Attention(b, shape) if attention else None

    def forward(self, x: Maps, embedding: Embedding) -> Maps:
        x = self.block(x, embedding)
        return x if self.attention is None else self.attention(x)


class Way(nn.Module):
    """The U: down, through the middle and up, with bridges from each stage down to its mirror image.

    `stage(a, b, level)` makes a stage from a maps to b, `middle(width)` those at the bottom. A stage is
    called with the maps and whatever else the way is called with.
    """

    def __init__(
        self,
        widths: Sequence[int],
        blocks: int,
        stage: Callable[[int, int, int], nn.Module],
        middle: Callable[[int], list[nn.Module]],
    ):
        super().__init__()
        self.down, self.shrink, self.up, self.grow = (nn.ModuleList() for _ in range(4))
        width, bridges = widths[0], [widths[0]]
        for level, b in enumerate(widths):
            if level > 0:
                self.shrink.append(nn.Conv2d(width, width, 3, stride=2, padding=1))
                bridges.append(width)
            stages = nn.ModuleList()
            for _ in range(blocks):
                stages.append(stage(width, b, level))
                width = b
                bridges.append(b)
            self.down.append(stages)
        self.middle = nn.ModuleList(middle(width))
        for level, b in reversed(list(enumerate(widths))):
            stages = nn.ModuleList()
            for _ in range(blocks + 1):
                stages.append(stage(width + bridges.pop(), b, level))
                width = b
            self.up.append(stages)
            if level > 0:
                self.grow.append(nn.Conv2d(width, width, 3, padding=1))

    def forward(self, x: Maps, *told: Tensor) -> Maps:
        bridges = [x]
        for level, stages in enumerate(self.down):
            if level > 0:
                x = self.shrink[level - 1](x)
                bridges.append(x)
            for stage in stages:
                x = stage(x, *told)
                bridges.append(x)
        for stage in self.middle:
            x = stage(x, *told)
        for i, stages in enumerate(self.up):
            for stage in stages:
                x = stage(torch.cat([x, bridges.pop()], dim=1), *told)
            if i < len(self.grow):
                x = self.grow[i](F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return x


class UNet(nn.Module):
    """net(xt, t) or net(xt, t, label): eps, x0 or v, as it is taught."""

    def __init__(self, shape: Shape = PAPER):
        super().__init__()
        self.shape = shape
        pixels, first, e = shape.channels * shape.patch**2, shape.widths[0], 4 * shape.widths[0]
        self.time = nn.Sequential(nn.Linear(first, e), nn.SiLU(), nn.Linear(e, e))
        self.label = nn.Embedding(shape.classes + 1, e) if shape.classes else None
        self.first = nn.Conv2d(pixels, first, 3, padding=1)
        self.way = Way(
            shape.widths,
            shape.blocks,
            stage=lambda a, b, level: Stage(a, b, e, shape, level in shape.attention),
            middle=lambda b: [Stage(b, b, e, shape, shape.middle_attention), Stage(b, b, e, shape, False)],
        )
        self.norm, self.last = nn.GroupNorm(shape.groups, first), zero(nn.Conv2d(first, pixels, 3, padding=1))

    def forward(self, x: Images, t: Num[Tensor, " b"], label: Labels | None = None) -> Images:
        p = self.shape.patch
        x = self.first(rearrange(x, "b c (h p) (w q) -> b (c p q) h w", p=p, q=p))
        x = self.last(F.silu(self.norm(self.way(x, self.embed(t, label)))))
        return rearrange(x, "b (c p q) h w -> b c (h p) (w q)", p=p, q=p)

    def embed(self, t: Num[Tensor, " b"], label: Labels | None) -> Embedding:
        """Time and label as one vector. Without a label the net gets the row of "no label"."""
        embedding = self.time(time_embedding(t, self.shape.widths[0]))
        if self.label is not None:
            row = torch.zeros_like(t, dtype=torch.long) if label is None else label + 1
            embedding = embedding + self.label(row)
        elif label is not None:
            raise ValueError("this U-Net takes no labels: make it with Shape(classes=...)")
        return F.silu(embedding)


def zero(layer: nn.Module) -> nn.Module:
    """The layer with all its weights 0: at the start a block passes its input on."""
    for weight in layer.parameters():
        nn.init.zeros_(weight)
    return layer
