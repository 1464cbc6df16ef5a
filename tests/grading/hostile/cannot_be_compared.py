# ruff: noqa
"""Returns a network that ends Python while it is looked at.

expect: wrong:
"""

import torch


class Net(torch.nn.Module):
    def parameters(self, recurse=True):
        raise SystemExit

    named_parameters = modules = named_modules = parameters


def kl_to_standard_normal(mean, logvar):
    return Net()
