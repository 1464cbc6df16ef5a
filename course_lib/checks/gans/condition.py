"""cgan/generator_input and cgan/discriminator_input: how each network is told the label."""

import torch
import torch.nn.functional as F

from course_lib.checks.exercise import Case, Exercise
from course_lib.checks.gans.draws import generator, pick
from course_lib.models.cgan import append_planes, append_vector

# ------------------------------------------------------------------------------------ cgan/generator_input


def append_embedding(z, label, table):
    """(b, d), labels (b,) and one row a class (classes, e) -> (b, d + e)."""
    return append_vector(z, table[label])


def codes_and_labels(seed: int) -> list[Case]:
    g = generator(seed)

    def draw(b, d, e, labels, classes):
        return {
            "z": torch.randn(b, d, generator=g),
            "label": torch.tensor(labels),
            "table": torch.randn(classes, e, generator=g),
        }

    some = [3, 0, 3, 2, *torch.randint(4, (6,), generator=g).tolist()]
    return [
        Case("labels that repeat", draw(10, pick(2, 4, g), pick(5, 6, g), some, 5), seed),
        Case("a batch of one", draw(1, 3, 2, [4], 6), seed + 1),
        Case("as many images as classes", draw(4, 3, 4, [1, 3, 0, 2], 4), seed + 2),
    ]


GENERATOR_INPUT = Exercise(
    "cgan/generator_input", points=1, reference=append_embedding, inputs=codes_and_labels
)


@GENERATOR_INPUT.accept
def append_by_embedding(z, label, table):
    return torch.hstack([z, F.embedding(label, table)])


@GENERATOR_INPUT.accept
def append_by_product(z, label, table):
    return torch.cat([z, F.one_hot(label, len(table)).float() @ table], dim=1)


@GENERATOR_INPUT.accept
def append_by_selection(z, label, table):
    return torch.cat((z, table.index_select(0, label)), -1)


@GENERATOR_INPUT.mistake
def prepend_embedding(z, label, table):
    """The label's numbers stand before the code. Here they come after it: torch.cat([z, table[label]],
    dim=1)."""
    return torch.cat([table[label], z], dim=1)


@GENERATOR_INPUT.mistake
def append_label_number(z, label, table):
    """You append the label itself, one number, which says that a 9 is nine times a 1. Append its row of the
    table."""
    return torch.cat([z, label[:, None].to(z.dtype)], dim=1)


@GENERATOR_INPUT.mistake
def append_one_hot(z, label, table):
    """You append a one-hot vector. That is the other way of conditioning; here a class has its row of the
    table, which is learned."""
    return torch.cat([z, F.one_hot(label, len(table)).to(z.dtype)], dim=1)


@GENERATOR_INPUT.mistake
def append_first_rows(z, label, table):
    """Image i gets row i of the table. It gets the row of its label: table[label]."""
    return torch.cat([z, table[torch.arange(len(z)) % len(table)]], dim=1)


@GENERATOR_INPUT.mistake
def append_detached_table(z, label, table):
    """The values are right, but the table is detached: the classes would keep their random numbers for
    good."""
    return torch.cat([z, table[label].detach()], dim=1)


@GENERATOR_INPUT.mistake
def append_to_detached_code(z, label, table):
    """The values are right, but z is detached: nothing that makes or follows the code could get a
    gradient."""
    return torch.cat([z.detach(), table[label]], dim=1)


@GENERATOR_INPUT.mistake
def append_row_of_first(z, label, table):
    """Every image gets the row of the first label. Each has its own: table[label]."""
    return torch.cat([z, table[label[:1]].expand(len(z), -1)], dim=1)


@GENERATOR_INPUT.mistake
def append_shifted_row(z, label, table):
    """Each image gets the row of the class before its own: classes count from 0, as rows do."""
    return torch.cat([z, table[label - 1]], dim=1)


@GENERATOR_INPUT.mistake
def code_without_label(z, label, table):
    """You return the code alone: G is not told the label. Append the label's row: d + e numbers."""
    return torch.cat([z], dim=1)


# -------------------------------------------------------------------------------- cgan/discriminator_input


def append_label_planes(x, label, classes):
    """(b, c, h, w) and labels (b,) -> (b, c + classes, h, w)."""
    return append_planes(x, F.one_hot(label, classes).to(x.dtype))


