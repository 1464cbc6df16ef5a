"""`python -m course_lib lab` and `... test`: from a bare clone to the running job. Other verbs go to cli.py.

Standard library only, and readable by Pythons that are too old, so that those get a sentence.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - it is for those that are
    sys.exit(
        "The course needs Python 3.11 or newer and this is {}.{}: install a newer one from python.org "
        "and start it by its name, for example `python3.13 -m course_lib lab`.".format(*sys.version_info[:2])
    )

import os

from course_lib import bootstrap, jobs
from course_lib.errors import CourseError

USAGE = {
    "lab": "usage: course lab [ARGS]\n\nSet up .venv if need be, then serve JupyterLab at lessons/.\n"
    "ARGS go to JupyterLab: --port 8889, --no-browser, --ip 0.0.0.0.",
    "test": "usage: course test [ARGS]\n\nSet up .venv if need be, then run lint, import direction, the\n"
    "release check, the unit tests and every notebook. ARGS go to pytest's run of tests/: -k vae, -x.",
}


def main(argv: "list[str] | None" = None) -> int:
    """Exit status: that of the job; 2 when the user has something to mend, and one sentence said what."""
    argv = sys.argv[1:] if argv is None else argv
    verb, args = (argv[0], argv[1:]) if argv else ("", [])
    if verb in USAGE and args[:1] in (["-h"], ["--help"]):
        print(USAGE[verb])
        return 0
    try:
        if verb == "lab":
            return jobs.lab(bootstrap.ensure_environment(), args)
        if verb == "test":
            return jobs.test(bootstrap.ensure_environment("test"), args)
    except CourseError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    python = bootstrap.venv_python()
    if python.exists() and not bootstrap.inside_venv() and not os.environ.get("COURSE_NO_VENV"):
        return jobs.hand_over(
            [str(python), "-m", "course_lib", *argv], jobs.environment(), bootstrap.Path.cwd()
        )

    from course_lib import cli

    return cli.main(argv)


if __name__ == "__main__":
    sys.exit(main())
