"""`course train`, `sample` and `bakeoff`: every model trains, goes on where it stopped, and is scored."""

import argparse
import csv
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from course_lib import bootstrap, cli
from course_lib.data import faces as faces_module
from course_lib.errors import CourseError
from course_lib.recipes import run, sample, translation, verbs, worlds
from course_lib.recipes.run import Length, Log, Run, Settings, open_run, start_run
from course_lib.recipes.table import RECIPES, find_recipe
from course_lib.recipes.worlds import WORLDS, find_world
from course_lib.training.checkpoint import Checkpoint

PAIRS = [(recipe.name, data) for recipe in RECIPES for data in recipe.worlds]


@pytest.fixture(autouse=True)
def few_faces(monkeypatch):
    monkeypatch.setattr(worlds, "FACES", 512)
    monkeypatch.setattr(translation, "FACES", 96)
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
    assert drawer.net is made.ema.net
    assert moved(made) <= kept(made)  # or a run that goes on would have forgotten something
    if made.model.conditional:
        hears(made)


def moved(made: Run) -> set[int]:
    """The weights that players move."""
    optimizers = [player.optimizer for player in made.model.players]
    return {id(w) for optimizer in optimizers for group in optimizer.param_groups for w in group["params"]}


def kept(made: Run) -> set[int]:
    """The weights that a checkpoint holds, besides the average."""
    return {id(weight) for net in made.model.nets.values() for weight in net.parameters()}


def hears(made: Run) -> None:
    """Told something else, a trained model draws something else; taught something else, it loses another."""
    world, drawer = made.world, sample.drawer_of(made)
    y = drawer.conditions(4, seed=1)
    other = (y + 1) % torch.tensor(world.choices if y.ndim == 2 else world.choices[0])
    assert not torch.equal(drawer.draw(4, y), drawer.draw(4, other))
    batch = next(made.batches())
    for player in made.model.players:
        lost = []
        for told in (batch[world.told], batch[world.told].roll(1, 0)):
            torch.manual_seed(0)
            lost.append(sum(player.loss(batch | {world.told: told}).values()).item())
        assert lost[0] != lost[1], player.name


@pytest.mark.parametrize(
    ("name", "data"), [("gan", "digits"), ("latent", "digits"), ("latent", "faces"), ("pix2pix", "faces")]
)
def test_a_run_that_is_gone_on_with_ends_where_it_would_have_ended(name, data, tmp_path, quick):
    whole = start_run(tmp_path / "whole", Settings(name, data, 3))
    whole.train(Length("steps", 6))
    halves = start_run(tmp_path / "halves", Settings(name, data, 3))
    halves.checkpoint.keep = broken_off_after(halves.checkpoint, 3)
    assert not halves.train(Length("steps", 6))
    again = open_run(tmp_path / "halves")
    assert again.steps == 3 and again.train(Length("steps", 6))
    for a, b in zip(whole.ema.net.parameters(), again.ema.net.parameters(), strict=True):
        assert torch.equal(a, b)
    rows = [list(csv.reader((tmp_path / name / "losses.csv").open())) for name in ("whole", "halves")]
    without_clock = [[row[:1] + row[2:] for row in table] for table in rows]
    assert without_clock[0] == without_clock[1] and len(rows[0]) == 7
    assert again.ema.updates == 6
    for player in again.model.players:
        for group in player.optimizer.param_groups:
            assert group["lr"] == pytest.approx(group["initial_lr"] * again.model.schedule(5 / 6))


def test_another_seed_is_another_run(tmp_path):
    """Other weights to begin with, and other batches."""
    made = [start_run(tmp_path / f"{k}", Settings("gan", "digits", seed)) for k, seed in enumerate((0, 0, 1))]
    first = [[weight.detach().clone() for weight in run.model.nets["G"].parameters()] for run in made]
    images = [next(run.batches())["image"] for run in made]
    assert torch.equal(images[0], images[1]) and not torch.equal(images[0], images[2])
    assert all(torch.equal(a, b) for a, b in zip(first[0], first[1], strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first[0], first[2], strict=True))


def test_a_budget_counts_what_was_used_before(tmp_path):
    used = Checkpoint(tmp_path, {})
    used.used, used.used_cpu = 4.0, 7.0
    for unit, share in (("seconds", 0.4), ("cpu-seconds", 0.7)):
        assert Length(unit, 10).budget(used)(0) == pytest.approx(share, abs=0.02)
    assert Length("steps", 10).budget(used)(3) == 0.3


