# ruff: noqa
"""Lifts its limit of processor time, ignores the signal that comes at its end, and goes on.

expect: failed: was stopped
"""

import resource
import signal


def kl_to_standard_normal(mean, logvar):
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (OSError, ValueError):
        pass
    while True:
        pass
