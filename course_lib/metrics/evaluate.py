"""One call, one row: how good are a model's samples?

    score = evaluate(sample, reference="digits", n=5_000)

`sample` is a function from a number to that many images, or the images themselves. Printed, the score is a
row that says which features and how many images it is of; `score.as_dict()` is the same for a file.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import torch
from jaxtyping import Int
from torch import Tensor

from course_lib.data.digits import digits
from course_lib.data.faces import faces
from course_lib.device import pick_device
from course_lib.images import from_uint8, require_images
from course_lib.metrics.features import FeatureExtractor, digits_extractor, faces_extractor
from course_lib.metrics.frechet import frechet_distance
from course_lib.metrics.inception_score import Probabilities, inception_score
from course_lib.metrics.intervals import Estimate, frechet_infinity, frechet_with_error, share, warn_if_few
from course_lib.metrics.kernel import kernel_distance
from course_lib.metrics.precision_recall import Manifolds, precision_recall
from course_lib.metrics.require import OtherBytes
from course_lib.types import Bytes, Features, Images, SampleFn

FEWEST = 20  # images: below this there is no error to be had
BATCH = 250  # images asked of a model at a time
FACE_SEEDS = 1_000_001, 1_000_002  # the reference's and the floor's: seeds that no training should use


@dataclass(frozen=True)
class Reference:
    """Real images in features: those to compare with, and others of the same kind that show the floor."""

    name: str
    extractor: FeatureExtractor
    real: Features
    held_out: Features | None = None

    @classmethod
    def of(
        cls, name: str, extractor: FeatureExtractor, real: Images | Bytes, held_out: Tensor | None = None
    ) -> "Reference":
        """From images (float in [-1, 1], or uint8). `held_out`: other real images; without them, no floor."""
        sets = [None if images is None else extractor(as_images(images))[0] for images in (real, held_out)]
        return cls(name, extractor, *sets)


@dataclass(frozen=True)
class Score:
    extractor: str
    reference: str
    n: int  # generated images
    m: int  # real images
    fid: Estimate
    fid_infinity: float  # the distance to expect of endless images on both sides
    floor: float | None  # the distance of other real images from the same reference
    kid: Estimate
    inception_score: Estimate | None  # where the classes exclude each other
    manifolds: Manifolds
    seconds_per_image: float | None  # wall time of `sample`

    def columns(self) -> dict[str, str]:
        """Name of the number, as it should be printed -> the number, as it should be printed."""
        dash, found = "–", self.manifolds
        return {
            f"FID ({self.extractor}, {self.n:,} v {self.m:,})": str(self.fid),
            "real v real": dash if self.floor is None else f"{self.floor:.2f}",
            "FID∞": f"{self.fid_infinity:.2f}",
            "KID": str(self.kid),
            "IS": dash if self.inception_score is None else str(self.inception_score),
            "precision": f"{found.precision:.3f}",
            "recall": f"{found.recall:.3f}",
            "density": f"{found.density:.3f}",
            "coverage": f"{found.coverage:.3f}",
            "ms/image": dash if self.seconds_per_image is None else f"{1e3 * self.seconds_per_image:.2f}",
        }

    def __str__(self) -> str:
        return " | ".join(f"{name} {value}" for name, value in self.columns().items())

    def _repr_markdown_(self) -> str:
        return score_table({self.reference: self})

    def as_dict(self) -> dict[str, str | int | float | None]:
        """Flat, for JSON or a data frame; `fid_low` and `fid_high` are the 95 % interval."""
        low, high = self.fid.interval
        score = self.inception_score
        return {
            "extractor": self.extractor,
            "reference": self.reference,
            "n": self.n,
            "m": self.m,
            "fid": self.fid.value,
            "fid_error": self.fid.error,
            "fid_low": low,
            "fid_high": high,
            "fid_error_by": self.fid.how,
            "fid_infinity": self.fid_infinity,
            "floor": self.floor,
            "kid": self.kid.value,
            "kid_error": self.kid.error,
            "inception_score": None if score is None else score.value,
            "inception_score_error": None if score is None else score.error,
            **vars(self.manifolds),
            "seconds_per_image": self.seconds_per_image,
        }


def evaluate(
    sample: SampleFn | Tensor, reference: str | Reference = "digits", n: int = 5_000, *, seed: int = 0
) -> Score:
    """Score n images of `sample` against real ones: "digits", "faces", or a Reference of your own.

    The same seed draws the same images and gives the same score; the caller's random state is left as it was.
    ValueError if what comes is not images of the course, or fewer than 20.
    """
    if isinstance(sample, Tensor):
        n = min(n, len(require_images(sample)))
    if n < FEWEST:
        raise ValueError(f"a score needs at least {FEWEST} images to know its error, got {n}: ask for more")
    if isinstance(reference, str):
        reference = named_reference(reference, n)
    features, probabilities, seconds = embed(sample, reference.extractor, n, seed)
    real, held_out = reference.real, reference.held_out
    warn_if_few(min(n, len(real)), reference.extractor.dim)
    return Score(
        extractor=reference.extractor.name,
        reference=reference.name,
        n=n,
        m=len(real),
        fid=frechet_with_error(features, real, seed=seed),
        fid_infinity=frechet_infinity(features, real, seed=seed),
        floor=None if held_out is None else frechet_distance(held_out, real),
        kid=kernel_distance(features, real, seed=seed),
        inception_score=inception_score(probabilities, seed=seed) if reference.extractor.exclusive else None,
        manifolds=precision_recall(real, features),
        seconds_per_image=seconds,
    )


def embed(
    sample: SampleFn | Tensor, extractor: FeatureExtractor, n: int, seed: int
) -> tuple[Features, Probabilities, float | None]:
    """Features and probabilities of n images, and the seconds each took; holds one batch at a time."""
    if isinstance(sample, Tensor):
        return *extractor(sample[:n]), None
    parts, seconds = [], 0.0
    with torch.random.fork_rng(range(torch.cuda.device_count())), torch.no_grad():
        torch.manual_seed(seed)
        for done in range(0, n, BATCH):
            size = min(BATCH, n - done)
            began = time.perf_counter()
            images = require_images(sample(size), f"the images of sample({size})")
            seconds += time.perf_counter() - began
            if len(images) != size:
                raise ValueError(
                    f"sample({size}) gave {len(images)} images: it must give as many as it is asked for"
                )
            parts.append(extractor(images))
    features, probabilities = (torch.cat(rows) for rows in zip(*parts, strict=True))
    return features, probabilities, seconds / n


def score_table(scores: Mapping[str, Score]) -> str:
    """A Markdown table with a row for each model. ValueError if the scores cannot be compared."""
    heads = {tuple(score.columns()) for score in scores.values()}
    if len(heads) != 1:
        raise ValueError("only scores of the same features and the same numbers of images can share a table")
    lines = [["model", *heads.pop()], ["---"] + ["---:"] * 10]
    lines += [[name, *score.columns().values()] for name, score in scores.items()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def conditional_accuracy(images: Images, labels: Int[Tensor, " m"], extractor: FeatureExtractor) -> Estimate:
    """The share of images that the extractor's classifier takes for what they were asked to be."""
    if len(images) != len(labels):
        raise ValueError(
            f"expected a label for each image, got {len(labels)} labels for {len(images)} images"
        )
    return share(extractor(images)[1].argmax(1) == labels.cpu())


def named_reference(name: str, n: int) -> Reference:
    """Up to n real images of a data set of the course; the features are kept for the next call."""
    if name not in REFERENCES:
        raise ValueError(
            f"expected reference to be one of {', '.join(REFERENCES)} or a Reference, got {name!r}"
        )
    return _kept(name, n, str(pick_device()))


@cache
def _kept(name: str, n: int, device: str) -> Reference:
    return REFERENCES[name](n, device)


def _digits(n: int, device: str) -> Reference:
    test, train = digits("test", verbose=False)["image"], digits("train", verbose=False)["image"]
    return Reference.of("digits", digits_extractor(device), _some(test, n), _some(train, n))


def _faces(n: int, device: str) -> Reference:
    real, held_out = (faces(n, seed=seed)["image"] for seed in FACE_SEEDS)
    return Reference.of("faces", faces_extractor(device), real, held_out)


def _some(images: Bytes, n: int) -> OtherBytes:
    """n of them, or all if there are fewer, drawn without repetition and always alike."""
    return images[torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:n]]


def as_images(images: Images | Bytes) -> Images:
    return from_uint8(images) if images.dtype == torch.uint8 else images


REFERENCES: dict[str, Callable[[int, str], Reference]] = {"digits": _digits, "faces": _faces}
