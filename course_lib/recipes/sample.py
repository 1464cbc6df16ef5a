"""Samples of a run, as images and as a file."""

from pathlib import Path

import torch
from torch import Tensor

from course_lib.device import evaluating, fast_precision, pick_device
from course_lib.errors import CourseError
from course_lib.images import to_uint8
from course_lib.metrics.files import save_npz
from course_lib.notebook.show import save_png
from course_lib.recipes.run import Run
from course_lib.types import Images

BATCH = 250  # images drawn at a time


def draw(run: Run, n: int, condition: Tensor | None = None, seed: int = 0) -> Images:
    """n images by the run's averaged network, on the CPU; a conditional model is given n conditions."""
    parts, precision = [], fast_precision()
    torch.manual_seed(seed)
    with evaluating(run.ema.net), precision():
        for done in range(0, n, BATCH):
            size = min(BATCH, n - done)
            y = None if condition is None else condition[done : done + size].to(pick_device())
            parts.append(run.model.sample(run.ema.net, size, y).float().cpu())
    return torch.cat(parts)


def conditions(run: Run, n: int, asked: str | None, seed: int = 0) -> Tensor | None:
    """What each of n images is to show: as asked, or at random; None for a model that cannot be told."""
    if not run.model.conditional:
        if asked is not None:
            raise CourseError(f"{run.recipe.name} cannot be told what to draw: leave --label out.")
        return None
    torch.manual_seed(seed)
    return run.world.random_condition(n) if asked is None else run.world.condition(n, asked)


def write_samples(run: Run, n: int, out: Path, asked: str | None = None, seed: int = 0) -> None:
    """n samples into `out`: an .npz of uint8 (n, h, w, c) with `labels`, or one sheet as .png."""
    if out.suffix not in (".npz", ".png"):
        raise CourseError(f"{out} must end in .npz (numbers) or .png (one sheet).")
    if not run.steps:
        raise CourseError(f"{run.folder} has not been trained yet: `course train ... --out {run.folder}`.")
    y = conditions(run, n, asked, seed)
    images = draw(run, n, y, seed)
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".png":
        save_png(images, out, columns=min(n, 8 if n <= 64 else 16))
    else:
        labels = {} if y is None else {"labels": y.cpu().numpy()}
        save_npz(out, to_uint8(images).permute(0, 2, 3, 1).numpy(), **labels)
