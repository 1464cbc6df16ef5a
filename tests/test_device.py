"""Which device, tier and precision; what is borrowed is given back."""

import os

import pytest
import torch
from torch import nn

from course_lib import device
from course_lib.device import evaluating, fast_precision, float32, one_thread, pick_tier

CPU = torch.device("cpu")


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("cores", "left"), [(2, 1), (8, 4)])
def test_fast_precision_leaves_two_cores_one_thread(monkeypatch, threads, cores, left):
    monkeypatch.setattr(device, "has_fast_bfloat16", lambda _: True)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    torch.set_num_threads(4)
    with fast_precision(CPU)():
        assert nn.Linear(2, 2)(torch.zeros(1, 2)).dtype == torch.bfloat16
    assert torch.get_num_threads() == left


def test_without_fast_bfloat16_nothing_changes(monkeypatch, threads):
    monkeypatch.setattr(device, "has_fast_bfloat16", lambda _: False)
    torch.set_num_threads(2)
    assert fast_precision(CPU) is float32
    assert torch.get_num_threads() == 2


def test_one_thread_and_eval_mode_are_borrowed(threads):
    torch.set_num_threads(2)
    net, other = nn.Dropout(), nn.Dropout().eval()
    with one_thread(), evaluating(net, other):
        assert torch.get_num_threads() == 1
        assert not net.training and not torch.is_grad_enabled()
    assert torch.get_num_threads() == 2
    assert net.training and not other.training and torch.is_grad_enabled()


def test_the_tier_is_named_or_refused(monkeypatch):
    monkeypatch.setenv("COURSE_TIER", "smoke")
    assert pick_tier() == "smoke"
    monkeypatch.setenv("COURSE_TIER", "huge")
    with pytest.raises(ValueError, match="COURSE_TIER is 'huge'"):
        pick_tier()
