"""Two domains of images without pairs: faces in two styles, or any folder with trainA trainB testA testB.

    domains = face_domains(4_000)                    # photo and sketch, drawn from people of their own
    domains = read_domains("horse2zebra", size=128)  # a folder of pictures of any size and mode
    domains = named_domains("horse2zebra")           # fetched, or else the faces, with one line that says so
    batches = UnpairedBatches(domains.train, 16)     # {"image": x, "other": y}

Domain X is the paper's X and a folder's A; Y is B (arXiv:1703.10593).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from course_lib.data.archives import ARCHIVES, fetch_archive, find_archive
from course_lib.data.batches import Batches, ImageSet, require_image_set
from course_lib.data.faces import Style, faces
from course_lib.errors import CourseError
from course_lib.images import from_uint8
from course_lib.types import Batch, Bytes, Images

PARTS = ("trainA", "trainB", "testA", "testB")
Two = tuple[ImageSet, ImageSet]  # of X, of Y


@dataclass(frozen=True)
class Domains:
    """Images of X and of Y to learn from and to be tried on; where known, the truth about the latter."""

    names: tuple[str, str]
    train: Two
    test: Two
    truth: Two | None = None  # row i of truth[0] is what test[0][i] looks like in Y, of truth[1] test[1] in X


def face_domains(
    n: int,
    *,
    test: int = 500,
    size: int = 32,
    seed: int = 0,
    styles: tuple[Style, Style] = ("photo", "sketch"),
) -> Domains:
    """n faces of each domain to train on and `test` of each held out: nobody is drawn twice.

    So no pair can be learned from, yet the truth about every held-out face is known: it is drawn in the other
    style too. The attributes come along in every set.
    """
    starts = (0, n, 2 * n, 2 * n + test)

    def draw(style: Style, part: int, count: int) -> ImageSet:
        return faces(count, size=size, seed=seed, style=style, start=starts[part])

    x, y = styles
    return Domains(
        names=styles,
        train=(draw(x, 0, n), draw(y, 1, n)),
        test=(draw(x, 2, test), draw(y, 3, test)),
        truth=(draw(y, 2, test), draw(x, 3, test)),
    )


def face_pairs(
    n: int, *, size: int = 32, seed: int = 0, styles: tuple[Style, Style] = ("photo", "sketch")
) -> Two:
    """The same n people in both styles: what CycleGAN does without, and pix2pix learns from.

    They are the people of `face_domains(n)`'s domain X, so both may learn from as many drawings.
    """
    return faces(n, size=size, seed=seed, style=styles[0]), faces(n, size=size, seed=seed, style=styles[1])


def named_domains(name: str, *, size: int = 128, most: int | None = None) -> Domains:
    """A published set such as "horse2zebra", from COURSE_DATA, from the cache, or from its server.

    If it cannot be had, one line says why, and faces of that size come instead. `most` is how many images of
    each part are read. CourseError for a name that no archive has.
    """
    if name not in ARCHIVES:
        raise CourseError(f"There is no archive {name!r}: choose from {', '.join(ARCHIVES)}.")
    folder, why = find_archive(name), ""
    if folder is None:
        folder, why = fetch_archive(name)
    if folder is not None:
        return read_domains(folder, size=size, most=most)
    print(f"{name}: {why}; going on with faces, photo and sketch.")
    return face_domains(most or 500, test=min(most or 100, 100), size=size)


# ----------------------------------------------------------------------------------------------- folders


def read_domains(folder: str | Path, *, size: int = 128, most: int | None = None) -> Domains:
    """The pictures of folder/trainA, trainB, testA and testB as size x size; the first `most` by name.

    Whatever Pillow can open will do, of any size and mode (see `read_picture`). CourseError, in one sentence,
    for a part that is missing or empty and for a file that cannot be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise CourseError(f"There is no folder {folder}: give one that holds {', '.join(PARTS)}.")
    if lacking := [part for part in PARTS if not (folder / part).is_dir()]:
        raise CourseError(
            f"The folder {folder} lacks {' and '.join(lacking)}: it must hold {', '.join(PARTS)}, "
            "the images of both domains to learn from and to be tried on."
        )
    sets = [read_folder(folder / part, size, most) for part in PARTS]
    return Domains(names=("A", "B"), train=(sets[0], sets[1]), test=(sets[2], sets[3]))


def read_folder(folder: Path, size: int, most: int | None = None) -> ImageSet:
    """{"image": uint8 (n, 3, size, size)} of the pictures in a folder, in the order of their names."""
    known = Image.registered_extensions()
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in known and path.is_file())
    files = [path for path in files if not path.name.startswith(".")][:most]
    if not files:
        raise CourseError(f"The folder {folder} holds no picture: put .jpg or .png files into it.")
    return {"image": torch.from_numpy(np.stack([read_picture(path, size) for path in files]))}


