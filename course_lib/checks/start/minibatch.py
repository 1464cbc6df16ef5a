"""start/minibatch: batch k of a run, a function of (seed, k)."""

import torch
from torch import Tensor

from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise
from course_lib.checks.start.draws import grey_levels
from course_lib.data.batches import epoch_order
from course_lib.images import from_uint8


def minibatch(image: Tensor, size: int, seed: int, k: int) -> Tensor:
    """Batch k of the run: what `Batches(...).batch(k)` gives."""
    epoch, i = divmod(k, len(image) // size)
    rows = epoch_order(len(image), seed, epoch)[i * size : (i + 1) * size]
    return from_uint8(image[rows])


def places_in_a_run(seed: int) -> list[Case]:
    g = generator(seed)
    size = pick(4, 7, g)
    n = 5 * size + pick(2, size - 1, g)  # five batches an epoch, and a rest

    def at(k):
        return {"image": grey_levels(n, 1, 3, 4, g=g), "size": size, "seed": pick(0, 999, g), "k": k}

    return [
        Case("a batch of the first epoch", at(pick(2, 3, g)), seed),
        Case("the first batch of the second epoch", at(5), seed + 1),
        Case("a batch of a late epoch", at(5 * pick(3, 9, g) + pick(1, 4, g)), seed + 2, strided=True),
        Case("the last batch of an epoch", at(5 * pick(2, 4, g) - 1), seed + 3),
    ]


MINIBATCH = Exercise("start/minibatch", points=2, reference=minibatch, inputs=places_in_a_run)


@MINIBATCH.accept
def minibatch_by_quotient(image, size, seed, k):
    per_epoch = image.shape[0] // size
    order = epoch_order(image.shape[0], seed, k // per_epoch)
    start = (k % per_epoch) * size
    return image[order][start : start + size].float() / 127.5 - 1


@MINIBATCH.accept
def minibatch_by_split(image, size, seed, k):
    n = len(image)
    epoch, i = k // (n // size), k % (n // size)
    return from_uint8(torch.index_select(image, 0, epoch_order(n, seed, epoch).split(size)[i]))


@MINIBATCH.accept
def minibatch_by_view(image, size, seed, k):
    n = len(image)
    per_epoch = n // size
    table = epoch_order(n, seed, k // per_epoch)[: per_epoch * size].view(per_epoch, size)
    return from_uint8(image[table[k % per_epoch]])


@MINIBATCH.mistake
def minibatch_unshuffled(image, size, seed, k):
    """The images come in the order of the file, not shuffled: take them in the order of
    epoch_order(n, seed, epoch)."""
    i = k % (len(image) // size)
    return from_uint8(image[i * size : (i + 1) * size])


@MINIBATCH.mistake
def minibatch_without_epochs(image, size, seed, k):
    """After the first epoch your batches are empty or short: k counts batches and goes on and on. An epoch
    has n // size of them, so divmod(k, n // size) gives the epoch and the place in it."""
    return from_uint8(image[epoch_order(len(image), seed, 0)[k * size : (k + 1) * size]])


@MINIBATCH.mistake
def minibatch_of_the_first_epoch(image, size, seed, k):
    """Every epoch comes in the same order. Hand the epoch on: epoch_order(n, seed, epoch)."""
    i = k % (len(image) // size)
    return from_uint8(image[epoch_order(len(image), seed, 0)[i * size : (i + 1) * size]])


@MINIBATCH.mistake
def minibatch_of_overlapping_rows(image, size, seed, k):
    """Batch i begins at row i, so that batches overlap. It begins at row i * size."""
    epoch, i = divmod(k, len(image) // size)
    return from_uint8(image[epoch_order(len(image), seed, epoch)[i : i + size]])


@MINIBATCH.mistake
def minibatch_of_an_order_each(image, size, seed, k):
    """You draw a new order for each batch, so one epoch shows some images twice and others never. The order
    changes with the epoch, not with k."""
    i = k % (len(image) // size)
    return from_uint8(image[epoch_order(len(image), seed, k)[i * size : (i + 1) * size]])


@MINIBATCH.mistake
def minibatch_of_first_rows(image, size, seed, k):
    """You draw a new order for each batch and take its beginning: one epoch shows some images twice and
    others never. Cut one order per epoch into batches."""
    return from_uint8(image[epoch_order(len(image), seed, k)[:size]])


@MINIBATCH.mistake
def minibatch_with_the_rest(image, size, seed, k):
    """You count the rest as a batch: it is shorter than the others. An epoch has n // size batches, rounded
    down, and the rest sits it out."""
    epoch, i = divmod(k, -(-len(image) // size))
    return from_uint8(image[epoch_order(len(image), seed, epoch)[i * size : (i + 1) * size]])


@MINIBATCH.mistake
def minibatch_counted_from_one(image, size, seed, k):
    """Your batches are one place late: the first batch of an epoch has i = 0 and begins at row 0."""
    epoch, i = divmod(k, len(image) // size)
    rows = epoch_order(len(image), seed, epoch).roll(-size)
    return from_uint8(image[rows[i * size : (i + 1) * size]])


@MINIBATCH.mistake
def minibatch_with_epoch_and_place_exchanged(image, size, seed, k):
    """Epoch and place are exchanged: divmod(k, n // size) gives first the epoch, then the place in it."""
    i, epoch = divmod(k, len(image) // size)
    return from_uint8(image[epoch_order(len(image), seed, epoch)[i * size : (i + 1) * size]])


@MINIBATCH.mistake
def minibatch_without_the_seed(image, size, seed, k):
    """The seed is ignored: two runs with different seeds would see the same batches."""
    epoch, i = divmod(k, len(image) // size)
    return from_uint8(image[epoch_order(len(image), 0, epoch)[i * size : (i + 1) * size]])


@MINIBATCH.mistake
def minibatch_by_dice(image, size, seed, k):
    """You draw rows from torch's own generator: asked twice for batch k, it gives two different batches, and
    a resumed run sees others. Use epoch_order(n, seed, epoch)."""
    return from_uint8(image[torch.randint(len(image), (size,))])


@MINIBATCH.mistake
def minibatch_by_shuffling(image, size, seed, k):
    """You shuffle with torch's own generator: asked twice for batch k, it gives two different batches. Use
    epoch_order(n, seed, epoch)."""
    return from_uint8(image[torch.randperm(len(image))[:size]])


@MINIBATCH.mistake
def minibatch_of_bytes(image, size, seed, k):
    """The rows are right, but they are still bytes from 0 to 255. Return from_uint8 of them."""
    epoch, i = divmod(k, len(image) // size)
    return image[epoch_order(len(image), seed, epoch)[i * size : (i + 1) * size]]


@MINIBATCH.mistake
def minibatch_of_rows(image, size, seed, k):
    """You return the row numbers. Return the images in those rows: from_uint8(image[rows])."""
    epoch, i = divmod(k, len(image) // size)
    return epoch_order(len(image), seed, epoch)[i * size : (i + 1) * size]
