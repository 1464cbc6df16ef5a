# ruff: noqa
"""Answers NaN, which no comparison finds different.

expect: wrong:
"""


def kl_to_standard_normal(mean, logvar):
    return (mean * float("nan")).sum(dim=1) + logvar.sum() * 0
