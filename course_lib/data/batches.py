"""Batches of a set that lives on the device: batch k of a run is a pure function of (seed, k).

A small set (MNIST, faces) is moved to the device once, as uint8, and a batch is an index into it: no worker
processes, no copies, and a resumed run sees exactly the batches that it would have seen. Sets that do not
fit in memory come through `stream`, in the same order.
"""

import random
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from course_lib.device import pick_device
from course_lib.images import from_uint8
from course_lib.types import Batch

ImageSet = dict[str, Tensor]  # {"image": Bytes (n, c, h, w), "label": Labels (n,), ...}: one row per item


class Batches:
    """An endless iterator: `next(batches)` is {"image": float32 in [-1, 1], "label": ..., ...}, `size` items.

    An epoch is every item once, in an order drawn from (seed, epoch), cut into n // size batches; the rest,
    fewer than `size` items, sits this epoch out (other items the next time). So all batches are equally long.
    """

    def __init__(
        self,
        data: ImageSet,
        size: int,
        *,
        seed: int = 0,
        device: torch.device | str | None = None,
        start: int = 0,
    ):
        n = require_image_set(data)
        device = pick_device() if device is None else torch.device(device)
        self.data = {name: rows.to(device) for name, rows in data.items()}
        self.n, self.size, self.seed, self.device, self.next = n, size, seed, device, start
        self.per_epoch = batches_per_epoch(n, size)
        self._epoch, self._order = -1, torch.empty(0)  # the order of the epoch in use: a memo, not state

    def batch(self, k: int) -> Batch:
        """The k-th batch of the run, k = 0, 1, ...: whoever asks, and whatever was asked before."""
        epoch, i = divmod(k, self.per_epoch)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, epoch_order(self.n, self.seed, epoch).to(self.device)
        rows = self._order[i * self.size : (i + 1) * self.size]
        batch = {name: values[rows] for name, values in self.data.items()}
        return batch | {"image": from_uint8(batch["image"])}

    def starting_at(self, k: int) -> "Batches":
        """The same batches from the k-th on, for a run that is resumed; the set itself is shared."""
        return Batches(self.data, self.size, seed=self.seed, device=self.device, start=k)

    def __iter__(self) -> "Batches":
        return self

    def __next__(self) -> Batch:
        batch = self.batch(self.next)
        self.next += 1
        return batch


def stream(
    dataset: Dataset | Sequence,
    size: int,
    *,
    seed: int = 0,
    device: torch.device | str | None = None,
    start: int = 0,
    workers: int = 0,
) -> Iterator[Batch]:
    """The same endless batches from a dataset that does not fit in memory, through a DataLoader.

    Items are dicts as in an ImageSet, {"image": uint8 (c, h, w), "label": 3, ...}, or pairs (image, label).
    `workers` is the number of processes that read ahead. The order is that of `Batches`.
    """
    device = pick_device() if device is None else torch.device(device)
    per_epoch = batches_per_epoch(len(dataset), size)
    order = _EndlessOrder(len(dataset), size, per_epoch, seed, start)
    loader = DataLoader(
        dataset,
        batch_sampler=order,
        num_workers=workers,
        collate_fn=_collate,
        pin_memory=device.type == "cuda",
        persistent_workers=workers > 0,
    )

    def batches() -> Iterator[Batch]:
        for batch in loader:
            batch = {name: values.to(device, non_blocking=True) for name, values in batch.items()}
            yield batch | {"image": from_uint8(batch["image"])}

    return batches()


def epoch_order(n: int, seed: int, epoch: int) -> Tensor:
    """The order in which an epoch visits its n items: a permutation drawn from (seed, epoch)."""
    mixed = random.Random(f"{seed}/{epoch}").getrandbits(63)  # neighbouring seeds share no epoch
    return torch.randperm(n, generator=torch.Generator().manual_seed(mixed))


def batches_per_epoch(n: int, size: int) -> int:
    """n // size, or a ValueError when no batch can be made."""
    if not 1 <= size <= n:
        raise ValueError(f"expected a batch size from 1 to {n} (the number of items in the set), got {size}")
    return n // size


def require_image_set(data: ImageSet) -> int:
    """The number of items of a well-formed set, otherwise a ValueError that says what is wrong with it."""
    expected = 'expected a set {"image": uint8 (n, c, h, w), ...} with one row per item in every tensor'
    if not isinstance(data, dict) or not isinstance(data.get("image"), Tensor):
        keys = sorted(data) if isinstance(data, dict) else type(data).__name__
        raise ValueError(f"{expected}, got {keys}")
    image = data["image"]
    if image.dtype != torch.uint8 or image.ndim != 4:
        raise ValueError(f"{expected}, got an image of {image.dtype} and shape {tuple(image.shape)}")
    for name, rows in data.items():
        if not isinstance(rows, Tensor) or rows.ndim == 0 or len(rows) != len(image):
            found = tuple(rows.shape) if isinstance(rows, Tensor) else type(rows).__name__
            raise ValueError(f"{expected}, got {len(image)} images and {name} of {found}")
    return len(image)


class _EndlessOrder:
    """Index lists for a DataLoader, one per batch, without end."""

    def __init__(self, n: int, size: int, per_epoch: int, seed: int, start: int):
        self.n, self.size, self.per_epoch, self.seed, self.start = n, size, per_epoch, seed, start

    def __iter__(self) -> Iterator[list[int]]:
        epoch, first = divmod(self.start, self.per_epoch)
        while True:
            order = epoch_order(self.n, self.seed, epoch).tolist()
            for i in range(first, self.per_epoch):
                yield order[i * self.size : (i + 1) * self.size]
            epoch, first = epoch + 1, 0


def _collate(items: list) -> Batch:
    if isinstance(items[0], dict):
        return default_collate(items)
    images, labels = default_collate([tuple(item) for item in items])
    return {"image": images, "label": labels}
