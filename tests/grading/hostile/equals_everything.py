# ruff: noqa
"""Returns an object that is equal to everything.

expect: wrong:
"""


class Equal:
    shape, dtype, ndim = (), None, 0

    def __eq__(self, other):
        return True

    def __getattr__(self, name):
        return self

    def __call__(self, *args, **options):
        return self

    __lt__ = __le__ = __gt__ = __ge__ = __ne__ = __eq__
    __bool__ = lambda self: True
    __hash__ = lambda self: 0
    __sub__ = __rsub__ = __add__ = __mul__ = lambda self, other: self


def kl_to_standard_normal(mean, logvar):
    return Equal()
