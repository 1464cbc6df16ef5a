"""cyclegan/patch: how large a patch one verdict of a PatchGAN looks at."""

from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise
from course_lib.models.cyclegan import patch_size


def stacks(seed: int) -> list[Case]:
    g = generator(seed)

    def case(label, kernel, halvings):
        return Case(label, {"kernel": kernel, "halvings": halvings}, seed)

    return [
        case("the paper's discriminator", 4, 3),
        case("a small one", 4, pick(1, 2, g)),
        case("a wider kernel", pick(5, 7, g), pick(2, 4, g)),
        case("no halving at all", pick(2, 5, g), 0),
    ]


PATCH = Exercise("cyclegan/patch", points=2, reference=patch_size, inputs=stacks)


@PATCH.accept
def patch_with_a_list(kernel, halvings):
    side = 1
    for stride in reversed([2] * halvings + [1, 1]):
        side = (side - 1) * stride + kernel
    return side


@PATCH.accept
def patch_from_the_input(kernel, halvings):
    side, jump = 1, 1
    for stride in [2] * halvings + [1, 1]:
        side, jump = side + (kernel - 1) * jump, jump * stride
    return side


@PATCH.accept
def patch_in_closed_form(kernel, halvings):
    return 1 + (kernel - 1) * (2**halvings - 1 + 2 * 2**halvings)


def grown(kernel, strides, step):
    side = 1
    for stride in strides:
        side = step(side, kernel, stride)
    return side


def right_step(side, kernel, stride):
    return (side - 1) * stride + kernel


@PATCH.mistake
def patch_in_the_wrong_order(kernel, halvings):
    """You go through the layers from the input on. Start at the output, with one number, and go back: first
    the two layers of stride 1, then the halvings."""
    return grown(kernel, [2] * halvings + [1, 1], right_step)


@PATCH.mistake
def patch_without_the_gaps(kernel, halvings):
    """You count a stride too many: between n places there are n - 1 steps. (side - 1) * stride + kernel."""
    return grown(kernel, [1, 1] + [2] * halvings, lambda side, k, s: side * s + k)


@PATCH.mistake
def patch_without_strides(kernel, halvings):
    """You leave out the strides: a step of one place in the output is a step of two in the input of a layer
    of stride 2."""
    return grown(kernel, [1] * (halvings + 2), right_step)


@PATCH.mistake
def patch_of_the_halvings(kernel, halvings):
    """The two layers of stride 1 at the end are missing: they look at neighbours too."""
    return grown(kernel, [2] * halvings, right_step)


@PATCH.mistake
def patch_with_one_last_layer(kernel, halvings):
    """After the halvings come two layers of stride 1, and you count one."""
    return grown(kernel, [1] + [2] * halvings, right_step)


@PATCH.mistake
def patch_with_strides_throughout(kernel, halvings):
    """You give the last two layers stride 2 as well. They have stride 1."""
    return grown(kernel, [2] * (halvings + 2), right_step)


@PATCH.mistake
def patch_by_area(kernel, halvings):
    """That is the number of pixels in the patch. Return its side."""
    return patch_size(kernel, halvings) ** 2


@PATCH.mistake
def patch_of_products(kernel, halvings):
    """You multiply the kernels. Each layer adds a border: (side - 1) * stride + kernel."""
    return kernel ** (halvings + 2)


@PATCH.mistake
def patch_one_less(kernel, halvings):
    """It is 1 too small: one place of the output sees a whole kernel. Start with side = 1, not 0."""
    return patch_size(kernel, halvings) - 1
