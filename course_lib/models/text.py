"""From a prompt to what a network can look at: words as numbers, and a small transformer over them.

Vaswani et al., Attention Is All You Need, arXiv:1706.03762 (eq. 1 and section 3.1).
Rombach et al., arXiv:2112.10752, section 3.3: the domain-specific encoder tau, trained with the diffusion.

A prompt is cut into words; word k of the vocabulary is number k + 3. The places of a sentence are START, its
words, and padding to a fixed length, so that a batch is one tensor. The empty prompt is START alone: it is
what guidance compares with. Padding is no word: a mask keeps it from being looked at.
"""

import re
from collections.abc import Iterable, Sequence

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

Tokens = Int[Tensor, "b n"]
WordVectors = Float[Tensor, "b n d"]
WordMask = Bool[Tensor, "b n"]  # True where there is a word (or START)

PAD, UNKNOWN, START = 0, 1, 2
SPECIAL = 3  # numbers before the first word's

# ------------------------------------------------------------------------------------------------- words


def split_words(prompt: str) -> list[str]:
    """Lower case, letters only: "A sad person, smiling" -> ["a", "sad", "person", "smiling"]."""
    return re.findall(r"[a-z]+", prompt.lower())


class Vocabulary:
    """The words that a model knows, and prompts as numbers."""

    def __init__(self, words: Sequence[str], length: int):
        self.words, self.length = tuple(words), length  # places a prompt, START among them
        self._number = {word: SPECIAL + k for k, word in enumerate(self.words)}

    @classmethod
    def of(cls, prompts: Iterable[str]) -> "Vocabulary":
        """Every word of these prompts, in alphabetical order, and room for the longest of them."""
        sentences = [split_words(prompt) for prompt in prompts]
        return cls(sorted({word for words in sentences for word in words}), 1 + max(map(len, sentences)))

    def __len__(self) -> int:
        return SPECIAL + len(self.words)

    def __call__(self, prompts: Sequence[str]) -> Tokens:
        """Prompts as rows of numbers. ValueError for a prompt that is too long or a word unknown."""
        return torch.tensor([self._row(prompt) for prompt in prompts])

    def _row(self, prompt: str) -> list[int]:
        words = split_words(prompt)
        if strange := [word for word in words if word not in self._number]:
            raise ValueError(f"the model has never seen the word {strange[0]!r}; it knows: {self.listed()}")
        if len(words) + 1 > self.length:
            raise ValueError(f"a prompt may have {self.length - 1} words, this one has {len(words)}")
        numbers = [START, *(self._number[word] for word in words)]
        return numbers + [PAD] * (self.length - len(numbers))

    def listed(self) -> str:
        return ", ".join(self.words)


def empty_prompts(tokens: Tokens) -> Tokens:
    """As many empty prompts: START and nothing else."""
    empty = torch.full_like(tokens, PAD)
    empty[:, 0] = START
    return empty


# ----------------------------------------------------------------------------------------------- networks


def attend(
    q: Float[Tensor, "*b n d"],
    k: Float[Tensor, "*b m d"],
    v: Float[Tensor, "*b m e"],
    mask: Bool[Tensor, "*b m"] | None = None,
) -> Float[Tensor, "*b n e"]:
    """softmax(q k^T / sqrt(d)) v (arXiv:1706.03762, eq. 1): what each of n places takes from m others.

    Where the mask is False nothing is taken. float32 inside, for the softmax's sake.
    """
    logits = (q @ k.mT).float() / q.shape[-1] ** 0.5
    if mask is not None:
        logits = logits.masked_fill(~mask.unsqueeze(-2), float("-inf"))
    return logits.softmax(dim=-1).to(v.dtype) @ v


class SelfAttention(nn.Module):
    """Every word looks at every word, in several heads."""

    def __init__(self, d: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(d, 3 * d, bias=False), nn.Linear(d, d)

    def forward(self, h: WordVectors, mask: WordMask) -> WordVectors:
        q, k, v = rearrange(
            self.qkv(h), "b n (three heads d) -> three b heads n d", three=3, heads=self.heads
        )
        mask = mask[:, None].expand(-1, self.heads, -1)
        return self.out(rearrange(attend(q, k, v, mask), "b heads n d -> b n (heads d)"))


class TransformerBlock(nn.Module):
    """Words exchange what they know, then each thinks it over; both added to what was there."""

    def __init__(self, d: int, heads: int):
        super().__init__()
        self.before_attention, self.attention = nn.LayerNorm(d), SelfAttention(d, heads)
        self.think = nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 4 * d), nn.SiLU(), nn.Linear(4 * d, d))

    def forward(self, h: WordVectors, mask: WordMask) -> WordVectors:
        h = h + self.attention(self.before_attention(h), mask)
        return h + self.think(h)


class TextEncoder(nn.Module):
    """Tokens (b, n) -> a vector for each word (b, n, d), which knows the words around it."""

    def __init__(self, words: int, length: int, d: int = 64, blocks: int = 2, heads: int = 4):
        super().__init__()
        self.d = d
        self.word, self.place = nn.Embedding(words, d), nn.Embedding(length, d)
        self.blocks = nn.ModuleList(TransformerBlock(d, heads) for _ in range(blocks))
        self.last = nn.LayerNorm(d)

    def forward(self, tokens: Tokens) -> WordVectors:
        mask = word_mask(tokens)
        h = self.word(tokens) + self.place.weight[: tokens.shape[1]]
        for block in self.blocks:
            h = block(h, mask)
        return self.last(h)


def word_mask(tokens: Tokens) -> WordMask:
    """True where there is something to look at."""
    return tokens != PAD
