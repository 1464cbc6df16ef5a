# ruff: noqa
"""A loop that never ends, before any function is called.

expect: failed: stopped after
"""

while True:
    pass
