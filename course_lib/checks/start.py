"""Lesson 00: its answers are in course_lib/images.py, data/batches.py and models/gaussian.py; here are other
right ones, and the wrong ones."""

import math

import torch
from torch import Tensor

from course_lib.checks.exercise import Case, Exercise
from course_lib.checks.observe import Observation
from course_lib.data.batches import epoch_order
from course_lib.images import from_uint8, to_uint8
from course_lib.models.gaussian import draw_gaussian, fit_gaussian, frechet_1d, frechet_gaussians


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pick(low: int, high: int, g: torch.Generator) -> int:
    """A size in low..high: an answer must hold for every shape, not for the notebook's."""
    return int(torch.randint(low, high + 1, (), generator=g))


def grey_levels(*shape: int, g: torch.Generator) -> Tensor:
    return torch.randint(256, shape, generator=g).to(torch.uint8)


# ----------------------------------------------------------------------------------------- start/to_uint8


def images_to_convert(seed: int) -> list[Case]:
    """Values up to 0.4 grey levels beside a whole one (so that no rounding rule matters), some outside."""
    g = generator(seed)

    def near_levels(*shape):
        levels = grey_levels(*shape, g=g).float() + 0.8 * torch.rand(shape, generator=g) - 0.4
        return {"x": levels / 127.5 - 1}

    grey = torch.linspace(-1, 1, 256)[torch.randperm(256, generator=g)].view(1, 1, 16, 16)
    outside = 1.5 * (2 * torch.rand(pick(2, 4, g), 1, 6, 6, generator=g) - 1)
    outside = torch.where(outside.abs() > 1.02, outside, near_levels(*outside.shape)["x"])
    return [
        Case("all 256 grey levels", {"x": grey}, seed),
        Case("images in colour", near_levels(pick(2, 4, g), 3, pick(4, 6, g), 5), seed + 1, strided=True),
        Case("values outside [-1, 1]", {"x": outside}, seed + 2),
    ]


TO_UINT8 = Exercise("start/to_uint8", points=2, reference=to_uint8, inputs=images_to_convert)


@TO_UINT8.accept
def bytes_by_half_more(x):
    return (x * 127.5 + 128).clamp(0, 255).to(torch.uint8)


@TO_UINT8.accept
def bytes_by_unit_range(x):
    return torch.round((x.clamp(-1, 1) + 1) / 2 * 255).byte()


@TO_UINT8.accept
def bytes_by_minimum(x):
    levels = torch.floor(127.5 * (x + 1) + 0.5)
    return torch.minimum(torch.maximum(levels, torch.tensor(0.0)), torch.tensor(255.0)).to(torch.uint8)


def wrapped(x: Tensor) -> Tensor:
    """To bytes as processors of today do it: modulo 256. (What torch does outside 0..255 is not defined.)"""
    return x.to(torch.int64).to(torch.uint8)


@TO_UINT8.mistake
def bytes_cut_off(x):
    """The fraction is cut off: .to(torch.uint8) turns 100.9 into 100, and every picture gets a little darker.
    Call .round() first."""
    return (x * 127.5 + 127.5).clamp(0, 255).to(torch.uint8)


@TO_UINT8.mistake
def bytes_that_wrap(x):
    """Values outside [-1, 1] wrap around: 257 becomes 1, so a pixel that is too white turns black. Clamp to
    0..255 before .to(torch.uint8)."""
    return wrapped((x * 127.5 + 127.5).round())


@TO_UINT8.mistake
def bytes_cut_off_that_wrap(x):
    """Two things are missing: .round(), since .to(torch.uint8) cuts the fraction off, and .clamp(0, 255),
    since values outside wrap around."""
    return wrapped(x * 127.5 + 127.5)


@TO_UINT8.mistake
def bytes_of_unit_range(x):
    """You treat x as if it ran from 0 to 1: everything darker than middle grey becomes black. Move [-1, 1] to
    [0, 2] first, then scale."""
    return (x * 255).round().clamp(0, 255).to(torch.uint8)


@TO_UINT8.mistake
def bytes_of_unit_range_that_wrap(x):
    """You multiply by 255 as if x ran from 0 to 1, and the negative values wrap around. Move [-1, 1] to
    [0, 2] first, scale by 127.5, and clamp."""
    return wrapped((x * 255).round())


@TO_UINT8.mistake
def bytes_without_half(x):
    """The range is stretched too far: (x + 1) runs from 0 to 2, so it is multiplied by 127.5, not by 255."""
    return ((x + 1) * 255).round().clamp(0, 255).to(torch.uint8)


