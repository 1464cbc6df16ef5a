"""Samples of a run, or of the weights that ship with the course, as images and as a file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from course_lib.device import evaluating, fast_precision, pick_device, place
from course_lib.errors import CourseError
from course_lib.images import to_uint8
from course_lib.metrics.files import save_npz
from course_lib.models.pretrained import available, load_pretrained
from course_lib.notebook.show import save_png
from course_lib.recipes.latent import SIDES, latent_model
from course_lib.recipes.recipe import Model
from course_lib.recipes.run import Run, open_run
from course_lib.recipes.table import find_recipe
from course_lib.recipes.worlds import World, find_world
from course_lib.types import Images

BATCH = 250  # images drawn at a time


@dataclass(frozen=True)
class Drawer:
    """A network that draws, with what it was trained on."""

    name: str
    world: World
    model: Model
    net: nn.Module

    def draw(self, n: int, condition: Tensor | None = None, seed: int = 0) -> Images:
        """n images, on the CPU; a conditional model is given n conditions."""

        def part(rows: slice, size: int) -> Images:
            y = None if condition is None else condition[rows].to(pick_device())
            return self.model.sample(self.net, size, y)

        return self.in_parts(part, n, seed)

    def paint(self, prompt: str, n: int, seed: int = 0) -> Images:
        """n images of what the prompt says, on the CPU."""
        if self.model.paint is None:
            raise CourseError(f"{self.name} reads no words: leave --prompt out, or take the latent model.")
        try:
            return self.in_parts(lambda _, size: self.model.paint(self.net, [prompt] * size), n, seed)
        except ValueError as error:
            raise CourseError(f"The prompt cannot be painted: {error}.") from error

    def in_parts(self, part: Callable[[slice, int], Images], n: int, seed: int) -> Images:
        """part(rows, how many) for a few rows at a time, and their images together."""
        parts, precision = [], fast_precision()
        torch.manual_seed(seed)
        with evaluating(self.net), precision():
            for done in range(0, n, BATCH):
                size = min(BATCH, n - done)
                parts.append(part(slice(done, done + size), size).float().cpu())
        return torch.cat(parts)

    def conditions(self, n: int, asked: str | None = None, seed: int = 0) -> Tensor | None:
        """What each of n images is to show: as asked, or at random; None for a model that cannot be told."""
        if not self.model.conditional:
            if asked is not None:
                raise CourseError(f"{self.name} cannot be told what to draw: leave --label out.")
            return None
        torch.manual_seed(seed)
        return self.world.random_condition(n) if asked is None else self.world.condition(n, asked)


def drawer_of(run: Run) -> Drawer:
    """The average of a run's network."""
    if not run.steps:
        raise CourseError(f"{run.folder} has not been trained yet: `course train ... --out {run.folder}`.")
    return Drawer(run.recipe.name, run.world, run.model, run.ema.net)


def trained_drawer(folder: Path) -> Drawer:
    return drawer_of(open_run(folder))


def pretrained_drawer(name: str) -> Drawer:
    """The course's own weights for the model of that name."""
    if name not in available():
        raise CourseError(f"The course ships no weights for {name!r}: choose from {', '.join(available())}.")
    world = find_world("faces" if name in ("cyclegan", "latent") else "digits")
    model = latent_model(world, SIDES[name]) if name in SIDES else find_recipe(name).build(world)
    return Drawer(name, world, model, place(load_pretrained(name).nets[model.sampled]))


def write_samples(drawer: Drawer, n: int, out: Path, asked: str | None = None, seed: int = 0) -> None:
    """n samples into `out`: an .npz of uint8 (n, h, w, c) with `labels`, or one sheet as .png."""
    y = drawer.conditions(n, asked, seed)
    write_images(drawer.draw(n, y, seed), out, {} if y is None else {"labels": y.cpu().numpy()})


def write_painting(drawer: Drawer, prompt: str, n: int, out: Path, seed: int = 0) -> None:
    """n pictures of the prompt into `out`, .npz or .png."""
    write_images(drawer.paint(prompt, n, seed), out, {})


def write_images(images: Images, out: Path, labels: dict) -> None:
    require_suffix(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".png":
        save_png(images, out, columns=min(len(images), 8 if len(images) <= 64 else 16))
    else:
        save_npz(out, to_uint8(images).permute(0, 2, 3, 1).numpy(), **labels)


def require_suffix(out: Path) -> None:
    if out.suffix not in (".npz", ".png"):
        raise CourseError(f"{out} must end in .npz (numbers) or .png (one sheet).")
