"""`course bakeoff`: all models for the same time on one board, which goes on where it was stopped."""

import json
from types import SimpleNamespace

import pytest
import torch

from course_lib import cli
from course_lib.recipes import bakeoff, verbs, worlds
from course_lib.recipes.run import Length, Run, open_run
from course_lib.recipes.worlds import WORLDS, find_world


@pytest.fixture(autouse=True)
def few_faces(monkeypatch):
    monkeypatch.setattr(worlds, "FACES", 512)
    worlds.load_faces.cache_clear()
    yield
    worlds.load_faces.cache_clear()


def test_a_bake_off_goes_on_where_it_stopped_and_puts_the_best_first(tmp_path, monkeypatch, capsys):
    words = ["bakeoff", "vae", "cgan", "--steps", "4", "-n", "40", "--out", str(tmp_path)]
    assert cli.main(words) == 0
    rows = json.loads((tmp_path / "board.json").read_text())
    assert {row["model"] for row in rows} == {"vae", "cgan"}
    assert rows[0]["fid"] <= rows[1]["fid"]
    asked = {row["model"]: row["as_asked"] for row in rows}
    assert asked["vae"] is None and 0 <= asked["cgan"] <= 1
    board = capsys.readouterr().out
    assert "40 samples against" in board and board.count("\n| ") == 3
    assert (tmp_path / "vae" / "samples.png").exists()

    for row in rows:
        made = open_run(tmp_path / row["model"])
        speed = 4 * made.model.batch / made.checkpoint.used
        assert row["steps"] == 4 and row["images_a_second"] == pytest.approx(speed)
        assert row["parameters"] == made.model.parameters() and row["n"] == 40

    with monkeypatch.context() as patch:
        patch.setattr(bakeoff, "start_run", None)  # anything trained or scored anew would now fail
        patch.setattr(bakeoff, "open_run", None)
        assert cli.main(words) == 0
    with monkeypatch.context() as patch:
        patch.setattr(bakeoff, "start_run", None)  # trained already: scored anew, or gone on with
        assert cli.main(["30" if word == "40" else word for word in words]) == 0
        assert {row["n"] for row in json.loads((tmp_path / "board.json").read_text())} == {30}
        assert cli.main(["5" if word == "4" else word for word in words]) == 0
        assert {row["steps"] for row in json.loads((tmp_path / "board.json").read_text())} == {5}
    capsys.readouterr()
    (tmp_path / "vae" / "score-steps-5-n40.json").write_text("")  # torn by a power cut
    assert cli.main(["5" if word == "4" else word for word in words]) == 0
    assert json.loads((tmp_path / "vae" / "score-steps-5-n40.json").read_text())["steps"] == 5
    capsys.readouterr()
    assert cli.main(["3" if word == "4" else word for word in words]) == 2
    assert "was trained for 5 steps already, longer than 3" in capsys.readouterr().err
    assert cli.main([*words, "-n", "10"]) == 2
    assert "at least 20" in capsys.readouterr().err
    assert cli.main([*words, "--seed", "1"]) == 2
    assert "holds another run" in capsys.readouterr().err
    assert cli.main([*words, "--wide"]) == 2


def test_a_bake_off_of_faces_is_judged_by_faces(tmp_path, monkeypatch):
    clock = iter([3.0, 8.0])  # before and after the samples are drawn
    monkeypatch.setattr(bakeoff, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    words = ["bakeoff", "vae", "--data", "faces", "--steps", "1", "-n", "25", "--out", str(tmp_path)]
    assert cli.main(words) == 0
    row = json.loads((tmp_path / "board.json").read_text())[0]
    assert row["reference"] == "faces" and row["milliseconds_an_image"] == 200


def test_a_bake_off_that_is_stopped_keeps_the_rows_it_has(tmp_path, monkeypatch, capsys):
    train = Run.train

    def stopped_at_the_second(self, length):
        return self.settings.model == "vae" and train(self, length)

    monkeypatch.setattr(Run, "train", stopped_at_the_second)
    words = ["bakeoff", "vae", "gan", "lsgan", "--steps", "1", "-n", "25", "--out", str(tmp_path)]
    assert cli.main(words) == verbs.STOPPED
    assert [row["model"] for row in json.loads((tmp_path / "board.json").read_text())] == ["vae"]
    assert (tmp_path / "gan").exists() and not (tmp_path / "lsgan").exists()


def test_places_by_distance_and_doubt():
    rows = [{"fid": fid, "fid_error": 1.0} for fid in (50.0, 10.0, 12.0, 11.0)]
    placed = bakeoff.placed(rows)
    assert [(row["fid"], row["place"]) for row in placed] == [(10.0, 1), (11.0, 1), (12.0, 1), (50.0, 4)]


def test_who_bakes_when_nobody_is_named():
    everybody = {name: {recipe.name for recipe in bakeoff.chosen([], find_world(name))} for name in WORLDS}
    assert everybody["faces"] - everybody["digits"] == {"cyclegan", "pix2pix"}
    assert everybody["digits"] >= {
        "vae",
        "cvae",
        "gan",
        "lsgan",
        "wgan-gp",
        "dcgan",
        "cgan",
        "vae-gan",
        "ddpm",
    }
    assert "latent" in everybody["digits"] & everybody["faces"]


def test_as_asked_is_a_share_with_its_error(tmp_path):
    world = find_world("digits")
    board = bakeoff.BakeOff(world, Length("steps", 1), 200, 0, tmp_path)
    data = world.load(200)
    images = data["image"].float() / 127.5 - 1
    assert board.as_asked(images, data["label"]).value > 0.97
    half = torch.where(torch.arange(200) < 100, data["label"], (data["label"] + 1) % 10)
    found = board.as_asked(images, half)
    assert found.value == pytest.approx(0.5, abs=0.03) and found.error == pytest.approx(0.0354, abs=0.001)


def test_a_cell_that_is_zero_is_not_one_that_is_empty():
    assert bakeoff.cell(0.0, ".1%") == "0.0%" and bakeoff.cell(None, ".1%") == "–"
