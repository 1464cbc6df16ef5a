"""Everything that is written once a class is graded: tables, a page for each student, the class's page.

grades/grades.csv   canvas.csv   moodle.csv   class.html   feedback/Ada_Lovelace.html
"""

from collections.abc import Sequence
from pathlib import Path

from course_lib.errors import CourseError
from course_lib.grading.class_page import class_page
from course_lib.grading.feedback import feedback_page
from course_lib.grading.gradebook import canvas_csv, grades_csv, moodle_csv
from course_lib.grading.marks import StudentMarks
from course_lib.grading.names import file_names
from course_lib.grading.submissions import Submission
from course_lib.lessons import find_lesson
from course_lib.writing import write_whole


def write_reports(
    marks: Sequence[StudentMarks], submissions: Sequence[Submission], out: Path, lesson: str
) -> None:
    """Write all reports on a lesson ("01_vae") into the folder `out`; what was there of them is replaced."""
    files = file_names(student.student for student in marks)
    title = title_of(lesson)
    fields = {submission.student: submission.fields for submission in submissions}
    links = {student: f"feedback/{name}.html" for student, name in files.items()}
    for student in marks:
        write_text(out / links[student.student], feedback_page(student, title))
    write_text(out / "class.html", class_page(marks, title, words_of_mistakes(marks), links))
    write_text(out / "canvas.csv", canvas_csv(marks, fields, lesson))
    write_text(out / "moodle.csv", moodle_csv(marks, fields, lesson))
    # With a byte order mark, without which Excel reads Zoë as ZoÃ«.
    write_text(out / "grades.csv", "\ufeff" + grades_csv(marks))


def write_text(path: Path, text: str) -> None:
    write_whole(path, text)


def title_of(lesson: str) -> str:
    try:
        found = find_lesson(lesson)
    except CourseError:
        return lesson
    return f"{found.name[:2]} · {found.title}"


def words_of_mistakes(marks: Sequence[StudentMarks]) -> dict[tuple[str, str], str]:
    """What the catalogue says of every mistake that was made, without one student's values."""
    from course_lib.checks.engine import find_exercise  # imports torch

    words = {}
    for name in {mark.exercise for student in marks for mark in student.exercises if mark.mistake}:
        try:
            known = find_exercise(name).mistakes
        except ValueError:  # an exercise of another version of the course
            continue
        words |= {(name, mistake.name): mistake.words for mistake in known}
    return words
