"""`latent` on the command line: it hears captions, reads prompts, and says what it borrows."""

import json

import numpy as np
import pytest
import torch

from course_lib import cli
from course_lib.data.captions import captions
from course_lib.data.faces import ATTRIBUTES, faces
from course_lib.errors import CourseError
from course_lib.recipes import latent, sample, worlds
from course_lib.recipes.run import Length, Settings, open_run, start_run
from course_lib.recipes.worlds import find_world

SEVEN = "a handwritten seven"


@pytest.fixture(autouse=True)
def few_faces(monkeypatch):
    monkeypatch.setattr(worlds, "FACES", 128)
    worlds.load_faces.cache_clear()
    yield
    worlds.load_faces.cache_clear()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """One of two steps."""
    made = start_run(tmp_path_factory.mktemp("runs") / "x", Settings("latent", "digits", 0))
    made.train(Length("steps", 2))
    return made


@pytest.mark.parametrize("data", ["digits", "faces"])
def test_pixels_that_are_repeated_come_back_by_averaging(data):
    x = find_world(data).load(20)["image"].float()
    large = latent.resized(x, 2 * x.shape[-1])
    assert torch.equal(large[:, :, ::2, 1::2], x) and torch.equal(latent.resized(large, x.shape[-1]), x)


def test_a_condition_in_words():
    assert find_world("digits").captions(torch.tensor([7, 0])) == [SEVEN, "a handwritten zero"]
    data, y = faces(30), find_world("faces").load(30)["attributes"]
    assert find_world("faces").captions(y) == captions(data)
    assert y.shape[1] == len(ATTRIBUTES)


@pytest.mark.parametrize(("data", "least"), [("digits", 24.0), ("faces", 26.0)])
def test_the_codes_that_it_learns_are_those_of_its_world(data, least):
    """Images of the world's own size survive the way there and back."""
    world = find_world(data)
    painter = latent.load_painter(latent.SHIPPED[data])
    x = world.load(64)["image"].float() / 127.5 - 1
    z = painter.encode(latent.resized(x, painter.size))
    assert z.std().item() == pytest.approx(1, abs=0.1)
    x_hat = latent.resized(painter.decode(z), world.size)
    psnr = -10 * ((x_hat - x).square().mean(dim=(1, 2, 3)) / 4).log10()
    assert psnr.mean() > least


def test_the_loss_tells_each_code_what_its_image_shows(monkeypatch):
    told = {}
    player = latent.latent_player

    def watched(net, schedule):
        def loss(batch):
            told.update(batch)
            return player(net, schedule).loss(batch)

        return latent.Player("latent", loss, player(net, schedule).optimizer)

    monkeypatch.setattr(latent, "latent_player", watched)
    world = find_world("digits")
    model = latent.build_latent(world)
    y = torch.tensor([3, 1, 4, 1])
    x = world.load(4)["image"].float() / 127.5 - 1
    assert model.players[0].loss({"image": x, "label": y})["simple"] > 0
    painter = latent.load_painter("latent-digits")
    assert torch.equal(told["tokens"], painter.vocabulary(world.captions(y)))
    mean = painter.space.scale * painter.space.net.encode(x)[0]
    assert told["latent"].shape == (4, 2, 7, 7) and (told["latent"] - mean).abs().mean() < 0.2


def test_a_label_and_its_caption_draw_the_same(run):
    drawer = sample.drawer_of(run)
    y = drawer.conditions(3, "7")
    assert torch.equal(drawer.draw(3, y, seed=4), drawer.paint(SEVEN, 3, seed=4))
    shipped = sample.pretrained_drawer("latent-digits")
    assert not torch.equal(shipped.paint(SEVEN, 3, seed=4), drawer.paint(SEVEN, 3, seed=4))
    assert not torch.equal(drawer.paint(SEVEN, 3, seed=5), drawer.paint(SEVEN, 3, seed=4))
    assert not torch.equal(drawer.paint("a handwritten one", 3, seed=4), drawer.paint(SEVEN, 3, seed=4))


