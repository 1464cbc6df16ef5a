"""dcgan/size: how large a transposed convolution makes a picture."""

from course_lib.checks.exercise import Case, Exercise
from course_lib.checks.gans.draws import generator, pick
from course_lib.models.dcgan import up_size


def layers_that_grow(seed: int) -> list[Case]:
    g = generator(seed)

    def case(label, side, kernel, stride, padding):
        args = {"side": side, "kernel": kernel, "stride": stride, "padding": padding}
        return Case(label, args, seed)

    return [
        case("the layer that doubles", pick(3, 16, g), 4, 2, 1),
        case("the first layer, from one pixel", 1, pick(4, 8, g), 1, 0),
        case("a layer that triples and a bit", pick(5, 9, g), pick(5, 7, g), 3, 1),
        case("a layer with wide padding", pick(6, 9, g), 7, 2, 3),
    ]


SIZE = Exercise("dcgan/size", points=1, reference=up_size, inputs=layers_that_grow)


@SIZE.accept
def size_by_hand(side, kernel, stride, padding):
    return kernel + stride * (side - 1) - padding - padding


@SIZE.accept
def size_by_counting(side, kernel, stride, padding):
    starts = range(0, side * stride, stride)
    return max(starts) + kernel - 2 * padding


@SIZE.accept
def size_expanded(side, kernel, stride, padding):
    return side * stride + (kernel - stride) - 2 * padding


@SIZE.mistake
def size_of_a_convolution(side, kernel, stride, padding):
    """That is the size after a convolution, which shrinks. A transposed convolution goes the other way: solve
    that formula for the input's side."""
    return (side + 2 * padding - kernel) // stride + 1


@SIZE.mistake
def size_without_gap(side, kernel, stride, padding):
    """You count a stride too many: between n pixels there are n - 1 steps, (side - 1) * stride."""
    return side * stride - 2 * padding + kernel


@SIZE.mistake
def size_with_padding_once(side, kernel, stride, padding):
    """The padding is taken off once. It is taken off at both ends: 2 * padding."""
    return (side - 1) * stride - padding + kernel


@SIZE.mistake
def size_with_added_padding(side, kernel, stride, padding):
    """The padding is added. In a transposed convolution it cuts the edges of the result off: subtract it."""
    return (side - 1) * stride + 2 * padding + kernel


@SIZE.mistake
def size_without_kernel(side, kernel, stride, padding):
    """The kernel is missing: the last pixel still paints `kernel` pixels beyond its start."""
    return (side - 1) * stride - 2 * padding


@SIZE.mistake
def size_times_stride(side, kernel, stride, padding):
    """side * stride is right for kernel 4, stride 2, padding 1 only. Count: the first pixel paints `kernel`
    pixels, each further one `stride` more."""
    return side * stride


@SIZE.mistake
def size_with_one_more(side, kernel, stride, padding):
    """It is 1 too large. There is no "+ 1" here: that belongs to the formula of the convolution."""
    return (side - 1) * stride - 2 * padding + kernel + 1