@TO_UINT8.mistake
def bytes_without_shift(x):
    """The shift is missing: x * 127.5 runs from -127.5 to 127.5. Add 127.5, so that -1 becomes 0."""
    return (x * 127.5).round().clamp(0, 255).to(torch.uint8)


@TO_UINT8.mistake
def bytes_of_128(x):
    """You scale by 128. From 0 to 255 there are 255 steps, so one half of them is 127.5: -1 must give 0 and 1
    must give 255, exactly."""
    return (x * 128 + 128).round().clamp(0, 255).to(torch.uint8)


@TO_UINT8.mistake
def bytes_of_127(x):
    """You scale by 127 about 128, so black becomes 1. Half of the 255 steps is 127.5: x * 127.5 + 127.5."""
    return (x * 127 + 128).round().clamp(0, 255).to(torch.uint8)


@TO_UINT8.mistake
def bytes_of_stretched_batch(x):
    """You stretch each batch to its own darkest and brightest pixel, so the same image looks different in
    another batch. The range is always [-1, 1]."""
    return ((x - x.min()) / (x.max() - x.min()) * 255).round().to(torch.uint8)


@TO_UINT8.mistake
def bytes_upside_down(x):
    """Black and white are exchanged: -1 is black and becomes 0, 1 is white and becomes 255."""
    return (127.5 - x * 127.5).round().clamp(0, 255).to(torch.uint8)


# --------------------------------------------------------------------------------------- start/from_uint8


