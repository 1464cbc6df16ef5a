"""Names that others wrote: one line, no formula, no path, no two students in one file."""

import re

import pytest

from course_lib.grading.names import clean, csv_text, file_names

ODD = [
    "../../etc/passwd", "/etc/passwd", "C:\\Windows\\x", "..", ".", "", "   ", ".hidden", "CON", "nul.html",
    "lpt1", "a/b", "a\\b", "a\0b", "a\nb", "x" * 5_000, "🙂", "Ünal Zoë", "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0", "\ud800 surrogate", "a:b*c?", "name.", "- -", "\u202egnp.exe", "ｅｖｉｌ", "Ａ／Ｂ",
]  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_a_file_name_is_plain(name):
    found = file_names([name])[name]
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,90}", found)
    assert found.lower() not in ("con", "nul", "lpt1")


def test_an_ordinary_name_can_be_read_from_the_file_name():
    assert file_names(["Zoë Ünal", "ada"]) == {"Zoë Ünal": "Zoe_Unal", "ada": "ada"}


def test_no_two_students_share_a_file_also_where_capitals_do_not_count():
    students = [*ODD, "Ada", "ada", "ADA", "a b", "a_b", "a/b", "ada!", "../ada"]
    names = file_names(students)
    assert len(names) == len(set(students))
    assert len({name.casefold() for name in names.values()}) == len(names)


def test_who_is_called_like_anothers_file_gets_one_of_their_own():
    first = file_names(["a b", "a_b"])
    students = ["a b", "a_b", *first.values()]
    assert len({name.casefold() for name in file_names(students).values()}) == 4


def test_a_student_keeps_the_file_name_in_the_next_run():
    assert file_names(["b", "Ada", "ada"]) == file_names(["ada", "b", "Ada"])


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\n=1", "＝1", "\u200e=1", "\0=1"]
)
def test_a_formula_is_only_text(text):
    assert csv_text(text).startswith("'")


def test_ordinary_text_stays_in_a_csv():
    assert csv_text("O'Brien, Ada-Maria") == "O'Brien, Ada-Maria"


def test_clean_is_one_line_that_can_be_written():
    assert clean("  Ada\n\tLovelace\u202e \x1b[31m") == "Ada Lovelace [31m"
    assert clean("e\u0301") == "é"
    for name in ODD:
        clean(name).encode("utf-8")
    assert len(clean("x" * 500)) == 120
    assert clean("نی\u200cلوفر") == "نی\u200cلوفر"  # a joiner that belongs to the name
