# ruff: noqa
"""Changes what torch takes for granted: its type, its device, its threads and its determinism.

expect: failed: meta tensor
"""

import torch


def kl_to_standard_normal(mean, logvar):
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    torch.set_flush_denormal(True)
    torch.set_grad_enabled(False)
    torch.inference_mode(True).__enter__()
    torch.manual_seed = lambda seed: None
    torch.Generator = None
    return torch.zeros(len(mean))
