"""An exponential moving average of a network's weights: it samples better than the last step's."""

import copy

import torch
from torch import nn


class EMA:
    """`net` is a copy that follows `source`: after each update, net = decay * net + (1 - decay) * source.

    The first updates use min(decay, (1 + n) / (10 + n)), so that the random start is forgotten quickly.
    Buffers (BatchNorm's running statistics) are copied, not averaged.
    """

    def __init__(self, source: nn.Module, decay: float = 0.999):
        self.source, self.decay, self.updates = source, decay, 0
        self.net = copy.deepcopy(source).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self) -> None:
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        averages, weights = list(self.net.parameters()), list(self.source.parameters())
        torch._foreach_lerp_(averages, weights, 1 - decay)
        for mine, theirs in zip(self.net.buffers(), self.source.buffers(), strict=True):
            mine.copy_(theirs)
        self.updates += 1

    def state_dict(self) -> dict:
        return {"net": self.net.state_dict(), "updates": self.updates}

    def load_state_dict(self, state: dict) -> None:
        self.net.load_state_dict(state["net"])
        self.updates = state["updates"]
