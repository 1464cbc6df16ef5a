"""The average of the weights against its definition, written out."""

import pytest
import torch
from torch import nn

from course_lib.training.ema import EMA


def test_it_follows_the_definition():
    source = nn.Linear(2, 1)
    ema = EMA(source, decay=0.6)
    average = source.weight.detach().clone()
    for n in range(20):
        with torch.no_grad():
            source.weight.normal_()
        ema.update()
        decay = min(0.6, (1 + n) / (10 + n))
        average = decay * average + (1 - decay) * source.weight.detach()
        torch.testing.assert_close(ema.net.weight.detach(), average, atol=1e-6, rtol=1e-5)


def test_constant_weights_are_their_own_average():
    source = nn.Linear(3, 3)
    ema = EMA(source)
    for _ in range(5):
        ema.update()
    torch.testing.assert_close(ema.net.weight, source.weight, check_stride=False)


def test_buffers_are_copied_and_not_averaged():
    source = nn.BatchNorm1d(2)
    ema = EMA(source, decay=0.999)
    source(torch.randn(8, 2) + 5)
    ema.update()
    assert torch.equal(ema.net.running_mean, source.running_mean)
    assert ema.net.num_batches_tracked == 1


def test_the_copy_is_apart_in_eval_mode_and_without_gradients():
    source = nn.Sequential(nn.Linear(2, 2), nn.Dropout())
    ema = EMA(source)
    before = ema.net[0].weight.clone()
    with torch.no_grad():
        source[0].weight.add_(1)
    assert torch.equal(ema.net[0].weight, before)
    assert source.training and not any(net.training for net in ema.net.modules())
    assert not any(weight.requires_grad for weight in ema.net.parameters())


def test_saved_and_loaded_it_goes_on_the_same():
    torch.manual_seed(0)
    source = nn.Linear(4, 4)
    whole = EMA(source)
    for _ in range(3):
        with torch.no_grad():
            source.weight.normal_()
        whole.update()
    resumed = EMA(source)
    resumed.load_state_dict(whole.state_dict())
    with torch.no_grad():
        source.weight.normal_()
    whole.update()
    resumed.update()
    assert torch.equal(whole.net.weight, resumed.net.weight)


def test_another_network_is_refused():
    with pytest.raises(RuntimeError, match="size mismatch"):
        EMA(nn.Linear(2, 2)).load_state_dict(EMA(nn.Linear(3, 2)).state_dict())
