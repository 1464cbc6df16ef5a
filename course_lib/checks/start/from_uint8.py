"""start/from_uint8: from bytes to images in [-1, 1]."""

import torch

from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise
from course_lib.checks.start.draws import grey_levels
from course_lib.images import from_uint8


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
