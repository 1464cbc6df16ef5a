"""All models on the same data for the same time, on one board: the numbers behind lesson 08.

Each model is a run of its own in OUT/<model>, so that a bake-off that was broken off goes on where it
stopped: trained runs are not trained again, scored ones not scored again.
"""

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch

from course_lib.errors import CourseError
from course_lib.metrics.evaluate import FEWEST, evaluate
from course_lib.metrics.intervals import Estimate, share
from course_lib.metrics.ranking import places
from course_lib.notebook.show import save_png
from course_lib.recipes.recipe import Recipe
from course_lib.recipes.run import Length, Run, Settings, open_run, read_settings, start_run
from course_lib.recipes.sample import drawer_of
from course_lib.recipes.table import RECIPES, recipe_for
from course_lib.recipes.worlds import World, find_world
from course_lib.writing import write_whole

COLUMNS = {  # as printed -> the row's key, its format
    "place": ("place", "d"),
    "model": ("model", ""),
    "lesson": ("lesson", ""),
    "FID": ("fid", ".1f"),
    "±": ("fid_error", ".1f"),
    "KID": ("kid", ".1f"),
    "IS": ("inception_score", ".2f"),
    "precision": ("precision", ".3f"),
    "recall": ("recall", ".3f"),
    "as asked": ("as_asked", ".1%"),
    "parameters": ("parameters", ",d"),
    "images/s": ("images_a_second", ",.0f"),
    "ms/image": ("milliseconds_an_image", ".2f"),
}


@dataclass(frozen=True)
class BakeOff:
    world: World
    length: Length
    samples: int
    seed: int
    out: Path

    def run(self, recipes: Sequence[Recipe]) -> bool:
        """Train and score them one after the other; False if it was stopped before the end."""
        rows = []
        for recipe in recipes:
            row = self.row(recipe)
            if row is None:
                return False
            rows.append(row)
            self.write(rows)
        return True

    def row(self, recipe: Recipe) -> dict | None:
        """One model's row: from its file if it is there, else trained and scored. None if it was stopped."""
        folder = self.out / recipe.name
        settings = Settings(recipe.name, self.world.name, self.seed, self.world.wide)
        begun = (folder / "run.json").exists()
        if begun and (found := read_settings(folder)) != settings:
            raise CourseError(f"{folder} holds another run ({found}): name another --out.")
        path = folder / f"score-{self.length.unit}-{self.length.amount:g}-n{self.samples}.json"
        with suppress(OSError, ValueError):  # not there; torn by an older version of the course
            return json.loads(path.read_text("utf-8"))
        run = open_run(folder) if begun else start_run(folder, settings)
        if self.length.passed(run.checkpoint):
            spent = f"{self.length.spent(run.checkpoint):,.0f} {self.length.unit}"
            raise CourseError(
                f"{folder} was trained for {spent} already, longer than {self.length.amount:g}: "
                "name another --out."
            )
        if not run.train(self.length):
            return None
        row = self.scored(run)
        write_whole(path, json.dumps(row, indent=2) + "\n")
        return row

    def scored(self, run: Run) -> dict:
        """Score the run's samples, and keep a sheet of the first 40."""
        drawer = drawer_of(run)
        y = drawer.conditions(self.samples, seed=1)
        began = time.perf_counter()
        images = drawer.draw(self.samples, y, seed=1)
        drawn = time.perf_counter() - began
        save_png(images[:40], run.folder / "samples.png", columns=20)
        score = evaluate(images, self.world.reference, n=self.samples).as_dict()
        used = run.checkpoint.used
        return score | {
            "model": run.recipe.name,
            "lesson": run.recipe.lesson,
            "seed": self.seed,
            "steps": run.steps,
            "parameters": run.model.parameters(),
            "as_asked": None if y is None else self.as_asked(images, y).value,
            "images_a_second": run.steps * run.model.batch / used,
            "milliseconds_an_image": 1e3 * drawn / self.samples,
            "note": run.model.borrowed.note if run.model.borrowed else "",
        }

    def as_asked(self, images: torch.Tensor, y: torch.Tensor) -> Estimate:
        """The share of conditions (all attributes of all images) that the course's classifier finds met."""
        return share((self.world.read(images) == y.cpu()).flatten())

    def write(self, rows: list[dict]) -> None:
        """The board so far, as Markdown and JSON, best FID first."""
        rows = placed(rows)
        lines = ["| " + " | ".join(COLUMNS) + " |", "|---:|---|---|" + "---:|" * (len(COLUMNS) - 3)]
        lines += [
            "| " + " | ".join(cell(row[key], form) for key, form in COLUMNS.values()) + " |" for row in rows
        ]
        m, features, floor = (rows[0][key] for key in ("m", "extractor", "floor"))
        about = (
            f"{self.world.name}, {self.length.amount:g} {self.length.unit} of training each, "
            f"{self.samples:,} samples against {m:,} real images in the features of {features}; "
            "± is the standard error of FID, and models that it cannot tell apart share a place; "
            f"other real images score {floor:.2f}."
        )
        notes = [f"{row['model']}: {row['note']}.\n" for row in rows if row.get("note")]
        write_whole(self.out / "board.md", "\n".join([about, "", *lines, "", *notes]))
        write_whole(self.out / "board.json", json.dumps(rows, indent=2) + "\n")


def placed(rows: list[dict]) -> list[dict]:
    """The rows by FID, each with its place: 1 + how many are clearly better."""
    rows = sorted(rows, key=lambda row: row["fid"])
    fid, error = (torch.tensor([row[key] for row in rows]) for key in ("fid", "fid_error"))
    return [row | {"place": place} for row, place in zip(rows, places(fid, error).tolist(), strict=True)]


def cell(value: object, form: str) -> str:
    return "–" if value is None else format(value, form)


def chosen(names: Sequence[str], world: World) -> list[Recipe]:
    """The recipes named, or all that can be trained in that world."""
    return [recipe_for(name, world) for name in names] or [r for r in RECIPES if world.name in r.worlds]


def bakeoff(
    data: str, names: Sequence[str], length: Length, samples: int, seed: int, out: Path, wide: bool = False
) -> bool:
    """Run one and print its board."""
    if samples < FEWEST:
        raise CourseError(f"-n is {samples}: a score needs at least {FEWEST} images.")
    world = find_world(data, wide)
    out.mkdir(parents=True, exist_ok=True)
    done = BakeOff(world, length, samples, seed, out).run(chosen(names, world))
    if (out / "board.md").exists():
        print((out / "board.md").read_text("utf-8"))
    return done
