"""Words become numbers, padding is not seen, and attention is torch's own."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_lib.models.text import (
    PAD,
    SPECIAL,
    START,
    TextEncoder,
    Vocabulary,
    attend,
    empty_prompts,
    split_words,
    word_mask,
)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_words_and_numbers():
    assert split_words("A sad person, smiling") == ["a", "sad", "person", "smiling"]
    words = Vocabulary.of(["red hair", "a red, red hat"])
    assert words.words == ("a", "hair", "hat", "red") and words.length == 5 and len(words) == SPECIAL + 4
    assert words(["Red hat", ""]).tolist() == [[START, 6, 5, PAD, PAD], [START, PAD, PAD, PAD, PAD]]
    assert torch.equal(empty_prompts(words(["red hat", "hair"])), words(["", ""]))


def test_what_it_cannot_say():
    words = Vocabulary.of(["red hair"])
    with pytest.raises(ValueError, match="never seen the word 'blue'; it knows: hair, red"):
        words(["blue hair"])
    with pytest.raises(ValueError, match="may have 2 words, this one has 3"):
        words(["red red hair"])


def test_attention_is_torchs():
    q, k, v = torch.randn(2, 3, 5, 4), torch.randn(2, 3, 7, 4), torch.randn(2, 3, 7, 6)
    mask = torch.rand(2, 7) < 0.6
    mask[:, 0] = True
    expected = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None, :])
    found = attend(q, k, v, mask[:, None].expand(-1, 3, -1))
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(attend(q, k, v), F.scaled_dot_product_attention(q, k, v))


@torch.no_grad()
def test_the_encoder_is_torchs_own():
    """Pre-norm layers of torch's with the same weights, on the words and places, and a norm at the end."""
    net = TextEncoder(10, 8, d=16, blocks=2, heads=4).eval()
    theirs = []
    for mine in net.blocks:
        layer = nn.TransformerEncoderLayer(16, 4, 64, 0.0, F.silu, batch_first=True, norm_first=True).eval()
        nn.init.zeros_(layer.self_attn.in_proj_bias)
        layer.self_attn.in_proj_weight.copy_(mine.attention.qkv.weight)
        layer.self_attn.out_proj.load_state_dict(mine.attention.out.state_dict())
        norm, wide, _, narrow = mine.think
        parts = (layer.norm1, mine.before_attention), (layer.norm2, norm), (layer.linear1, wide)
        for their_part, my_part in (*parts, (layer.linear2, narrow)):
            nn.init.normal_(my_part.weight)
            their_part.load_state_dict(my_part.state_dict())
        theirs.append(layer)
    nn.init.normal_(net.last.weight)
    tokens = torch.tensor([[START, 5, 6, PAD], [START, 3, 9, 4]])
    h = net.word(tokens) + net.place.weight[:4]
    for layer in theirs:
        h = layer(h, src_key_padding_mask=tokens == PAD)
    expected = F.layer_norm(h, (16,), net.last.weight, net.last.bias)
    words = tokens != PAD
    torch.testing.assert_close(net(tokens)[words], expected[words], atol=1e-4, rtol=1e-4)


def test_padding_does_not_change_the_words():
    net = TextEncoder(10, 8, d=16).eval()
    tokens = torch.tensor([[START, 5, 6, PAD, PAD]])
    longer = torch.tensor([[START, 5, 6, PAD, PAD, PAD, PAD]])
    assert word_mask(tokens).tolist() == [[True, True, True, False, False]]
    torch.testing.assert_close(net(tokens)[:, :3], net(longer)[:, :3])


def test_a_word_knows_its_place_and_its_neighbours():
    net = TextEncoder(10, 8, d=16).eval()
    a, b = net(torch.tensor([[START, 5, 6, 7], [START, 6, 5, 7]]))
    assert not torch.allclose(a[3], b[3], atol=1e-3)  # the same word in the same place, other neighbours
    assert not torch.allclose(a[1], b[2], atol=1e-3)  # the same word in another place
