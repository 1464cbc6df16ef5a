"""vae/condition: features, and behind them the label as a one-hot vector."""

import torch
import torch.nn.functional as F

from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise
from course_lib.models.vae import append_label


def features_and_labels(seed: int) -> list[Case]:
    g = generator(seed)

    def draw(b, d, classes, labels):
        return {"h": torch.randn(b, d, generator=g), "label": torch.tensor(labels), "classes": classes}

    digits = [3, 0, 7, 3, *torch.randint(8, (36,), generator=g).tolist()]  # the last classes are absent
    return [
        Case("digits of which the last are absent", draw(40, pick(2, 9, g), 10, digits), seed, strided=True),
        Case("a batch of one", draw(1, 3, 6, [2]), seed + 1),
        Case("two classes", draw(4, 2, 2, [1, 0, 0, 1]), seed + 2),
    ]


CONDITION = Exercise("vae/condition", points=1, reference=append_label, inputs=features_and_labels)


@CONDITION.accept
def append_by_identity(h, label, classes):
    return torch.cat((h, torch.eye(classes)[label]), -1)


@CONDITION.accept
def append_by_comparison(h, label, classes):
    return torch.hstack([h, (label.unsqueeze(1) == torch.arange(classes)).float()])


@CONDITION.accept
def append_by_writing(h, label, classes):
    one_hot = torch.zeros(len(h), classes)
    one_hot[torch.arange(len(h)), label] = 1.0
    return torch.cat([h, one_hot], dim=1)


@CONDITION.mistake
def append_the_number(h, label, classes):
    """You append the label as one number, which says that a 9 is nine times a 1. Append a one-hot vector,
    with `classes` entries."""
    return torch.cat([h, label[:, None].to(h.dtype)], dim=1)


@CONDITION.mistake
def append_the_number_everywhere(h, label, classes):
    """You append the label's number `classes` times. A one-hot vector is 1 at the label's place and 0
    elsewhere."""
    return torch.cat([h, label[:, None].to(h.dtype).expand(-1, classes)], dim=1)


@CONDITION.mistake
def prepend_the_label(h, label, classes):
    """The label stands before the features. It comes after them: torch.cat([h, one_hot], dim=1)."""
    return torch.cat([F.one_hot(label, classes).to(h.dtype), h], dim=1)


@CONDITION.mistake
def append_classes_of_this_batch(h, label, classes):
    """F.one_hot(label) counts the classes of this batch, so the width changes when the last class is
    absent. Tell it: F.one_hot(label, classes)."""
    return torch.cat([h, F.one_hot(label).to(h.dtype)], dim=1)


@CONDITION.mistake
def append_shifted_label(h, label, classes):
    """The 1 stands one place beside the label: classes count from 0, so label k is entry k."""
    return torch.cat([h, F.one_hot((label - 1) % classes, classes).to(h.dtype)], dim=1)


@CONDITION.mistake
def append_zeros(h, label, classes):
    """The appended vector is all zeros: nothing is written at the label's place, so the network is not told
    the label."""
    return torch.cat([h, torch.zeros(len(h), classes)], dim=1)


@CONDITION.mistake
def append_first_label(h, label, classes):
    """Every row gets the label of the first image. Each row has its own: label[i] for row i."""
    return torch.cat([h, F.one_hot(label[:1], classes).to(h.dtype).expand(len(h), -1)], dim=1)


@CONDITION.mistake
def append_to_detached_features(h, label, classes):
    """The values are right, but h is detached: no gradient reaches the layers before it, so the encoder
    would not learn."""
    return torch.cat([h.detach(), F.one_hot(label, classes).to(h.dtype)], dim=1)
