"""The command for a GPU, at toy size on the processor: what it counts and what it writes."""

import importlib.util
import json

import pytest
import torch

from course_lib.bootstrap import ROOT
from course_lib.lessons import LESSONS
from course_lib.recipes.table import find_recipe
from course_lib.recipes.worlds import find_world

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
    assert (tmp_path / "dcgan" / "samples.png").exists()


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
    for name in ("vae", "cvae", "gan", "dcgan", "cgan", "vae-gan", "ddpm"):
        narrow, wide = (find_recipe(name).build(find_world("digits", w)).parameters() for w in (False, True))
        assert wide > 1.5 * narrow, name