def bytes_to_convert(seed: int) -> list[Case]:
    g = generator(seed)
    every = torch.arange(256)[torch.randperm(256, generator=g)].to(torch.uint8).view(1, 1, 16, 16)
    dark = (grey_levels(pick(2, 4, g), 1, 5, 5, g=g) // 3).to(torch.uint8)
    return [
        Case("all 256 grey levels", {"x": every}, seed),
        Case("dark images", {"x": dark}, seed + 1),
        Case("images in colour", {"x": grey_levels(pick(2, 4, g), 3, 4, 6, g=g)}, seed + 2, strided=True),
    ]


FROM_UINT8 = Exercise("start/from_uint8", points=1, reference=from_uint8, inputs=bytes_to_convert)


@FROM_UINT8.accept
def images_by_unit_range(x):
    return x.float() / 255 * 2 - 1


@FROM_UINT8.accept
def images_about_the_middle(x):
    return (x - 127.5) / 127.5


@FROM_UINT8.accept
def images_by_lerp(x):
    return torch.lerp(torch.tensor(-1.0), torch.tensor(1.0), x.to(torch.float32) / 255)


@FROM_UINT8.mistake
def images_in_unit_range(x):
    """Your images run from 0 to 1, where the course has -1 to 1: black must become -1. Divide by 127.5 and
    subtract 1."""
    return x.float() / 255


@FROM_UINT8.mistake
def images_in_double_range(x):
    """Your images run from 0 to 2: the -1 is missing."""
    return x.float() / 127.5


@FROM_UINT8.mistake
def images_in_half_range(x):
    """Your images run from -1/2 to 1/2: the range is 2 wide, so divide by 127.5, half of 255."""
    return x.float() / 255 - 0.5


@FROM_UINT8.mistake
def images_as_they_are(x):
    """Only the type changes: the values still run from 0 to 255. Scale them to [-1, 1]."""
    return x.float()


@FROM_UINT8.mistake
def images_of_128(x):
    """White does not reach 1: 255 / 128 - 1 is 0.992. From 0 to 255 there are 255 steps, and half of them is
    127.5."""
    return x.float() / 128 - 1


@FROM_UINT8.mistake
def images_doubled_in_bytes(x):
    """x * 2 is computed in uint8, where 200 * 2 wraps around to 144. Turn x into float first: x.float()."""
    return x * 2 / 255 - 1


@FROM_UINT8.mistake
def images_shifted_in_bytes(x):
    """x - 128 is computed in uint8, where 100 - 128 wraps around to 228. Make x float first: x.float()."""
    return (x - 128) / 127.5


@FROM_UINT8.mistake
def images_divided_in_whole_numbers(x):
    """// divides in whole numbers and leaves only two or three grey levels. Divide with /."""
    return (x // 127.5).float() - 1


@FROM_UINT8.mistake
def images_of_stretched_batch(x):
    """You stretch each batch to its own darkest and brightest pixel, so the same image becomes another one in
    another batch. Scale by 127.5, always."""
    x = x.float()
    return (x - x.min()) / (x.max() - x.min()) * 2 - 1


@FROM_UINT8.mistake
def images_standardised(x):
    """You subtract the mean and divide by the spread of the batch. That suits some classifiers; here every
    image lies in [-1, 1], whatever else is in its batch."""
    x = x.float()
    return (x - x.mean()) / x.std()


@FROM_UINT8.mistake
def images_with_mnist_statistics(x):
    """0.1307 and 0.3081 are mean and spread of MNIST, used for classifiers. Here black is -1 and white is 1,
    for digits and faces alike."""
    return (x.float() / 255 - 0.1307) / 0.3081


@FROM_UINT8.mistake
def images_upside_down(x):
    """Black and white are exchanged: 0 is black and becomes -1, 255 is white and becomes 1."""
    return 1 - x.float() / 127.5


# ---------------------------------------------------------------------------------------- start/minibatch


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


# --------------------------------------------------------------------------------------------- start/fit

NUMBERS = ("x",)


def rows_to_fit(seed: int) -> list[Case]:
    g = generator(seed)

    def draw(n, d):
        mixing = torch.eye(d) + torch.randn(d, d, generator=g)
        return {"x": 1 + 2 * torch.rand(d, generator=g) + torch.randn(n, d, generator=g) @ mixing}

    return [
        Case("a few rows", draw(pick(6, 9, g), 3), seed, NUMBERS),
        Case("fewer rows than dimensions", draw(4, pick(5, 7, g)), seed + 1, NUMBERS, strided=True),
        Case("many rows of two numbers", draw(pick(40, 60, g), 2), seed + 2, NUMBERS),
    ]


FIT = Exercise("start/fit", points=2, reference=fit_gaussian, inputs=rows_to_fit, absolute=1e-5)


@FIT.accept
def fit_by_cov(x):
    return x.mean(0), torch.cov(x.T)


@FIT.accept
def fit_by_outer_products(x):
    centred = x - x.mean(0, keepdim=True)
    return x.mean(0), torch.einsum("ni,nj->ij", centred, centred) / (x.shape[0] - 1)


@FIT.accept
def fit_by_second_moments(x):
    n, mean = len(x), x.sum(0) / len(x)
    return mean, (x.T @ x - n * torch.outer(mean, mean)) / (n - 1)


@FIT.mistake
def fit_with_n(x):
    """The covariance is divided by n. The mean was estimated from the same rows, which makes the scatter too
    small: divide by n - 1."""
    centred = x - x.mean(0)
    return x.mean(0), centred.T @ centred / len(x)


@FIT.mistake
def fit_without_division(x):
    """The covariance is a sum, and grows with the number of rows. Divide by n - 1."""
    centred = x - x.mean(0)
    return x.mean(0), centred.T @ centred


@FIT.mistake
def fit_without_centring(x):
    """The mean is not subtracted, so the matrix measures the distance from 0, not the spread. Use
    x - mean."""
    return x.mean(0), x.T @ x / (len(x) - 1)


@FIT.mistake
def fit_without_centring_with_n(x):
    """The mean is not subtracted, so the matrix measures the distance from 0, not the spread (and it is
    divided by n, not by n - 1). Use x - mean."""
    return x.mean(0), x.T @ x / len(x)


@FIT.mistake
def fit_with_one_mean(x):
    """x.mean() is one number for everything. Each dimension has its own mean: x.mean(dim=0)."""
    centred = x - x.mean()
    return x.mean(), centred.T @ centred / (len(x) - 1)


@FIT.mistake
def fit_of_columns(x):
    """The average goes over the wrong axis: x.mean(dim=1) is the mean of each image. Average over the rows,
    dim=0."""
    centred = x - x.mean(1, keepdim=True)
    return x.mean(1), centred @ centred.T / (len(x) - 1)


@FIT.mistake
def fit_by_cov_of_columns(x):
    """torch.cov wants variables in rows, and your matrix compares the images with each other. Hand it x.T."""
    return x.mean(0), torch.cov(x)


@FIT.mistake
def fit_with_the_outer_product_turned(x):
    """Your matrix is (n, n): it compares images with each other. Pixels with pixels is centred.T @ centred,
    (d, d)."""
    centred = x - x.mean(0)
    return x.mean(0), centred @ centred.T / (len(x) - 1)


@FIT.mistake
def fit_of_variances(x):
    """You return the variances alone, (d,). The covariance is a matrix (d, d): how each dimension varies with
    each other one."""
    return x.mean(0), x.var(0)


@FIT.mistake
def fit_of_deviations(x):
    """You return standard deviations, (d,). The covariance is a matrix (d, d), with the variances on its
    diagonal."""
    return x.mean(0), x.std(0)


@FIT.mistake
def fit_of_independent_dimensions(x):
    """Off the diagonal your matrix is 0, as if every dimension went its own way. Keep the products of
    different dimensions: centred.T @ centred."""
    return x.mean(0), x.var(0).diag()


@FIT.mistake
def fit_with_deviations_on_the_diagonal(x):
    """Your matrix has the standard deviations on its diagonal and 0 elsewhere. The diagonal holds variances,
    the rest how two dimensions vary together."""
    return x.mean(0), x.std(0).diag()


@FIT.mistake
def fit_of_correlations(x):
    """That is the correlation, which is 1 on the diagonal whatever the spread. The covariance keeps the
    scale: do not divide by the standard deviations."""
    return x.mean(0), torch.corrcoef(x.T)


@FIT.mistake
def fit_of_sums(x):
    """Your mean is a sum: divide it by the number of rows, or call x.mean(dim=0)."""
    return x.sum(0), torch.cov(x.T)


# ------------------------------------------------------------------------------------------- start/sample

PARAMETERS = ("mean", "covariance")


def spread(d: int, g: torch.Generator) -> Tensor:
    """A covariance far from diagonal, whose variances are far from 1: L L' with L's entries of fixed size."""
    signs = 1.0 - 2.0 * torch.randint(2, (d, d), generator=g)
    L = torch.tril(signs * (1.0 + 0.3 * torch.rand(d, d, generator=g)), diagonal=-1)
    L = L + torch.diag(torch.tensor([1.6, 0.7, 1.2, 0.6, 1.4])[:d])
    return L @ L.T


def gaussians_to_draw(seed: int) -> list[Case]:
    g = generator(seed)

    def ask(d, n):
        return {"mean": 3 + 2 * torch.rand(d, generator=g), "covariance": spread(d, g), "n": n}

    return [
        Case("many draws", ask(3, 4096), seed, PARAMETERS, calls=2),
        Case("one draw", ask(pick(2, 5, g), 1), seed + 1, PARAMETERS),
    ]


def draw_statistics(case: Case, seen: Observation) -> dict[str, Tensor]:
    """What draws must satisfy whatever their noise: with the mean subtracted and the right root undone they
    are standard normal. Shares and averages, so that any root and any generator will do."""
    mean, covariance = case.args["mean"].double(), case.args["covariance"].double()
    x = seen.outputs[""].double()
    if x.shape != (case.args["n"], len(mean)):
        raise ValueError("not draws")
    if len(x) < 500:
        return {"whether all draws are finite": x.isfinite().all().double()}
    white = undo(covariance, x - mean)
    found = {
        "the average of the draws, less the mean, in standard deviations": white.mean(0),
        "the spread of the draws, with the right covariance undone,": white.std(0),
        "the covariance of the draws, with the right one undone,": torch.cov(white.T),
        "the share of draws beyond two standard deviations, times ten": 10
        * (white.abs() > 2).double().mean(),
    }
    if seen.again:
        change = undo(covariance, seen.again[""].double() - x)
        found["the change from one call to the next, in standard deviations"] = change.std() / 2**0.5
    return found


def undo(covariance: Tensor, x: Tensor) -> Tensor:
    """inverse(L) x for each row."""
    return torch.linalg.solve_triangular(torch.linalg.cholesky(covariance), x.T, upper=False).T


SAMPLE = Exercise(
    "start/sample",
    points=2,
    reference=draw_gaussian,
    inputs=gaussians_to_draw,
    statistics=draw_statistics,
    tolerance=0.1,
    absolute=0.15,  # six standard errors of the variances of 4,096 draws
)


@SAMPLE.accept
def draw_by_distributions(mean, covariance, n):
    return torch.distributions.MultivariateNormal(mean, covariance).sample((n,))


@SAMPLE.accept
def draw_in_columns(mean, covariance, n):
    L = torch.linalg.cholesky(covariance)
    return (mean[:, None] + L @ torch.randn(len(mean), n)).T


@SAMPLE.accept
def draw_by_eigenvectors(mean, covariance, n):
    values, vectors = torch.linalg.eigh(covariance)
    return mean + (torch.randn(n, mean.shape[0]) * values.sqrt()) @ vectors.T


@SAMPLE.accept
def draw_by_upper_root(mean, covariance, n):
    return torch.randn(n, len(mean)) @ torch.linalg.cholesky(covariance, upper=True) + mean


@SAMPLE.mistake
def draw_with_the_root_turned(mean, covariance, n):
    """The root is the wrong way round: these draws have the covariance L'L, not LL'. With one draw a row it
    is eps @ L.T."""
    return mean + torch.randn(n, len(mean)) @ torch.linalg.cholesky(covariance)


@SAMPLE.mistake
def draw_with_the_covariance_as_root(mean, covariance, n):
    """You multiply the noise by the covariance itself. Its root goes there: L = torch.linalg.cholesky(
    covariance)."""
    return mean + torch.randn(n, len(mean)) @ covariance


@SAMPLE.mistake
def draw_independently(mean, covariance, n):
    """Only the diagonal is used, so the dimensions do not vary together. Multiply the noise by the whole root
    L."""
    return mean + torch.randn(n, len(mean)) * covariance.diagonal().sqrt()


@SAMPLE.mistake
def draw_independently_with_variances(mean, covariance, n):
    """Only the diagonal is used, and as it is: those are variances, and the dimensions do not vary together.
    Multiply the noise by the whole root L."""
    return mean + torch.randn(n, len(mean)) * covariance.diagonal()


@SAMPLE.mistake
def draw_with_the_root_of_each_entry(mean, covariance, n):
    """covariance.sqrt() takes the root of each entry, NaN where one is negative. The root of a matrix is
    torch.linalg.cholesky(covariance)."""
    return mean + torch.randn(n, len(mean)) @ covariance.sqrt().T


@SAMPLE.mistake
def draw_without_covariance(mean, covariance, n):
    """The covariance is not used: these draws vary by 1 in every dimension, each on its own."""
    return mean + torch.randn(n, len(mean))


@SAMPLE.mistake
def draw_without_mean(mean, covariance, n):
    """The mean is missing: your draws lie about 0. Add it to every row."""
    return torch.randn(n, len(mean)) @ torch.linalg.cholesky(covariance).T


@SAMPLE.mistake
def draw_one_noise(mean, covariance, n):
    """All n draws are the same: the noise has the shape (d,). Draw n rows of it, (n, d)."""
    eps = torch.randn(len(mean))
    return (mean + eps @ torch.linalg.cholesky(covariance).T).expand(n, -1)


@SAMPLE.mistake
def draw_one_number_a_row(mean, covariance, n):
    """Within a row all dimensions share one noise value. Draw noise of shape (n, d), not (n, 1)."""
    eps = torch.randn(n, 1).expand(-1, len(mean))
    return mean + eps @ torch.linalg.cholesky(covariance).T


@SAMPLE.mistake
def draw_uniform_noise(mean, covariance, n):
    """The noise is uniform in [0, 1) (torch.rand). It must be standard normal: torch.randn, with an n."""
    return mean + torch.rand(n, len(mean)) @ torch.linalg.cholesky(covariance).T


@SAMPLE.mistake
def draw_the_same_again(mean, covariance, n):
    """Every call gives the same draws, because you seed inside the function. Leave the seed to the caller."""
    eps = torch.randn(n, len(mean), generator=generator(0))
    return mean + eps @ torch.linalg.cholesky(covariance).T


@SAMPLE.mistake
def draw_nothing(mean, covariance, n):
    """You return the mean n times, without noise. Add eps @ L.T, with eps standard normal."""
    return mean.expand(n, -1).clone()


# --------------------------------------------------------------------------------------- start/frechet_1d


def pairs_of_one_dimension(seed: int) -> list[Case]:
    g = generator(seed)

    def draw(k):
        means = [2 * torch.randn(k, generator=g) for _ in "ab"]
        variances = [0.2 + 4 * torch.rand(k, generator=g) for _ in "ab"]
        return {"mean_a": means[0], "var_a": variances[0], "mean_b": means[1], "var_b": variances[1]}

    alike = draw(3)
    alike |= {"mean_b": alike["mean_a"].clone(), "var_b": alike["var_a"].clone()}
    return [
        Case("several pairs", draw(pick(5, 9, g)), seed),
        Case("one pair", draw(1), seed + 1),
        Case("equal Gaussians", alike, seed + 2),
    ]


FRECHET_1D = Exercise(
    "start/frechet_1d", points=2, reference=frechet_1d, inputs=pairs_of_one_dimension, absolute=1e-5
)


@FRECHET_1D.accept
def frechet_1d_by_deviations(mean_a, var_a, mean_b, var_b):
    return (mean_a - mean_b) ** 2 + (var_a.sqrt() - var_b.sqrt()) ** 2


@FRECHET_1D.accept
def frechet_1d_by_roots(mean_a, var_a, mean_b, var_b):
    return (mean_b - mean_a).square() + var_a + var_b - 2 * torch.sqrt(var_a) * torch.sqrt(var_b)


@FRECHET_1D.accept
def frechet_1d_by_powers(mean_a, var_a, mean_b, var_b):
    return torch.pow(mean_a - mean_b, 2) + (var_a + var_b - 2 * (var_a * var_b) ** 0.5)


@FRECHET_1D.mistake
def frechet_1d_of_squared_variances(mean_a, var_a, mean_b, var_b):
    """The root is missing from the last term: 2 sqrt(var_a var_b), not 2 var_a var_b."""
    return (mean_a - mean_b) ** 2 + var_a + var_b - 2 * var_a * var_b


@FRECHET_1D.mistake
def frechet_1d_without_two(mean_a, var_a, mean_b, var_b):
    """The factor 2 of the last term is missing: for two equal Gaussians the distance must be 0."""
    return (mean_a - mean_b) ** 2 + var_a + var_b - (var_a * var_b).sqrt()


@FRECHET_1D.mistake
def frechet_1d_with_the_root_of_everything(mean_a, var_a, mean_b, var_b):
    """The factor 2 has slipped under the root: 2 sqrt(var_a var_b), not sqrt(2 var_a var_b)."""
    return (mean_a - mean_b) ** 2 + var_a + var_b - (2 * var_a * var_b).sqrt()


@FRECHET_1D.mistake
def frechet_1d_without_square(mean_a, var_a, mean_b, var_b):
    """The difference of the means is not squared: a mean too small by 3 is as bad as one too large by 3."""
    return (mean_a - mean_b) + var_a + var_b - 2 * (var_a * var_b).sqrt()


@FRECHET_1D.mistake
def frechet_1d_with_absolute(mean_a, var_a, mean_b, var_b):
    """The difference of the means enters as it is; eq. (6) has its square."""
    return (mean_a - mean_b).abs() + var_a + var_b - 2 * (var_a * var_b).sqrt()


@FRECHET_1D.mistake
def frechet_1d_of_means(mean_a, var_a, mean_b, var_b):
    """Only the means are compared. A model that draws the same average image again and again would be
    perfect: add the terms of the variances."""
    return (mean_a - mean_b) ** 2 + 0 * (var_a + var_b)


@FRECHET_1D.mistake
def frechet_1d_of_variances(mean_a, var_a, mean_b, var_b):
    """The means are left out: two Gaussians of equal spread would be equal wherever they lie."""
    return var_a + var_b - 2 * (var_a * var_b).sqrt() + 0 * (mean_a + mean_b)


@FRECHET_1D.mistake
def frechet_1d_by_squared_variances(mean_a, var_a, mean_b, var_b):
    """You square the variances, as if they were standard deviations. The last terms are var_a + var_b - 2
    sqrt(var_a var_b), which is (sqrt(var_a) - sqrt(var_b))²."""
    return (mean_a - mean_b) ** 2 + (var_a - var_b) ** 2


@FRECHET_1D.mistake
def frechet_1d_with_plus(mean_a, var_a, mean_b, var_b):
    """The last term has the wrong sign: it is subtracted, so that equal Gaussians have distance 0."""
    return (mean_a - mean_b) ** 2 + var_a + var_b + 2 * (var_a * var_b).sqrt()


@FRECHET_1D.mistake
def frechet_1d_unsquared(mean_a, var_a, mean_b, var_b):
    """You take the root at the end. What everybody calls FID is the squared distance."""
    squared = (mean_a - mean_b) ** 2 + var_a + var_b - 2 * (var_a * var_b).sqrt()
    return squared.clamp(min=1e-12).sqrt()


@FRECHET_1D.mistake
def frechet_1d_summed(mean_a, var_a, mean_b, var_b):
    """You add all pairs together. Each entry is a pair of Gaussians of its own: return (k,)."""
    return ((mean_a - mean_b) ** 2 + var_a + var_b - 2 * (var_a * var_b).sqrt()).sum()


# ------------------------------------------------------------------------------------------ start/frechet

MOMENTS = ("mean_a", "cov_a", "mean_b", "cov_b")


def turned(variances: list[float], angle: float) -> Tensor:
    """The covariance in the plane with these variances along axes that are turned by `angle`."""
    turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return turn @ torch.tensor(variances).diag() @ turn.T


def pairs_of_gaussians(seed: int) -> list[Case]:
    g = generator(seed)

    def pair(d, cov_a, cov_b):
        a, b = torch.rand(d, generator=g), -torch.rand(d, generator=g)
        return dict(zip(MOMENTS, (a, cov_a, b, cov_b), strict=True))

    angle = torch.rand(2, generator=g).tolist()
    crossed = turned([4.0, 0.3], angle[0]), turned([5.0, 0.4], angle[0] + 0.6 + 0.4 * angle[1])
    opposite = torch.tensor([[1.0, 0.8], [0.8, 1.0]]), torch.tensor([[1.0, -0.8], [-0.8, 1.0]])
    d, few = pick(3, 5, g), pick(2, 4, g)
    alike = pair(few, *[spread(few, g)] * 2)
    alike["mean_b"] = alike["mean_a"].clone()
    return [
        Case(
            "independent dimensions", pair(3, *(spread(3, g).diagonal().diag() for _ in "ab")), seed, MOMENTS
        ),
        Case("several dimensions", pair(d, spread(d, g), 2 * spread(d, g)), seed + 1, MOMENTS),
        Case("two dimensions", pair(2, *crossed), seed + 2, MOMENTS),
        Case("opposite correlations", pair(2, *opposite), seed + 3, MOMENTS),
        Case("equal Gaussians", alike, seed + 4, MOMENTS),
    ]


FRECHET = Exercise(
    "start/frechet", points=3, reference=frechet_gaussians, inputs=pairs_of_gaussians, absolute=5e-3
)


def root(s: Tensor) -> Tensor:
    """The symmetric root of a symmetric matrix."""
    values, vectors = torch.linalg.eigh(s)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T


def gap(mean_a: Tensor, mean_b: Tensor) -> Tensor:
    return ((mean_a - mean_b) ** 2).sum()


def trace_of_root(cov_a: Tensor, cov_b: Tensor) -> Tensor:
    return torch.linalg.eigvals(cov_a @ cov_b).real.clamp(min=0).sqrt().sum()


@FRECHET.accept
def frechet_by_cholesky(mean_a, cov_a, mean_b, cov_b):
    L = torch.linalg.cholesky(cov_a)
    roots = torch.linalg.eigvalsh(L.T @ cov_b @ L).clamp(min=0).sqrt()
    return (mean_a - mean_b).square().sum() + torch.trace(cov_a + cov_b) - 2 * roots.sum()


@FRECHET.accept
def frechet_by_symmetric_root(mean_a, cov_a, mean_b, cov_b):
    r = root(cov_a)
    return gap(mean_a, mean_b) + (cov_a + cov_b - 2 * root(r @ cov_b @ r)).trace()


@FRECHET.accept
def frechet_by_complex_roots(mean_a, cov_a, mean_b, cov_b):
    roots = torch.linalg.eigvals(cov_a @ cov_b).sqrt().sum().real
    return torch.dist(mean_a, mean_b) ** 2 + cov_a.diagonal().sum() + cov_b.diagonal().sum() - 2 * roots


@FRECHET.accept
def frechet_by_singular_values(mean_a, cov_a, mean_b, cov_b):
    product = torch.linalg.cholesky(cov_a).T @ torch.linalg.cholesky(cov_b)
    return gap(mean_a, mean_b) + cov_a.trace() + cov_b.trace() - 2 * torch.linalg.svdvals(product).sum()


@FRECHET.mistake
def frechet_by_product_of_roots(mean_a, cov_a, mean_b, cov_b):
    """You take the root of each covariance and multiply the roots. That is right only if the two matrices
    commute; take the root of the product."""
    return gap(mean_a, mean_b) + (cov_a + cov_b - 2 * root(cov_a) @ root(cov_b)).trace()


@FRECHET.mistake
def frechet_by_cholesky_factors(mean_a, cov_a, mean_b, cov_b):
    """You multiply the two Cholesky factors and take the trace. It is the root of the product that is needed:
    the roots of its eigenvalues, added up."""
    product = torch.linalg.cholesky(cov_a) @ torch.linalg.cholesky(cov_b).T
    return gap(mean_a, mean_b) + cov_a.trace() + cov_b.trace() - 2 * product.trace()


@FRECHET.mistake
def frechet_by_entries(mean_a, cov_a, mean_b, cov_b):
    """.sqrt() takes the root of each entry of the product. The root of a matrix has the roots of its
    eigenvalues: torch.linalg.eigvals(cov_a @ cov_b)."""
    product = (cov_a @ cov_b).diagonal().sqrt().sum()
    return gap(mean_a, mean_b) + cov_a.trace() + cov_b.trace() - 2 * product


@FRECHET.mistake
def frechet_of_each_dimension(mean_a, cov_a, mean_b, cov_b):
    """You look at each dimension on its own (the diagonals, or * in place of @), so that two Gaussians with
    opposite correlations seem equal. The matrix product is @."""
    product = (cov_a * cov_b).diagonal().sqrt().sum()
    return gap(mean_a, mean_b) + cov_a.trace() + cov_b.trace() - 2 * product


@FRECHET.mistake
def frechet_without_roots(mean_a, cov_a, mean_b, cov_b):
    """The root is missing: you subtract twice the trace of the product, which can make the distance negative.
    Add up the roots of its eigenvalues."""
    return gap(mean_a, mean_b) + (cov_a + cov_b - 2 * cov_a @ cov_b).trace()


@FRECHET.mistake
def frechet_with_the_root_of_the_trace(mean_a, cov_a, mean_b, cov_b):
    """You take the root of the trace. It is the trace of the root: first the root of each eigenvalue, then
    the sum."""
    return gap(mean_a, mean_b) + cov_a.trace() + cov_b.trace() - 2 * (cov_a @ cov_b).trace().sqrt()


@FRECHET.mistake
def frechet_without_two(mean_a, cov_a, mean_b, cov_b):
    """The factor 2 of the last term is missing: for two equal Gaussians the distance must be 0."""
    return gap(mean_a, mean_b) + cov_a.trace() + cov_b.trace() - trace_of_root(cov_a, cov_b)


@FRECHET.mistake
def frechet_with_the_length(mean_a, cov_a, mean_b, cov_b):
    """The difference of the means enters as its length (.norm()). Eq. (6) has the square of it."""
    trace = cov_a.trace() + cov_b.trace() - 2 * trace_of_root(cov_a, cov_b)
    return (mean_a - mean_b).norm() + trace


@FRECHET.mistake
def frechet_with_the_mean_of_squares(mean_a, cov_a, mean_b, cov_b):
    """The squared differences of the means are averaged over the dimensions. Add them up: it is a squared
    length."""
    trace = cov_a.trace() + cov_b.trace() - 2 * trace_of_root(cov_a, cov_b)
    return ((mean_a - mean_b) ** 2).mean() + trace


@FRECHET.mistake
def frechet_of_covariances(mean_a, cov_a, mean_b, cov_b):
    """The means are left out: two Gaussians of equal covariance would be equal wherever they lie."""
    return cov_a.trace() + cov_b.trace() - 2 * trace_of_root(cov_a, cov_b)


@FRECHET.mistake
def frechet_of_means(mean_a, cov_a, mean_b, cov_b):
    """Only the means are compared. A model that draws the same average image again and again would be
    perfect: add the terms of the covariances."""
    return gap(mean_a, mean_b)


@FRECHET.mistake
def frechet_by_squared_covariances(mean_a, cov_a, mean_b, cov_b):
    """You add the squared differences of the covariances' entries. Eq. (6) has tr(S_a) + tr(S_b) - 2 tr of
    the root of S_a S_b."""
    return gap(mean_a, mean_b) + ((cov_a - cov_b) ** 2).sum()


@FRECHET.mistake
def frechet_with_sums(mean_a, cov_a, mean_b, cov_b):
    """.sum() adds all entries of the covariances. The trace is the sum of the diagonal: .trace()."""
    return gap(mean_a, mean_b) + cov_a.sum() + cov_b.sum() - 2 * trace_of_root(cov_a, cov_b)


@FRECHET.mistake
def frechet_unsquared(mean_a, cov_a, mean_b, cov_b):
    """You take the root at the end. What everybody calls FID is the squared distance."""
    squared = gap(mean_a, mean_b) + cov_a.trace() + cov_b.trace() - 2 * trace_of_root(cov_a, cov_b)
    return squared.clamp(min=0).sqrt()


EXERCISES = (TO_UINT8, FROM_UINT8, MINIBATCH, FIT, SAMPLE, FRECHET_1D, FRECHET)
