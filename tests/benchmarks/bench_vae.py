"""Our VAE against the one most learners meet first, at equal processor seconds, under one judge.

    OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE python tests/benchmarks/bench_vae.py [seconds]

The peer is re-created from its settings: the VAE of PyTorch's examples, 784-400-20-400-784 with ReLU, batch
128, Adam 1e-3, binary cross-entropy summed over pixels, images through a DataLoader, float32. Ours is lesson
01's with its schedule. Both then make 5,000 samples, each the mean of the decoder's Bernoulli, and are judged
by the Fréchet distance of the course's digit features. One JSON line each; what was seen is kept in vae.md.
"""

import json
import sys
import time

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from course_lib.data.batches import Batches
from course_lib.data.digits import digits
from course_lib.device import evaluating, fast_precision, place
from course_lib.images import from_uint8
from course_lib.metrics.evaluate import evaluate
from course_lib.models.vae import VAE, sample_vae, vae_player
from course_lib.training.loop import cpu_seconds, train, warm_up_down


class Public(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.mean, self.logvar = nn.Linear(784, 400), nn.Linear(400, 20), nn.Linear(400, 20)
        self.up, self.out = nn.Linear(20, 400), nn.Linear(400, 784)

    def decode(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.out(F.relu(self.up(z))))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = F.relu(self.hidden(x.flatten(1)))
        mean, logvar = self.mean(h), self.logvar(h)
        return self.decode(mean + torch.exp(0.5 * logvar) * torch.randn_like(mean)), mean, logvar


def public(data: dict, budget: float):
    net, seen = Public(), 0
    adam = torch.optim.Adam(net.parameters(), lr=1e-3)
    loader = DataLoader(TensorDataset(data["image"]), batch_size=128, shuffle=True)
    began = time.process_time()
    while time.process_time() - began < budget:
        for (x,) in loader:
            x = (from_uint8(x) + 1) / 2
            y, mean, logvar = net(x)
            kl = -0.5 * torch.sum(1 + logvar - mean.pow(2) - logvar.exp())
            adam.zero_grad()
            (F.binary_cross_entropy(y, x.flatten(1), reduction="sum") + kl).backward()
            adam.step()
            seen += len(x)
            if time.process_time() - began >= budget:
                break

    def sample(n: int) -> Tensor:
        with evaluating(net):
            return 2 * net.decode(torch.randn(n, 20)).view(n, 1, 28, 28) - 1

    return sample, seen


def ours(data: dict, budget: float):
    net, seen, batch = place(VAE(16)), 0, 128
    steps = train(
        [vae_player(net)], Batches(data, batch), cpu_seconds(budget),
        schedule=warm_up_down, precision=fast_precision(),
    )  # fmt: skip
    for _ in steps:
        seen += batch
    return lambda n: sample_vae(net, n), seen


def main(budget: float) -> None:
    data = digits("train")
    for name, trainer in (("ours", ours), ("public", public)):
        torch.manual_seed(0)
        sample, seen = trainer(data, budget)
        began = time.process_time()
        sample(1_000)
        drawn = 1_000 / (time.process_time() - began)
        score = evaluate(sample, n=5_000)
        row = {"fid": round(score.fid.value, 1), "error": round(score.fid.error, 1),
               "precision": score.manifolds.precision, "recall": score.manifolds.recall,
               "images_a_cpu_second": round(seen / budget), "samples_a_cpu_second": round(drawn)}  # fmt: skip
        print(name, json.dumps(row), flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 240.0)