def test_it_goes_on_with_the_weights_it_began_with_or_not_at_all(run, monkeypatch):
    assert open_run(run.folder).steps == 2
    own = latent.borrowed
    monkeypatch.setattr(latent, "borrowed", lambda *a: latent.replace(own(*a), weights="made anew"))
    with pytest.raises(CourseError, match=r"its borrowed is .* yours is .*made anew"):
        open_run(run.folder)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--prompt", "a handwritten ten"], "never seen the word 'ten'; it knows: a, eight"),
        (["--prompt", f"{SEVEN} {SEVEN}"], "may have 3 words"),
        (["--label", "12"], "no digit '12'"),
    ],
)
def test_what_it_cannot_paint_is_said_in_one_sentence(words, says, run, tmp_path, capsys):
    assert cli.main(["sample", str(run.folder), *words, "--out", str(tmp_path / "x.npz")]) == 2
    said = capsys.readouterr().err
    assert says in said and said.count("\n") == 1 and not list(tmp_path.iterdir())


def test_a_training_ends_with_what_was_trained_before(tmp_path, capsys):
    assert cli.main(["train", "latent", "--steps", "1", "--out", str(tmp_path / "x")]) == 0
    assert "latent: its autoencoder was trained before" in capsys.readouterr().out
    assert cli.main(["train", "gan", "--steps", "1", "--out", str(tmp_path / "y")]) == 0
    assert "before" not in capsys.readouterr().out


def test_prompts_on_the_command_line(run, tmp_path):
    drawn = []
    for seed in ("0", "0", "1"):
        words = ["-n", "3", "--prompt", SEVEN, "--seed", seed, "--out", str(tmp_path / "x.npz")]
        assert cli.main(["sample", str(run.folder), *words]) == 0
        with np.load(tmp_path / "x.npz") as file:
            drawn.append(file["images"])
    assert drawn[0].shape == (3, 28, 28, 1) and drawn[0].std() > 0
    assert (drawn[0] == drawn[1]).all() and (drawn[0] != drawn[2]).any()


def test_the_shipped_weights_paint_the_digits_they_are_asked_for(tmp_path):
    out, read = tmp_path / "x.npz", worlds.read_digits
    for digit, name in ((7, "seven"), (3, "three")):
        words = ["--pretrained", "latent-digits", "-n", "20", "--out", str(out)]
        assert cli.main(["sample", *words, "--prompt", f"a handwritten {name}"]) == 0
        with np.load(out) as file:
            images = torch.tensor(file["images"]).permute(0, 3, 1, 2) / 127.5 - 1
        assert (read(images) == digit).double().mean() >= 0.8


def test_the_shipped_weights_paint_faces_as_large_as_they_learnt(tmp_path):
    drawer = sample.pretrained_drawer("latent")
    y = drawer.conditions(6, "hat=crown,hair_colour=red")
    images = drawer.draw(6, y)
    assert images.shape == (6, 3, 64, 64)
    assert (drawer.world.read(images) == y).double().mean() > 0.8
    assert drawer.paint(drawer.world.captions(y[:1])[0], 2).shape == (2, 3, 64, 64)


def test_the_board_says_what_was_trained_before(tmp_path):
    assert cli.main(["bakeoff", "vae", "latent", "--steps", "2", "-n", "40", "--out", str(tmp_path)]) == 0
    board = (tmp_path / "board.md").read_text("utf-8")
    assert "latent: its autoencoder was trained before" in board and "vae: " not in board
    row = next(r for r in json.loads((tmp_path / "board.json").read_text()) if r["model"] == "latent")
    model = latent.build_latent(find_world("digits"))
    decoder = latent.load_painter("latent-digits").space.net.decoder
    assert row["parameters"] == sum(
        p.numel() for p in [*model.nets["net"].parameters(), *decoder.parameters()]
    )
    assert 0 <= row["as_asked"] <= 1
