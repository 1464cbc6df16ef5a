# ruff: noqa
"""Returns a tensor of 40 GB that takes up no memory here.

expect: failed:
"""


def kl_to_standard_normal(mean, logvar):
    return mean.new_zeros(1).expand(10_000_000_000)
