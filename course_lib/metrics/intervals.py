"""How far a number can be trusted: standard errors, intervals, and what more samples would change.

A Fréchet distance has a spread (another sample gives another number) and a bias (few samples give too large a
number). `frechet_with_error` measures the spread; the floor, real against real, and `frechet_infinity` show
the bias. The interval is for the distance at this number of samples, so compare models at one and the same n.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from course_lib.device import one_thread
from course_lib.metrics.frechet import Moments, frechet_distance
from course_lib.metrics.require import OtherFeatures, require_features
from course_lib.types import Features

WIDE = 256  # dimensions from which a bootstrap of the Fréchet distance costs too much
Z = 1.96  # a normal variable lies within this many standard deviations in 95 of 100 cases


@dataclass(frozen=True)
class Estimate:
    """A value with its standard error. `how` says what the error was measured with."""

    value: float
    error: float
    how: str = ""

    @property
    def interval(self) -> tuple[float, float]:
        """95 %: value ± 1.96 standard errors."""
        return self.value - Z * self.error, self.value + Z * self.error

    def __str__(self) -> str:
        """As many digits as the error allows, two of its own: "12.34 ± 0.56"."""
        size = max(self.error, abs(self.value) / 1000)
        digits = min(6, max(0, 1 - int(np.floor(np.log10(size))))) if size > 0 else 1
        return f"{self.value:,.{digits}f} ± {self.error:,.{digits}f}"


def share(hits: Bool[Tensor, " n"]) -> Estimate:
    """The share of hits, with its binomial standard error."""
    p = hits.double().mean().item()
    return Estimate(p, (p * (1 - p) / len(hits)) ** 0.5, "binomial")


def frechet_with_error(
    a: Features, b: OtherFeatures, *, repeats: int = 100, groups: int = 10, seed: int = 0
) -> Estimate:
    """The Fréchet distance with a standard error: a bootstrap if d <= 256, else a jackknife over groups."""
    if a.shape[1] <= WIDE:
        return bootstrap(frechet_distance, [a, b], repeats=repeats, seed=seed)
    return frechet_jackknife(a, b, groups=groups, seed=seed)


def bootstrap(
    statistic: Callable[..., float], sets: Sequence[Tensor], *, repeats: int = 100, seed: int = 0
) -> Estimate:
    """statistic(*sets), and the deviation of its values when each set is redrawn from itself with repetition.

    Only the deviation is used: the repetitions make a Fréchet distance larger, so their mean says nothing.
    """
    generator = torch.Generator().manual_seed(seed)

    def redraw(x: Tensor) -> Tensor:
        return x[torch.randint(len(x), (len(x),), generator=generator).to(x.device)]

    with one_thread():  # many small matrices
        values = [statistic(*(redraw(x) for x in sets)) for _ in range(repeats)]
    return Estimate(statistic(*sets), float(np.std(values, ddof=1)), f"bootstrap, {repeats} repeats")


def frechet_jackknife(a: Features, b: OtherFeatures, *, groups: int = 10, seed: int = 0) -> Estimate:
    """The Fréchet distance and its delete-a-group jackknife error: `groups` + 1 distances, at any width.

    Moments merge, so leaving a group out costs no second look at the features (Shao and Tu 1995, eq. 2.61).
    """
    require_features(a, at_least=2 * groups)
    require_features(b, at_least=2 * groups)
    parts_a, parts_b = _parts(a, groups, seed), _parts(b, groups, seed + 1)
    values = [frechet_distance(_without(parts_a, g), _without(parts_b, g)) for g in range(groups)]
    error = float(np.sqrt((groups - 1) * np.var(values)))
    return Estimate(frechet_distance(a, b), error, f"jackknife, {groups} groups")


def _parts(x: Features, groups: int, seed: int) -> list[Moments]:
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed)).to(x.device)
    return [Moments.of(x[rows]) for rows in order.tensor_split(groups)]


def _without(parts: list[Moments], left_out: int) -> Moments:
    kept = Moments.empty(len(parts[0].mean), parts[0].mean.device)
    for g, part in enumerate(parts):
        if g != left_out:
            kept = kept.merge(part)
    return kept


def frechet_infinity(a: Features, b: OtherFeatures, *, points: int = 15, seed: int = 0) -> float:
    """The distance to expect of endless samples on both sides (Chong and Forsyth, arXiv:1911.07023, 3.1).

    The bias falls as 1 / n. So: distances of `points` random parts, the same share of either set, from a
    quarter to all; a straight line through them over 1 / share; its value at 0. May come out below 0.
    """
    shares = np.linspace(0.25, 1, points)
    generator = torch.Generator().manual_seed(seed)
    values = [frechet_distance(_part(a, share, generator), _part(b, share, generator)) for share in shares]
    return float(np.polynomial.Polynomial.fit(1 / shares, values, 1)(0.0))


def _part(x: Features, share: float, generator: torch.Generator) -> OtherFeatures:
    rows = torch.randperm(len(x), generator=generator)[: max(2, round(share * len(x)))]
    return x[rows.to(x.device)]


def warn_if_few(n: int, d: int) -> None:
    """Warn where n samples cannot pin down d x d covariances; FID's authors ask for 5 d (10,000 of 2,048)."""
    if n < 5 * d:
        matter = "the covariance is singular and the distance" if n <= d else "the distance"
        warnings.warn(
            f"{n:,} samples are few for {d:,} features: {matter} comes out much too large, so use at least "
            f"{5 * d:,}, or compare only with distances of as many samples.",
            stacklevel=2,
        )
