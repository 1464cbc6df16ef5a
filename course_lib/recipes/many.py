"""One training in several processes, one to a GPU: `accelerate launch -m course_lib.cli train ...`.

Every process holds the whole model and its own share of each batch; before an optimizer moves, the gradients
are averaged over the processes. So all copies stay equal, and together they do what one process would do
with the whole batch (BatchNorm's statistics excepted, which each takes from its share). Without a GPU,
`ACCELERATE_USE_CPU=true accelerate launch --multi_gpu --num_processes 2 ...` starts two on the processor.
"""

import os
from collections.abc import Iterator
from itertools import count

import torch
from torch import Tensor
from torch.optim import Optimizer

from course_lib.data.batches import Batches
from course_lib.errors import CourseError
from course_lib.recipes.recipe import Model
from course_lib.training.loop import Budget
from course_lib.types import Batch


class Processes:
    """Those that train together; one alone unless `accelerate launch` started several."""

    def __init__(self):
        self.accelerator = None
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            from accelerate import Accelerator  # takes a second to import, and is needed only here

            self.accelerator = Accelerator()
        self.many = self.accelerator.num_processes if self.accelerator else 1
        self.rank = self.accelerator.process_index if self.accelerator else 0

    @property
    def first(self) -> bool:
        """True in the one process that writes files and shows progress."""
        return self.rank == 0

    def tie(self, model: Model) -> None:
        """Make all copies of the model start equal and move alike."""
        if self.many == 1:
            return
        for net in model.nets.values():
            for value in [*net.parameters(), *net.buffers()]:
                value.data.copy_(self._broadcast(value.data))
        for optimizer in {id(p.optimizer): p.optimizer for p in model.players}.values():
            optimizer.register_step_pre_hook(self._average_gradients)

    def share(self, batches: Iterator[Batch], size: int) -> Iterator[Batch]:
        """This process's part of every batch of `size`: they are cut in equal parts."""
        if self.many == 1:
            return batches
        if not isinstance(batches, Batches):
            raise CourseError("This model is trained on pairs of sets, by one process only.")
        if size % self.many:
            raise CourseError(f"A batch of {size} cannot be cut in {self.many} equal parts: start 2 or 4.")
        own = Batches(batches.data, size // self.many, seed=batches.seed, device=batches.device)
        return (own.batch(k * self.many + self.rank) for k in count(batches.next))

    def agree(self, budget: Budget) -> Budget:
        """The first process's clock is everybody's: all stop after the same step."""
        if self.many == 1:
            return budget
        device = self.accelerator.device
        return lambda done: self._broadcast(torch.tensor(budget(done), device=device)).item()

    def mean(self, values: Tensor) -> Tensor:
        return values if self.many == 1 else self.accelerator.reduce(values, "mean")

    def _broadcast(self, value: Tensor) -> Tensor:
        from accelerate.utils import broadcast

        return broadcast(value)

    def _average_gradients(self, optimizer: Optimizer, *_) -> None:
        for group in optimizer.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    weight.grad.copy_(self.mean(weight.grad))
