"""Students' names are text that somebody else wrote: made fit for a page, a spreadsheet and a file name."""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

LONGEST = 120  # characters of a name that is shown
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # a spreadsheet runs what begins with one of these
TURNS = {chr(c) for c in (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))}
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # no file on Windows


def clean(text: str, longest: int = LONGEST) -> str:
    """One line that can be written as UTF-8 and reads in one direction, not longer than `longest`."""
    text = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode("utf-8"))
    shown = ("\ufffd" if c in TURNS or unicodedata.category(c) in ("Cc", "Cs") else c for c in text)
    text = " ".join("".join(c if c != "\ufffd" else " " for c in shown).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def csv_text(text: str, longest: int = 2_000) -> str:
    """Text for a cell of a CSV file: a spreadsheet shows it and never runs it as a formula."""
    text = clean(text, longest)
    return f"'{text}" if text.startswith(FORMULA) else text


def file_names(students: Iterable[str]) -> dict[str, str]:
    """A file name (without ending) for each student: letters, digits, - and _ only, and no two alike.

    Names that differ only in case or in what a file name cannot hold get a few digits of their hash.
    """
    students = list(dict.fromkeys(students))
    slugs = {student: slug(student) for student in students}
    count = Counter(name.casefold() for name in slugs.values())
    names, taken = {}, {name.casefold() for name in slugs.values() if count[name.casefold()] == 1}
    for student, name in slugs.items():
        digest = hashlib.sha256(student.encode("utf-8", "surrogatepass")).hexdigest()
        length = 8
        while count[name.casefold()] > 1 and f"{name}-{digest[:length]}".casefold() in taken:
            length += 1
        names[student] = name if count[name.casefold()] == 1 else f"{name}-{digest[:length]}"
        taken.add(names[student].casefold())
    return names


def slug(student: str) -> str:
    """'Zoë Ünal' -> 'Zoe_Unal'; never empty, never hidden, never a path."""
    plain = unicodedata.normalize("NFKD", clean(student)).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", plain).strip("_-")[:60]
    return f"student_{name}" if not name or RESERVED.fullmatch(name) else name
