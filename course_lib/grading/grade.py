"""`course grade SUBMISSIONS --lesson 01_vae --out grades/`: a folder of submissions in, a gradebook out.

Each student's marks are written as soon as they are there, so that a run which was stopped goes on where it
was; a submission is graded again only if it, the lesson or the course changed.
"""

import hashlib
import json
import os
import secrets
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path

from tqdm import tqdm

from course_lib.errors import CourseError
from course_lib.grading.bench import Assignment, bench_of, grade_student, problem_row
from course_lib.grading.clean_copy import PACKAGE
from course_lib.grading.marks import StudentMarks
from course_lib.grading.nbgrader_book import assignment_of, require_nbgrader, write_nbgrader
from course_lib.grading.running import require_sandbox
from course_lib.grading.sandbox import Limits, require_bubblewrap
from course_lib.grading.submissions import Submission, find_submissions
from course_lib.lessons import find_lesson
from course_lib.notebook.execute import course_root, read_notebook
from course_lib.writing import write_whole

PATIENCE = 15  # seconds for a scheduler's answer
SEEDS = 3  # sets of inputs on which every answer is tried

Grader = Callable[[Sequence[Submission], Assignment], Iterator[tuple[Submission, StudentMarks | Exception]]]


def grade_class(
    path: Path,
    lesson: str,
    out: Path,
    *,
    jobs: int = 1,
    scheduler: str | None = None,
    limits: Limits | None = None,
    unsafe: bool = False,
    progress: bool = True,
    report: Callable[[Sequence[StudentMarks], Sequence[Submission], Path, str], None] | None = None,
) -> list[StudentMarks]:
    """Grade every submission under `path`; reports go to `out`. The marks come in the submissions' order."""
    if jobs < 1:
        raise CourseError(f"--jobs is {jobs}; it must be at least 1")
    lesson = find_lesson(lesson).name
    require_bubblewrap(unsafe)
    submissions = find_submissions(Path(path), lesson)
    assignment = new_assignment(lesson, limits or Limits(), unsafe)
    store = Store(Path(out) / "marks", assignment)
    done = {s.student: marks for s in submissions if (marks := store.read(s))}
    todo = [s for s in submissions if s.student not in done]
    grader = on_cluster(scheduler) if scheduler else on_this_machine(jobs)
    with tqdm(
        total=len(submissions), initial=len(done), desc=lesson, unit=" students", disable=not progress
    ) as bar:
        for submission, result in grader(todo, assignment) if todo else ():
            if isinstance(result, StudentMarks):
                store.write(submission, result)
            else:
                result = ungraded(submission, assignment, result)
            done[submission.student] = result
            bar.update()
    marks = [done[submission.student] for submission in submissions]
    (report or write_reports)(marks, submissions, Path(out), lesson)
    return marks


def grade_and_tell(
    path: Path,
    lesson: str,
    out: Path,
    *,
    jobs: int | None,
    scheduler: str | None,
    seconds: float,
    unsafe: bool,
    nbgrader: Path | None = None,
) -> int:
    """`course grade`: 0 if every row is fine, 1 if one has a problem; a CourseError for wrong usage."""
    if not seconds > 0:
        raise CourseError(f"--seconds is {seconds:g}; it must be more than 0")
    if nbgrader is not None:
        require_nbgrader(nbgrader)
    if unsafe:
        print("No sandbox: the submissions can read and delete all that you can.", file=sys.stderr)
    limits = Limits(cpu_seconds=seconds, wall_seconds=4 * seconds)
    marks = grade_class(
        path,
        lesson,
        out,
        jobs=os.cpu_count() or 1 if jobs is None else jobs,
        scheduler=scheduler,
        limits=limits,
        unsafe=unsafe,
        report=write_reports if nbgrader is None else partial(write_reports, nbgrader=nbgrader),
    )
    problems = [row for row in marks if row.problem]
    for row in problems:
        print(f"{row.student}: {row.problem}", file=sys.stderr)
    print(f"{len(marks) - len(problems)} of {len(marks)} submissions graded, in {out}")
    return 1 if problems else 0


def write_reports(
    marks: Sequence[StudentMarks],
    submissions: Sequence[Submission],
    out: Path,
    lesson: str,
    nbgrader: Path | None = None,
) -> None:
    from course_lib.grading.report import write_reports as write

    write(marks, submissions, out, lesson)
    if nbgrader is not None:
        notebook = read_notebook(find_lesson(lesson).notebook(course_root()))
        write_nbgrader(marks, nbgrader, notebook, assignment_of(submissions))


