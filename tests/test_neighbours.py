"""Nearest neighbours against all distances written out, and copies of the training set found out."""

import pytest
import torch

from course_lib.images import from_uint8
from course_lib.metrics import neighbours
from course_lib.metrics.neighbours import nearest, nearest_images, squared_distances


def draw(n: int, d: int = 5, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("block", [4096, 7])
def test_agrees_with_all_distances_written_out(block, monkeypatch):
    monkeypatch.setattr(neighbours, "BLOCK", block)
    queries, bank = draw(23), draw(40, seed=1)
    found = nearest(queries, bank, k=9)
    distances = (queries.double()[:, None] - bank.double()).norm(dim=2)
    expected = distances.sort(dim=1)
    assert torch.equal(found.index, expected.indices[:, :9])
    assert torch.allclose(found.distance, expected.values[:, :9], rtol=1e-12)


def test_a_copy_is_at_exactly_0_however_far_from_the_origin():
    bank = 1e4 + draw(50)
    found = nearest(bank[[7, 3]], bank, k=2)
    assert found.index[:, 0].tolist() == [7, 3]
    assert found.distance[:, 0].tolist() == [0, 0]
    assert (found.distance[:, 1] > 0).all()


def test_squared_distances_far_from_the_origin():
    a, b = 1e6 + draw(10).double(), 1e6 + draw(12, seed=1).double()
    expected = (a[:, None] - b).square().sum(2)
    assert torch.allclose(squared_distances(a, b), expected, rtol=1e-8)


def test_images_that_are_copies_are_found_among_uint8_or_float():
    training = torch.randint(
        0, 256, (30, 1, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8
    )
    samples = from_uint8(training[[4, 9]])
    samples[1, 0, 0, 0] += 0.5 if samples[1, 0, 0, 0] < 0 else -0.5
    for bank in (training, from_uint8(training)):
        found = nearest_images(samples, bank)
        assert found.index.squeeze(1).tolist() == [4, 9]
        assert found.distance.squeeze(1).tolist() == pytest.approx([0, 0.5], abs=1e-6)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="k from 1 to the 3 rows"):
        nearest(draw(5), draw(3), k=4)
    with pytest.raises(ValueError, match="one size and one number of channels"):
        nearest_images(torch.zeros(2, 1, 8, 8), torch.zeros(2, 3, 8, 8))
    with pytest.raises(ValueError, match=r"values from 0\.00 to 255\.00"):
        nearest_images(torch.zeros(2, 1, 8, 8), torch.linspace(0, 255, 128).view(2, 1, 8, 8))
