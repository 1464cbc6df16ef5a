# ruff: noqa
"""Returns a tensor whose class answers every question about it with what is wanted.

expect: wrong:
"""

import torch


class Liar(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "")
        if name in ("equal", "allclose", "eq", "isclose", "all", "__eq__"):
            return True
        return super().__torch_function__(func, types, args, kwargs or {})

    def __eq__(self, other):
        return True


def kl_to_standard_normal(mean, logvar):
    return (mean[:, 0] * 0).as_subclass(Liar)
