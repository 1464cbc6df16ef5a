"""The Fréchet distance between two Gaussians fitted to features: FID when the features are Inception's.

Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium"
(arXiv:1706.08500), eq. (6), after Dowson and Landau (1982):

    d²(a, b) = |mu_a - mu_b|² + tr(S_a) + tr(S_b) - 2 tr((S_a S_b)^½)

The last trace needs no matrix root. With any root A of S_a, that is S_a = A'A, it is the sum of the square
roots of the eigenvalues of A S_b A', and also the nuclear norm of A B' (the sum of its singular values).
Which root is quick depends on what is known:

    fewer samples than dimensions   A is the centred features; with B too, (A B')(A B')' is only n x n
    full rank                       A is a Cholesky factor, and triangles multiply in half the time
    anything else                   A by eigenvectors, without the directions that are only rounding

Eigenvalues are the quicker way. Where they would lose too many digits (they are the singular values squared),
the nuclear norm is taken. All in float64: float32 is wrong by up to 5 %.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor

from course_lib.metrics.require import OtherFeatures, double, require_features, require_same_width
from course_lib.types import Features

EPS = torch.finfo(torch.float64).eps
UNEVEN = 1e4 * EPS  # a pivot is known to EPS times the largest; below this, do not trust its root
BLOCK = 256  # rows and columns: smaller triangles are multiplied whole
Vector = Float64[Tensor, " d"]
Matrix = Float64[Tensor, "d d"]
Square = Float64[Tensor, "r r"]
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
    root: Root | None = None
    triangular: bool = False  # the root is

    @classmethod
    def fit(cls, x: Features | Moments) -> "Gaussian":
        if isinstance(x, Tensor) and len(x) < x.shape[1]:
            root, mean = features_root(x)
            return cls(mean, root.square().sum().item(), None, root)
        moments = x if isinstance(x, Moments) else Moments.of(x)
        covariance = moments.covariance
        return cls(moments.mean, covariance.trace().item(), covariance)

    def any_root(self) -> Root:
        if self.root is None:
            self.root = cholesky_root(self.covariance)
            self.triangular = self.root is not None
        if self.root is None:
            self.root = eigenvector_root(self.covariance)
        return self.root


def trace_of_root(a: Gaussian, b: Gaussian) -> float:
    """tr((S_a S_b)^½) by the quickest way that is safe."""
    if a.root is None:
        a, b = b, a  # a root at hand is as good on either side
    eigenvalues = torch.linalg.eigvalsh(seen_through_root(a, b))
    if sums_safely(eigenvalues):
        return eigenvalues.sqrt().sum().item()
    return torch.linalg.svdvals(a.any_root() @ b.any_root().T).sum().item()


def seen_through_root(a: Gaussian, b: Gaussian) -> Square:
    """A S_b A', of which only what is on and below the diagonal is promised."""
    root = a.any_root()
    if b.root is not None:
        product = root @ b.root.T
        return gram(product if len(product) > product.shape[1] else product.T)
    return congruence(root, b.covariance) if a.triangular else root @ b.covariance @ root.T


def congruence(a: Matrix, s: Matrix) -> Matrix:
    """A S A' on and below its diagonal, for A upper triangular and S symmetric, without multiplying zeros.

    By halves, (A11 A12; 0 A22): as LAPACK's sygst, which torch lacks.
    """
    if len(a) <= BLOCK:
        return a @ s @ a.T
    h = len(a) // 2
    out = torch.zeros_like(s)
    half = s[h:, h:] @ a[:h, h:].T / 2
    below = torch.addmm(half, s[h:, :h], a[:h, :h].T)  # S21 A11' + S22 A12' / 2
    twice = a[:h, h:] @ below
    out[:h, :h] = congruence(a[:h, :h], s[:h, :h]).add_(twice).add_(twice.T)
    out[h:, :h] = a[h:, h:] @ below.add_(half)
    out[h:, h:] = congruence(a[h:, h:], s[h:, h:])
    return out


def sums_safely(eigenvalues: Float64[Tensor, " r"]) -> bool:
    """True if rounding, EPS of the largest in each, moves the sum of their roots by less than 1e-8 of it."""
    if len(eigenvalues) == 0 or eigenvalues[0] <= 4 * EPS * eigenvalues[-1]:
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


def features_root(features: Features) -> tuple[Root, Vector]:
    """A root of the covariance of n features with n - 1 rows, and their mean.

    Centred rows sum to 0, so one of them is too many and would be an eigenvalue of pure rounding.
    Householder's reflection turns that direction into the first row, which is left out.
    """
    centred, mean = centre(features)
    n = len(centred)
    return (centred[1:] + centred[0] / (n**0.5 - 1)) / (n - 1) ** 0.5, mean


def centre(features: Features) -> tuple[Float64[Tensor, "n d"], Vector]:
    """The features about their mean, and the mean, in float64."""
    x = double(features)
    mean = x.mean(0)
    return x - mean, mean


def gram(x: Float64[Tensor, "r d"]) -> Matrix:
    """x'x: what is above the diagonal is multiplied, what is below is copied.

    (NumPy does the same quicker on an idle machine, but times slower where its threads wait for other work.)
    """
    d = x.shape[1]
    out = torch.empty(d, d, dtype=x.dtype, device=x.device)
    for i in range(0, d, BLOCK):
        j = i + BLOCK
        torch.mm(x[:, i:j].T, x[:, i:], out=out[i:j, i:])
        out[j:, i:j] = out[i:j, j:].T
    return out


def width(x: Features | Moments) -> int:
    return len(x.mean) if isinstance(x, Moments) else x.shape[1]


def same(a: Features | Moments, b: OtherFeatures | Moments) -> bool:
    """True if both are the same numbers, so that rounding has no say in their distance."""
    if isinstance(a, Moments) and isinstance(b, Moments):
        return a.count == b.count and torch.equal(a.mean, b.mean) and torch.equal(a.scatter, b.scatter)
    return isinstance(a, Tensor) and isinstance(b, Tensor) and a.device == b.device and torch.equal(a, b)
