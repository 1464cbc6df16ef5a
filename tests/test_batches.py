"""Batches: pure in (seed, k), every item once an epoch, and the same from a DataLoader."""

import time
from itertools import islice

import pytest
import torch

from course_lib.data.batches import Batches, epoch_order, stream
from course_lib.images import from_uint8


def make_set(n=50):
    image = torch.arange(n, dtype=torch.uint8).view(n, 1, 1, 1).expand(n, 1, 4, 4).contiguous()
    return {"image": image, "label": torch.arange(n), "pose": torch.randn(n, 2)}


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_a_batch_is_the_rows_of_its_set():
    data = make_set()
    batch = next(Batches(data, 7, device="cpu"))
    rows = batch["label"]
    assert batch["image"].dtype == torch.float32
    assert torch.equal(batch["image"], from_uint8(data["image"][rows]))
    assert torch.equal(batch["pose"], data["pose"][rows])


def test_batch_k_depends_on_seed_and_k_only():
    data, order = make_set(), [9, 0, 3, 3, 8, 1]
    one, other = Batches(data, 8, seed=3, device="cpu"), Batches(data, 8, seed=3, device="cpu")
    straight = list(islice(other, 10))
    assert all(equal(one.batch(k), straight[k]) for k in order)  # in any order, more than once
    assert not equal(one.batch(0), Batches(data, 8, seed=4, device="cpu").batch(0))
    torch.manual_seed(1)  # the global generator has no say
    assert equal(one.batch(7), straight[7])


def test_a_resumed_run_sees_the_same_batches():
    batches = Batches(make_set(), 8, seed=1, device="cpu")
    whole = list(islice(batches, 20))
    resumed = batches.starting_at(13)
    assert all(equal(a, b) for a, b in zip(whole[13:], islice(resumed, 7), strict=True))
    assert resumed.data["image"].data_ptr() == batches.data["image"].data_ptr()  # shared, not copied
    assert equal(next(batches), Batches(batches.data, 8, seed=1, device="cpu").batch(20))


def test_an_epoch_is_every_item_once_and_the_next_is_reshuffled():
    batches = Batches(make_set(48), 8, seed=0, device="cpu")
    assert batches.per_epoch == 6
    epochs = [torch.cat([batches.batch(6 * e + i)["label"] for i in range(6)]) for e in range(3)]
    for epoch in epochs:
        assert torch.equal(epoch.sort().values, torch.arange(48))
    assert not torch.equal(epochs[0], epochs[1]) and not torch.equal(epochs[1], epochs[2])


def test_a_ragged_rest_is_dropped_and_is_another_rest_each_epoch():
    batches = Batches(make_set(50), 16, seed=0, device="cpu")
    assert batches.per_epoch == 3
    seen = [{int(i) for k in range(3) for i in batches.batch(3 * e + k)["label"]} for e in range(20)]
    assert all(len(epoch) == 48 for epoch in seen)
    assert set.union(*seen) == set(range(50))


def test_seeds_and_epochs_do_not_collide():
    orders = {tuple(epoch_order(20, seed, epoch).tolist()) for seed in range(10) for epoch in range(10)}
    assert len(orders) == 100


@pytest.mark.parametrize("workers", [0, 1])
def test_a_stream_gives_the_same_batches(workers):
    data = make_set(20)
    items = [{name: rows[i] for name, rows in data.items()} for i in range(20)]
    streamed = stream(items, 6, seed=2, device="cpu", start=2, workers=workers)
    expected = Batches(data, 6, seed=2, device="cpu", start=2)
    for a, b in islice(zip(streamed, expected, strict=False), 5):
        assert equal(a, b)


def test_a_stream_of_pairs():
    items = [(torch.full((1, 2, 2), i, dtype=torch.uint8), i) for i in range(6)]
    batch = next(stream(items, 4, device="cpu"))
    assert torch.allclose(batch["image"][:, 0, 0, 0], batch["label"] / 127.5 - 1)


@pytest.mark.parametrize("size", [0, -3, 51])
def test_a_size_that_cannot_be_is_one_sentence(size):
    with pytest.raises(ValueError, match=f"from 1 to 50 .* got {size}$"):
        Batches(make_set(50), size, device="cpu")
    with pytest.raises(ValueError, match=f"from 1 to 50 .* got {size}$"):
        stream([{"image": torch.zeros(1, 2, 2)}] * 50, size, device="cpu")


@pytest.mark.parametrize(
    "change, says",
    [
        ({"image": torch.zeros(50, 1, 4, 4)}, r"got an image of torch.float32"),
        ({"image": torch.zeros(50, 4, 4, dtype=torch.uint8)}, r"shape \(50, 4, 4\)"),
        ({"label": torch.zeros(49)}, r"got 50 images and label of \(49,\)"),
        ({"label": torch.tensor(3)}, r"label of \(\)"),
    ],
)
def test_a_set_that_is_none_is_one_sentence(change, says):
    with pytest.raises(ValueError, match=says):
        Batches(make_set(50) | change, 5, device="cpu")


def test_a_set_without_images_is_one_sentence():
    with pytest.raises(ValueError, match=r"expected a set .* got \['label'\]"):
        Batches({"label": torch.zeros(3)}, 1, device="cpu")


def test_indexing_is_cheap():
    data = {
        "image": torch.randint(0, 256, (60_000, 1, 28, 28), dtype=torch.uint8),
        "label": torch.randint(0, 10, (60_000,)),
    }
    batches = Batches(data, 128, device="cpu")
    next(batches)
    began = time.process_time()
    for _ in range(200):
        next(batches)
    assert (time.process_time() - began) / 200 < 2e-3  # a training step of a small net takes 20e-3