def test_each_option_is_the_budget_it_names():
    given = {"steps": None, "seconds": None, "cpu_seconds": None}
    for name in given:
        length = verbs.length_of(argparse.Namespace(**given | {name: 7.0}))
        assert (length.unit, length.amount) == (name.replace("_", "-"), 7.0)


def test_the_clock_of_the_losses_goes_on_too(tmp_path):
    before = Checkpoint(tmp_path, {})
    before.used_cpu = 100.0
    with Log(tmp_path / "losses.csv", 0, before) as log:
        log.write(0, {"a": 1.0})
    _, row = csv.reader((tmp_path / "losses.csv").open())
    assert row[0] == "0" and 100 <= float(row[1]) < 101 and row[2] == "1"


def test_losses_after_the_checkpoint_are_written_anew(tmp_path):
    path = tmp_path / "losses.csv"
    for start, steps in ((0, (0, 20, 40)), (21, (40, 60))):
        with Log(path, start, Checkpoint(tmp_path, {})) as log:
            for step in steps:
                log.write(step, {"a": float(start)})
    head, *rows = csv.reader(path.open())
    assert head == ["step", "cpu_seconds", "a"]
    assert [(row[0], row[2]) for row in rows] == [("0", "0"), ("20", "0"), ("40", "21"), ("60", "21")]


def test_losses_are_on_disk_as_soon_as_they_are_known(tmp_path):
    """A run that is killed loses none of those before its checkpoint, nor when it is killed again."""
    path = tmp_path / "losses.csv"
    with Log(path, 0, Checkpoint(tmp_path, {})) as log:
        log.write(0, {"a": 1.0})
        assert len(list(csv.reader(path.open()))) == 2
    with path.open("a") as file:
        file.write("2")  # of "20,...", when the power went
    with Log(path, 3, Checkpoint(tmp_path, {})):
        assert len(list(csv.reader(path.open()))) == 2


def test_more_than_was_asked_for_is_done(tmp_path):
    """Stopped at 4 of 8 steps, and then asked for 3: nothing is left to do."""
    made = start_run(tmp_path / "x", Settings("gan", "digits", 0))
    made.checkpoint.keep = broken_off_after(made.checkpoint, 4)
    assert not made.train(Length("steps", 8))
    assert open_run(tmp_path / "x").train(Length("steps", 3))


@pytest.mark.parametrize(
    ("unit", "used", "passed"),
    [("steps", 11, True), ("steps", 10, False), ("seconds", 12.5, True), ("cpu-seconds", 11.5, False)],
)
def test_a_length_is_passed_by_more_than_a_last_step(unit, used, passed, tmp_path):
    spent = Checkpoint(tmp_path, {})
    spent.step = spent.used = spent.used_cpu = used
    assert Length(unit, 10).passed(spent) is passed


def test_a_file_in_the_place_of_a_folder_is_one_sentence(tmp_path, capsys):
    (tmp_path / "x").write_text("")
    assert cli.main(["train", "gan", "--steps", "1", "--out", str(tmp_path / "x")]) == 2
    assert str(tmp_path / "x") in capsys.readouterr().err


def test_a_loss_every_twenty_steps(tmp_path):
    start_run(tmp_path / "x", Settings("gan", "digits", 0)).train(Length("steps", 41))
    rows = list(csv.reader((tmp_path / "x" / "losses.csv").open()))
    assert [row[0] for row in rows[1:]] == ["0", "20", "40"]


def test_a_run_that_is_killed_goes_on_from_its_last_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "SAVE_EVERY", 0.0)
    made = start_run(tmp_path / "x", Settings("gan", "digits", 0))
    update, done = made.ema.update, []

    def fails_in_the_fourth():
        if len(done) == 3:
            raise MemoryError
        done.append(update())

    monkeypatch.setattr(made.ema, "update", fails_in_the_fourth)
    with pytest.raises(MemoryError):
        made.train(Length("steps", 6))
    assert open_run(tmp_path / "x").steps == 3


def test_wide_networks_stay_wide(tmp_path):
    narrow = start_run(tmp_path / "narrow", Settings("gan", "digits", 0)).model.parameters()
    wide = ["train", "gan", "--wide", "--seed", "5", "--steps", "1", "--out", str(tmp_path / "wide")]
    assert cli.main(wide) == 0
    again = open_run(tmp_path / "wide")
    assert again.model.parameters() > 1.5 * narrow and again.settings == Settings("gan", "digits", 5, True)


