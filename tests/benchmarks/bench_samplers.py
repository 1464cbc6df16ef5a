"""Do 20 steps of DPM-Solver++ draw as well as the full chain? The course's DDPM weights, FID against seconds.

    OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE python tests/benchmarks/bench_samplers.py [rounds] [seed]

Lesson 06 has time for 250 samples of the full chain, too few to tell two good samplers apart. Here each
round lets every sampler draw 250 digits more, 25 of each label, without guidance, all from the same noise;
after each fourth round a line of JSON for each sampler, on all samples so far: it may be stopped then.

FID is that of the digit features, against the 10,000 real test digits. The difference of two FIDs has the
standard error of a bootstrap in which both meet the same redrawn real digits. Seconds are of the processor.
What was seen is kept in ddpm.md.
"""

import json
import sys
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from course_lib.data.digits import digits
from course_lib.device import fast_precision, pick_device, place
from course_lib.images import from_uint8
from course_lib.metrics.features import digits_extractor
from course_lib.metrics.frechet import frechet_distance
from course_lib.metrics.intervals import Estimate, bootstrap, frechet_with_error
from course_lib.models.ddpm import Schedule, V, cosine_schedule, denoiser, sample_ddpm
from course_lib.models.pretrained import load_pretrained
from course_lib.models.samplers import sample_ddim, sample_dpm_solver

ROUND = 250  # digits
EVERY = 4  # rounds, a report
REPEATS = 200  # of the bootstrap
CHAIN = "full chain"


def samplers() -> dict[str, Callable]:
    return {
        CHAIN: sample_ddpm,
        "DDIM, 50": partial(sample_ddim, steps=50),
        "DDIM, 20": partial(sample_ddim, steps=20),
        "SDE-DPM-Solver++, 20": partial(sample_dpm_solver, steps=20, fresh=True),
        "DPM-Solver++, 20": partial(sample_dpm_solver, steps=20),
        "DPM-Solver++, 10": partial(sample_dpm_solver, steps=10),
        "DPM-Solver++, 5": partial(sample_dpm_solver, steps=5),
    }


def drawn(net, schedule: Schedule, sampler: Callable, seed: int) -> tuple[Tensor, float]:
    """The features of a round, and the processor seconds that the digits took."""
    torch.manual_seed(seed)
    label, xT = torch.arange(ROUND) % 10, torch.randn(ROUND, 1, 28, 28)
    label, xT = label.to(pick_device()), xT.to(pick_device())
    began = time.process_time()
    denoise = denoiser(net, schedule, label, prediction=V, precision=fast_precision())
    images = sampler(denoise, xT, schedule).clamp(-1, 1)
    spent = time.process_time() - began
    return digits_extractor(pick_device())(images)[0], spent


def difference(a: Tensor, b: Tensor, real: Tensor) -> Estimate:
    """FID of a less FID of b, both against the same real digits, in each repetition of the bootstrap too."""

    def less(a: Tensor, b: Tensor, real: Tensor) -> float:
        return frechet_distance(a, real) - frechet_distance(b, real)

    return bootstrap(less, [a, b, real], repeats=REPEATS)


def main(rounds: int, seed: int) -> None:
    kept = load_pretrained("ddpm")
    net, schedule = place(kept.nets["net"]), cosine_schedule(kept.settings["times"]).to(pick_device())
    real = digits_extractor()(from_uint8(digits("test")["image"]))[0]
    print(f"T = {schedule.steps}, {len(real):,} real digits, seed {seed}", flush=True)
    features: dict[str, list[Tensor]] = {name: [] for name in samplers()}
    seconds = dict.fromkeys(samplers(), 0.0)
    for k in range(rounds):
        for name, sampler in samplers().items():
            some, spent = drawn(net, schedule, sampler, 1_000 * seed + k)
            features[name].append(some)
            seconds[name] += spent
        if (k + 1) % EVERY == 0 or k + 1 == rounds:
            report({name: torch.cat(parts) for name, parts in features.items()}, seconds, real)
    floor = digits_extractor()(from_uint8(digits("train")["image"][: rounds * ROUND]))[0]
    print("real digits, as many", str(frechet_with_error(floor, real)), flush=True)


def report(features: dict[str, Tensor], seconds: dict[str, float], real: Tensor) -> None:
    for name, mine in features.items():
        row = {"n": len(mine), "fid": str(frechet_with_error(mine, real))}
        if name != CHAIN:
            row["less the chain's"] = str(difference(mine, features[CHAIN], real))
        row |= {
            "seconds": round(seconds[name], 1),
            "times as quick": round(seconds[CHAIN] / seconds[name], 1),
        }
        print(name, json.dumps(row), flush=True)


if __name__ == "__main__":
    rounds, seed = [*sys.argv[1:], *["10", "0"][len(sys.argv[1:]) :]]
    main(int(rounds), int(seed))
