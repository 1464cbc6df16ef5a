# ruff: noqa
"""Returns a dictionary without an end.

expect: failed:
"""


class Endless(dict):
    def items(self):
        k = 0
        while True:
            k += 1
            yield str(k), 0.0


def kl_to_standard_normal(mean, logvar):
    return Endless()
