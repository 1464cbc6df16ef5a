"""Every layout, and everything that can be wrong with it: a row that says so, and the others as before."""

import json
import os
import stat
import struct
import sys
import tracemalloc
import zipfile
import zlib

import pytest

from course_lib.errors import CourseError
from course_lib.grading import intake
from course_lib.grading.names import file_names
from course_lib.grading.submissions import find_submissions

L = "01_vae"
A, B, C = b"notebook of a", b"notebook of b", b"notebook of c"


def tree(root, files):
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if data is None else path.write_bytes(data)
    return root


def zipped(path, files, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items() if isinstance(files, dict) else files:
            archive.writestr(name, data)
    return path


def both(tmp_path, files):
    """The same as a folder, as a zip, and as a zip with one more folder around it."""
    yield tree(tmp_path / "folder", files)
    yield zipped(tmp_path / "x.zip", files)
    yield zipped(tmp_path / "y.zip", {f"download/{name}": data for name, data in files.items()})


def rows(path):
    return {row.student: row for row in find_submissions(path, L)}


def notebooks(path):
    return {name: row.notebook for name, row in rows(path).items()}


def test_outputs_are_not_kept(tmp_path):
    """A class of hundreds is in memory at once."""
    source = {
        "cell_type": "code",
        "source": "x = '\u00e9 \\ud800'",
        "metadata": {"nbgrader": {"grade_id": "a"}},
    }
    cell = source | {"outputs": [{"text": "y" * 100_000}]}
    handed_in = {
        "ada": json.dumps({"cells": [cell, source | {"attachments": {"a.png": "z" * 9}}]}).encode(
            "utf-8-sig"
        ),
        "bob": json.dumps({"cells": [cell, 3]}).encode(),
        "eve": json.dumps([cell]).encode(),
        "dan": b"[" * 100_000,
        "fay": b"\xff",
    }
    found = notebooks(tree(tmp_path, {f"{name}/01_vae.ipynb": data for name, data in handed_in.items()}))
    assert json.loads(found.pop("ada")) == {"cells": [source, source]}
    assert found == {name: data for name, data in handed_in.items() if name != "ada"}


def test_one_student_who_handed_in_the_clone_keeps_the_name(tmp_path):
    for k, inside in enumerate(
        ("course/lessons/01_vae.ipynb", "lessons/01_vae.ipynb", "01_vae/01_vae.ipynb")
    ):
        assert notebooks(tree(tmp_path / str(k), {f"ada/{inside}": A})) == {"ada": A}
    assert notebooks(tree(tmp_path / "wrapped", {"download/ada/01_vae.ipynb": A})) == {"ada": A}


def test_a_folder_that_may_not_be_opened_is_one_sentence(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(CourseError, match=r"cannot be opened \(Permission denied\)"):
        find_submissions(tmp_path, L)


# ------------------------------------------------------------------------------------------ layouts


def test_a_folder_for_each_student(tmp_path):
    for path in both(tmp_path, {"ada/01_vae.ipynb": A, "bob/01_vae.ipynb": B, "bob/02_gan.ipynb": C}):
        assert notebooks(path) == {"ada": A, "bob": B}
        assert all(row.problem is None and row.notes == () for row in rows(path).values())


@pytest.mark.parametrize("assignment", ["ps1", L])
def test_nbgrader(tmp_path, assignment):
    files = {
        f"submitted/ada/{assignment}/01_vae.ipynb": A,
        f"submitted/ada/{assignment}/timestamp.txt": b"2026",
        f"submitted/bob/{assignment}/01_vae.ipynb": B,
        f"autograded/ada/{assignment}/01_vae.ipynb": C,
        "gradebook.db": b"",
    }
    for path in both(tmp_path, files):
        assert notebooks(path) == {"ada": A, "bob": B}
        assert rows(path)["ada"].fields["assignment"] == assignment
    assert notebooks(tmp_path / "folder" / "submitted") == {"ada": A, "bob": B}


@pytest.mark.parametrize("root", ["submitted", "class"])
def test_nbgrader_with_one_student(tmp_path, root):
    tree(tmp_path / root, {"ada/01_vae/01_vae.ipynb": A})
    assert notebooks(tmp_path / root) == {"ada": A}
    tree(tmp_path / "more" / "submitted", {"bob/ps1/01_vae.ipynb": B})
    assert notebooks(tmp_path / "more" / "submitted") == {"bob": B}


@pytest.mark.parametrize(
    "names",
    [
        "{}_assignsubmission_file_/my solution.ipynb",  # folders, as Moodle has long made them
        "{}_assignsubmission_file/my solution.ipynb",  # ... and as newer ones do
        "{}_assignsubmission_file_my solution.ipynb",  # "Download submissions in folders" is off
    ],
)
def test_moodle(tmp_path, names):
    files = {
        names.format("Ada Lovelace_123456"): A,
        names.format("José Martín-Ruiz_123457"): B,
        names.format("Participant_9"): C,  # anonymous submissions
        "Ada Lovelace_123456_assignsubmission_onlinetext_/onlinetext.html": b"<p>hello",
    }
    for path in both(tmp_path, files):
        assert notebooks(path) == {"Ada Lovelace": A, "José Martín-Ruiz": B, "Participant 9": C}
        assert rows(path)["Ada Lovelace"].fields["moodle_id"] == "123456"
        assert rows(path)["Ada Lovelace"].notes == (
            "the notebook is called my solution.ipynb, not 01_vae.ipynb",
        )


def test_canvas(tmp_path):
    files = {
        "lovelaceada_501_9001_01_vae.ipynb": A,
        "hopper_grace_LATE_502_9002_01_vae-1.ipynb": B,
        "turing_503_9003_anything_7_8_at all.ipynb": C,
        "anon_x7Yz_9004_01_vae.ipynb": A,
        "byronada_504_text.html": b"",
    }
    for path in both(tmp_path, files):
        found = rows(path)
        assert {name: row.notebook for name, row in found.items()} == {
            "lovelaceada": A, "hopper_grace": B, "turing": C, "anonymous x7Yz": A, "byronada": None,
        }  # fmt: skip
        assert found["lovelaceada"].fields["canvas_id"] == "501"
        assert found["hopper_grace"].notes == ("handed in late, says Canvas",)
        assert "canvas_id" not in found["anonymous x7Yz"].fields
        assert "no notebook" in found["byronada"].problem


def test_of_two_uploads_on_canvas_the_last_counts(tmp_path):
    files = {"ada_5_9009_01_vae-1.ipynb": B, "ada_5_9001_01_vae.ipynb": A, "ada_5_9002_01_vae-2.ipynb": C}
    row = rows(zipped(tmp_path / "x.zip", files))["ada"]
    assert row.notebook == B and "uploaded last" in row.notes[0]


def test_a_file_name_does_not_make_a_submission_somebody_elses(tmp_path):
    forged = "eve_6_9001_bob_7_9002_01_vae.ipynb"
    assert rows(zipped(tmp_path / "c.zip", {forged: A}))["eve"].fields["canvas_id"] == "6"
    forged = "Eve_6_assignsubmission_file_Bob_7_assignsubmission_file_01_vae.ipynb"
    assert rows(zipped(tmp_path / "m.zip", {forged: A}))["Eve"].fields["moodle_id"] == "6"
    files = {
        "ada/01_vae.ipynb": A,
        "eve/Ada_7_assignsubmission_file_01_vae.ipynb": B,
        "eve/ada_5_6_01_vae.ipynb": B,
    }
    found = rows(tree(tmp_path / "f", files))
    assert found["ada"].notebook == A and set(found) == {"ada", "eve"}


# ------------------------------------------------------------------------------------- what is wrong


def test_nothing_there(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.zip").write_text("no zip")
    for path in ("empty", "nowhere", "text.zip"):
        with pytest.raises(CourseError, match=r"submissions|zip"):
            find_submissions(tmp_path / path, L)
    with pytest.raises(CourseError, match="no submissions"):
        find_submissions(tree(tmp_path / "flat", {"ada.ipynb": A}), L)


def test_a_student_without_the_notebook_gets_a_row(tmp_path):
    files = {"ada/01_vae.ipynb": A, "bob/02_gan.ipynb": B, "eve/essay.pdf": C, "dan": None}
    found = rows(tree(tmp_path / "x", files))
    assert found["ada"].problem is None
    assert "02_gan.ipynb" in found["bob"].problem and "essay.pdf" in found["eve"].problem
    assert "empty" in found["dan"].problem
    assert all(found[name].notebook is None for name in ("bob", "eve", "dan"))


def test_two_notebooks_for_one_student(tmp_path):
    files = {
        "ada/01_vae.ipynb": A, "ada/01_vae-Copy1.ipynb": B, "ada/.ipynb_checkpoints/01_vae-copy.ipynb": C,
        "bob/one.ipynb": A, "bob/two.ipynb": B,
        "cem/one.ipynb": A, "cem/two.ipynb": A,
        "dan/old/01_vae.ipynb": A, "dan/01_vae.ipynb": B,
        "eve/01_VAE (1).ipynb": A,
        "fay/01_vae/01_vae.ipynb": A, "fay/backup/01_vae.ipynb": B,
    }  # fmt: skip
    found = rows(tree(tmp_path / "x", files))
    assert found["ada"].notebook == A and found["ada"].notes == (
        "01_vae.ipynb was graded, not 01_vae-Copy1.ipynb",
    )
    assert "one.ipynb, two.ipynb" in found["bob"].problem and found["bob"].notebook is None
    assert found["cem"].notebook == A and "equal" in found["cem"].notes[0]
    assert "old/01_vae.ipynb" in found["dan"].problem
    assert found["eve"].notebook == A and found["eve"].problem is None
    assert found["fay"].notebook == A


def test_names_that_differ_in_case_stay_two_students(tmp_path):
    found = rows(zipped(tmp_path / "x.zip", {"Ada/01_vae.ipynb": A, "ada/01_vae.ipynb": B}))
    assert {name: row.notebook for name, row in found.items()} == {"Ada": A, "ada": B}
    assert all("capital letters" in row.notes[0] for row in found.values())
    assert len({name.casefold() for name in file_names(found).values()}) == 2


def test_two_students_of_one_name_stay_two(tmp_path):
    names = "Ada Lovelace_{}_assignsubmission_file_/01_vae.ipynb"
    found = rows(zipped(tmp_path / "x.zip", {names.format(1): A, names.format(2): B}))
    assert {name: row.notebook for name, row in found.items()} == {
        "Ada Lovelace (1)": A,
        "Ada Lovelace (2)": B,
    }


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="this file system takes no such names")
def test_odd_names_are_shown_safely_and_stay_apart(tmp_path):
    odd = [b"\xff\xfe", b"=cmd()", b"a\nb", b"a b", b"<b>x<", b"\xe2\x80\xaeevil", b"x" * 200]
    for name in odd:
        tree(tmp_path / "x" / os.fsdecode(name), {"01_vae.ipynb": name})
    found = rows(tmp_path / "x")
    assert {row.notebook for row in found.values()} == set(odd)
    for name in found:
        name.encode("utf-8")
        assert "\n" not in name and "\u202e" not in name
    assert {"a b (1)", "a b (2)"} <= set(found)


def test_links_are_not_followed(tmp_path):
    secret = tree(tmp_path / "other", {"01_vae.ipynb": C})
    root = tree(tmp_path / "x", {"ada/01_vae.ipynb": A, "bob/readme.txt": B})
    try:
        (root / "bob" / "01_vae.ipynb").symlink_to(root / "ada" / "01_vae.ipynb")
        (root / "eve").symlink_to(secret, target_is_directory=True)
        (root / "ada" / "more").symlink_to(secret, target_is_directory=True)
    except OSError:
        pytest.skip("no links here")
    found = rows(root)
    assert found["bob"].notebook is None and "link" in found["bob"].problem
    assert found["eve"].notebook is None and "link" in found["eve"].problem
    assert found["ada"].notebook == A and "more is a link" in found["ada"].notes[0]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_waited_for(tmp_path):
    root = tree(tmp_path / "x", {"ada/01_vae.ipynb": A, "bob": None})
    os.mkfifo(root / "bob" / "01_vae.ipynb")
    assert "plain file" in rows(root)["bob"].problem


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path):
    root = tree(tmp_path / "x", {"ada/01_vae.ipynb": A, "bob/01_vae.ipynb": B})
    (root / "bob" / "01_vae.ipynb").chmod(0)
    assert "cannot be read" in rows(root)["bob"].problem


def test_a_stray_notebook_gets_a_row(tmp_path):
    found = rows(tree(tmp_path / "x", {"ada/01_vae.ipynb": A, "01_vae.ipynb": B, "grades.csv": C}))
    assert set(found) == {"ada", "01_vae.ipynb"} and "outside" in found["01_vae.ipynb"].problem


# -------------------------------------------------------------------------------------- hostile zips


def link(name, target):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info, target


@pytest.mark.parametrize(
    "name", ["../01_vae.ipynb", "eve/../../x.ipynb", "/etc/x.ipynb", "C:/x/x.ipynb", "eve\\..\\..\\x.ipynb"]
)
def test_paths_that_lead_outside_are_refused_and_said(tmp_path, name):
    found = rows(zipped(tmp_path / "x.zip", {"ada/01_vae.ipynb": A, name: B}))
    assert found.pop("ada").notebook == A
    (row,) = found.values()
    assert row.notebook is None and "leads out" in row.problem
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.zip"]


def test_a_link_in_a_zip_is_refused(tmp_path):
    files = [("ada/01_vae.ipynb", A), link("bob/01_vae.ipynb", "../ada/01_vae.ipynb"), link("eve", "/etc")]
    found = rows(zipped(tmp_path / "x.zip", files))
    assert "link" in found["bob"].problem and "link" in found["eve"].problem and found["ada"].notebook == A


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(intake, "MOST_BYTES", 1_000_000)
    path = zipped(tmp_path / "x.zip", {"ada/01_vae.ipynb": A, "bob/01_vae.ipynb": bytes(50_000_000)})
    assert path.stat().st_size < 60_000
    tracemalloc.start()
    found = rows(path)
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()
    assert "larger than 1 MB" in found["bob"].problem and found["ada"].notebook == A


def lying_zip(path, claimed):
    """A member whose headers claim another size than what unpacks."""
    data = bytes(3_000_000)
    zipped(path, {"bob/01_vae.ipynb": data, "ada/01_vae.ipynb": A})
    raw = path.read_bytes()
    assert raw.count(struct.pack("<I", len(data))) == 2
    path.write_bytes(raw.replace(struct.pack("<I", len(data)), struct.pack("<I", claimed)))
    return path


@pytest.mark.parametrize("claimed", [10, 500_000, 2**32 - 2])
def test_the_headers_word_is_not_taken_for_the_size(tmp_path, monkeypatch, claimed):
    monkeypatch.setattr(intake, "MOST_BYTES", 1_000_000)
    found = rows(lying_zip(tmp_path / "x.zip", claimed))
    assert found["bob"].notebook is None and found["bob"].problem
    assert found["ada"].notebook == A


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_methods_that_unpack_without_bound_are_refused(tmp_path, method):
    path = zipped(tmp_path / "x.zip", {"bob/01_vae.ipynb": bytes(1_000)}, method)
    assert "unusual way" in rows(path)["bob"].problem


def test_too_many_members(tmp_path, monkeypatch):
    monkeypatch.setattr(intake, "MOST_FILES", 20)
    files = {f"s{k}/01_vae.ipynb": A for k in range(21)}
    for path in (zipped(tmp_path / "x.zip", files), tree(tmp_path / "x", files)):
        with pytest.raises(CourseError, match="more than 20 files"):
            find_submissions(path, L)


def test_a_huge_notebook_in_a_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(intake, "MOST_BYTES", 1_000)
    found = rows(tree(tmp_path / "x", {"ada/01_vae.ipynb": A, "bob/01_vae.ipynb": bytes(1_001)}))
    assert "larger" in found["bob"].problem and found["ada"].notebook == A


def test_a_member_that_is_broken_or_locked(tmp_path):
    path = zipped(tmp_path / "x.zip", {"ada/01_vae.ipynb": A, "bob/01_vae.ipynb": B * 50}, zipfile.ZIP_STORED)
    raw = path.read_bytes()
    path.write_bytes(raw.replace(B * 50, C * 50))
    assert zlib.crc32(B * 50) != zlib.crc32(C * 50)
    assert "cannot be unpacked" in rows(path)["bob"].problem
    k = raw.rindex(b"PK\1\2")
    path.write_bytes(raw[: k + 8] + b"\1\0" + raw[k + 10 :])
    assert "encrypted" in rows(path)["bob"].problem and rows(path)["ada"].notebook == A


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_same_path_twice_in_a_zip_is_not_decided_silently(tmp_path):
    path = zipped(
        tmp_path / "x.zip", [("eve/01_vae.ipynb", A), ("eve/01_vae.ipynb", B), ("ada/01_vae.ipynb", A)]
    )
    found = rows(path)
    assert found["eve"].notebook is None and "2 notebooks" in found["eve"].problem
    assert found["ada"].notebook == A


def test_a_zip_in_a_zip_is_not_opened(tmp_path):
    inner = zipped(tmp_path / "in.zip", {"01_vae.ipynb": A}).read_bytes()
    row = rows(zipped(tmp_path / "x.zip", {"eve/work.zip": inner, "ada/01_vae.ipynb": A}))["eve"]
    assert "work.zip" in row.problem


def test_files_of_the_maker_of_the_zip_are_no_students(tmp_path):
    files = {"ada/01_vae.ipynb": A, "__MACOSX/ada/._01_vae.ipynb": B, ".DS_Store": C, "ada/.DS_Store": C}
    for path in both(tmp_path, files):
        assert notebooks(path) == {"ada": A}
