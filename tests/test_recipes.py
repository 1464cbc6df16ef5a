"""`course train`, `sample` and `bakeoff`: every model trains, goes on where it stopped, and is scored."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from course_lib import bootstrap, cli
from course_lib.data import faces as faces_module
from course_lib.errors import CourseError
from course_lib.recipes import bakeoff, run, sample, worlds
from course_lib.recipes.run import Length, Settings, open_run, start_run
from course_lib.recipes.table import RECIPES, find_recipe
from course_lib.recipes.worlds import WORLDS, find_world

PAIRS = [(recipe.name, data) for recipe in RECIPES for data in recipe.worlds]


@pytest.fixture(autouse=True)
def few_faces(monkeypatch):
    monkeypatch.setattr(worlds, "FACES", 512)
    worlds.load_faces.cache_clear()
    yield
    worlds.load_faces.cache_clear()


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(run, "LOG_EVERY", 1)


@pytest.mark.parametrize(("name", "data"), PAIRS)
def test_every_model_trains_and_draws_in_every_world_it_names(name, data, tmp_path):
    made = start_run(tmp_path / "x", Settings(name, data, 0))
    before = [weight.clone() for weight in made.model.nets[made.model.sampled].parameters()]
    assert made.train(Length("steps", 2))
    after = made.model.nets[made.model.sampled].parameters()
    assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True))
    drawer = sample.drawer_of(made)
    y = drawer.conditions(5)
    assert (y is not None) == made.model.conditional
    images, world = drawer.draw(5, y), made.world
    assert images.shape == (5, world.channels, world.size, world.size)
    assert images.dtype == torch.float32 and images.abs().max() <= 1 and images.std() > 0


def test_a_run_that_is_gone_on_with_ends_where_it_would_have_ended(tmp_path, quick):
    whole = start_run(tmp_path / "whole", Settings("gan", "digits", 3))
    whole.train(Length("steps", 6))
    halves = start_run(tmp_path / "halves", Settings("gan", "digits", 3))
    halves.checkpoint.keep = broken_off_after(halves.checkpoint, 3)
    assert not halves.train(Length("steps", 6))
    again = open_run(tmp_path / "halves")
    assert again.steps == 3 and again.train(Length("steps", 6))
    for a, b in zip(whole.ema.net.parameters(), again.ema.net.parameters(), strict=True):
        assert torch.equal(a, b)
    rows = [list(csv.reader((tmp_path / name / "losses.csv").open())) for name in ("whole", "halves")]
    without_clock = [[row[:1] + row[2:] for row in table] for table in rows]
    assert without_clock[0] == without_clock[1] and len(rows[0]) == 7


def broken_off_after(checkpoint, steps: int):
    """A `keep` that ends as it does after Ctrl-C in that step."""
    keep = checkpoint.keep

    def kept(moves, **every):
        def until():
            for step in moves:
                yield step
                if step.index + 1 == steps:
                    return

        return keep(until(), **every)

    return kept


def test_the_command_line_from_training_to_a_score(tmp_path, capsys):
    folder = tmp_path / "run"
    assert cli.main(["train", "cgan", "--steps", "2", "--out", str(folder)]) == 0
    assert cli.main(["train", "cgan", "--steps", "2", "--out", str(folder)]) == 2
    assert "add --resume" in capsys.readouterr().err
    assert cli.main(["train", "--resume", "--steps", "3", "--out", str(folder)]) == 0
    assert "3 steps are done" in capsys.readouterr().out
    npz = tmp_path / "x.npz"
    assert cli.main(["sample", str(folder), "-n", "30", "--label", "3", "--out", str(npz)]) == 0
    with np.load(npz) as file:
        assert file["images"].shape == (30, 28, 28, 1) and file["images"].dtype == np.uint8
        assert file["labels"].tolist() == [3] * 30
    assert cli.main(["evaluate", str(npz)]) == 0
    assert cli.main(["sample", str(folder), "-n", "4", "--out", str(tmp_path / "x.png")]) == 0
    assert (tmp_path / "x.png").stat().st_size > 200


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["train", "foo", "--steps", "1", "--out", "OUT"], "no model 'foo'"),
        (["train", "--steps", "1", "--out", "OUT"], "Name the model"),
        (["train", "vae", "--data", "cats", "--steps", "1", "--out", "OUT"], "no data set 'cats'"),
        (["train", "--resume", "--steps", "1", "--out", "OUT"], "holds no run"),
        (["sample", "OUT", "--out", "x.png"], "holds no run"),
        (["sample", "OUT", "--out", "x.gif"], "must end in .npz"),
        (["sample", "--out", "x.png"], "one of the two"),
        (["sample", "OUT", "--prompt", "a person", "--out", "x.png"], "Only the latent model"),
        (["sample", "--pretrained", "foo", "--out", "x.png"], "no weights for 'foo'"),
        (["bakeoff", "vae", "foo", "--steps", "1", "--out", "OUT"], "no model 'foo'"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence_and_nothing_is_written(words, says, tmp_path, capsys):
    out = tmp_path / "out"
    assert cli.main([str(out) if word == "OUT" else word for word in words]) == 2
    said = capsys.readouterr().err
    assert says in said and said.count("\n") == 1
    assert not list(tmp_path.rglob("*.json"))


@pytest.mark.parametrize("amount", ["0", "-3", "nan", "inf"])
def test_a_budget_is_more_than_nothing(amount, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["train", "vae", "--seconds", amount, "--out", str(tmp_path / "x")])
    assert ended.value.code == 2 and "more than 0" in capsys.readouterr().err


def test_what_is_asked_of_a_face_is_told_and_the_rest_drawn():
    world = find_world("faces")
    names = list(faces_module.ATTRIBUTES)
    y = world.condition(200, "hat=crown, mouth=grin")
    hat, mouth = names.index("hat"), names.index("mouth")
    assert (y[:, hat] == faces_module.ATTRIBUTES["hat"].index("crown")).all()
    assert (y[:, mouth] == faces_module.ATTRIBUTES["mouth"].index("grin")).all()
    assert len(y[:, names.index("skin")].unique()) == len(faces_module.ATTRIBUTES["skin"])
    with pytest.raises(CourseError, match="hat=none, cap, beanie"):
        world.condition(1, "hat=helmet")
    with pytest.raises(CourseError, match="one of skin"):
        world.condition(1, "nose=long")
    with pytest.raises(CourseError, match="no digit"):
        find_world("mnist").condition(1, "12")


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_what_a_world_tells_of_real_images_is_what_its_classifier_reads(world):
    data = world.load()
    seen = world.read((data["image"][:200].float() / 127.5) - 1)
    assert (seen == data[world.told][:200]).double().mean() > 0.97


def test_a_model_that_cannot_be_told_says_so(tmp_path):
    made = start_run(tmp_path / "x", Settings("vae", "digits", 0))
    with pytest.raises(CourseError, match="not been trained"):
        sample.drawer_of(made)
    drawer = sample.Drawer("vae", made.world, made.model, made.ema.net)
    with pytest.raises(CourseError, match="cannot be told"):
        drawer.conditions(4, "3")


def test_weights_that_ship_draw_what_they_are_asked_for(tmp_path, monkeypatch):
    world = find_world("digits")
    nets = find_recipe("cgan").build(world).nets
    kept = SimpleNamespace(nets={name: net.eval() for name, net in nets.items()})
    monkeypatch.setattr(sample, "available", lambda: ["cgan"])
    monkeypatch.setattr(sample, "load_pretrained", lambda name: kept)
    out = tmp_path / "x.npz"
    assert cli.main(["sample", "--pretrained", "cgan", "-n", "6", "--label", "7", "--out", str(out)]) == 0
    with np.load(out) as file:
        assert file["images"].shape == (6, 28, 28, 1) and file["labels"].tolist() == [7] * 6
    assert (drawn := sample.pretrained_drawer("cgan")).net is nets["G"] and drawn.world.name == "digits"


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

    monkeypatch.setattr(bakeoff, "start_run", None)  # anything trained or scored anew would now fail
    monkeypatch.setattr(bakeoff, "open_run", None)
    assert cli.main(words) == 0


def test_every_recipe_names_the_lesson_that_explains_it():
    lessons = {path.stem for path in (bootstrap.ROOT / "solutions").glob("*.py")}
    for recipe in RECIPES:
        assert find_recipe(recipe.name) is recipe
        assert recipe.lesson in lessons


def launched(*words: str) -> subprocess.CompletedProcess:
    launch = ["launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1"]
    launch += ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]
    env = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1", "COURSE_DEVICE": "cpu"}
    env |= {"CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(bootstrap.ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "accelerate.commands.accelerate_cli", *launch, *words],
        cwd=bootstrap.ROOT, env=env, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def test_two_processes_take_the_steps_of_one():
    answer = launched(str(Path(__file__).parent / "two_processes.py"))
    result = next((line for line in answer.stdout.splitlines() if line.startswith("RESULT")), answer.stderr)
    _, many, apart, from_one, moved = result.split()
    assert int(many) == 2
    assert float(apart) == 0 and float(from_one) < 1e-5 < 0.01 < float(moved)


def test_two_processes_give_the_loss_curve_of_one(tmp_path):
    words = ["train", "vae", "--steps", "81", "--seed", "2"]
    assert cli.main([*words, "--out", str(tmp_path / "one")]) == 0
    answer = launched("-m", "course_lib.cli", *words, "--out", str(tmp_path / "two"))
    assert answer.returncode == 0, answer.stderr[-2000:]
    one, two = (
        [float(row["vae: recon"]) for row in csv.DictReader((tmp_path / name / "losses.csv").open())]
        for name in ("one", "two")
    )
    assert len(one) == len(two) == 5 and one[-1] < 0.6 * one[0]
    assert two == pytest.approx(one, rel=0.06)