def test_the_bar_comes_to_its_end(capsys):
    steps = [SimpleNamespace(index=i, progress=(i + 1) / 4) for i in range(4)]
    assert list(run.shown(iter(steps), "gan")) == steps
    assert "gan 100%" in capsys.readouterr().err


def test_what_was_stopped_says_how_to_go_on(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Run, "train", lambda self, length: False)
    folder = tmp_path / "x"
    assert cli.main(["train", "vae", "--steps", "2", "--out", str(folder)]) == verbs.STOPPED == 130
    assert f"--resume. Samples: course sample {folder}" in capsys.readouterr().out
    assert cli.main(["train", "gan", "--resume", "--steps", "2", "--out", str(folder)]) == 2
    assert "holds a run of vae, not of gan" in capsys.readouterr().err
    (folder / "run.json").write_text("{")
    assert cli.main(["sample", str(folder), "--out", str(tmp_path / "x.png")]) == 2
    assert "is damaged" in capsys.readouterr().err


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
    drawn = []
    for seed in ("4", "4", "5"):
        assert cli.main(["sample", str(folder), "-n", "300", "--seed", seed, "--out", str(npz)]) == 0
        with np.load(npz) as file:
            drawn.append((file["images"], file["labels"]))
    for first, same, other in zip(*drawn, strict=True):
        assert (first == same).all() and (first != other).any()
    apart = sample.trained_drawer(folder)  # a second part of the samples is told its own labels
    y = apart.conditions(300, seed=4)
    assert apart.draw(300, y, 4).shape == (300, 1, 28, 28)
    assert not torch.equal(
        apart.draw(300, y, 4)[250:], apart.draw(300, torch.cat([y[:250], 9 - y[250:]]), 4)[250:]
    )
    assert cli.main(["sample", str(folder), "-n", "0", "--out", str(npz)]) == 2
    capsys.readouterr()
    assert cli.main(["sample", str(folder), "--prompt", "a seven", "--out", str(tmp_path / "x.png")]) == 2
    assert "cgan reads no words" in capsys.readouterr().err and not (tmp_path / "x.png").exists()
    assert cli.main(["sample", str(folder), "-n", "4", "--out", str(tmp_path / "x.png")]) == 0
    assert (tmp_path / "x.png").stat().st_size > 200


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["train", "foo", "--steps", "1", "--out", "OUT"], "no model 'foo'"),
        (["train", "--steps", "1", "--out", "OUT"], "Name the model"),
        (
            ["train", "cyclegan", "--steps", "1", "--out", "OUT"],
            "cannot be trained on digits: use --data faces",
        ),
        (["train", "vae", "--data", "cats", "--steps", "1", "--out", "OUT"], "no data set 'cats'"),
        (["train", "--resume", "--steps", "1", "--out", "OUT"], "holds no run"),
        (["sample", "OUT", "--out", "x.png"], "holds no run"),
        (["sample", "OUT", "--out", "x.gif"], "must end in .npz"),
        (["sample", "--out", "x.png"], "one of the two"),
        (["sample", "OUT", "--prompt", "a person", "--out", "x.png"], "holds no run"),
        (["sample", "OUT", "--label", "3", "--prompt", "a seven", "--out", "x.png"], "--label or with"),
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


def test_translations_are_of_faces_by_night():
    night, day = (
        faces_module.draw_faces(faces_module.random_faces(20), 32, s).mean() for s in ("night", "photo")
    )
    same = torch.nn.Conv2d(3, 3, 1)
    torch.nn.init.dirac_(same.weight)
    torch.nn.init.zeros_(same.bias)
    assert (translation.by_day(same, 20, None).mean() - night).abs() < 0.3 * (day - night)
    for name in ("cyclegan", "pix2pix"):
        batch = next(find_recipe(name).build(find_world("faces")).batches(0))
        assert batch["image"].mean() < night + 0.3 * (day - night) < batch["other"].mean(), name


def test_every_recipe_names_the_lesson_that_explains_it():
    lessons = {path.stem for path in (bootstrap.ROOT / "solutions").glob("*.py")}
    for recipe in RECIPES:
        assert find_recipe(recipe.name) is recipe
        assert recipe.lesson in lessons
