"""Words become numbers, padding is not seen, and attention is torch's own."""

import pytest
import torch
import torch.nn.functional as F

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
