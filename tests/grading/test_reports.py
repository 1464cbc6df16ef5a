"""The tables import, the pages show what they must, and no name or message can do anything there."""

import csv
import io
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from course_lib.grading.class_page import class_page
from course_lib.grading.feedback import feedback_page
from course_lib.grading.gradebook import canvas_csv, grades_csv, moodle_csv
from course_lib.grading.histogram import histogram, in_bins
from course_lib.grading.marks import ExerciseMark, StudentMarks
from course_lib.grading.page import STYLE, number
from course_lib.grading.report import write_reports
from course_lib.grading.submissions import Submission

sys.path.insert(0, str(Path(__file__).parent))
import make_marks

L, T = "01_vae", "01 · The variational autoencoder"
EVIL = "<script>alert(1)</script><img src=x onerror='alert(2)'>\"><b>"
HALF = ExerciseMark(
    "vae/kl", 0, 2, "wrong", "kl_without_half", "Twice the right one: `0.5` is missing.\nAt [0] 3."
)
ELBO = ExerciseMark("vae/elbo", 2.5, 2.5, "right")
RAISED = ExerciseMark("vae/elbo", 0, 2.5, "failed", None, f"Line 2 raises ValueError: {EVIL}")
ADA = StudentMarks("Ada Lovelace", L, (HALF, ELBO), notes=("two files; the newer counts",))
EVE = StudentMarks(EVIL, L, (HALF, RAISED))
LOST = StudentMarks("=cmd|' /C calc'!A0", L, (), problem=f"the notebook cannot be read {EVIL}")
MARKS = [ADA, EVE, LOST]
WORDS = {("vae/kl", "kl_without_half"): "Your KL is twice the right one."}


def read(text):
    return list(csv.reader(io.StringIO(text, newline="")))


class Tags(HTMLParser):
    """All tags and attributes of a page, and its text; complains of tags that do not match."""

    VOID = ("meta", "path", "rect", "br")

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.text = [], [], ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text += data + " "


# ------------------------------------------------------------------------------------------ tables


def test_grades_have_one_row_a_student_and_one_column_an_exercise():
    head, *rows = read(grades_csv(MARKS))
    assert head == ["student", "vae/kl", "vae/elbo", "points", "out of", "problem", "notes"]
    assert rows[0] == ["Ada Lovelace", "0", "2.5", "2.5", "4.5", "", "two files; the newer counts"]
    assert rows[2][:5] == ["'=cmd|' /C calc'!A0", "", "", "", "4.5"] and "cannot be read" in rows[2][5]


def test_canvas_takes_its_file():
    fields = {"Ada Lovelace": {"canvas_id": "501"}}
    head, points, ada, _, lost = read(canvas_csv(MARKS, fields, L))
    assert head == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", L]
    assert points == ["    Points Possible", "", "", "", "", "4.5"]
    assert ada == ["Ada Lovelace", "501", "", "", "", "2.5"]
    assert lost[-1] == "" and lost[0].startswith("'=") and lost[3].startswith("'=")


def test_moodle_takes_its_worksheet():
    fields = {"Ada Lovelace": {"moodle_id": "123"}, EVIL: {"moodle_id": "124"}}
    fields[LOST.student] = {"moodle_id": "125"}
    head, ada, eve, lost = read(moodle_csv(MARKS, fields, L))
    assert lost[2] == "" and "<img" not in lost[-1] and "cannot be read" in lost[-1]
    assert {"Identifier", "Grade", "Last modified (grade)", "Feedback comments"} <= set(head)
    row = dict(zip(head, ada, strict=True))
    assert "vae/elbo" not in row["Feedback comments"]  # which is right
    assert (row["Identifier"], row["Grade"], row["Maximum Grade"]) == ("Participant 123", "2.5", "4.5")
    assert row["Feedback comments"].startswith("vae/kl (0 of 2): Twice the right one")
    assert "<script" not in eve[head.index("Feedback comments")] and "&lt;script" in eve[-1]


def test_moodles_gradebook_takes_names_where_no_number_is_known():
    head, ada, *_ = read(moodle_csv(MARKS, {}, L))
    assert head == ["username", L, f"{L} (feedback)"] and ada[:2] == ["Ada Lovelace", "2.5"]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "\t=1", "a,b", 'a"b', "a\r\nb", "a;b"])
