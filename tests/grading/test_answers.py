"""Answers are found in whatever a student hands in, and nothing else of it gets through."""

import copy
import json
import sys
import time
from pathlib import Path

import nbformat
import pytest

from course_lib.errors import CourseError
from course_lib.grading import answers as module
from course_lib.grading.answers import answer_cells, put_into, read_answers

sys.path.insert(0, str(Path(__file__).parent))
import make_class as made

L = "01_vae"
KL = "def kl_to_standard_normal(mean, logvar):\n    return 0.5 * (mean**2 + logvar.exp() - 1 - logvar).sum(1)"
OTHER = KL.replace("0.5", "1.5")


@pytest.fixture(scope="module")
def lesson():
    return made.stub(L)


def read(notebook, lesson):
    data = notebook if isinstance(notebook, bytes) else made.as_bytes(notebook)
    return read_answers(data, lesson)


def cells_of(notebook):
    """The notebook as plain JSON, and its cells by grade id."""
    plain = json.loads(nbformat.writes(notebook))
    named = {cell["metadata"].get("nbgrader", {}).get("grade_id"): cell for cell in plain["cells"]}
    return plain, named


def raw(plain):
    return json.dumps(plain).encode()


def own(source, **metadata):
    return {
        "cell_type": "code",
        "source": source,
        "metadata": metadata,
        "outputs": [],
        "execution_count": None,
    }


# ------------------------------------------------------------------------------------ the ordinary case


@pytest.mark.parametrize("name", ["00_start_here", "01_vae", "02_gan"])
def test_a_solved_notebook_has_every_answer_and_nothing_to_remark(name):
    lesson = made.stub(name)
    found = read(made.right(name), lesson)
    assert found.cells == made.solved(name) and found.missing == () and found.notes == ()
    assert list(found.cells) == list(answer_cells(lesson))


def test_the_untouched_lesson_is_all_missing(lesson):
    found = read(lesson, lesson)
    assert found.cells == {} and found.notes == ()
    assert found.missing == tuple(answer_cells(lesson)) and len(found.missing) == 6


def test_a_stripped_notebook_has_every_answer_all_the_same(lesson):
    found = read(made.stripped(made.right(L)), lesson)
    assert found.cells == made.solved(L) and found.missing == ()
    assert len(found.notes) == 6 and "no cell has the grade id vae-decoder" in found.notes[0]


def test_a_stripped_stub_is_still_missing(lesson):
    assert read(made.stripped(lesson), lesson).cells == {}


def test_put_into_a_clean_copy(lesson):
    student = made.with_answer(L, "vae/kl", KL)
    for cell in student.cells:
        if not module.is_answer(cell):
            cell.source = "import os; os.system('rm -rf /')  # not an answer"
    student.cells.insert(0, nbformat.v4.new_code_cell("print('mine')"))
    student.metadata["evil"] = True
    before = copy.deepcopy(lesson)
    official = {cell.id: cell.source for cell in lesson.cells}
    clean = put_into(lesson, read(student, lesson))
    assert lesson == before
    assert [cell.id for cell in clean.cells] == list(official)
    changed = {cell.id for cell in clean.cells if cell.source != official[cell.id]}
    assert changed == set(answer_cells(lesson)) and "evil" not in clean.metadata
    assert next(cell for cell in clean.cells if cell.id == "vae-kl").source == KL
    assert all(cell.outputs == [] for cell in clean.cells if cell.cell_type == "code")


def test_a_notebook_with_the_solutions_in_it_is_not_taken_for_the_official_one(lesson):
    solved = nbformat.read(made.ROOT / "solutions" / "01_vae.ipynb", as_version=4)
    for call in (lambda: put_into(solved, read(lesson, lesson)), lambda: read(lesson, solved)):
        with pytest.raises(CourseError, match="holds the solutions"):
            call()


# ------------------------------------------------------------------------- moved, copied, mislabelled


