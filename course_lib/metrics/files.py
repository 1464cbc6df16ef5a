"""Samples in a file: an .npz of uint8 images, or a folder of PNGs, as `course sample` writes them."""

import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError

from course_lib.errors import CourseError
from course_lib.images import from_uint8
from course_lib.types import Images


def load_images(path: str | Path) -> Images:
    """The images of `path`, in [-1, 1]: an .npz with `images` uint8 (n, h, w, c), or a folder of PNGs.

    CourseError, in one sentence, for whatever else lies there.
    """
    path = Path(path)
    if path.is_dir():
        pixels = np.stack(same_shape(path))
    elif path.suffix == ".npz" and path.is_file():
        pixels = read_npz(path)
    elif path.exists():
        raise CourseError(f"{path} is neither an .npz file nor a folder of PNGs: give one of the two.")
    else:
        raise CourseError(f"There is nothing at {path}: give an .npz file or a folder of PNGs.")
    return from_uint8(torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))))


def save_npz(path: str | Path, pixels: np.ndarray, **arrays: np.ndarray) -> None:
    """Write uint8 images (n, h, w, c) and what belongs to them, such as `labels`, for `load_images`."""
    np.savez_compressed(path, images=pixels, **arrays)


def read_npz(path: Path) -> np.ndarray:
    try:
        with np.load(path, allow_pickle=False) as file:
            if "images" not in file:
                raise CourseError(
                    f"{path} has no array `images`, only {', '.join(file) or 'nothing'}: "
                    "save uint8 (n, h, w, c) under that name."
                )
            pixels = file["images"]
    except (zipfile.BadZipFile, EOFError, ValueError, OSError) as error:
        raise CourseError(
            f"{path} cannot be read ({error}): it is cut short or damaged, so write it again."
        ) from error
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[3] not in (1, 3):
        raise CourseError(
            f"`images` of {path} must be uint8 (n, h, w, 1 or 3), got {pixels.dtype} {pixels.shape}: "
            "convert with course_lib.images.to_uint8 and permute."
        )
    return pixels


def same_shape(folder: Path) -> list[np.ndarray]:
    """Every PNG of the folder, grey or colour; CourseError if there is none or they differ in shape."""
    files = sorted(folder.glob("*.png"))
    if not files:
        raise CourseError(f"The folder {folder} holds no .png file: give the folder that the samples are in.")
    images = [read_png(file) for file in files]
    for file, image in zip(files, images, strict=True):
        if image.shape != images[0].shape:
            raise CourseError(
                f"{file.name} is {image.shape} but {files[0].name} is {images[0].shape}: "
                "one size and one kind a folder."
            )
    return images


def read_png(file: Path) -> np.ndarray:
    """uint8 (h, w, 1) for grey, (h, w, 3) for anything else; a palette and transparency are resolved."""
    try:
        with Image.open(file) as picture:
            pixels = np.asarray(picture.convert("L" if picture.mode in ("1", "L", "LA", "I;16") else "RGB"))
    except (UnidentifiedImageError, OSError) as error:
        raise CourseError(f"{file} is not a whole PNG ({error}): write it again or remove it.") from error
    return pixels if pixels.ndim == 3 else pixels[:, :, None]
