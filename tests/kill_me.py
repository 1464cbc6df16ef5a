"""A small run that can be killed: `python kill_me.py FOLDER STEPS EVERY` trains, saves, and prints its steps.

Everything that makes a resumed run differ is in it: noise in the loss, dropout, Adam's moments, a learning
rate that changes, an average of the weights, an order of the data. At its end it writes FOLDER/end.pt.
"""

import sys
from pathlib import Path

import torch
from torch import nn

from course_lib.data.batches import Batches
from course_lib.training.checkpoint import Checkpoint
from course_lib.training.ema import EMA
from course_lib.training.loop import Player, train, warm_down


class TinyVAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 8)
        )
        self.norm = nn.BatchNorm1d(4)
        self.decoder = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 64))

    def loss(self, batch):
        x = batch["image"]
        mean, log_variance = self.encoder(x).chunk(2, 1)
        z = self.norm(mean + (log_variance / 2).exp() * torch.randn_like(mean))
        kl = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1).mean()
        return {"recon": (self.decoder(z) - x.flatten(1)).square().sum(1).mean(), "kl": kl}


def live(folder: Path, steps: int, every: int, after_step=lambda step: None) -> None:
    torch.manual_seed(0)
    vae = TinyVAE()
    adam = torch.optim.Adam(vae.parameters(), lr=1e-2)
    ema = EMA(vae)
    images = torch.randint(
        0, 256, (50, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )
    batches = Batches({"image": images}, 8, seed=3, device="cpu")
    run = Checkpoint(folder / "run", {"vae": vae, "adam": adam, "ema": ema}, {"lr": 1e-2, "steps": steps})
    start = run.restore()
    player = Player("VAE", vae.loss, adam)
    loop = train([player], batches.starting_at(start), steps, start=start, schedule=warm_down)
    for step in run.keep(loop, every=every):
        ema.update()
        after_step(step.index)
    end = {"vae": vae.state_dict(), "ema": ema.state_dict(), "adam": adam.state_dict()}
    torch.save(end, folder / "end.partial")  # a kill may fall here too
    (folder / "end.partial").replace(folder / "end.pt")


if __name__ == "__main__":
    torch.set_num_threads(1)
    live(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), lambda index: print(index, flush=True))
