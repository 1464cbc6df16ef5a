"""The command for a GPU, at toy size on the processor: what it counts and what it writes."""

import importlib.util
import json
import sys
from argparse import Namespace
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from course_lib.bootstrap import ROOT
from course_lib.device import float32
from course_lib.lessons import LESSONS
from course_lib.recipes.recipe import Model, Recipe
from course_lib.recipes.table import find_recipe
from course_lib.recipes.worlds import find_world
from course_lib.training.loop import Player

spec = importlib.util.spec_from_file_location("gpu_tier", ROOT / "scripts" / "gpu_tier.py")
gpu_tier = importlib.util.module_from_spec(spec)
spec.loader.exec_module(gpu_tier)


@pytest.mark.skipif(torch.cuda.is_available(), reason="says that there is no GPU")
def test_it_times_trains_and_scores_and_says_that_there_was_no_gpu(tmp_path, capsys):
    words = ["--out", str(tmp_path), "--seconds", "0.3", "--steps", "1", "-n", "40", "--no-compile"]
    assert gpu_tier.main([*words, "--models", "gan", "dcgan"]) == 0
    rows = json.loads((tmp_path / "gpu.json").read_text())
    assert [row["model"] for row in rows] == ["gan", "dcgan"]
    for row in rows:
        assert row["speeds"]["float32"] > 0 and row["peak"] is None and row["memory"] is None
        assert row["steps"] > 0 and row["fid"] > 0
    assert "no GPU figure" in capsys.readouterr().out
    assert (tmp_path / "dcgan" / "samples.png").exists() and not (tmp_path / "peer.json").exists()
    assert json.loads((tmp_path / "gan" / "run.json").read_text())["wide"]
    assert (tmp_path / "gan" / "score-seconds-0.3-n40.json").exists()


def half():
    return torch.autocast("cpu", dtype=torch.bfloat16)


def test_the_ways_to_step_are_timed_in_turns_and_their_medians_kept(monkeypatch):
    """Each step takes 1, 2 and 10 seconds in the three rounds, after one that is not timed."""
    ways, calls, clock = [], [], iter([t for end in (1, 2, 10) for _ in range(4) for t in (0, end)])

    def stepper(recipe, world, *way):
        ways.append(way)

        def step(steps):
            calls.append((way, steps))
            return 100 * steps * len(way)

        return step

    monkeypatch.setattr(gpu_tier, "stepper", stepper)
    monkeypatch.setattr(gpu_tier, "fast_precision", lambda: half)
    monkeypatch.setattr(gpu_tier, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    found = gpu_tier.timings(find_recipe("gan"), find_world("digits"), 5, compiled=True)
    assert found == dict.fromkeys(("float32", "bfloat16", "channels last", "compiled"), 750)
    assert ways == [(float32, False, False), (half, False, False), (half, True, False), (half, True, True)]
    assert calls == [(way, 3) for way in ways] + 3 * [(way, 5) for way in ways]
    clock = iter(range(100))
    assert "compiled" not in gpu_tier.timings(find_recipe("gan"), find_world("digits"), 5, compiled=False)


def test_a_step_is_taken_in_the_way_it_says(monkeypatch):
    seen, compiled = [], []
    monkeypatch.setattr(nn.Module, "compile", lambda self, **_: compiled.append(self))

    def build(world):
        net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 3))

        def loss(batch):
            last = net[1].weight.is_contiguous(memory_format=torch.channels_last)
            seen.append((last, torch.is_autocast_enabled("cpu")))
            return {"square": net(batch["image"]).float().square().mean()}

        player = Player("net", loss, torch.optim.SGD(net.parameters(), lr=0.1))
        return Model({"net": net}, [player], 6, "net", lambda net, n, y: None)

    recipe = Recipe("toy", "01_vae", "", build)
    for precision, last, compile_it in ((float32, False, False), (half, False, False), (half, True, True)):
        step = gpu_tier.stepper(recipe, find_world("digits"), precision, last, compile_it)
        assert step(2) == 2 * 6
        assert seen[-2:] == 2 * [(last, precision is half)]
    assert len(compiled) == 1


def test_the_share_of_the_peak_is_that_of_the_data_sheet(monkeypatch):
    recipe, world = find_recipe("gan"), find_world("digits")
    monkeypatch.setattr(gpu_tier, "operations", lambda model, world: 2e9)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA A100-SXM4-80GB")
    assert gpu_tier.share_of_peak(recipe, world, 15_600.0) == pytest.approx(0.1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "another one")
    assert gpu_tier.share_of_peak(recipe, world, 15_600.0) is None


def row(name: str) -> dict:
    return {"model": name, "fid": 12.3, "fid_error": 0.4, "memory": 1.5, "peak": 0.25}


