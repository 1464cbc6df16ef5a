# ruff: noqa
"""A loop of plain Python that never ends.

expect: failed: stopped after
"""


def kl_to_standard_normal(mean, logvar):
    while True:
        pass
