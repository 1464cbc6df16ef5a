"""Processor time of 600 cheap steps that are watched, over that of 600 that are not, in turns of 50.

A process of its own, without the tests' type checks, which cost more than is measured. Prints the ratio.
"""

import itertools
import time

import IPython.display
import torch
from torch import nn

from course_lib.notebook import live, panel, show
from course_lib.training.loop import Player, train


def cheap_training(n: int):
    """n steps of a few milliseconds, about the cheapest that a lesson makes."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 512))
    x = torch.randn(256, 512)
    adam = torch.optim.Adam(net.parameters())
    player = Player("AE", lambda b: {"square": (net(b["x"]) - b["x"]).square().mean()}, adam)
    return train([player], iter(lambda: {"x": x}, None), n)


def main() -> None:
    torch.set_num_threads(1)
    IPython.display.publish_display_data = lambda *_, **__: None
    for module in (live, panel, show):
        module.in_notebook = lambda: True
    panel.buttons_work = lambda: False
    for _ in live.watch(cheap_training(50), draw=lambda: torch.zeros(16, 1, 28, 28), alt="warm-up"):
        pass
    live.SHARE /= 2  # half of the processor time here is the bare loop's
    watched = live.watch(cheap_training(600), draw=lambda: torch.zeros(16, 1, 28, 28), alt="nothing")
    loops, spent = {"watched": watched, "bare": cheap_training(600)}, {"watched": 0.0, "bare": 0.0}
    for turn in range(600 // 50 + 1):
        for name in sorted(loops, reverse=bool(turn % 2)):
            began = time.process_time()
            for _ in itertools.islice(loops[name], 50):
                pass
            spent[name] += time.process_time() - began
    print(spent["watched"] / spent["bare"])


if __name__ == "__main__":
    main()
