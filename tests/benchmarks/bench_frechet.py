"""Our Fréchet distance beside four known ones: `python tests/benchmarks/bench_frechet.py` prints one table.

Words after the command pick the cases whose name holds one of them: `... bench_frechet.py "500 x"`.

Every contestant gets the same float64 features, 2,048 wide, and makes moments of them, then the distance.
Time is counted in processor seconds, all threads together, in one process and in turn, so that other work on
the machine weighs on all alike. Ratios are theirs over ours within one round: of all, and of the distance
alone, from moments that are at hand. One thread, unless OMP_NUM_THREADS says more; six processor minutes.
"""

import contextlib
import io
import os
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # waiting threads must not be counted as work
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"]  # numpy's and scipy's, before they load

import numpy as np
import torch
from cleanfid.fid import frechet_distance as by_clean_fid
from pytorch_fid.fid_score import calculate_frechet_distance as by_pytorch_fid
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torchmetrics.image.fid import _compute_fid

from course_lib.metrics.frechet import Moments, frechet_distance

WIDTH = 2_048
ROUNDS = 3
FEWER = {"torchmetrics": 2, "pytorch-fid": 1, "clean-fid": 1}  # rounds of those that are never the quickest

Contestant = tuple[Callable, Callable]  # features -> moments; two moments -> distance


def by_numpy(x: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """As both pytorch-fid and clean-fid take mean and covariance."""
    return x.numpy().mean(0), np.cov(x.numpy(), rowvar=False)


def as_torchmetrics(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What FrechetInceptionDistance.update and .compute do with features."""
    mean = x.mean(0, keepdim=True)
    return mean.squeeze(0), (x.T @ x - len(x) * mean.T @ mean) / (len(x) - 1)


def our_moments(x: torch.Tensor) -> torch.Tensor | Moments:
    """With fewer samples than dimensions ours works on the features themselves."""
    return Moments.of(x) if len(x) >= x.shape[1] else x


OURS: Contestant = (our_moments, frechet_distance)
PEERS: dict[str, Contestant] = {
    "torch-fidelity": (
        fid_features_to_statistics,
        lambda a, b: fid_statistics_to_metric(a, b, verbose=False)["frechet_inception_distance"],
    ),
    "torchmetrics": (as_torchmetrics, lambda a, b: _compute_fid(*a, *b).item()),
    "pytorch-fid": (by_numpy, lambda a, b: float(by_pytorch_fid(*a, *b))),
    "clean-fid": (by_numpy, lambda a, b: float(by_clean_fid(*a, *b))),
}


def cases() -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(0)

    def draw(n: int, rank: int = WIDTH) -> torch.Tensor:
        return torch.randn(n, rank, generator=generator, dtype=torch.float64)

    i = torch.arange(1, WIDTH + 1, dtype=torch.float64)
    decay, turn = i**-1, torch.linalg.qr(draw(WIDTH)).Q
    low = draw(600, WIDTH) / 600**0.5
    even = draw(5_000)
    return {
        "5,000 x 2,048, well conditioned": (even, 1.2 * draw(5_000) + 0.1),
        "5,000 x 2,048, variances falling as 1/i²": (
            (draw(5_000) * decay) @ turn,
            (1.2 * draw(5_000) * decay) @ turn,
        ),
        "5,000 x 2,048, of rank 600": (draw(5_000, 600) @ low, 1.2 * draw(5_000, 600) @ low + 0.1),
        "5,000 x 2,048, identical": (even, even.clone()),
        "1,000 x 2,048": (even[:1_000], 1.2 * even[2_000:3_000] + 0.1),
        "500 x 2,048": (even[:500], 1.2 * even[2_000:2_500] + 0.1),
    }


def timed(contestant: Contestant, a: torch.Tensor, b: torch.Tensor) -> tuple[float | str, float, float]:
    """The value, or the name of what it raised; processor seconds for both moments, and for the distance."""
    prepare, distance = contestant
    began = time.process_time()
    a, b = prepare(a), prepare(b)
    prepared = time.process_time()
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = distance(a, b)
    except Exception as error:
        value = type(error).__name__
    return value, prepared - began, time.process_time() - prepared


def rows(name: str, a: torch.Tensor, b: torch.Tensor) -> list[str]:
    values, moments, distances, totals, alone = {}, {}, {}, {}, {}
    for index in range(ROUNDS):
        for by, contestant in {"**ours**": OURS, **PEERS}.items():
            if index >= FEWER.get(by, ROUNDS):
                continue
            values[by], before, after = timed(contestant, a, b)
            moments.setdefault(by, []).append(before)
            distances.setdefault(by, []).append(after)
            total, mine = before + after, (moments["**ours**"][-1], distances["**ours**"][-1])
            totals.setdefault(by, []).append(total / sum(mine))
            alone.setdefault(by, []).append(after / mine[1])
    lines = []
    for by, value in values.items():
        ours = by == "**ours**"
        off = "" if ours or isinstance(value, str) else difference(value, values["**ours**"])
        shown = value if isinstance(value, str) else f"{value:.9g}"
        spent = [span(moments[by]), span(distances[by])]
        ratios = ["", ""] if ours else [span(totals[by]), span(alone[by]) if len(a) >= WIDTH else "–"]
        lines.append(cells(name if ours else "", by, shown, off, *spent, *ratios, str(len(totals[by]))))
    return lines


def cells(*texts: str) -> str:
    return "| " + " | ".join(texts) + " |"


def difference(theirs: float, ours: float) -> str:
    return f"{abs(theirs - ours) / ours:.0e}" if ours else "–"


def span(values: list[float]) -> str:
    """The median, and the least and the most."""
    text = f"{statistics.median(values):.3g}"
    return text if len(values) == 1 else f"{text} ({min(values):.3g} to {max(values):.3g})"


def machine() -> str:
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:  # noqa: PTH123
        model = next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    parts = [model, f"{os.cpu_count()} cores", f"{torch.get_num_threads()} BLAS threads", platform.system()]
    parts += [f"Python {platform.python_version()}", f"torch {torch.__version__}", f"numpy {np.__version__}"]
    return ", ".join(parts)


def main() -> None:
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    seconds = "s, both moments", "s, distance"
    print(cells("features", "by", "distance", "off by", *seconds, "theirs / ours", "distance alone", "runs"))
    print("| --- | --- |" + " ---: |" * 7)
    for name, (a, b) in cases().items():
        if sys.argv[1:] and not any(word in name for word in sys.argv[1:]):
            continue
        print("\n".join(rows(name, a, b)), flush=True)
    print(f"\nProcessor seconds: median (least to most) of the runs. {machine()}.")


if __name__ == "__main__":
    main()
