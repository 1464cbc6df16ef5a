"""Pictures from words by the latent model that ships with the course (lesson 07)."""

from pathlib import Path

import torch

from course_lib.device import fast_precision, pick_device, place
from course_lib.errors import CourseError
from course_lib.models.ddpm import cosine_schedule
from course_lib.models.latent import LatentSpace, Painter
from course_lib.models.pretrained import load_pretrained
from course_lib.models.text import Vocabulary
from course_lib.recipes.sample import BATCH, write_images


def load_painter(path: Path | None = None) -> Painter:
    """The painter with the course's weights, or with those at `path`."""
    kept = load_pretrained("latent", path)
    space = LatentSpace(place(kept.nets["autoencoder"]), kept.record["scale"])
    words = Vocabulary(kept.settings["words"], kept.settings["length"])
    schedule = cosine_schedule().to(pick_device())
    return Painter(space, place(kept.nets["net"]), words, schedule, precision=fast_precision())


def write_painting(painter: Painter, prompt: str, n: int, out: Path, seed: int = 0) -> None:
    """n pictures of the prompt into `out`, .npz or .png."""
    torch.manual_seed(seed)
    try:
        parts = [painter.paint([prompt] * min(BATCH, n - done)).cpu() for done in range(0, n, BATCH)]
    except ValueError as error:
        raise CourseError(f"The prompt cannot be painted: {error}.") from error
    write_images(torch.cat(parts), out, {})
