"""Every notebook of the repository: in step with its source, small, and fit to be seen on any machine.

That they run, and print what they should, is nbval's part of the test command.
"""

import re
import tempfile
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

from course_lib.grading.release import release
from course_lib.grading.source import BITMAPS

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "solutions").glob("*.ipynb")) + sorted((ROOT / "lessons").glob("*.ipynb"))
# Of this machine, and of those on which the notebooks were made.
FOLDERS = [
    str(ROOT),
    str(Path.home()),
    tempfile.gettempdir(),
    "/work",
    "/root",
    "/home",
    "/tmp",
    "/Users",
    r"C:\Users",
]
MACHINE = re.compile("|".join(rf"(?<![\w.-]){re.escape(folder)}(?![\w-])" for folder in FOLDERS))
EMBEDDED = re.compile(r"base64,[\w+/=]+")


class Images(HTMLParser):
    """The alt texts of all <img> in a piece of HTML; None where there is none."""

    def __init__(self, html):
        super().__init__()
        self.alts = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        if tag == "img":
            self.alts.append(dict(attributes).get("alt"))


def faults(notebook):
    """What is wrong with a notebook, one sentence each."""
    ids = [cell.get("id") for cell in notebook.cells]
    if None in ids or len(set(ids)) < len(ids):
        yield "cell ids are missing or used twice"
    if "widgets" in notebook.metadata:
        yield "metadata.widgets is there: such pictures say 'model not found' when reopened"
    for cell in notebook.cells:
        for alt in re.findall(r"!\[(.*?)\]\(", cell.source) if cell.cell_type == "markdown" else []:
            if not alt.strip():
                yield f"a picture in the text of cell {cell.id} has no alt text"
        for output in cell.get("outputs", []):
            yield from output_faults(output, cell.id)


def output_faults(output, where):
    data = output.get("data", {})
    alts = Images(str(data.get("text/html", ""))).alts
    alts += [output.metadata.get(mime, {}).get("alt") for mime in BITMAPS if mime in data]
    if not all((alt or "").strip() for alt in alts):
        yield f"a picture of cell {where} has no alt text"
    texts = [output.get("text", ""), *(str(text) for mime, text in data.items() if mime.startswith("text/"))]
    for found in MACHINE.findall(EMBEDDED.sub("", "\n".join(texts))):
        yield f"cell {where} shows a path of a machine, {found}"
    if any(re.search(r" at 0x[0-9a-f.]+>", text) for text in texts):
        yield f"cell {where} ends in an object that says nothing"
    if any("vnd.jupyter.widget" in mime for mime in data):
        yield f"cell {where} shows a widget, which needs a live kernel"


def test_lessons_and_pairs_are_in_step_with_their_sources(capsys):
    assert release([], check=True, root=ROOT) == 0, capsys.readouterr().out


def test_every_source_has_its_notebook_and_nothing_is_paired_for_students():
    sources = {path.stem for path in (ROOT / "solutions").glob("[0-9][0-9]_*.py")}
    assert {path.stem for path in NOTEBOOKS} == sources
    assert (ROOT / "solutions" / "jupytext.toml").exists()
    for folder in (ROOT, ROOT / "lessons"):
        assert not list(folder.glob("*jupytext.toml")) + list(folder.glob(".jupytext*"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_notebook_is_small_valid_and_shows_no_machine(path):
    assert path.stat().st_size < 2_000_000
    notebook = nbformat.v4.reads(path.read_text("utf-8"))  # nbformat.read would mend double ids
    assert list(faults(notebook)) == []
    nbformat.validate(notebook)


def test_the_eyes_of_this_file_are_open():
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

    def shown(**data):
        outputs = [new_output("display_data", {k.replace("_", "/"): v for k, v in data.items()})]
        return new_notebook(cells=[new_code_cell(id="a", outputs=outputs)])

    assert list(faults(shown(image_png="iVBO"))) == ["a picture of cell a has no alt text"]
    assert list(faults(shown(text_html="<img src='x'>"))) == ["a picture of cell a has no alt text"]
    assert list(faults(shown(text_html="<img alt='a cat' src='data:image/png;base64,/tmp/'>"))) == []
    assert list(faults(shown(text_plain="read /home/me/x"))) == ["cell a shows a path of a machine, /home"]
    assert list(faults(shown(text_plain="at home/me, my/tmp"))) == []
    stray = "<torch._C.Generator at 0x...>"
    assert list(faults(shown(text_plain=stray))) == ["cell a ends in an object that says nothing"]
    twice = new_notebook(cells=[new_markdown_cell("![](x.png)", id="a"), new_markdown_cell("b", id="b")])
    twice.cells[1].id = "a"
    assert len(list(faults(twice))) == 2
    assert len(list(faults(new_notebook(metadata={"widgets": {}})))) == 1