def test_the_last_of_two_cells_with_one_id_that_comes_before_the_check(lesson):
    plain, named = cells_of(made.with_answer(L, "vae/kl", KL))
    twin = {**named["vae-kl"], "source": OTHER}
    at = plain["cells"].index(named["vae-kl"])
    for place, expected in ((at, KL), (at + 1, OTHER), (len(plain["cells"]), KL)):
        two = copy.deepcopy(plain)
        two["cells"].insert(place, twin)
        found = read(raw(two), lesson)
        assert found.cells["vae-kl"] == expected
        assert "2 cells hold an answer" in found.notes[0] and len(found.notes) == 1


def test_a_copied_stub_beside_the_answer_is_nothing_to_remark(lesson):
    plain, named = cells_of(made.right(L))
    plain["cells"].append({**named["vae-kl"], "source": cells_of(lesson)[1]["vae-kl"]["source"]})
    found = read(raw(plain), lesson)
    assert found.cells == made.solved(L) and found.notes == ()


def test_an_answer_written_into_a_cell_of_ones_own(lesson):
    plain, named = cells_of(lesson)
    plain["cells"].insert(plain["cells"].index(named["vae-kl"]) + 1, own(KL))
    found = read(raw(plain), lesson)
    assert found.cells == {"vae-kl": KL} and "its cell was left as it was" in found.notes[0]


def test_an_id_on_the_wrong_cell(lesson):
    plain, named = cells_of(made.right(L))
    kl, rep = named["vae-kl"], named["vae-reparameterize"]
    kl["metadata"], rep["metadata"] = rep["metadata"], kl["metadata"]
    found = read(raw(plain), lesson)
    assert found.cells == made.solved(L)
    assert any(
        "does not define kl_to_standard_normal" in note and "vae-reparameterize" in note
        for note in found.notes
    )


def test_an_id_of_no_exercise_or_of_the_check(lesson):
    plain, named = cells_of(made.right(L))
    named["vae-kl"]["metadata"]["nbgrader"]["grade_id"] = "vae-kl-check"
    named["vae-elbo"]["metadata"]["nbgrader"]["grade_id"] = "bobs-cell"
    assert read(raw(plain), lesson).cells == made.solved(L)


def test_a_cell_that_defines_nothing_is_taken_by_its_id(lesson):
    found = read(made.with_answer(L, "vae/kl", "kl_to_standard_normal = lambda mean, logvar: 0"), lesson)
    assert found.cells["vae-kl"].startswith("kl_to") and "does not define" in found.notes[0]


def test_a_deleted_cell_is_missing_and_said(lesson):
    plain, named = cells_of(made.right(L))
    plain["cells"].remove(named["vae-kl"])
    found = read(raw(plain), lesson)
    assert found.missing == ("vae-kl",) and found.notes == ("vae/kl: its cell is not in the notebook",)


def test_an_answer_that_is_no_python_is_still_that_answer(lesson):
    broken = "def kl_to_standard_normal(mean, logvar:\n    return"
    assert read(made.with_answer(L, "vae/kl", broken), lesson).cells["vae-kl"] == broken


def test_a_cell_turned_into_text(lesson):
    plain, named = cells_of(made.right(L))
    named["vae-kl"]["cell_type"] = "markdown"
    found = read(raw(plain), lesson)
    assert found.cells == made.solved(L) and "turned into text" in found.notes[0]


def test_a_helper_outside_the_answer_cells_is_said(lesson):
    source = "def kl_to_standard_normal(mean, logvar):\n    return my_kl(mean, np.e)"
    plain, _ = cells_of(made.with_answer(L, "vae/kl", source))
    plain["cells"].insert(3, own("import numpy as np\ndef my_kl(a, b):\n    return 0\nmean = 3"))
    (note,) = read(raw(plain), lesson).notes
    assert "my_kl, np" in note and "mean" not in note


