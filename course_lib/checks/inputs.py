"""The inputs of one call, built from a case: what is handed over, what takes the gradients, what was kept."""

import torch
from torch import Tensor, nn

from course_lib.checks.exercise import Case, Network, Optimizer


class Inputs:
    """`leaves` keep the truth and take the gradients, `handed` goes to the function.

    What is handed over is a copy, so that it may be modified in place without an error and be found out.
    """

    def __init__(self, case: Case):
        self.leaves, self.handed, self.kept, self.changes = {}, {}, {}, case.changes
        for name, value in case.args.items():
            if isinstance(value, Network):
                self.handed[name] = net = value.build()
                if name not in case.constants:
                    self.leaves |= {f"{name}.{key}": weight for key, weight in net.named_parameters()}
                self.kept[name] = [weight.detach().clone() for weight in net.parameters()]
            elif isinstance(value, Tensor):
                self.handed[name], self.kept[name] = self.tensor(name, value, case, name), value
            elif isinstance(value, dict):  # a batch
                parts = {key: self.tensor(f"{name}[{key!r}]", x, case, name) for key, x in value.items()}
                self.handed[name], self.kept[name] = parts, value
            else:
                self.handed[name] = value
        for name, value in case.args.items():
            if isinstance(value, Optimizer):
                self.handed[name] = value.build(self.handed[value.of])

    def tensor(self, name: str, value: Tensor, case: Case, whole: str) -> Tensor:
        leaf = make_strided(value) if case.strided else value.detach().clone()
        if leaf.is_floating_point() and whole not in case.constants:
            self.leaves[name] = leaf.requires_grad_()
        return leaf.clone()

    def mutated(self) -> list[str]:
        return [
            name
            for name, kept in self.kept.items()
            if name not in self.changes and changed(self.handed[name], kept)
        ]

    def ran_backward(self) -> bool:
        return any(leaf.grad is not None for leaf in self.leaves.values())

    def after(self) -> dict[str, Tensor]:
        """The weights of networks that the function is to change, as it left them."""
        return {
            f"the weight {name}.{key} after the call": weight.detach().cpu().clone()
            for name in self.changes
            for key, weight in self.handed[name].named_parameters()
        }


def changed(handed: Tensor | dict | nn.Module, kept: Tensor | dict | list[Tensor]) -> bool:
    if isinstance(kept, dict):
        return list(handed) != list(kept) or any(changed(handed[key], kept[key]) for key in kept)
    if isinstance(handed, nn.Module):
        now = list(handed.parameters())
        return len(now) != len(kept) or any(map(changed, now, kept))
    return not (isinstance(handed, type(kept)) and handed.equal(kept))


def make_strided(x: Tensor) -> Tensor:
    """The same values, laid out the other way around in memory."""
    if x.ndim == 0:
        return x.detach().clone()
    return x.detach().transpose(0, -1).clone(memory_format=torch.contiguous_format).transpose(0, -1)


def width(case: Case) -> int:
    """How many numbers go in."""
    given = [case.probe, *case.args.values()]
    given += [x for value in case.args.values() if isinstance(value, dict) for x in value.values()]
    return sum(value.numel() for value in given if isinstance(value, Tensor))
