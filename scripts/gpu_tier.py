"""Every model of the course on a GPU, without a network: `python scripts/gpu_tier.py --out runs/gpu`.

For each model of the table of recipes, in the gpu tier's widths:

1. The step is timed in float32, in bfloat16, in bfloat16 with channels last (where there are convolutions),
   and with torch.compile; each gain is a ratio to the line before, taken in turns in this run.
2. It is trained for --seconds as `course bakeoff` does, scored, and its samples kept as a sheet.

The table says images a second, their share of the device's peak (floating-point operations counted by torch,
over the peak of its data sheet), FID with its error, and the most memory. denoising-diffusion-pytorch is
timed beside the DDPM at equal width. --lessons first runs every lesson's notebook at the gpu tier. Without a
GPU the same happens on the processor, where only the words are of use (tests do that).
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from course_lib.data.batches import Batches
from course_lib.device import Precision, fast_precision, float32, pick_device
from course_lib.lessons import LESSONS
from course_lib.recipes.bakeoff import BakeOff, chosen
from course_lib.recipes.recipe import Model, Recipe
from course_lib.recipes.run import Length
from course_lib.recipes.worlds import World, find_world
from course_lib.training.loop import train

# Dense bfloat16 operations a second by the makers' data sheets; the name is searched in the device's.
PEAKS = {"H100": 989e12, "H200": 989e12, "A100": 312e12, "L4": 121e12, "T4": 65e12, "V100": 125e12}
ROUNDS = 3  # of timing, in turns, so that a busy moment hits all alike


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", default="digits")
    parser.add_argument("--seconds", type=float, default=30.0, help="of training for each model")
    parser.add_argument("--steps", type=int, default=30, help="steps in a timing")
    parser.add_argument("-n", type=int, default=5_000, help="samples that are scored")
    parser.add_argument("--models", nargs="*", default=[])
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--lessons", action="store_true", help="run every notebook at the gpu tier, too")
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    failed = run_lessons(args.out) if args.lessons else 0
    world, rows = find_world(args.data, wide=True), []
    bake = BakeOff(world, Length("seconds", args.seconds), args.n, 0, args.out)
    for recipe in chosen(args.models, world):
        speeds = timings(recipe, world, args.steps, compiled=not args.no_compile)
        reset_memory()
        row = bake.row(recipe)
        if row is None:
            return 130
        rows.append(row | {"speeds": speeds, "peak": share_of_peak(recipe, world, max(speeds.values())),
                           "memory": memory()})  # fmt: skip
        bake.write(rows)
        write_table(rows, args)
    if any(row["model"] == "ddpm" for row in rows):
        (args.out / "peer.json").write_text(json.dumps(peer(world, args.steps), indent=2) + "\n", "utf-8")
    print((args.out / "gpu.md").read_text("utf-8"))
    return failed


def run_lessons(out: Path) -> int:
    """Each lesson's solution at the gpu tier, with its seconds; 1 if a cell failed."""
    lines, failed = ["| lesson | seconds | |", "|---|---:|---|"], 0
    for lesson in LESSONS:
        began = time.perf_counter()
        words = [
            "run",
            lesson.name,
            "--solution",
            "--tier",
            "gpu",
            "--out",
            str(out / f"{lesson.name}.ipynb"),
        ]
        status = subprocess.call([sys.executable, "-m", "course_lib", *words])
        failed |= status != 0
        lines.append(
            f"| {lesson.name} | {time.perf_counter() - began:.0f} | {'failed' if status else 'passed'} |"
        )
    (out / "lessons.md").write_text("\n".join([*lines, ""]), "utf-8")
    return int(failed)


def timings(recipe: Recipe, world: World, steps: int, compiled: bool) -> dict[str, float]:
    """Images a second of each way to take a step: the median of rounds in turns."""
    ways: dict[str, tuple[Precision, bool, bool]] = {"float32": (float32, False, False)}
    if fast_precision() is not float32:
        ways["bfloat16"] = (fast_precision(), False, False)
        ways["channels last"] = (fast_precision(), True, False)
    if compiled:
        ways["compiled"] = (fast_precision(), True, True)
    steppers = {name: stepper(recipe, world, *way) for name, way in ways.items()}
    for step in steppers.values():
        step(3)  # compiles, picks kernels
    seen: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, step in steppers.items():
            began = time.perf_counter()
            images = step(steps)
            seen[name].append(images / (time.perf_counter() - began))
    return {name: statistics.median(values) for name, values in seen.items()}