# ---------------------------------------------------------------------------------- not quite Python


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("!rm -rf /\n" + KL, "pass  # !rm -rf /\n" + KL),
        (KL + "\n%timeit kl_to_standard_normal(1, 2)", KL + "\npass  # %timeit kl_to_standard_normal(1, 2)"),
        ("%%time\n" + KL, "pass  # %%time\n" + KL),
        ("files = !ls\n" + KL, "pass  # files = !ls\n" + KL),
        ("kl_to_standard_normal?\n" + KL, "pass  # kl_to_standard_normal?\n" + KL),
        ("if True:\n    !rm x\n" + KL, "if True:\n    pass  # !rm x\n" + KL),
    ],
)
def test_shell_lines_and_magics_become_comments(lesson, source, expected):
    found = read(made.with_answer(L, "vae/kl", source), lesson)
    assert found.cells["vae-kl"] == expected
    assert len(found.notes) == 1 and "not run" in found.notes[0]


def test_a_cell_of_another_language_is_not_run_at_all(lesson):
    source = "%%bash\nrm -rf ~\ndef kl_to_standard_normal\n"
    found = read(made.with_answer(L, "vae/kl", source), lesson)
    assert all(line.startswith("pass  #") for line in found.cells["vae-kl"].splitlines())


@pytest.mark.parametrize(
    "source",
    [
        KL + '\ntext = """\n!rm\n%time\nwhy?\n"""',
        KL + "\nrest = (17\n    % 5)",
        KL + "  # what is this?",
        "# !rm -rf\n" + KL,
    ],
)
def test_what_only_looks_like_it_stays(lesson, source):
    found = read(made.with_answer(L, "vae/kl", source), lesson)
    assert found.cells["vae-kl"] == source and found.notes == ()


@pytest.mark.parametrize(
    "body", ["-" * 18_000 + "1", "(" * 18_000, "x" + ".a" * 9_000, "[" * 18_000, "\0", "f'{" * 900]
)
def test_the_parser_is_not_broken_by_an_answer(lesson, body):
    source = f"{KL}\n!ls\nhelp = {body}"
    assert "def kl_to" in read(made.with_answer(L, "vae/kl", source), lesson).cells["vae-kl"]


def test_an_answer_full_of_magics_takes_no_time_to_speak_of(lesson):
    lines = [" " * 200 + "a, b * c. = d", "!ls", "x = [" + "1, " * 50 + "1]", "?" * 100, "%time x"]
    started = time.process_time()
    read(made.with_answer(L, "vae/kl", KL + "\n" + "\n".join(lines * 35)), lesson)
    assert time.process_time() - started < 3


def test_an_endless_answer_is_not_read(lesson):
    found = read(made.with_answer(L, "vae/kl", KL + "\n#" + "x" * 200_000), lesson)
    assert "vae-kl" in found.missing and "characters" in found.notes[0]


# ------------------------------------------------------------------------------- malformed notebooks


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xff\xfe\x00", b"not json", b"[]", b"null", b"3", b'"cells"', b"{}", b'{"cells": 3}',
        b'{"cells": {}}', b"[" * 200_000, b'{"cells":' * 100_000, b'{"cells": [' + b"[" * 200_000,
        b'{"worksheets": 1}', b"<html></html>", b"PK\x03\x04", b'{"cells": [], "x": ' + b"9" * 10_000,
        "{}".encode("utf-16"),
    ],
)  # fmt: skip
def test_what_is_no_notebook_is_one_sentence(lesson, data):
    with pytest.raises(CourseError) as error:
        read(data, lesson)
    assert "\n" not in str(error.value) and len(str(error.value)) < 300


def test_too_large_or_too_many_cells(lesson, monkeypatch):
    with pytest.raises(CourseError, match="cells; it cannot be this lesson"):
        read(raw({"cells": [{}] * 6_000}), lesson)
    monkeypatch.setattr(module, "MOST_BYTES", 1_000)
    with pytest.raises(CourseError, match="larger"):
        read(made.right(L), lesson)