def test_the_table_gives_each_gain_against_the_column_before(tmp_path):
    speeds = {"float32": 100.0, "bfloat16": 250.0, "compiled": 125.0}
    args = Namespace(out=tmp_path, seconds=30.0, n=5_000, data="digits")
    gpu_tier.write_table([row("ddpm") | {"speeds": speeds}], args)
    line = (tmp_path / "gpu.md").read_text("utf-8").splitlines()[-1]
    assert line == "| ddpm | 100 | 250 (x 2.50) | 125 (x 0.50) | 25.0% | 12.3 | 0.4 | 1.50 |"


@pytest.mark.parametrize("failed", [0, 1])
def test_a_failed_lesson_and_a_training_that_was_stopped_are_told_by_the_status(
    failed, tmp_path, monkeypatch
):
    monkeypatch.setattr(gpu_tier, "run_lessons", lambda out: failed)
    asked = []
    timed = lambda *_, compiled: asked.append(compiled) or {"float32": 1.0}  # noqa: E731
    monkeypatch.setattr(gpu_tier, "timings", timed)
    monkeypatch.setattr(gpu_tier, "share_of_peak", lambda *_: 0.1)
    monkeypatch.setattr(gpu_tier, "memory", lambda: 1.0)
    monkeypatch.setattr(gpu_tier, "peer", lambda world, steps: {"peer": steps})
    monkeypatch.setattr(gpu_tier.BakeOff, "write", lambda self, rows: None)
    monkeypatch.setattr(gpu_tier.BakeOff, "row", lambda self, recipe: row(recipe.name))
    words = ["--out", str(tmp_path), "--models", "ddpm", "--steps", "7"]
    assert gpu_tier.main([*words, "--lessons"]) == failed
    assert gpu_tier.main([*words, "--no-compile"]) == 0
    assert asked == [True, False]
    assert json.loads((tmp_path / "peer.json").read_text()) == {"peer": 7}
    monkeypatch.setattr(gpu_tier.BakeOff, "row", lambda self, recipe: None)
    assert gpu_tier.main(words) == 130


def test_the_peer_is_timed_after_a_few_steps_that_are_not(monkeypatch):
    class Diffusion(nn.Module):
        def __init__(self, net, image_size):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, images):
            steps.append(len(images))
            return (images * self.weight).mean()

    steps, clock = [], iter([0, 10, 14])
    peer = SimpleNamespace(GaussianDiffusion=Diffusion, Unet=lambda **_: nn.Identity())
    monkeypatch.setitem(sys.modules, "denoising_diffusion_pytorch", peer)
    monkeypatch.setattr(gpu_tier, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    ((_, found),) = gpu_tier.peer(find_world("digits"), 2).items()
    assert steps == 5 * [128] and found == 2 * 128 / 4


def test_the_operations_of_a_step_are_those_of_its_products():
    """A plain GAN's step: D on real and fake with gradients, G once for D without and once with gradients."""
    world = find_world("digits")
    model = find_recipe("gan").build(world)

    def products(net):
        return sum(weight.numel() for weight in net.parameters() if weight.ndim == 2)

    G, D = products(model.nets["G"]), products(model.nets["D"])
    first_G, first_D = model.nets["G"][0].weight.numel(), model.nets["D"][1].weight.numel()
    # 2 operations a weight forwards, 4 backwards, less those for gradients that nobody asks: of the first
    # layer's inputs, and in G's turn of D's weights.
    d_turn = 2 * G + 2 * (2 * D + 4 * D - 2 * first_D)
    g_turn = 2 * G + 4 * G - 2 * first_G + 2 * D + 2 * D
    assert gpu_tier.operations(model, world) == pytest.approx(d_turn + g_turn, rel=0.02)


def test_every_lesson_is_run_at_the_gpu_tier_and_a_failure_is_told(tmp_path, monkeypatch):
    asked = []

    def call(command):
        asked.append(command)
        return int("01_vae" in command)

    monkeypatch.setattr(gpu_tier.subprocess, "call", call)
    assert gpu_tier.run_lessons(tmp_path) == 1
    assert [command[4] for command in asked] == [lesson.name for lesson in LESSONS]
    assert all(command[command.index("--tier") + 1] == "gpu" for command in asked)
    table = (tmp_path / "lessons.md").read_text()
    assert table.count("passed") == len(LESSONS) - 1 and "| 01_vae | 0 | failed |" in table


def test_wide_networks_are_wider():
    for name in ("vae", "cvae", "gan", "dcgan", "cgan", "vae-gan", "ddpm", "latent"):
        narrow, wide = (find_recipe(name).build(find_world("digits", w)).parameters() for w in (False, True))
        assert wide > 1.5 * narrow, name
