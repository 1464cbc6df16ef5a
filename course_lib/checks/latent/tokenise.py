"""latent/tokenise: a prompt as numbers, START before it and padding behind it."""

import re

import torch

from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise

SENTENCE = "a person with red blond hair and round glasses on the green background smiling"
WORDS = SENTENCE.split()
PAD, UNKNOWN, START = 0, 1, 2


def tokenise(prompt, vocabulary, length):
    """-> (length,): 2, then the words' numbers, then 0. The first word of `vocabulary` is number 3."""
    words, known = re.findall("[a-z]+", prompt.lower()), vocabulary.split()
    numbers = [START] + [known.index(word) + 3 if word in known else UNKNOWN for word in words]
    return torch.tensor((numbers + [PAD] * length)[:length])


def prompts(seed: int) -> list[Case]:
    g = generator(seed)
    order = [WORDS[i] for i in torch.randperm(len(WORDS), generator=g).tolist()]
    known, stranger = " ".join(order[:-1]), order[-1]
    first, *rest = order[2 : 2 + pick(3, 4, g)]

    def case(label, prompt, length):
        args = {"prompt": prompt, "vocabulary": known, "length": length}
        return Case(label, args, seed)

    return [
        case("a short prompt", f"{order[0]} {order[1]} {order[0]}", 6),
        case("capitals and commas", f"{first.capitalize()} {', '.join(rest)}", 9),
        case("a word that is not in the vocabulary", f"{order[3]} {stranger} {order[4]}", 7),
        case("a prompt that is too long", " ".join(order[:8]), 5),
        case("the empty prompt", "", 4),
    ]


TOKENISE = Exercise("latent/tokenise", points=2, reference=tokenise, inputs=prompts)


def words_of(prompt):
    return re.findall("[a-z]+", prompt.lower())


def table(vocabulary, first=3):
    return {word: k for k, word in enumerate(vocabulary.split(), first)}


def row(numbers, length, pad=PAD):
    return torch.tensor((numbers + [pad] * length)[:length])


@TOKENISE.accept
def tokenise_by_writing(prompt, vocabulary, length):
    number, out = table(vocabulary), torch.zeros(length, dtype=torch.long)
    out[0] = 2
    for i, word in enumerate(prompt.lower().replace(",", " ").split()[: length - 1]):
        out[i + 1] = number.get(word, 1)
    return out


@TOKENISE.accept
def tokenise_by_stripping(prompt, vocabulary, length):
    number = table(vocabulary)
    numbers = [2, *(number.get(word.strip(",."), 1) for word in prompt.lower().split())][:length]
    return torch.nn.functional.pad(torch.tensor(numbers), (0, length - len(numbers)))


@TOKENISE.accept
def tokenise_with_names(prompt, vocabulary, length):
    names = ["", "?", "<start>", *vocabulary.split()]
    padded = (["<start>", *words_of(prompt)] + [""] * length)[:length]
    return torch.tensor([names.index(word) if word in names else 1 for word in padded])


@TOKENISE.mistake
def tokenise_without_start(prompt, vocabulary, length):
    """START (2) is missing: the sentence begins with it, so that the empty prompt has something to look
    at."""
    return row([table(vocabulary).get(word, 1) for word in words_of(prompt)], length)


@TOKENISE.mistake
def tokenise_counting_from_zero(prompt, vocabulary, length):
    """The first word of the vocabulary is number 3: 0, 1 and 2 are padding, unknown and START."""
    return row([2] + [table(vocabulary, 0).get(word, 1) for word in words_of(prompt)], length)


@TOKENISE.mistake
def tokenise_counting_from_two(prompt, vocabulary, length):
    """The first word of the vocabulary is number 3, yours is 2, which is START."""
    return row([2] + [table(vocabulary, 2).get(word, 1) for word in words_of(prompt)], length)


@TOKENISE.mistake
def tokenise_without_padding(prompt, vocabulary, length):
    """The rows are as long as their prompts, so they cannot be stacked. Fill with 0 up to `length`."""
    return torch.tensor([2, *(table(vocabulary).get(word, 1) for word in words_of(prompt))][:length])


@TOKENISE.mistake
def tokenise_without_end(prompt, vocabulary, length):
    """A prompt that is too long stays too long. Cut it off: `length` numbers in all."""
    numbers = [2] + [table(vocabulary).get(word, 1) for word in words_of(prompt)]
    return torch.tensor(numbers + [0] * (length - len(numbers)))


@TOKENISE.mistake
def tokenise_padding_in_front(prompt, vocabulary, length):
    """The padding stands in front. It comes behind the words: the first number is START."""
    numbers = [2] + [table(vocabulary).get(word, 1) for word in words_of(prompt)]
    return torch.tensor(([0] * (length - len(numbers)) + numbers)[:length])


@TOKENISE.mistake
def tokenise_with_capitals(prompt, vocabulary, length):
    """Capitals make words unknown: the vocabulary is in small letters. Begin with prompt.lower()."""
    words = re.findall("[A-Za-z]+", prompt)
    return row([2] + [table(vocabulary).get(word, 1) for word in words], length)


@TOKENISE.mistake
def tokenise_with_commas(prompt, vocabulary, length):
    """The comma sticks to its word and makes it unknown. Words are letters only: re.findall("[a-z]+",
    ...)."""
    return row([2] + [table(vocabulary).get(word, 1) for word in prompt.lower().split()], length)


@TOKENISE.mistake
def tokenise_with_capitals_and_commas(prompt, vocabulary, length):
    """Split at blanks alone, words keep their capitals and commas, and are unknown: use small letters, and
    letters only."""
    return row([2] + [table(vocabulary).get(word, 1) for word in prompt.split()], length)


@TOKENISE.mistake
def tokenise_leaving_out(prompt, vocabulary, length):
    """Words that are not in the vocabulary are left out. They have a number too: 1, unknown."""
    known = table(vocabulary)
    return row([2] + [known[word] for word in words_of(prompt) if word in known], length)


@TOKENISE.mistake
def tokenise_unknown_as_padding(prompt, vocabulary, length):
    """Unknown words get 0, which is padding: the attention would not see them. Unknown is 1."""
    return row([2] + [table(vocabulary).get(word, 0) for word in words_of(prompt)], length)


@TOKENISE.mistake
def tokenise_padding_with_one(prompt, vocabulary, length):
    """The padding is 1, which is an unknown word. Padding is 0."""
    return row([2] + [table(vocabulary).get(word, 1) for word in words_of(prompt)], length, pad=1)


@TOKENISE.mistake
def tokenise_padding_with_start(prompt, vocabulary, length):
    """The padding is 2, which is START. Padding is 0."""
    return row([2] + [table(vocabulary).get(word, 1) for word in words_of(prompt)], length, pad=2)


@TOKENISE.mistake
def tokenise_sorted(prompt, vocabulary, length):
    """The order of the words is lost. "Red hair and a green background" must differ from "green hair and a
    red background"."""
    return row([2, *sorted(table(vocabulary).get(word, 1) for word in words_of(prompt))], length)


@TOKENISE.mistake
def tokenise_without_repeats(prompt, vocabulary, length):
    """A word that comes twice is there once only. Every word of the prompt has its place."""
    words = dict.fromkeys(words_of(prompt))
    return row([2] + [table(vocabulary).get(word, 1) for word in words], length)
