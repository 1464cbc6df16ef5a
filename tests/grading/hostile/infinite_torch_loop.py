# ruff: noqa
"""A loop of torch calls that never ends.

expect: failed: calls torch
"""


def kl_to_standard_normal(mean, logvar):
    while True:
        mean = mean + 1
