"""Intervals for scores whose questions come in clusters: questions about one section are right or wrong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

DRAWS = 2000
FEW = 5  # below so many clusters their spread cannot be estimated, and questions are taken as independent
Z = NormalDist().inv_cdf(0.975)
POWER = NormalDist().inv_cdf(0.8)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def detectable(self) -> float:
        """Of a difference: the smallest true one that questions of this number and spread would show in 80 of 100 such
        samples, (1.96 + 0.84) standard errors, the error taken from the interval."""
        return (self.high - self.low) / 2 * (1 + POWER / Z)


def wilson(share: float, n: float) -> Estimate:
    """Wilson's score interval of a proportion of `n` independent questions (Wilson 1927); n may be fractional."""
    centre = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * (share * (1 - share) / n + Z * Z / (4 * n * n)) ** 0.5
    return Estimate(share, max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half)))


def proportion(values: Sequence[float], clusters: Sequence[str]) -> Estimate:
    """Wilson's interval of a mean of 0 and 1 at the effective sample size.

    That is n divided by the design effect (the clustered variance over the binomial one), and adjusted for the few
    degrees of freedom that it was estimated with (Korn and Graubard 1998; Franco et al. 2019 recommend it with
    Wilson). A design effect below 1 is taken as 1. Raises ValueError for no value.
    """
    n, share = len(values), sum(values) / len(values) if values else 0.0
    if not n:
        raise ValueError("no values")
    sums = _cluster_sums([value - share for value in values], clusters)
    if len(sums) < FEW or not 0 < share < 1:
        return wilson(share, n)
    clustered = len(sums) / (len(sums) - 1) * sum(total * total for total in sums.values()) / (n * n)
    effect = max(1.0, clustered / (share * (1 - share) / n))
    return wilson(share, n / effect * (Z / _student(len(sums) - 1)) ** 2)


def bootstrap(columns: np.ndarray, clusters: Sequence[str], seed: int = 0) -> list[Estimate]:
    """The mean of each column of `columns` (n questions × k) with an interval by resampling whole clusters.

    The percentile interval is expanded for few clusters as Hesterberg 2015 (The American Statistician 69:4) gives it.
    As with a design effect, clusters only ever widen it: it is never narrower than that of n independent questions.
    A column without any spread gets what Wilson's interval gives for 0 of n, since what was not seen in n questions may
    yet happen. Values lie in -1..1.
    """
    import numpy as np

    columns = np.asarray(columns, dtype=float)
    n = len(columns)
    names, place = np.unique(np.asarray(clusters), return_inverse=True)
    if len(names) < FEW:
        names, place = np.arange(n), np.arange(n)
    sums, sizes = np.zeros((len(names), columns.shape[1])), np.bincount(place, minlength=len(names)).astype(float)
    np.add.at(sums, place, columns)
    tail = _expanded_tail(len(names))
    low, high = np.quantile(_resampled(sums, sizes, seed), [tail, 1 - tail], axis=0)
    least = np.where((columns == columns[0]).all(axis=0), wilson(0.0, n).high, Z * columns.std(axis=0) / n**0.5)
    narrow = (high - low) / 2 < least
    mean = columns.mean(axis=0)
    low, high = np.where(narrow, mean - least, np.minimum(low, mean)), np.where(narrow, mean + least, np.maximum(high, mean))
    return [Estimate(float(m), max(-1.0, float(a)), min(1.0, float(b))) for m, a, b in zip(mean, low, high)]


def _resampled(sums: np.ndarray, sizes: np.ndarray, seed: int) -> np.ndarray:
    """Means of `DRAWS` resamples (draws × k), drawn in slices: ten thousand clusters would fill the memory at once."""
    import numpy as np

    chance, count = np.random.default_rng(seed), len(sizes)
    step = max(1, 2_000_000 // count)
    means = []
    for start in range(0, DRAWS, step):
        weights = chance.multinomial(count, np.full(count, 1 / count), size=min(step, DRAWS - start)).astype(float)
        means.append((weights @ sums) / (weights @ sizes)[:, None])
    return np.concatenate(means)


def _expanded_tail(clusters: int) -> float:
    """The tail of the percentile interval that makes up for few clusters; 0.025 for many."""
    if clusters < 2:
        return 0.025
    return NormalDist().cdf(-((clusters / (clusters - 1)) ** 0.5) * _student(clusters - 1))


def _student(freedom: int) -> float:
    """The 97.5 % quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.975))


def _cluster_sums(values: Sequence[float], clusters: Sequence[str]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for value, cluster in zip(values, clusters):
        sums[cluster] = sums.get(cluster, 0.0) + value
    return sums
