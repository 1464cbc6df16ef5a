# ruff: noqa
"""Leaves a mode of torch on that makes every comparison true and every difference zero.

expect: wrong or failed:
"""

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode


class Lies(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) and result.dtype == torch.bool:
            return torch.ones_like(result)
        return result


class Zeros(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        return torch.zeros_like(result) if "sub" in str(func) else result


def kl_to_standard_normal(mean, logvar):
    Lies().__enter__()
    Zeros().__enter__()
    return mean.sum(dim=1)
