# ruff: noqa
"""Returns 8 MB at each call, more than the grader would read.

expect: failed: far too many numbers
"""


def kl_to_standard_normal(mean, logvar):
    return mean.new_zeros(2_000_000)
