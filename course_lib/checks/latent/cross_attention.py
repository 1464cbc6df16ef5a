"""latent/cross_attention: every place of the picture looks at the words, and never at the padding."""

import torch

from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise
from course_lib.models.text import attend


def cross_attention(h, words, mask, W_q, W_k, W_v):
    """h (b, n, c), words (b, m, d), mask (b, m) -> (b, n, e); W_q is (c, e), W_k and W_v are (d, e)."""
    return attend(h @ W_q, words @ W_k, words @ W_v, mask)


def places_and_words(seed: int) -> list[Case]:
    g = generator(seed)

    def draw(b, n, m, c, d, e, lengths):
        return {
            "h": torch.randn(b, n, c, generator=g),
            "words": torch.randn(b, m, d, generator=g),
            "mask": torch.arange(m) < torch.tensor(lengths)[:, None],
            "W_q": torch.randn(c, e, generator=g),
            "W_k": torch.randn(d, e, generator=g) / 2,
            "W_v": torch.randn(d, e, generator=g),
        }

    data = ("mask",)
    return [
        Case("prompts of different lengths", draw(3, pick(4, 6, g), 5, 3, 3, 3, [3, 4, 2]), seed, data),
        Case("no padding", draw(2, 3, 4, 2, 3, pick(4, 6, g), [4, 4]), seed + 1, data),
        Case("a single word", draw(1, 2, 3, 3, 2, 4, [1]), seed + 2, data),
    ]


CROSS_ATTENTION = Exercise(
    "latent/cross_attention", points=3, reference=cross_attention, inputs=places_and_words, absolute=1e-5
)


def ready(h, words, W_q, W_k, W_v):
    q, k, v = h @ W_q, words @ W_k, words @ W_v
    return q, k, v, q.shape[-1] ** 0.5


def hide(logits, mask):
    return logits.masked_fill(~mask[:, None, :], float("-inf"))


@CROSS_ATTENTION.accept
def attention_by_torch(h, words, mask, W_q, W_k, W_v):
    q, k, v = h @ W_q, words @ W_k, words @ W_v
    return torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, :])


@CROSS_ATTENTION.accept
def attention_by_einsum(h, words, mask, W_q, W_k, W_v):
    q, k, v, root = ready(h, words, W_q, W_k, W_v)
    logits = torch.einsum("bne,bme->bnm", q, k) / root
    share = torch.where(mask[:, None], logits, torch.full_like(logits, -1e9)).softmax(-1)
    return torch.einsum("bnm,bme->bne", share, v)


@CROSS_ATTENTION.accept
def attention_by_renormalising(h, words, mask, W_q, W_k, W_v):
    q, k, v, root = ready(h, words, W_q, W_k, W_v)
    logits = q @ k.transpose(1, 2) / root
    weight = (logits - logits.amax(-1, keepdim=True).detach()).exp() * mask[:, None, :]
    return weight @ v / weight.sum(dim=-1, keepdim=True)


@CROSS_ATTENTION.mistake
def attention_to_padding(h, words, mask, W_q, W_k, W_v):
    """The padding is looked at as if it were words. Set its logits to -inf before the softmax."""
    q, k, v, root = ready(h, words, W_q, W_k, W_v)
    return (q @ k.mT / root).softmax(-1) @ v


@CROSS_ATTENTION.mistake
def attention_masked_late(h, words, mask, W_q, W_k, W_v):
    """The padding's shares are set to 0 after the softmax, so the rest no longer sums to 1. Mask the logits,
    with -inf, before it."""
    q, k, v, root = ready(h, words, W_q, W_k, W_v)
    return ((q @ k.mT / root).softmax(-1) * mask[:, None, :]) @ v


@CROSS_ATTENTION.mistake
def attention_masked_by_zero(h, words, mask, W_q, W_k, W_v):
    """The padding's logits are 0, and exp(0) is 1: it still gets a share. Set them to -inf."""
    q, k, v, root = ready(h, words, W_q, W_k, W_v)
    return (q @ k.mT / root * mask[:, None, :]).softmax(-1) @ v


@CROSS_ATTENTION.mistake
def attention_masked_the_other_way(h, words, mask, W_q, W_k, W_v):
    """The mask is turned around: True is a word, False is padding, and you look at the padding only."""
    q, k, v, root = ready(h, words, W_q, W_k, W_v)
    return (q @ k.mT / root).masked_fill(mask[:, None, :], -1e9).softmax(-1) @ v


