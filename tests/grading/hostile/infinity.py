# ruff: noqa
"""Answers infinity, and minus infinity.

expect: wrong:
"""


def kl_to_standard_normal(mean, logvar):
    return (mean.sum(dim=1).sign() + 0.5) * float("inf") + logvar.sum() * 0