@pytest.mark.parametrize(
    "cell",
    [
        None, 3, [], {}, {"cell_type": None}, {"cell_type": "code"}, {"cell_type": "code", "source": None},
        {"cell_type": "code", "source": {"a": 1}}, {"cell_type": "code", "source": [1, None, ["x"]]},
        {"cell_type": "code", "source": "x", "metadata": [1]},
        {"cell_type": "code", "source": "x", "metadata": {"nbgrader": 3}},
        {"cell_type": "code", "source": "x", "metadata": {"nbgrader": {"grade_id": float("nan")}}},
        {"cell_type": "code", "source": "x", "metadata": {"nbgrader": {"grade_id": ["vae-kl"]}}},
        {"cell_type": "code", "source": "\ud800", "metadata": {"nbgrader": {"grade_id": "\ud800"}}},
        {"cell_type": ["code"], "source": "x"}, {"cell_type": "raw", "source": "def f(): pass"},
    ],
)  # fmt: skip
def test_a_cell_beyond_all_rules_does_not_matter(lesson, cell):
    plain, _ = cells_of(made.right(L))
    plain["cells"].insert(0, cell)
    plain["cells"].append(cell)
    found = read(raw(plain), lesson)
    assert found.cells == made.solved(L) and found.missing == ()


def test_source_as_text_or_as_lines_and_with_any_line_ends(lesson):
    plain, _ = cells_of(made.right(L))
    for form in ("lines", "windows", "bom"):
        changed = copy.deepcopy(plain)
        for cell in changed["cells"]:
            text = "".join(cell["source"])
            cell["source"] = text.splitlines(keepends=True) if form == "lines" else text.replace("\n", "\r\n")
        data = raw(changed)
        assert read(b"\xef\xbb\xbf" + data if form == "bom" else data, lesson).cells == made.solved(L)


def test_a_notebook_of_format_3(lesson):
    plain, _ = cells_of(made.right(L))
    old = [{"input": cell.pop("source"), "language": "python", **cell} for cell in plain["cells"]]
    found = read(
        raw({"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": old}, 3]}), lesson
    )
    assert found.cells == made.solved(L) and "before 2015" in found.notes[0]


def test_half_a_surrogate_can_still_be_written(lesson):
    plain, named = cells_of(made.right(L))
    named["vae-kl"]["source"] = KL + "\nx = '\ud800'"
    read(raw(plain), lesson).cells["vae-kl"].encode("utf-8")


# --------------------------------------------------------------------------------------- made classes


def test_each_catalogued_mistake_as_an_answer_is_told_as_that_mistake(lesson):
    from course_lib.checks.engine import find_exercise, verdict_on

    setting = (
        "import torch\nimport torch.nn.functional as F\nfrom torch import Tensor, nn\n"
        "from jaxtyping import Float\nfrom course_lib.types import Codes, Images, Labels, Losses\n"
    )
    everything = made.mistakes(L)
    assert len(everything) > 60
    for exercise, mistake in everything[::6]:
        space = {}
        exec(setting + made.mistaken(L, exercise, mistake), space)
        name = answer_cells(lesson)[made.id_of(L, exercise)].names[0]
        assert verdict_on(find_exercise(exercise), space[name]).mistake == mistake


def test_a_made_class_is_what_it_says(tmp_path, lesson):
    expected = made.write_class(tmp_path / "a", 12)
    again = made.write_class(tmp_path / "b", 12)
    assert expected == again and len({one.student for one in expected}) == 12
    assert len({made.student_name(k) for k in range(1_000)}) == 1_000
    for one in expected:
        data = (tmp_path / "a" / one.student / "01_vae.ipynb").read_bytes()
        assert data == (tmp_path / "b" / one.student / "01_vae.ipynb").read_bytes()
        found = read(data, lesson)
        right = {name for name, source in made.solved(L).items() if found.cells.get(name) == source}
        assert right == {made.id_of(L, name) for name in one.right}
