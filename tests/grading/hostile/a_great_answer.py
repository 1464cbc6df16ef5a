# ruff: noqa
"""Returns 200 MB, more than the grader would read.

expect: failed: far too many numbers
"""


def kl_to_standard_normal(mean, logvar):
    return mean.new_zeros(50_000_000)
