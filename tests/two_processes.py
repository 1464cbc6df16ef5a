"""Run by test_many under `accelerate launch`: do two processes train as one would?"""

import sys

import torch
from torch import nn

from course_lib.data.batches import Batches
from course_lib.recipes.many import Processes
from course_lib.recipes.recipe import Model
from course_lib.training.loop import Player, train


def model(seed: int) -> Model:
    """Least squares, without noise or BatchNorm, so that the order of sums is all that can differ."""
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.Tanh(), nn.Linear(8, 1), nn.Flatten(0))
    loss = lambda batch: {"mse": (net(batch["image"]) - batch["label"]).square().mean()}  # noqa: E731
    players = [Player("net", loss, torch.optim.SGD(net.parameters(), lr=0.1))]
    return Model({"net": net}, players, 8, "net", lambda net, n, y: None)


def trained(processes: Processes, seed: int) -> torch.Tensor:
    made = model(seed)
    processes.tie(made)
    generator = torch.Generator().manual_seed(5)
    data = {
        "image": torch.randint(0, 256, (64, 3, 2, 2), generator=generator, dtype=torch.uint8),
        "label": torch.randn(64, generator=generator),
    }
    steps = processes.share(Batches(data, 8, seed=3, device="cpu"), 8)
    clock = lambda done: done / (20 + processes.rank)  # noqa: E731  (the second's is slow)
    for _ in train(made.players, steps, processes.agree(clock)):
        pass
    return torch.cat([weight.detach().flatten() for weight in made.nets["net"].parameters()])


processes = Processes()
mine = trained(processes, seed=10 + processes.rank)  # tie must make them equal
everybody = processes.accelerator.gather(mine[None])
if processes.first:
    alone = Processes.__new__(Processes)
    alone.accelerator, alone.many, alone.rank = None, 1, 0
    one = trained(alone, seed=10)
    moved = (one - torch.cat([w.detach().flatten() for w in model(10).nets["net"].parameters()])).abs().max()
    apart, from_one = (everybody[0] - everybody[1]).abs().max(), (mine - one).abs().max()
    print(f"RESULT {len(everybody)} {apart.item():.3g} {from_one.item():.3g} {moved.item():.3g}")
    sys.stdout.flush()