def pictures_and_labels(seed: int) -> list[Case]:
    g = generator(seed)

    def draw(b, c, h, w, labels, classes):
        return {"x": torch.randn(b, c, h, w, generator=g), "label": torch.tensor(labels), "classes": classes}

    return [
        Case("the last classes absent", draw(3, 1, pick(3, 4, g), 5, [2, 0, 2], 5), seed, strided=True),
        Case("a batch of one, in colour", draw(1, 3, 2, pick(3, 5, g), [1], 3), seed + 1),
        Case("square pictures", draw(4, 2, 3, 3, [3, 1, 0, 2], 4), seed + 2),
    ]


DISCRIMINATOR_INPUT = Exercise(
    "cgan/discriminator_input", points=2, reference=append_label_planes, inputs=pictures_and_labels
)


@DISCRIMINATOR_INPUT.accept
def planes_by_writing(x, label, classes):
    planes = torch.zeros(len(x), classes, *x.shape[2:])
    planes[torch.arange(len(x)), label] = 1.0
    return torch.cat([x, planes], dim=1)


@DISCRIMINATOR_INPUT.accept
def planes_by_ones(x, label, classes):
    planes = torch.eye(classes)[label].view(-1, classes, 1, 1) * torch.ones_like(x[:, :1])
    return torch.cat([x, planes], dim=1)


@DISCRIMINATOR_INPUT.accept
def planes_by_comparison(x, label, classes):
    same = label[:, None] == torch.arange(classes)
    return torch.cat([x, same[..., None, None].expand(-1, -1, *x.shape[-2:]).float()], dim=1)


def one_hot_planes(x, label, classes):
    return F.one_hot(label, classes).to(x.dtype)[:, :, None, None].expand(-1, -1, *x.shape[2:])


@DISCRIMINATOR_INPUT.mistake
def planes_before(x, label, classes):
    """The label's planes stand before the picture. They come after it: torch.cat([x, planes], dim=1)."""
    return torch.cat([one_hot_planes(x, label, classes), x], dim=1)


@DISCRIMINATOR_INPUT.mistake
def one_plane_of_numbers(x, label, classes):
    """You append one plane that holds the label as a number, which says that a 9 is nine times a 1. Append
    `classes` planes, one-hot."""
    return torch.cat([x, label.to(x.dtype)[:, None, None, None].expand(-1, 1, *x.shape[2:])], dim=1)


@DISCRIMINATOR_INPUT.mistake
def planes_of_numbers(x, label, classes):
    """All planes hold the label as a number. One-hot: the plane of the label is 1, the others are 0."""
    numbers = label.to(x.dtype)[:, None, None, None]
    return torch.cat([x, numbers.expand(-1, classes, *x.shape[2:])], dim=1)


@DISCRIMINATOR_INPUT.mistake
def planes_of_zeros(x, label, classes):
    """The planes are all zero: D is not told the label, so it can ignore which digit was asked for."""
    return torch.cat([x, 0 * one_hot_planes(x, label, classes)], dim=1)


@DISCRIMINATOR_INPUT.mistake
def planes_of_first(x, label, classes):
    """Every picture gets the planes of the first label. Each has its own: label[i] for picture i."""
    return torch.cat([x, one_hot_planes(x, label[:1].expand(len(x)), classes)], dim=1)


@DISCRIMINATOR_INPUT.mistake
def planes_of_this_batch(x, label, classes):
    """F.one_hot(label) counts the classes of this batch, so the number of planes changes when the last class
    is absent. Tell it: F.one_hot(label, classes)."""
    return torch.cat([x, one_hot_planes(x, label, int(label.max()) + 1)], dim=1)


@DISCRIMINATOR_INPUT.mistake
def planes_of_one_pixel(x, label, classes):
    """Only one pixel of the label's plane is 1. The whole plane is: every place of the convolution must see
    it."""
    planes = torch.zeros(len(x), classes, *x.shape[2:])
    planes[torch.arange(len(x)), label, 0, 0] = 1
    return torch.cat([x, planes], dim=1)


@DISCRIMINATOR_INPUT.mistake
def planes_shifted(x, label, classes):
    """The ones stand one plane beside the label's: classes count from 0, so label k is plane k."""
    return torch.cat([x, one_hot_planes(x, (label - 1) % classes, classes)], dim=1)


@DISCRIMINATOR_INPUT.mistake
def planes_on_detached_picture(x, label, classes):
    """The values are right, but x is detached: no gradient goes through D to the fakes, so G could not
    learn."""
    return torch.cat([x.detach(), one_hot_planes(x, label, classes)], dim=1)


@DISCRIMINATOR_INPUT.mistake
def added_planes(x, label, classes):
    """You add the label to the pixels. That changes the picture; give D planes of its own beside the
    channels."""
    return x + label.to(x.dtype)[:, None, None, None]
