# ruff: noqa
"""Takes memory until there is none.

expect: failed:
"""


def kl_to_standard_normal(mean, logvar):
    hoard = []
    while True:
        hoard.append(bytearray(100_000_000))
