"""The shipped weights are those of the script's settings, they load, and what goes to a file comes back."""

import importlib.util
from pathlib import Path

import pytest
import torch
from torch import nn

from course_lib.errors import CourseError
from course_lib.models import pretrained
from course_lib.models.pretrained import (
    BUILDERS,
    WEIGHTS,
    available,
    build_dcgan,
    load_pretrained,
    path_of,
    save_pretrained,
)

SETTINGS = {"d": 4, "maps": 4}


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


def test_they_are_small():
    assert sum(path_of(name).stat().st_size for name in available()) < 16e6


def test_another_setting_changes_the_hash(script, monkeypatch):
    before = script.settings_hash("vae")
    monkeypatch.setitem(script.JOBS, "vae", (script.Vae(steps=1), None))
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
