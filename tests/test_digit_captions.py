"""Every digit has its name, and what is no digit is refused."""

import pytest
import torch

from course_lib.data.digit_captions import digit_captions


def test_names():
    assert digit_captions(torch.tensor([7, 0])) == ["a handwritten seven", "a handwritten zero"]
    assert len(set(digit_captions(torch.arange(10)))) == 10
    assert digit_captions(torch.tensor([], dtype=torch.long)) == []
    with pytest.raises(ValueError, match="from 0 to 9, got from 3 to 10"):
        digit_captions(torch.tensor([10, 3]))