def test_no_name_is_a_formula_or_breaks_a_row(name):
    marks = [StudentMarks(name, L, (ELBO,), notes=(name,)), StudentMarks(name + "2", L, (), problem=name)]
    fields = {name: {"moodle_id": "1"}}
    for text in (
        grades_csv(marks),
        canvas_csv(marks, {}, name),
        moodle_csv(marks, {}, name),
        moodle_csv(marks, fields, L),
    ):
        rows = read(text)
        assert len({len(row) for row in rows}) == 1 and len(rows) <= 4
        assert not any(
            cell.lstrip().startswith(("=", "+", "@")) or cell.startswith("-1") for row in rows for cell in row
        )


# ------------------------------------------------------------------------------------------- pages


def pages():
    links = {student.student: f"feedback/{k}.html" for k, student in enumerate(MARKS)}
    return [class_page(MARKS, T, WORDS, links), *(feedback_page(student, T) for student in MARKS)]


@pytest.mark.parametrize("k", range(4))
def test_a_page_is_whole_and_harmless(k):
    page = Tags(pages()[k])
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "img", "iframe", "object", "embed", "link", "form", "b", "base"}
    for tag, attrs in page.tags:
        assert not any(name.startswith("on") for name in attrs)
        assert all(re.fullmatch(r"feedback/\d\.html", attrs["href"]) for _ in [0] if "href" in attrs)
        assert "src" not in attrs, tag
    policy = next(attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv"))
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    assert "url(" not in pages()[k] and "@import" not in pages()[k]


def test_accessible_as_far_as_tags_tell():
    for source in pages():
        page = Tags(source)
        assert ("html", {"lang": "en"}) in page.tags
        assert [tag for tag, _ in page.tags if tag == "h1"] == ["h1"]
        assert all("scope" in attrs for tag, attrs in page.tags if tag == "th")
        assert all(
            attrs.get("role") == "img" and attrs["aria-label"] for tag, attrs in page.tags if tag == "svg"
        )
        assert "prefers-color-scheme: dark" in source and "@media print" in source


def luminance(colour):
    colour = colour if len(colour) == 6 else "".join(2 * c for c in colour)
    parts = [int(colour[k : k + 2], 16) / 255 for k in (0, 2, 4)]
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def test_all_text_can_be_read_on_its_paper():
    schemes = [dict(re.findall(r"--(\w+): #([0-9a-f]+)", part)) for part in STYLE.split("@media")[:3]]
    assert len(schemes) == 3 and all(len(scheme) == 10 for scheme in schemes)
    for scheme in schemes:
        for paper in ("paper", "soft"):
            for ink in ("ink", "quiet", "right", "wrong", "missing", "failed"):
                light = sorted((luminance(scheme[paper]), luminance(scheme[ink])))
                assert (light[1] + 0.05) / (light[0] + 0.05) >= 4.5, (ink, paper)


def test_feedback_says_points_verdict_words_and_the_first_wrong_value():
    page = Tags(feedback_page(ADA, T))
    words = " ".join(page.text.split())
    for said in (
        "Ada Lovelace",
        T,
        "2.5 of 4.5 points",
        "0 of 2",
        "2.5 of 2.5",
        "not right yet",
        "0.5",
        "At [0] 3.",
    ):
        assert said in words
    assert "<code>0.5</code> is missing" in feedback_page(ADA, T) and "two files" in words
    assert "1 of 2 exercises is right. To look at again: vae/kl" in words.replace(" .", ".")


def test_feedback_on_what_could_not_be_graded_gives_no_points():
    words = Tags(feedback_page(LOST, T)).text
    assert "could not be graded" in words and "cannot be read" in words and "points" not in words


def test_a_problem_hides_the_exercises_that_were_never_looked_at():
    nothing = ExerciseMark("vae/kl", 0, 2, "missing", None, "not written yet")
    lost = StudentMarks("Eve", L, (nothing,), problem="there is no notebook")
    assert "vae/kl" not in Tags(feedback_page(lost, T)).text
    assert read(grades_csv([ADA, lost]))[2][:4] == ["Eve", "", "", ""]
    assert "2 submissions" not in Tags(class_page([ADA, lost], T, {}, {})).text


def test_all_right_is_said():
    assert "All exercises are right." in feedback_page(StudentMarks("a", L, (ELBO,)), T)


def test_the_class_page_counts_and_names():
    page = Tags(class_page(MARKS, T, WORDS, {}))
    words = " ".join(page.text.split())
    assert "3 submissions" in words or "3 " in words
    assert "1 submission could not be graded" in words and "2 students made 1 known mistake" in words
    assert "Your KL is twice the right one." in words and "Twice the right one" not in words
    assert "kl without half" in words and "vae/elbo" in words
    assert "! 1 answer: did not run to the end" in words and "Line 2 raises ValueError" in words
    assert "two files; the newer counts" in words


def test_mistakes_are_ranked_and_single_ones_folded():
    def one(student, mistake):
        return StudentMarks(
            student, L, (ExerciseMark("vae/kl", 0, 2, "wrong", mistake, f"Words on {mistake}."),)
        )

    marks = [
        one("a", "rare"),
        one("b", "common"),
        one("c", "common"),
        one("d", "usual"),
        one("e", "usual"),
        one("f", "usual"),
    ]
    page = class_page(marks, T, {}, {})
    assert page.index("Words on usual") < page.index("Words on common") < page.index("Words on rare")
    assert page.index("1 mistake that a single student made") < page.index("Words on rare")
    assert ">3<small>50 %" in page and ">2<small>33 %" in page


def test_a_class_without_a_graded_submission_has_a_page():
    words = Tags(class_page([LOST], T, {}, {})).text
    assert "could not be graded" in words and "Points" not in words


def test_the_distribution():
    assert in_bins([0, 3, 3, 4], 4) == [("0", 1), ("1", 0), ("2", 0), ("3", 2), ("4", 1)]
    bins = in_bins([0, 0.5, 2.5, 5], 5)
    assert [count for _, count in bins] == [1, 1, 0, 0, 0, 1, 0, 0, 0, 1] and bins[1][0] == "0.5–1"
    assert sum(count for _, count in in_bins(list(range(101)), 100)) == 101
    assert in_bins([0.3], 1)[3][1] == 1  # 0.3 / 0.1 is 2.9999999999999996
    for points, out_of in (([0.5], 100), ([99.5], 100)):
        (x,) = re.findall(r'd="M([-\d.]+) \d+h10l', histogram(points, out_of))
        assert 0 <= float(x) <= 750  # the median's triangle, ten wide
    for points, out_of in (([0, 4], 4), ([0.5], 5), ([100], 100), ([0], 0)):
        drawing = ElementTree.fromstring(histogram(points, out_of))
        assert drawing.attrib["aria-label"].count(" points: 1 student") == len(points)
        xs = [float(mark.attrib["x"]) for mark in drawing.iter("text")]
        assert all(0 <= x <= 760 for x in xs)


def test_numbers_are_short():
    assert [number(x) for x in (2, 2.0, 2.5, 2.25, 0.333333, 0, 10, 100.0)] == [
        "2", "2", "2.5", "2.25", "0.33", "0", "10", "100",
    ]  # fmt: skip


# --------------------------------------------------------------------------------------- everything


def test_all_reports_of_a_class_of_a_hundred(tmp_path):
    marks, submissions = make_marks.made_up(100)
    write_reports(marks, submissions, tmp_path / "out", L)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "grades.csv", "canvas.csv", "moodle.csv", "class.html", "feedback",
    }  # fmt: skip
    assert len(list((tmp_path / "out" / "feedback").iterdir())) == 100
    page = (tmp_path / "out" / "class.html").read_text("utf-8")
    links = re.findall(r'href="([^"]+)"', page)
    assert len(set(links)) == 100 and all((tmp_path / "out" / link).is_file() for link in links)
    assert (tmp_path / "out" / "grades.csv").read_bytes().startswith(b"\xef\xbb\xbfstudent,vae/decoder")
    assert len(read((tmp_path / "out" / "moodle.csv").read_text("utf-8"))) == 101
    assert VALUE_OF_ONE not in page  # the class page has the catalogue's words, not one student's values
    told = sum(VALUE_OF_ONE in path.read_text("utf-8") for path in (tmp_path / "out" / "feedback").iterdir())
    assert told == sum(mark.mistake is not None for student in marks for mark in student.exercises) > 15


VALUE_OF_ONE = "3.142, it should be 1.571"


def test_no_name_leads_out_of_the_folder(tmp_path):
    names = ["../../evil", "/etc/evil", "Ada", "ada", "a/b", "a b", "..", "", "x" * 400, "CON", "\ud800"]
    marks = [StudentMarks(name, L, (ELBO,)) for name in names]
    write_reports(marks, [Submission(name, b"") for name in names], tmp_path / "deep" / "out", L)
    everything = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert all(path.is_relative_to(tmp_path / "deep" / "out") for path in everything)
    pages = list((tmp_path / "deep" / "out" / "feedback").iterdir())
    assert len({path.name.casefold() for path in pages}) == len(names) == len(pages)


def test_a_second_run_replaces_the_first(tmp_path):
    for verdict in (HALF, ELBO):
        write_reports([StudentMarks("Ada", L, (verdict,))], [], tmp_path, L)
    assert "All exercises are right" in (tmp_path / "feedback" / "Ada.html").read_text("utf-8")