def read_picture(path: Path, size: int) -> np.ndarray:
    """One picture as uint8 (3, size, size): upright, in colour, the middle square, resized.

    A camera's note on how it was held (EXIF) is obeyed. Grey becomes three equal channels, a palette its
    colours, what is transparent white, and 16 bits the upper 8 of them.
    """
    try:
        with Image.open(path) as opened:
            picture = upright_rgb(opened)
            square = ImageOps.fit(picture, (size, size), Image.Resampling.LANCZOS)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = str(error).replace("\n", " ").rstrip(".")
        raise CourseError(
            f"{path} is not a picture that can be read ({reason}): write it again or remove it."
        ) from error
    return np.asarray(square).transpose(2, 0, 1).copy()


def upright_rgb(picture: Image.Image) -> Image.Image:
    """Turned as the camera was held, and converted to RGB on white paper."""
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I"):  # 16 bits of grey; Pillow's own conversion would clip them
        picture = Image.fromarray((np.asarray(picture).clip(0, 65_535) // 256).astype(np.uint8))
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        paper = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(paper, picture)
    return picture.convert("RGB")


# ----------------------------------------------------------------------------------------------- batches


class UnpairedBatches:
    """An endless iterator of {"image": x, "other": y}: `size` images of each domain, nobody's counterpart.

    Each domain is shuffled by itself, and batch k is a pure function of (seed, k), as in `Batches`. With
    `crop`, a random square of that side is cut out of every image, and every other one is mirrored.
    """

    def __init__(
        self,
        sets: Two,
        size: int,
        *,
        seed: int = 0,
        device: torch.device | str | None = None,
        crop: int | None = None,
        start: int = 0,
    ):
        self.sets, self.size, self.seed, self.device, self.crop = sets, size, seed, device, crop
        seeds = (2 * seed, 2 * seed + 1)
        x, y = (
            Batches(pictures(one), size, seed=s, device=device) for one, s in zip(sets, seeds, strict=True)
        )
        self.x, self.y, self.next = x, y, start

    def batch(self, k: int) -> Batch:
        """The k-th batch of the run, whoever asks and whatever was asked before."""
        x, y = self.x.batch(k)["image"], self.y.batch(k)["image"]
        if self.crop is not None:
            g = torch.Generator().manual_seed(2**32 * self.seed + k)
            x, y = cropped(x, self.crop, g), cropped(y, self.crop, g)
        return {"image": x, "other": y}

    def starting_at(self, k: int) -> "UnpairedBatches":
        """The same batches from the k-th on, for a run that is resumed."""
        again = object.__new__(type(self))
        again.__dict__ |= self.__dict__ | {"next": k}
        return again

    def __iter__(self) -> "UnpairedBatches":
        return self

    def __next__(self) -> Batch:
        batch = self.batch(self.next)
        self.next += 1
        return batch


class PairedBatches(UnpairedBatches):
    """The same of true pairs: row i of "other" is row i of "image" in the other domain; never cropped."""

    def __init__(
        self,
        sets: Two,
        size: int,
        *,
        seed: int = 0,
        device: torch.device | str | None = None,
        start: int = 0,
    ):
        n, m = (require_image_set(one) for one in sets)
        if n != m:
            raise ValueError(f"expected a pair for each image, got {n} images and {m} others")
        super().__init__(sets, size, seed=seed, device=device, start=start)
        self.y = Batches(pictures(sets[1]), size, seed=2 * seed, device=device)  # the order of x


def pictures(one: ImageSet) -> ImageSet:
    """The images without what is known about them: neither player may see it."""
    require_image_set(one)
    return {"image": one["image"]}


def cropped(x: Images, side: int, g: torch.Generator) -> Float[Tensor, "b c side side"]:
    """A random side x side square of each image, half of them mirrored left to right."""
    n, _, height, width = x.shape
    if not 1 <= side <= min(height, width):
        raise ValueError(f"expected a crop from 1 to {min(height, width)} pixels, got {side}")
    tops = torch.randint(height - side + 1, (n,), generator=g).tolist()
    lefts = torch.randint(width - side + 1, (n,), generator=g).tolist()
    mirrored = (torch.rand(n, generator=g) < 0.5).tolist()
    cut = [one[:, t : t + side, l : l + side] for one, t, l in zip(x, tops, lefts, strict=True)]
    return torch.stack([one.flip(2) if flip else one for one, flip in zip(cut, mirrored, strict=True)])


def images_of(one: ImageSet | Bytes, rows: slice | Sequence[int] | Tensor = slice(None)) -> Images:
    """Rows of a set as images in [-1, 1]."""
    return from_uint8((one if isinstance(one, Tensor) else one["image"])[rows])
