"""One source makes everything, twice the same; what is out of step is named; a broken source is refused."""

import base64
import io
import json

import nbformat
import pytest
from PIL import Image
from sample_lesson import write_sample

import course_lib
from course_lib.errors import CourseError
from course_lib.grading import release as releasing
from course_lib.grading.outputs import presentable, without_paths
from course_lib.grading.release import release
from course_lib.grading.source import with_stubs

NAME = "90_sample"


@pytest.fixture(autouse=True)
def catalogue(monkeypatch):
    monkeypatch.setattr(releasing, "known_exercises", lambda: {"sample/double": 2})


@pytest.fixture
def course(tmp_path):
    return write_sample(tmp_path)


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Everything the sample makes, executed: a folder's worth of files to copy from."""
    root = write_sample(tmp_path_factory.mktemp("executed"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(releasing, "known_exercises", lambda: {"sample/double": 2})
        assert release([], execute=True, tier="smoke", root=root, progress=False) == 0
    return files(root)


@pytest.fixture
def done(tmp_path, executed):
    """A course whose sample is executed and in step."""
    for name, data in executed.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return tmp_path


def files(root):
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def read(root, path):
    return nbformat.reads((root / path).read_text("utf-8"), as_version=4)


def edit(path, old, new):
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def problems(root, capsys):
    """What --check prints, after it proved that it wrote nothing."""
    before = files(root)
    capsys.readouterr()
    assert release([], check=True, root=root) == 1
    assert files(root) == before
    return capsys.readouterr().out


# ---------------------------------------------------------------------------------- the student's version


def test_stub_replaces_answers_and_keeps_the_rest(course):
    assert release([NAME], root=course) == 0
    lesson = (course / "lessons" / f"{NAME}.py").read_text("utf-8")
    stub = """    if x == 0:
        # YOUR CODE HERE
        raise NotImplementedError("sample/double is yours to write")
    # YOUR CODE HERE
    raise NotImplementedError("sample/double is yours to write")
"""
    assert f'def double(x: float) -> float:\n    """Twice x."""\n{stub}' in lesson
    for gone in ("secret", "SOLUTION", "for teachers", "NBVAL", "jupytext"):
        assert gone not in lesson
    for kept in ('double = check("sample/double", double)', '"points": 2', "double(21)", "the end"):
        assert kept in lesson


def test_lesson_has_no_outputs_and_no_pairing(done):
    text = (done / "lessons" / f"{NAME}.ipynb").read_text("utf-8")
    notebook = read(done, f"lessons/{NAME}.ipynb")
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert "secret" not in text and "version" not in notebook.metadata.language_info


def test_twins_of_a_lesson_hold_the_same(done):
    import jupytext

    notebook = read(done, f"lessons/{NAME}.ipynb")
    twin = jupytext.read(done / "lessons" / f"{NAME}.py")
    assert [c.source for c in notebook.cells] == [c.source for c in twin.cells]
    assert [c.metadata.get("nbgrader") for c in notebook.cells] == [
        c.metadata.get("nbgrader") for c in twin.cells
    ]


def test_kept_picture_becomes_a_folded_file_with_alt_text(done):
    notebook = read(done, f"lessons/{NAME}.ipynb")
    note = next(cell for cell in notebook.cells if "<details>" in cell.source)
    line = next(line for line in note.source.splitlines() if line.startswith("!["))
    assert line.startswith(r"![a grey ramp \[0, 255\]](pictures/90_sample/")
    path = done / "lessons" / line.split("](")[1].rstrip(")")
    with Image.open(path) as picture, Image.open(io.BytesIO(shown_png(done))) as png:
        assert picture.format == "WEBP" and picture.size == png.size
        ramp = [picture.convert("L").getpixel((10, y)) for y in (0, 128, 255)]
    assert ramp == pytest.approx([0, 128, 255], abs=6)
    assert path.stat().st_size < 2_000


def shown_png(root):
    outputs = [o for cell in read(root, f"solutions/{NAME}.ipynb").cells for o in cell.get("outputs", [])]
    return base64.b64decode(next(o.data["image/png"] for o in outputs if "image/png" in o.get("data", {})))


def test_picture_without_alt_text_is_refused(done):
    edit(done / "solutions" / f"{NAME}.ipynb", '"alt": "a grey ramp [0, 255]"', '"alt": " "')
    with pytest.raises(CourseError, match="no alt text"):
        release([], root=done)


def test_several_marks_in_one_function_and_crooked_marks():
    body = "def f():\n  ### BEGIN SOLUTION\n  1\n  ### END SOLUTION\n"
    assert with_stubs(body + body.replace("f()", "g()"), "a/b")[1] == 2
    for wrong in (
        body.replace("  ### END SOLUTION\n", ""),
        body.replace("  ### BEGIN SOLUTION\n", ""),
        body.replace("  1\n", "  ### BEGIN SOLUTION\n"),
        body.replace("  1", "  1  ### END SOLUTION"),
    ):
        with pytest.raises(CourseError, match="no partner"):
            with_stubs(wrong, "a/b")


# --------------------------------------------------------------------------------- determinism and --check


def test_two_runs_give_the_same_bytes(done, capsys):
    before = files(done)
    capsys.readouterr()
    assert release([], root=done) == 0
    assert files(done) == before
    assert capsys.readouterr().out == ""
    assert release([], check=True, root=done) == 0


def test_a_second_execution_gives_the_same_bytes(done):
    before = files(done)
    assert release([], execute=True, tier="smoke", root=done, progress=False) == 0
    assert files(done) == before


@pytest.mark.parametrize(
    ("path", "old", "new", "words"),
    [
        ("lessons/90_sample.py", "the end", "The End", "lessons/90_sample.py is not what"),
        ("lessons/90_sample.ipynb", "the end", "The End", "lessons/90_sample.ipynb is not what"),
        ("solutions/90_sample.ipynb", "secret = 2", "secret = 3", "solutions/90_sample.ipynb is not what"),
        ("solutions/90_sample.py", "One exercise", "An exercise", "lessons/90_sample.py is not what"),
        ("solutions/90_sample.py", "secret = 2", "secret = 3", "has 1 cells that were not run"),
        ("solutions/90_sample.py", 'print("the end")', "", "solutions/90_sample.ipynb is not what"),
        ("solutions/90_sample.ipynb", '"execution_count": 3', '"execution_count": 30', "from top to bottom"),
    ],
)
def test_check_names_what_is_out_of_step(done, capsys, path, old, new, words):
    edit(done / path, old, new)
    assert words in problems(done, capsys)


def test_check_names_missing_and_unused_pictures(done, capsys):
    (picture,) = (done / "lessons" / "pictures" / NAME).iterdir()
    spare = picture.with_name("spare.webp")
    picture.rename(spare)
    said = problems(done, capsys)
    assert f"{picture.name} is missing or broken" in said and "spare.webp is shown nowhere" in said
    assert release([], root=done) == 0
    assert picture.exists() and not spare.exists()


def test_check_names_a_notebook_that_was_never_run(course, capsys):
    release([], root=course)
    assert "were not run" in problems(course, capsys)


def test_check_names_an_error_that_was_saved(done, capsys):
    path = done / "solutions" / f"{NAME}.ipynb"
    notebook = json.loads(path.read_text("utf-8"))
    error = {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": []}
    notebook["cells"][-1]["outputs"] = [error]
    path.write_text(json.dumps(notebook), "utf-8")
    assert "shows an error (ValueError)" in problems(done, capsys)


# ----------------------------------------------------------------------------------- outputs and ids


def test_only_unchanged_cells_keep_outputs_and_every_cell_its_id(done):
    before = read(done, f"solutions/{NAME}.ipynb").cells
    source = done / "solutions" / f"{NAME}.py"
    edit(source, "# One exercise and one picture.", "# One exercise, one picture.")
    edit(source, 'print("the end")', 'print("the very end")')
    edit(source, "# %%\n# NBVAL", "# %%\nnew = 1\n\n# %%\n# NBVAL")
    release([], root=done)
    after = read(done, f"solutions/{NAME}.ipynb").cells
    new = next(cell for cell in after if cell.source == "new = 1")
    assert [c.id for c in after if c is not new] == [c.id for c in before]
    assert new.id not in [c.id for c in before]
    assert after[-1].outputs == [] and after[-1].execution_count is None
    assert any(c.outputs for c in after if c.cell_type == "code")


def test_ids_of_graded_cells_are_their_grade_ids_and_twins_differ(course):
    edit(course / "solutions" / f"{NAME}.py", 'print("the end")', "1\n\n# %%\n1\n\n# %%\n1")
    release([], root=course)
    ids = [cell.id for cell in read(course, f"solutions/{NAME}.ipynb").cells]
    assert {"sample-double", "sample-double-check"} < set(ids)
    assert len(set(ids)) == len(ids)
    assert [cell.id for cell in read(course, f"lessons/{NAME}.ipynb").cells] == ids[:6] + ids[7:]


def test_a_failing_cell_saves_nothing(done, capsys):
    edit(done / "solutions" / f"{NAME}.py", 'print("the end")', "1 / 0")
    before = files(done)
    assert release([], execute=True, tier="smoke", root=done, progress=False) == 1
    assert files(done) == before
    said = capsys.readouterr().err
    assert said.startswith("1 / 0\n") and "ZeroDivisionError: division by zero; nothing was saved" in said


def test_an_execution_saves_no_path_of_this_machine(done, executed):
    text = executed[f"solutions/{NAME}.ipynb"].decode()
    assert "for teachers: smoke $COURSE/solutions" in text


def test_saved_outputs_show_no_machine_and_no_widgets(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "/somewhere/data")
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "interactive(...)"}
    bar = nbformat.v4.new_output("stream", text="10%\r 50%\r100%\nread /somewhere/data/MNIST\n")
    address = nbformat.v4.new_output(
        "display_data", {"text/plain": f"<at 0x7f1234567890> {tmp_path}/a {course_lib.__file__}"}
    )
    cell = nbformat.v4.new_code_cell(outputs=[nbformat.v4.new_output("display_data", view), bar, address])
    presentable(nbformat.v4.new_notebook(cells=[cell]), tmp_path)
    assert [o.output_type for o in cell.outputs] == ["stream", "display_data"]
    assert cell.outputs[0].text == "100%\nread $COURSE_DATA/MNIST\n"
    assert cell.outputs[1].data["text/plain"] == "<at 0x...> $COURSE/a $COURSE/course_lib/__init__.py"


def test_paths_are_replaced_whole_and_not_inside_pictures():
    folders = {"/a": "~", "/a/b": "$B"}
    text = "/a/b/c /a/x /abc x/a <img src='data:image/png;base64,/a/b+/a'> /a"
    assert without_paths(text, folders) == "$B/c ~/x /abc x/a <img src='data:image/png;base64,/a/b+/a'> ~"


# ------------------------------------------------------------------------------- sources that are refused


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("    return secret\n    ### END SOLUTION", "    return secret", "no partner"),
        ('"grade_id": "sample-double-check"', '"grade_id": "sample-double"', "is used twice"),
        (
            '"grade_id": "sample-double-check"',
            '"grade_id": "sample-other"',
            "needs a check cell sample-double-check",
        ),
        ('"grade_id": "sample-double"', '"grade_id": "sample double"', "letters, digits"),
        ('check("sample/double"', 'check("sample/triple"', "which no file of course_lib/checks has"),
        ('double = check("sample/double", double)', "assert double(1) == 2", "so it must call check"),
        ('"points": 2', '"points": 3', "gives 3 points, but the exercise has 2"),
        ('"points": 2, ', "", 'needs "points"'),
        ('"schema_version": 3, "solution": true', '"schema_version": 2, "solution": true', "schema_version"),
        ('"solution": true, "task": false', '"solution": false, "task": false', "no answer cell"),
        (
            "        ### BEGIN SOLUTION\n        return 0",
            "    ### BEGIN SOLUTION\n        return 0",
            "not Python",
        ),
        ("def double(x: float) -> float:", "if True:", "must lie inside a function"),
    ],
)
def test_source_that_breaks_a_rule_is_refused_in_one_sentence(course, old, new, words):
    edit(course / "solutions" / f"{NAME}.py", old, new)
    with pytest.raises(CourseError, match=words) as caught:
        release([], root=course)
    assert "\n" not in str(caught.value) and str(caught.value).startswith(f"{NAME}.py: ")
    assert list((course / "lessons").iterdir()) == []


def test_unknown_lesson_and_contrary_options(course):
    with pytest.raises(CourseError, match="there are 90_sample"):
        release(["02"], root=course)
    with pytest.raises(CourseError, match="choose one"):
        release([], check=True, execute=True, root=course)


def test_a_full_disk_leaves_the_old_file(done, monkeypatch):
    from pathlib import Path

    before = files(done)
    edit(done / "solutions" / f"{NAME}.py", "One exercise", "An exercise")

    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(CourseError, match="No space left on device"):
        release([], root=done)
    monkeypatch.undo()
    assert {k: v for k, v in files(done).items() if k != f"solutions/{NAME}.py"} == {
        k: v for k, v in before.items() if k != f"solutions/{NAME}.py"
    }
