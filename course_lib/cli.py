"""`course VERB ...`: every verb is one row of VERBS, a pair of small functions that import what they need."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from course_lib.errors import CourseError
from course_lib.recipes import verbs as recipes
from course_lib.writing import write_whole

TIERS = ("smoke", "cpu", "gpu")
EXIT_STATUS = """\
exit status:
  0    done
  1    done, and the answer is no: a cell or a test failed, lessons are out of step, lessons cannot run here,
       a submission could not be graded
  2    wrong usage, or something that you can mend; one sentence says what
  130  stopped with Ctrl-C"""


@dataclass(frozen=True)
class Verb:
    name: str
    summary: str
    examples: str  # one a line
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]  # -> exit status


def main(argv: list[str] | None = None) -> int:
    argv = sys.argv[1:] if argv is None else argv
    if argv and argv[0] in ("lab", "test"):  # their arguments belong to JupyterLab and to pytest
        from course_lib.__main__ import main as bootstrap

        return bootstrap(argv)
    chosen = parser().parse_args(argv)
    try:
        return chosen.run(chosen)
    except CourseError as error:
        print(error, file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if (error.name or "course_lib").split(".")[0] == "course_lib":
            raise
        print(
            f"{error.name} is not installed for {sys.executable}: run `python -m course_lib lab` once in the "
            "course's clone, it sets everything up.",
            file=sys.stderr,
        )
        return 2
    except OSError as error:  # a folder that may not be written to, a file where a folder should be
        where = f"{error.filename}: " if error.filename else ""
        print(f"{where}{error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    layout = argparse.RawDescriptionHelpFormatter
    examples = "examples:\n" + "\n".join(f"  {line}" for verb in VERBS for line in verb.examples.splitlines())
    top = argparse.ArgumentParser(
        prog="course",
        description="A course on image generation. `course VERB --help` says more.",
        epilog=f"{examples}\n\n{EXIT_STATUS}",
        formatter_class=layout,
    )
    verbs = top.add_subparsers(metavar="VERB", required=True)
    for verb in VERBS:
        own = "examples:\n" + "\n".join(f"  {line}" for line in verb.examples.splitlines())
        sub = verbs.add_parser(
            verb.name, help=verb.summary, description=verb.summary, epilog=f"{own}\n\n{EXIT_STATUS}",
            formatter_class=layout,
        )  # fmt: skip
        verb.arguments(sub)
        sub.set_defaults(run=verb.run)
    return top


def no_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb has none that are parsed here."""


def doctor(args: argparse.Namespace) -> int:
    from course_lib.doctor import doctor

    return doctor()


def run_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("lesson", help="a lesson's name, its beginning (01), or the path of a notebook")
    parser.add_argument("--out", type=Path, required=True, help="the file to write: .ipynb or .html")
    parser.add_argument(
        "--tier", choices=TIERS, help="the sizes; without it COURSE_TIER or what the machine is"
    )
    parser.add_argument("--timeout", type=float, metavar="S", help="seconds that one cell may take; no limit")
    parser.add_argument("--solution", action="store_true", help="the instructor's notebook from solutions/")


def run(args: argparse.Namespace) -> int:
    from course_lib.notebook.execute import run_lesson

    return run_lesson(args.lesson, args.tier, args.out, solution=args.solution, timeout=args.timeout)


def release_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="lessons; all of them if none is named")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if lessons/ is out of step")
    parser.add_argument(
        "--execute", action="store_true", help="run the solutions first and keep their outputs"
    )
    parser.add_argument("--tier", choices=TIERS, help="the sizes for --execute")


def release(args: argparse.Namespace) -> int:
    from course_lib.grading.release import release

    return release(args.names, check=args.check, execute=args.execute, tier=args.tier)


def evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path", type=Path, help="an .npz with uint8 `images` (n, h, w, c), or a folder of PNGs"
    )
    parser.add_argument("--reference", default="digits", help="the real images: digits (default) or faces")
    parser.add_argument("-n", type=int, help="how many of the images; without it all")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there too")


