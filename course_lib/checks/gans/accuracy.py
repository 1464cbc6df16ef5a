"""cgan/accuracy: how often a classifier sees what was asked for."""

import torch

from course_lib.checks.exercise import Case, Exercise
from course_lib.checks.gans.draws import generator, pick


def accuracy(probabilities, label):
    """(b, classes) of a classifier, and labels (b,) -> the share that agrees, a scalar in [0, 1]."""
    return (probabilities.argmax(dim=1) == label).float().mean()


def opinions(seed: int) -> list[Case]:
    g = generator(seed)

    def draw(b, classes, right):
        label = torch.randint(classes, (b,), generator=g)
        logits = torch.randn(b, classes, generator=g)
        logits[:right] = torch.eye(classes)[label[:right]] * 4
        logits[right:] = torch.eye(classes)[(label[right:] + 1) % classes] * 3 + 0.3 * logits[right:]
        return {"probabilities": logits.softmax(dim=1), "label": label}

    data = ("probabilities",)
    b = pick(12, 18, g)
    return [
        Case("some right, some wrong", draw(b, 10, b - pick(3, 6, g)), seed, data),
        Case("as many images as classes", draw(5, 5, 3), seed + 1, data),
        Case("one image, right", draw(1, 4, 1), seed + 2, data),
        Case("none right", draw(7, 3, 0), seed + 3, data),
    ]


ACCURACY = Exercise("cgan/accuracy", points=1, reference=accuracy, inputs=opinions)


@ACCURACY.accept
def accuracy_by_max(probabilities, label):
    return (probabilities.max(dim=-1).indices == label).sum() / len(label)


@ACCURACY.accept
def accuracy_by_logarithms(probabilities, label):
    return probabilities.log().argmax(1).eq(label).to(torch.float32).mean()


@ACCURACY.accept
def accuracy_by_topk(probabilities, label):
    best = probabilities.topk(1, dim=1).indices.squeeze(1)
    return torch.where(best == label, 1.0, 0.0).mean()


@ACCURACY.mistake
def accuracy_counted(probabilities, label):
    """You count the hits. Divide by the number of images: the mean of hits, between 0 and 1."""
    return (probabilities.argmax(dim=1) == label).float().sum()


@ACCURACY.mistake
def accuracy_in_percent(probabilities, label):
    """You return percent. The share lies between 0 and 1."""
    return 100 * (probabilities.argmax(dim=1) == label).float().mean()


@ACCURACY.mistake
def accuracy_of_errors(probabilities, label):
    """That is the share of errors. The accuracy is the share of hits: ==, not !=."""
    return (probabilities.argmax(dim=1) != label).float().mean()


@ACCURACY.mistake
def accuracy_as_confidence(probabilities, label):
    """You average the probability of the class that was asked for. A hit counts 1 and a miss 0: compare the
    argmax with the label."""
    return probabilities.gather(1, label[:, None]).mean()


@ACCURACY.mistake
def accuracy_of_the_surest(probabilities, label):
    """You average the largest probability, and the label has no say. Compare the argmax with the label."""
    return probabilities.amax(dim=1).mean()


@ACCURACY.mistake
def accuracy_of_each(probabilities, label):
    """You return one number for each image. Average them: .mean()."""
    return (probabilities.argmax(dim=1) == label).float()


@ACCURACY.mistake
def accuracy_of_least_likely(probabilities, label):
    """You take the least likely class (argmin). The classifier's answer is the likeliest: argmax."""
    return (probabilities.argmin(dim=1) == label).float().mean()


@ACCURACY.mistake
def accuracy_above_half(probabilities, label):
    """You count a hit only where the classifier is more than nine tenths sure. The likeliest class is its
    answer, however unsure: argmax."""
    return (probabilities.gather(1, label[:, None]) > 0.9).float().mean()


@ACCURACY.mistake
def accuracy_all_or_nothing(probabilities, label):
    """You ask whether all are right at once. The accuracy is the share of images that are right."""
    return (probabilities.argmax(dim=1) == label).all().float()
