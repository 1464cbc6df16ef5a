"""The Fréchet distance between two Gaussians fitted to features: FID when the features are Inception's.

Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium"
(arXiv:1706.08500), eq. (6), after Dowson and Landau (1982):

    d²(a, b) = |mu_a - mu_b|² + tr(S_a) + tr(S_b) - 2 tr((S_a S_b)^½)

The last trace needs no matrix root. With S_a = A'A and S_b = B'B it is the nuclear norm of A B' (the sum
of its singular values), and any two roots A and B will do. Which are quick depends on what is known:

    fewer samples than dimensions   A and B are the centred features: singular values of an n x m matrix
    both of full rank               A is a Cholesky factor: square roots of the eigenvalues of A S_b A'
    anything else                   roots by eigenvectors, without the directions that are only rounding

All in float64: float32 is wrong by up to 5 %.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float64
from torch import Tensor

from course_lib.metrics.require import OtherFeatures, double, require_features, require_same_width
from course_lib.types import Features

EPS = torch.finfo(torch.float64).eps
UNEVEN = 1e4 * EPS  # a pivot is known to EPS times the largest; below this, do not trust its root
Vector = Float64[Tensor, " d"]
Matrix = Float64[Tensor, "d d"]
Root = Float64[Tensor, "r d"]  # A, where A'A is the covariance


@dataclass
class Moments:
    """Count, mean and scatter: all the distance needs, in memory that does not grow with the count.

    scatter is the sum of (x - mean)(x - mean)'; the covariance is scatter / (count - 1).
    """

    count: int
    mean: Vector
    scatter: Matrix

    @classmethod
    def empty(cls, width: int, device: torch.device | str = "cpu") -> "Moments":
        zeros = torch.zeros(width + 1, width, dtype=torch.float64, device=device)
        return cls(0, zeros[0], zeros[1:])

    @classmethod
    def of(cls, features: Features) -> "Moments":
        centred, mean = centre(require_features(features))
        return cls(len(features), mean, gram(centred))

    def update(self, features: Features) -> "Moments":
        """Take in a further batch, in place. Bit for bit the same as merging with the batch's moments."""
        merged = self.merge(Moments.of(features))
        self.count, self.mean, self.scatter = merged.count, merged.mean, merged.scatter
        return self

    def merge(self, other: "Moments") -> "Moments":
        """The moments of both sets together (Chan, Golub and LeVeque 1979): exact, whatever the halves."""
        require_same_width(len(self.mean), len(other.mean))
        if self.count == 0:
            return Moments(other.count, other.mean.clone(), other.scatter.clone())
        count = self.count + other.count
        shift = other.mean.to(self.mean.device) - self.mean
        scatter = self.scatter + other.scatter.to(self.scatter.device)
        scatter.addr_(shift, shift, alpha=self.count * other.count / count)
        return Moments(count, self.mean + shift * (other.count / count), scatter)

    @property
    def covariance(self) -> Matrix:
        return self.scatter / (self.count - 1)


def frechet_distance(a: Features | Moments, b: OtherFeatures | Moments) -> float:
    """Squared Fréchet distance between the Gaussians with the mean and covariance of `a` and of `b`.

    Each is features (n, d), a row per sample, or `Moments`. Never negative, and 0 for identical sets.
    ValueError if a set has fewer than 2 samples, values that are not finite, or another width than the other.
    """
    for side in (a, b):
        if isinstance(side, Tensor):
            require_features(side, at_least=2)
        elif side.count < 2:
            raise ValueError(f"a Fréchet distance needs at least 2 samples on each side, got {side.count}")
    require_same_width(width(a), width(b))
    if same(a, b):
        return 0.0
    a, b = Gaussian.fit(a), Gaussian.fit(b)
    bures = a.trace + b.trace - 2 * trace_of_root(a, b)
    rounding = len(a.mean) * EPS * (a.trace + b.trace)  # what float64 cannot tell from 0
    return (a.mean - b.mean).square().sum().item() + (bures if bures > rounding else 0.0)


