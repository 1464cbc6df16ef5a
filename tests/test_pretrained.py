"""The shipped weights are those of the script's settings, they load, and what goes to a file comes back."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from course_lib.checks.gans.discriminator import DISCRIMINATOR
from course_lib.checks.gans.generator import GENERATOR
from course_lib.checks.vae.decoder import DECODER
from course_lib.errors import CourseError
from course_lib.models import pretrained
from course_lib.models.pretrained import (
    BUILDERS,
    WEIGHTS,
    Pretrained,
    available,
    build_dcgan,
    fill,
    load_pretrained,
    path_of,
    save_pretrained,
)
from course_lib.recipes.sample import pretrained_drawer, write_samples
from course_lib.recipes.table import RECIPES

SETTINGS = {"d": 4, "maps": 4, "smallest": 7}


@pytest.fixture(scope="module")
def script():
    path = Path(__file__).parents[1] / "scripts" / "train_weights.py"
    spec = importlib.util.spec_from_file_location("train_weights", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_job_has_a_builder_and_every_file_a_job(script):
    assert set(script.JOBS) <= set(BUILDERS)
    assert {path.stem for path in WEIGHTS.glob("*")} <= set(script.JOBS)


@pytest.mark.parametrize("name", available())
def test_shipped_weights_are_those_of_the_script(name, script):
    found = load_pretrained(name)
    assert found.record["settings_hash"] == script.settings_hash(name)
    assert not any(net.training for net in found.nets.values())
    for net in found.nets.values():
        assert all(weight.dtype == torch.float32 and weight.isfinite().all() for weight in net.parameters())


@pytest.mark.parametrize("name", [name for name in available() if name in {r.name for r in RECIPES}])
def test_the_command_line_draws_with_them(name, tmp_path):
    drawer, kept = pretrained_drawer(name), load_pretrained(name)
    for part in set(kept.nets) & set(drawer.model.nets):
        drawer.model.nets[part].load_state_dict(kept.state(part))  # the recipe's networks are the same
    y = drawer.conditions(60, seed=1)
    images = drawer.draw(60, y, seed=1)
    assert images.std(dim=0).mean() > 0.1  # not one image again and again
    if y is not None:
        assert (drawer.world.read(images) == y).double().mean() > 0.9
    write_samples(drawer, 3, tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_size > 500


def test_they_are_small():
    assert sum(path_of(name).stat().st_size for name in available()) < 16e6


def test_another_setting_changes_the_hash(script, monkeypatch):
    before = script.settings_hash("vae")
    monkeypatch.setitem(script.JOBS, "vae", (replace(script.JOBS["vae"][0], steps=1), None))
    assert script.settings_hash("vae") != before


def test_a_file_and_back(tmp_path):
    torch.manual_seed(0)
    nets = build_dcgan(SETTINGS)
    nets["G"](torch.randn(8, 4))  # running statistics of their own
    save_pretrained(nets, tmp_path / "w.safetensors", SETTINGS, {"fid": 12.5})
    found = load_pretrained("dcgan", tmp_path / "w.safetensors")
    assert found.settings == SETTINGS and found.record == {"fid": 12.5}
    for part, net in nets.items():
        learned = dict(net.named_parameters())
        for name, value in found.state(part).items():
            kept = net.state_dict()[name]
            assert torch.equal(value, kept.half().float() if name in learned else kept), name
    z = torch.randn(3, 4)
    torch.testing.assert_close(found.nets["G"](z), nets["G"].eval()(z), atol=5e-3, rtol=0)


def test_what_is_missing_or_damaged(tmp_path):
    with pytest.raises(CourseError, match="no weights 'gan': choose from"):
        load_pretrained("gan")
    with pytest.raises(CourseError, match=r"missing: make them with `python scripts/train_weights.py vae`"):
        load_pretrained("vae", tmp_path / "vae.safetensors")
    whole = tmp_path / "whole.safetensors"
    save_pretrained(build_dcgan(SETTINGS), whole, SETTINGS, {})
    (tmp_path / "short.safetensors").write_bytes(whole.read_bytes()[:-50])
    save_pretrained({"G": nn.Linear(2, 2)}, tmp_path / "other.safetensors", SETTINGS, {})
    for name in ("short", "other"):
        with pytest.raises(CourseError, match="damaged: install the course again"):
            load_pretrained("dcgan", tmp_path / f"{name}.safetensors")


def test_what_half_precision_cannot_hold():
    with pytest.raises(ValueError, match="1e\\+05 does not fit into half precision"):
        pretrained.half(torch.tensor([1e5]))


# ------------------------------------------------------------------- weights for a student's own networks

NETWORKS = {  # exercise -> what its answers take, and what goes through them
    DECODER: ((3,), torch.randn(2, 3)),
    GENERATOR: ((3, 1, 2), torch.randn(2, 3)),
    DISCRIMINATOR: ((1, 2), torch.randn(2, 1, 64, 64)),
}


def kept_of(net: nn.Module) -> Pretrained:
    return Pretrained("some", {"net": net.eval()}, {}, {})


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [(e, a) for e in NETWORKS for a in e.accepts],
    ids=lambda x: x.__name__ if callable(x) else x.name,
)
def test_every_accepted_network_draws_with_the_courses_weights(exercise, answer):
    sizes, probe = NETWORKS[exercise]
    torch.manual_seed(1)
    net = exercise.reference(*sizes).train()
    net(probe)  # running statistics of its own
    mine = answer(*sizes)
    fill(mine, kept_of(net), "net", lambda net: net(probe))
    torch.testing.assert_close(mine.eval()(probe), net.eval()(probe))
    assert all(weight.requires_grad for weight in mine.parameters())


class OtherWay(nn.Module):
    """Two layers of one shape, made in the other order than they are used in."""

    def __init__(self):
        super().__init__()
        self.second, self.first = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, x):
        return self.second(self.first(x).relu())


def test_layers_are_matched_by_name_or_in_the_order_of_their_use():
    x = torch.randn(5, 3)
    named = nn.ModuleDict({"first": nn.Linear(3, 3), "second": nn.Linear(3, 3)})
    fill(mine := OtherWay(), kept_of(named), "net")
    assert torch.equal(mine.first.weight, named["first"].weight)
    ordered = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3))
    fill(mine := OtherWay(), kept_of(ordered), "net", lambda net: net(x))
    torch.testing.assert_close(mine(x), ordered(x))
    fill(mine := OtherWay(), kept_of(ordered), "net")  # not run, so in the order of making
    assert torch.equal(mine.second.weight, ordered[0].weight)


def test_a_network_on_another_device_is_run_there():
    with torch.device("meta"):  # stands for a GPU
        mine, x = OtherWay(), torch.randn(5, 3)
    fill(mine, kept_of(nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))), "net", lambda net: net(x))
    assert mine.first.weight.device.type == "meta"


@pytest.mark.parametrize(
    ("mine", "says"),
    [
        (
            nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 5)),
            r"its 1 \(weight 5x4, bias 5\) .* 1 \(weight 2x4, bias 2\)",
        ),
        (nn.Sequential(nn.Linear(3, 4)), r"its nothing stands where the course has 1 \(weight 2x4"),
        (nn.Sequential(nn.Linear(3, 4, bias=False), nn.Linear(4, 2)), r"its 0 \(weight 4x3\) stands"),
        (nn.Sequential(*(nn.Linear(a, b) for a, b in [(3, 4), (4, 2), (2, 9)])), r"its 2 .* has nothing"),
    ],
)
def test_a_network_that_does_not_fit_is_left_as_it_is(mine, says):
    before = torch.cat([weight.detach().flatten().clone() for weight in mine.parameters()])
    kept = kept_of(nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)))
    with pytest.raises(CourseError, match=says):
        fill(mine, kept, "net")
    assert torch.equal(before, torch.cat([weight.detach().flatten() for weight in mine.parameters()]))
