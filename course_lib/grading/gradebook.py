"""Marks as tables: grades.csv to read, canvas.csv and moodle.csv to import.

Where a submission could not be graded its cells are empty: an import leaves such a cell as it was, so that
nobody gets a zero for a file that somebody else broke.

Formats: Canvas takes the columns of its own export, with a row "Points Possible" (lib/gradebook_importer.rb).
Moodle's "Upload grading worksheet" of an assignment wants Identifier, Grade and "Last modified (grade)"
(mod/assign/feedback/offline/importgradeslib.php), and its comments are HTML.
"""

import csv
import html
import io
from collections.abc import Iterable, Mapping, Sequence

from course_lib.grading.marks import StudentMarks, exercises_in_order
from course_lib.grading.names import clean, csv_text
from course_lib.grading.page import number

Fields = Mapping[str, Mapping[str, str]]  # student -> what the submission's layout said of them


def grades_csv(marks: Sequence[StudentMarks]) -> str:
    """One row a student, one column an exercise."""
    exercises = exercises_in_order(marks)
    rows = [["student", *exercises, "points", "out of", "problem", "notes"]]
    out_of = sum(exercises.values())
    for student in marks:
        points = {mark.exercise: number(mark.points) for mark in student.exercises}
        cells = (
            [points.get(name, "") for name in exercises] if student.problem is None else [""] * len(exercises)
        )
        rows.append(
            [
                csv_text(student.student),
                *cells,
                total(student),
                number(out_of),
                csv_text(student.problem or ""),
                csv_text(" · ".join(student.notes)),
            ]
        )
    return table(rows)


def canvas_csv(marks: Sequence[StudentMarks], fields: Fields, assignment: str) -> str:
    """For Canvas: Grades, Import. The last column's title must be the assignment's there."""
    out_of = number(sum(exercises_in_order(marks).values()))
    rows = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", csv_text(assignment)],
        ["    Points Possible", "", "", "", "", out_of],
    ]
    for student in marks:
        known = fields.get(student.student, {})
        number_there = known.get("canvas_id", "")
        login = "" if number_there or known.get("moodle_id") else csv_text(student.student)
        rows.append([csv_text(student.student), number_there, "", login, "", total(student)])
    return table(rows)


def moodle_csv(marks: Sequence[StudentMarks], fields: Fields, assignment: str) -> str:
    """For Moodle: an assignment's grading worksheet where its participants' numbers are known.

    Otherwise for the gradebook's own import, in which one chooses what a column means.
    """
    out_of = number(sum(exercises_in_order(marks).values()))
    if any("moodle_id" in fields.get(student.student, {}) for student in marks):
        rows = [
            [
                "Identifier",
                "Full name",
                "Grade",
                "Maximum Grade",
                "Last modified (grade)",
                "Feedback comments",
            ]
        ]
        for student in marks:
            if "moodle_id" in (known := fields.get(student.student, {})):
                identifier = f"Participant {known['moodle_id']}"
                name = csv_text(student.student)
                rows.append([identifier, name, total(student), out_of, "-", comment(student)])
        return table(rows)
    rows = [["username", csv_text(assignment), csv_text(f"{assignment} (feedback)")]]
    rows += [[csv_text(student.student), total(student), comment(student)] for student in marks]
    return table(rows)


def total(student: StudentMarks) -> str:
    return number(student.points) if student.problem is None else ""


def comment(student: StudentMarks) -> str:
    """A few lines of HTML: what is not right yet, and why."""
    if student.problem is not None:
        return csv_text(html.escape(student.problem))
    lines = [
        f"{mark.exercise} ({number(mark.points)} of {number(mark.out_of)}): {clean(mark.words, 300)}".strip()
        for mark in student.exercises
        if mark.verdict != "right"
    ]
    return csv_text("<br>".join(map(html.escape, lines or ["All exercises are right."])), 6_000)


def table(rows: Iterable[Sequence[str]]) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\r\n").writerows(rows)
    return file.getvalue()