def new_assignment(lesson: str, limits: Limits, unsafe: bool, seeds: int = SEEDS) -> Assignment:
    """The lesson as it is now, with seeds that nobody knew before."""
    path = find_lesson(lesson).notebook(course_root())
    try:
        notebook = path.read_text("utf-8")
    except OSError as error:
        raise CourseError(f"{path} cannot be read ({error.strerror}); restore it with git") from error
    drawn = tuple(1 + secrets.randbelow(2**31 - 1) for _ in range(seeds))
    return Assignment(lesson, notebook, drawn, limits, unsafe)


def ungraded(submission: Submission, assignment: Assignment, error: Exception) -> StudentMarks:
    """A row for what went wrong with the machine, not with the submission; not kept: a rerun tries again."""
    return problem_row(submission, bench_of(assignment), f"could not be graded: {error}"[:400])


# --------------------------------------------------------------------------------------- where it is done


def on_this_machine(jobs: int) -> Grader:
    """`jobs` students at a time, each in a process of their own."""

    def grade(submissions, assignment):
        require_sandbox(bench_of(assignment).copy(), assignment.limits, assignment.unsafe)
        stop = threading.Event()
        with ThreadPoolExecutor(min(jobs, len(submissions))) as pool, stopping(stop, pool):
            futures = {pool.submit(grade_student, s, assignment, stop): s for s in submissions}
            yield from as_they_come(futures)

    return grade


@contextmanager
def stopping(stop: threading.Event, pool: ThreadPoolExecutor) -> Iterator[None]:
    """On Ctrl-C, or when nobody asks any more, end what runs and drop what waits."""
    try:
        yield
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def as_they_come(futures: dict[Future, Submission]) -> Iterator[tuple[Submission, StudentMarks | Exception]]:
    waiting = set(futures)
    while waiting:
        ready, waiting = wait(
            waiting, timeout=0.5, return_when=FIRST_COMPLETED
        )  # the pause lets Ctrl-C through
        for future in ready:
            error = future.exception()
            yield futures[future], error if isinstance(error, Exception) else future.result()


def on_cluster(address: str) -> Grader:
    """A class spread over the workers of a Dask cluster: the same function for every student."""

    def grade(submissions, assignment):
        try:
            from distributed import Client, as_completed
        except ModuleNotFoundError as error:
            raise CourseError("--scheduler needs Dask: `pip install 'course_lib[cluster]'`") from error
        with ExitStack() as stack:
            try:
                client = stack.enter_context(Client(address, timeout=PATIENCE, set_as_default=False))
            except (OSError, ValueError, TimeoutError) as error:
                raise CourseError(
                    f"no Dask scheduler answers at {address}: start one with `dask scheduler`"
                ) from error
            tasks = client.map(grade_student, submissions, assignment=assignment, pure=False, retries=1)
            owner = dict(zip((task.key for task in tasks), submissions, strict=True))
            try:
                for task in as_completed(tasks, loop=client.loop):
                    yield owner[task.key], task.exception() if task.status == "error" else task.result()
            finally:
                client.cancel([task for task in tasks if not task.done()])

    return grade


# ----------------------------------------------------------------------------------------- kept on the way


class Store:
    """One file of marks a student, valid for one submission, lesson and course."""

    def __init__(self, folder: Path, assignment: Assignment):
        self.folder = folder
        self.course = digest(
            assignment.notebook.encode(),
            json.dumps(asdict(assignment.limits)).encode(),
            *(path.read_bytes() for path in sorted(PACKAGE.rglob("*.py"))),
        )

    def path(self, submission: Submission) -> Path:
        """A name that no student's name can turn into another file's."""
        letters = "".join(c if c.isascii() and c.isalnum() else "-" for c in submission.student)[:40]
        return self.folder / f"{letters}-{digest(submission.student.encode())[:12]}.json"

    def state(self, submission: Submission) -> dict[str, str]:
        rest = json.dumps([submission.problem, submission.notes]).encode()
        return {"submission": digest(submission.notebook or b"", rest), "course": self.course}

    def read(self, submission: Submission) -> StudentMarks | None:
        """The marks of an earlier run, if nothing that they depend on has changed."""
        try:
            kept = json.loads(self.path(submission).read_text("utf-8"))
            if {key: kept[key] for key in ("submission", "course")} != self.state(submission):
                return None
            marks = StudentMarks.from_json(json.dumps(kept["marks"]))
            return marks if marks.student == submission.student else None
        except (OSError, ValueError, KeyError, TypeError, CourseError):
            return None

    def write(self, submission: Submission, marks: StudentMarks) -> None:
        kept = {**self.state(submission), "marks": json.loads(marks.to_json())}
        write_whole(self.path(submission), json.dumps(kept, indent=1))


def digest(*parts: bytes) -> str:
    sha = hashlib.sha256()
    for part in parts:
        sha.update(len(part).to_bytes(8, "big") + part)
    return sha.hexdigest()
