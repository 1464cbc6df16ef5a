# ruff: noqa
"""Finds the way back to the grader and writes frames of its own: the inputs as outputs, all in order.

expect: wrong:
"""

import os

import torch

from course_lib.checks.observe import Observation
from course_lib.grading import protocol

kept = {}
honest = protocol.pack_observations


def kl_to_standard_normal(mean, logvar):
    import sys

    frame = sys._getframe()
    while frame is not None:
        if "rounds" in frame.f_locals and "channel" in frame.f_locals:
            rounds, channel = frame.f_locals["rounds"], frame.f_locals["channel"]
            lies = [[lie(case) for case in cases] for cases in rounds]
            packed = honest(lies)
            os.write(channel, packed)
            os._exit(0)
        frame = frame.f_back
    return mean[:, 0]


def lie(case):
    x = case.args["mean"].sum(dim=1)
    gradients = {"": {name: torch.ones_like(value) for name, value in case.args.items()}}
    return Observation("tensor", {"": x}, {}, gradients, [], [], [], 5)