@dataclass
class Gaussian:
    """A mean with its covariance, or with a root A of it (A'A is the covariance) where that is smaller."""

    mean: Vector
    trace: float  # of the covariance
    covariance: Matrix | None
    root: Root | None  # centred features / sqrt(n - 1), if n < d

    @classmethod
    def fit(cls, x: Features | Moments) -> "Gaussian":
        if isinstance(x, Tensor) and len(x) < x.shape[1]:
            centred, mean = centre(x)
            root = centred / (len(x) - 1) ** 0.5
            return cls(mean, root.square().sum().item(), None, root)
        moments = x if isinstance(x, Moments) else Moments.of(x)
        return cls(moments.mean, moments.covariance.trace().item(), moments.covariance, None)

    def any_root(self) -> Root:
        if self.root is None:
            self.root = cholesky_root(self.covariance)
        if self.root is None:
            self.root = eigenvector_root(self.covariance)
        return self.root


def trace_of_root(a: Gaussian, b: Gaussian) -> float:
    """tr((S_a S_b)^½) by the quickest way that is safe."""
    if a.root is None and b.root is None:
        a.root = cholesky_root(a.covariance)
        if a.root is not None:
            eigenvalues = torch.linalg.eigvalsh(lower_half(a.root, b.covariance))  # reads only that half
            if sums_safely(eigenvalues):
                return eigenvalues.sqrt().sum().item()
    return nuclear_norm(a.any_root() @ b.any_root().T)


def lower_half(root: Matrix, s: Matrix) -> Matrix:
    """A S A' on and below its diagonal, for an upper triangular A, without multiplying A's zeros."""
    half, product = torch.empty_like(s), torch.zeros_like(s)
    cuts = torch.linspace(0, len(s), 9).int().tolist()
    blocks = list(pairwise(cuts))
    for i, j in blocks:
        half[i:j] = root[i:j, i:] @ s[i:]
    for i, j in blocks:
        product[i:, i:j] = half[i:, i:] @ root[i:j, i:].T
    return product


def sums_safely(eigenvalues: Vector) -> bool:
    """True if rounding, EPS of the largest in each, moves the sum of their roots by less than 1e-8 of it."""
    if eigenvalues[0] <= 4 * EPS * eigenvalues[-1]:
        return False
    roots = eigenvalues.sqrt()
    return bool(EPS * eigenvalues[-1] * (1 / roots).norm() / 2 < 1e-8 * roots.sum())


def cholesky_root(s: Matrix) -> Root | None:
    """The triangular root of s, or None where s is so close to singular that rounding would decide it."""
    root, failed = torch.linalg.cholesky_ex(s, upper=True)
    pivots = root.diagonal().square()
    return None if failed or pivots.min() < UNEVEN * pivots.max() else root


def eigenvector_root(s: Matrix) -> Root:
    """A root of s with one row for each direction whose variance is more than rounding."""
    values, vectors = torch.linalg.eigh(s)
    kept = values > len(s) * EPS * values[-1]
    return (vectors[:, kept] * values[kept].sqrt()).T


def nuclear_norm(x: Float64[Tensor, "r s"]) -> float:
    return torch.linalg.svdvals(x).sum().item()


def centre(features: Features) -> tuple[Float64[Tensor, "n d"], Vector]:
    """The features about their mean, and the mean, in float64."""
    x = double(features)
    mean = x.mean(0)
    return x - mean, mean


def gram(x: Float64[Tensor, "r d"]) -> Matrix:
    """x'x. NumPy knows that it is symmetric and does half of the work."""
    if x.device.type != "cpu":
        return x.T @ x
    x = x.numpy()
    return torch.from_numpy(x.T @ x)


def width(x: Features | Moments) -> int:
    return len(x.mean) if isinstance(x, Moments) else x.shape[1]


def same(a: Features | Moments, b: OtherFeatures | Moments) -> bool:
    """True if both are the same numbers, so that rounding has no say in their distance."""
    if isinstance(a, Moments) and isinstance(b, Moments):
        return a.count == b.count and torch.equal(a.mean, b.mean) and torch.equal(a.scatter, b.scatter)
    return isinstance(a, Tensor) and isinstance(b, Tensor) and a.device == b.device and torch.equal(a, b)
