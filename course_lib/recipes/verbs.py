"""`course train`, `sample` and `bakeoff`: their arguments, and what they call. Imports nothing heavy."""

import argparse
from pathlib import Path

from course_lib.errors import CourseError

STOPPED = 130  # exit status after Ctrl-C


def train_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", help="vae, gan, dcgan, ...; a wrong name lists them all")
    data_arguments(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the run is kept")
    parser.add_argument("--resume", action="store_true", help="go on with the run in FOLDER")


def data_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", default="digits", help="digits (or mnist; default), or faces")
    parser.add_argument("--seed", type=int, default=0, help="of weights, batches and noise (default 0)")
    parser.add_argument("--wide", action="store_true", help="networks of the gpu tier's widths")
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--steps", type=positive, metavar="N", help="train for N steps")
    length.add_argument("--seconds", type=positive, metavar="S", help="for S wall seconds of training")
    length.add_argument(
        "--cpu-seconds", type=positive, metavar="S", help="for S processor seconds of training"
    )


def positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not more than 0")
    return number


def length_of(args: argparse.Namespace):
    from course_lib.recipes.run import Length

    given = {"steps": args.steps, "seconds": args.seconds, "cpu-seconds": args.cpu_seconds}
    return next(Length(unit, amount) for unit, amount in given.items() if amount is not None)


def train(args: argparse.Namespace) -> int:
    from course_lib.recipes.run import Settings, open_run, read_settings, start_run

    if args.resume:
        kept = read_settings(args.out)
        if args.model not in (None, kept.model):
            raise CourseError(f"{args.out} holds a run of {kept.model}, not of {args.model}.")
        run = open_run(args.out)
    elif args.model is None:
        raise CourseError("Name the model to train, such as `course train vae --seconds 60 --out runs/vae`.")
    else:
        run = start_run(args.out, Settings(args.model, args.data, args.seed, args.wide))
    done = run.train(length_of(args))
    if not run.processes.first:
        return 0
    if not done:
        print(f"To go on: the same command with --resume. Samples: course sample {args.out} --out x.png")
        return STOPPED
    print(
        f"{run.steps:,} steps are done and kept in {args.out}. Samples: course sample {args.out} --out x.png"
    )
    if run.model.borrowed:
        print(f"{run.settings.model}: {run.model.borrowed.note}.")
    return 0


def sample_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, nargs="?", help="the folder of a run")
    parser.add_argument("--pretrained", metavar="MODEL", help="instead: weights that ship with the course")
    parser.add_argument("-n", type=int, default=64, help="how many (default 64)")
    parser.add_argument("--out", type=Path, required=True, help="x.npz (uint8 n, h, w, c) or x.png (a sheet)")
    parser.add_argument("--label", help="a digit, or attributes of a face as hat=crown,mouth=grin")
    parser.add_argument("--prompt", help="what a latent model is to paint, in its captions' words")
    parser.add_argument("--seed", type=int, default=0, help="of the noise (default 0)")


def sample(args: argparse.Namespace) -> int:
    from course_lib.recipes import sample as drawing

    if args.n < 1:
        raise CourseError(f"-n must be at least 1, got {args.n}.")
    if (args.folder is None) == (args.pretrained is None):
        raise CourseError("Name the folder of a run, or --pretrained MODEL; one of the two.")
    if args.label is not None and args.prompt is not None:
        raise CourseError("Say what to draw with --label or with --prompt; one of the two.")
    drawing.require_suffix(args.out)
    drawer = (
        drawing.trained_drawer(args.folder) if args.folder else drawing.pretrained_drawer(args.pretrained)
    )
    if args.prompt is None:
        drawing.write_samples(drawer, args.n, args.out, args.label, args.seed)
    else:
        drawing.write_painting(drawer, args.prompt, args.n, args.out, args.seed)
    print(f"{args.n:,} samples are in {args.out}.")
    return 0


def bakeoff_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("models", nargs="*", metavar="MODEL", help="which; all of them if none is named")
    data_arguments(parser)
    parser.add_argument("-n", type=int, default=5_000, help="samples that are scored (default 5,000)")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the runs are kept")


def bakeoff(args: argparse.Namespace) -> int:
    from course_lib.recipes.bakeoff import bakeoff

    done = bakeoff(args.data, args.models, length_of(args), args.n, args.seed, args.out, args.wide)
    return 0 if done else STOPPED