@CROSS_ATTENTION.mistake
def attention_without_root(h, words, mask, W_q, W_k, W_v):
    """The division by sqrt(e) is missing: the longer the vectors, the harder the softmax would choose."""
    q, k, v, _ = ready(h, words, W_q, W_k, W_v)
    return hide(q @ k.mT, mask).softmax(-1) @ v


@CROSS_ATTENTION.mistake
def attention_without_square_root(h, words, mask, W_q, W_k, W_v):
    """You divide by e. A product of e random numbers each spreads as sqrt(e): divide by that."""
    q, k, v, root = ready(h, words, W_q, W_k, W_v)
    return hide(q @ k.mT / root**2, mask).softmax(-1) @ v


@CROSS_ATTENTION.mistake
def attention_divided_late(h, words, mask, W_q, W_k, W_v):
    """sqrt(e) divides the result. It divides the logits, before the softmax."""
    q, k, v, root = ready(h, words, W_q, W_k, W_v)
    return hide(q @ k.mT, mask).softmax(-1) @ v / root


@CROSS_ATTENTION.mistake
def attention_over_places(h, words, mask, W_q, W_k, W_v):
    """The softmax runs over the places. For each place the shares of the words sum to 1: dim=-1 of (b, n,
    m)."""
    q, k, v, root = ready(h, words, W_q, W_k, W_v)
    return ((q @ k.mT / root).softmax(dim=1) * mask[:, None, :]) @ v


@CROSS_ATTENTION.mistake
def attention_over_batch(h, words, mask, W_q, W_k, W_v):
    """The softmax runs over the batch (dim=0), so images depend on each other. It runs over the words:
    dim=-1."""
    q, k, v, root = ready(h, words, W_q, W_k, W_v)
    return ((q @ k.mT / root).softmax(dim=0) * mask[:, None, :]) @ v


@CROSS_ATTENTION.mistake
def attention_without_softmax(h, words, mask, W_q, W_k, W_v):
    """There is no softmax: shares must be positive and sum to 1."""
    q, k, v, root = ready(h, words, W_q, W_k, W_v)
    return (q @ k.mT / root * mask[:, None, :]) @ v


@CROSS_ATTENTION.mistake
def attention_to_keys(h, words, mask, W_q, W_k, W_v):
    """The shares weigh the keys. Keys are for finding, values for taking: multiply with words @ W_v."""
    q, k, _, root = ready(h, words, W_q, W_k, W_v)
    return hide(q @ k.mT / root, mask).softmax(-1) @ k


@CROSS_ATTENTION.mistake
def attention_with_swapped_weights(h, words, mask, W_q, W_k, W_v):
    """W_k and W_v are swapped: keys are words @ W_k, values are words @ W_v."""
    q, k, v, root = ready(h, words, W_q, W_v, W_k)
    return hide(q @ k.mT / root, mask).softmax(-1) @ v


@CROSS_ATTENTION.mistake
def attention_that_averages(h, words, mask, W_q, W_k, W_v):
    """Every place takes the mean of all words' values: nobody asks, so nothing is found. The shares come
    from q k^T."""
    value = (words @ W_v * mask[:, :, None]).sum(1, keepdim=True) / mask.sum(1).view(-1, 1, 1)
    return value.expand(-1, h.shape[1], -1)


@CROSS_ATTENTION.mistake
def attention_that_adds(h, words, mask, W_q, W_k, W_v):
    """You add the question itself to the answer. The block does that with h later; return what was taken
    from the words."""
    q, k, v, root = ready(h, words, W_q, W_k, W_v)
    return q + hide(q @ k.mT / root, mask).softmax(-1) @ v


@CROSS_ATTENTION.mistake
def attention_to_detached_words(h, words, mask, W_q, W_k, W_v):
    """The values are right, but the words are detached: the text encoder would never learn."""
    return cross_attention(h, words.detach(), mask, W_q, W_k, W_v)


@CROSS_ATTENTION.mistake
def attention_with_detached_shares(h, words, mask, W_q, W_k, W_v):
    """The values are right, but the shares are detached: nobody learns what to look at."""
    q, k, v, root = ready(h, words, W_q, W_k, W_v)
    return hide(q @ k.mT / root, mask).softmax(-1).detach() @ v
