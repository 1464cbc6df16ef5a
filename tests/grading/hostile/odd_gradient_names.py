# ruff: noqa
"""Names a gradient by half a surrogate pair, which no file can hold: the marks could not be kept.

expect: failed: cannot be read
"""

import course_lib.checks.observe as observe
import torch

honest = observe.record


def record(live, case, leaves, seen):
    honest(live, case, leaves, seen)
    for by_input in seen.gradients.values():
        by_input["\ud800"] = torch.ones(1)


observe.record = record


def kl_to_standard_normal(mean, logvar):
    return 0.5 * (mean**2 + logvar.exp() - 1 - logvar).sum(dim=1)