def stepper(
    recipe: Recipe, world: World, precision: Precision, last: bool, compiled: bool
) -> Callable[[int], int]:
    """A function that takes so many steps of a fresh model and returns how many images they took."""
    torch.manual_seed(0)
    model = recipe.build(world)
    for net in model.nets.values():
        net.to(memory_format=torch.channels_last if last else torch.contiguous_format)
        if compiled:
            net.compile(dynamic=False)
    batches = Batches(world.load(), model.batch)

    def step(steps: int) -> int:
        for _ in train(model.players, batches, steps, precision=precision):
            pass
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return steps * model.batch

    return step


def share_of_peak(recipe: Recipe, world: World, images_a_second: float) -> float | None:
    """The share of the data sheet's operations that the quickest step reaches; None for unknown devices."""
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    peak = next((peak for part, peak in PEAKS.items() if part in name), None)
    return operations(recipe.build(world), world) * images_a_second / peak if peak else None


def operations(model: Model, world: World) -> float:
    """Floating-point operations of a step, an image."""
    with FlopCounterMode(display=False) as counted:
        for _ in train(model.players, Batches(world.load(), model.batch), 1):
            pass
    return counted.get_total_flops() / model.batch


def reset_memory() -> None:
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def memory() -> float | None:
    """Most GiB in use since `reset_memory`."""
    return torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else None


def write_table(rows: list[dict], args: argparse.Namespace) -> None:
    device = (
        torch.cuda.get_device_name() if torch.cuda.is_available() else "processor (no GPU: no GPU figure)"
    )
    heads = ["model", *rows[0]["speeds"], "share of peak", "FID", "±", "GiB"]
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    for row in rows:
        speeds, before = [], None
        for value in row["speeds"].values():
            speeds.append(f"{value:,.0f}" + (f" (x {value / before:.2f})" if before else ""))
            before = value
        peak = "–" if row["peak"] is None else f"{row['peak']:.1%}"
        gib = "–" if row["memory"] is None else f"{row['memory']:.2f}"
        lines.append("| " + " | ".join([row["model"], *speeds, peak, f"{row['fid']:.1f}",
                                        f"{row['fid_error']:.1f}", gib]) + " |")  # fmt: skip
    about = (
        f"{device}, torch {torch.__version__}: images a second of training (x: against the column before, "
        f"median of {ROUNDS} rounds in turns), FID after {args.seconds:g} s of training in the usual way "
        f"(bfloat16, channels last), {args.n:,} samples, {args.data}."
    )
    (args.out / "gpu.md").write_text("\n".join([about, "", *lines, ""]), "utf-8")
    (args.out / "gpu.json").write_text(json.dumps(rows, indent=2) + "\n", "utf-8")


def peer(world: World, steps: int) -> dict[str, float]:
    """Images a second of denoising-diffusion-pytorch at the width of our DDPM, in bfloat16, on 32x32."""
    from denoising_diffusion_pytorch import GaussianDiffusion, Unet

    device = pick_device()
    net = Unet(dim=128, dim_mults=(1, 2), channels=world.channels, flash_attn=False)
    diffusion = GaussianDiffusion(net, image_size=32).to(device)
    adam, batch = torch.optim.Adam(diffusion.parameters(), lr=8e-5), 128
    images = torch.rand(batch, world.channels, 32, 32, device=device)
    for count in (3, steps):
        began = time.perf_counter()
        for _ in range(count):
            with fast_precision()():
                loss = diffusion(images)
            adam.zero_grad()
            loss.backward()
            adam.step()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
    return {"denoising-diffusion-pytorch, images a second": steps * batch / (time.perf_counter() - began)}


if __name__ == "__main__":
    sys.exit(main())
