# ruff: noqa
"""Raises an error whose text, name and traceback misbehave.

expect: failed:
"""


class Odd(BaseException):
    def __str__(self):
        raise KeyboardInterrupt

    __repr__ = __str__


def kl_to_standard_normal(mean, logvar):
    raise Odd