def evaluate(args: argparse.Namespace) -> int:
    import json
    import warnings

    from course_lib.metrics.evaluate import evaluate
    from course_lib.metrics.files import load_images

    images = load_images(args.path)
    try:
        with warnings.catch_warnings(record=True) as notes:
            score = evaluate(images[: args.n], reference=args.reference)
    except ValueError as error:  # images that cannot be scored
        raise CourseError(f"{args.path}: {error}") from error
    for note in notes:
        print(f"note: {note.message}", file=sys.stderr)
    print("\n".join(f"{name:>36}  {number}" for name, number in score.columns().items()))
    if args.json:
        write_whole(args.json, json.dumps(score.as_dict(), indent=2) + "\n")
    return 0


def grade_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("submissions", type=Path, help="a folder of submissions, or Moodle's or Canvas's zip")
    parser.add_argument("--lesson", required=True, help="the lesson's name, or its beginning (01)")
    parser.add_argument("--out", type=Path, required=True, help="the folder for marks and feedback")
    parser.add_argument("--jobs", type=int, metavar="N", help="students at a time; else one a processor")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="spread the class over a Dask cluster")
    parser.add_argument("--nbgrader", type=Path, metavar="FILE", help="also into nbgrader's gradebook.db")
    parser.add_argument("--seconds", type=float, default=10.0, help="of computing, for an exercise (10)")
    parser.add_argument(
        "--unsafe-no-sandbox", action="store_true", help="run submissions as you, with all that you may do"
    )


def grade(args: argparse.Namespace) -> int:
    from course_lib.grading.grade import grade_and_tell

    return grade_and_tell(
        args.submissions,
        args.lesson,
        args.out,
        jobs=args.jobs,
        scheduler=args.scheduler,
        seconds=args.seconds,
        unsafe=args.unsafe_no_sandbox,
        nbgrader=args.nbgrader,
    )


def by_bootstrap(args: argparse.Namespace) -> int:
    raise AssertionError("main hands these verbs to __main__.py before it parses")


VERBS = (
    Verb("lab", "serve JupyterLab at lessons/", "course lab --port 8889", no_arguments, by_bootstrap),
    Verb("test", "prove that everything works", "course test -k vae", no_arguments, by_bootstrap),
    Verb("doctor", "say what this machine is and what to mend", "course doctor", no_arguments, doctor),
    Verb(
        "run",
        "run a lesson without a front end",
        "course run 01_vae --tier cpu --out 01.html",
        run_arguments,
        run,
    ),
    Verb(
        "release",
        "make lessons/ from solutions/",
        "course release 01_vae --execute --tier cpu\ncourse release --check",
        release_arguments,
        release,
    ),
    Verb(
        "grade",
        "grade a class: marks, feedback, gradebook",
        "course grade submissions/ --lesson 01_vae --out grades/\n"
        "course grade moodle.zip --lesson 02 --out grades/ --jobs 8",
        grade_arguments,
        grade,
    ),
    Verb(
        "evaluate",
        "score a file or folder of samples against real images",
        "course evaluate samples.npz --reference digits\n"
        "course evaluate faces/ --reference faces --json score.json",
        evaluate_arguments,
        evaluate,
    ),
    Verb(
        "train",
        "train a model of the lessons without a notebook",
        "course train vae --data digits --seconds 60 --out runs/vae\n"
        "course train cgan --data faces --steps 3000 --seed 1 --out runs/faces\n"
        "course train --resume --seconds 120 --out runs/vae",
        recipes.train_arguments,
        recipes.train,
    ),
    Verb(
        "sample",
        "draw pictures with a trained model, into a file",
        "course sample runs/vae -n 5000 --out samples.npz\n"
        "course sample runs/faces --label hat=crown,mouth=grin --out crowns.png\n"
        "course sample --pretrained cgan --label 7 --out sevens.png\n"
        'course sample --pretrained latent-digits --prompt "a handwritten seven" --out sevens.png',
        recipes.sample_arguments,
        recipes.sample,
    ),
    Verb(
        "bakeoff",
        "train models for the same time and score them on one board",
        "course bakeoff --data digits --seconds 120 --out runs/bakeoff\n"
        "course bakeoff vae gan --cpu-seconds 30 -n 2000 --out runs/two",
        recipes.bakeoff_arguments,
        recipes.bakeoff,
    ),
)

if __name__ == "__main__":
    sys.exit(main())
