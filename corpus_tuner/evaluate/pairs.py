"""Each pair of arms on the same questions: who alone is right how often, and whether that could be chance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import NamedTuple

from corpus_tuner.evaluate.statistics import FEW

BINARY = ("exact", "contained")
SURE = 0.05  # p-values below it show a difference
NO_DIFFERENCE = "no difference shown"


@dataclass(frozen=True, slots=True)
class Pair:
    """McNemar's test of two arms on one class: `left_only` questions that the left one alone has right, and the other
    way round. `p` is two-sided; `adjusted` is corrected for the number of classes that the two were compared on (Holm)."""

    left: str
    right: str
    cls: str
    metric: str
    n: int
    left_only: int
    right_only: int
    p: float
    adjusted: float

    @property
    def verdict(self) -> str:
        """The arm that is shown to be better after correction, or "no difference shown"."""
        if self.adjusted >= SURE or self.left_only == self.right_only:
            return NO_DIFFERENCE
        return self.left if self.left_only > self.right_only else self.right


class Counted(NamedTuple):
    """Discordant questions, and the p-value."""

    left_only: int
    right_only: int
    p: float


def mcnemar(left: Sequence[float], right: Sequence[float], clusters: Sequence[str] = ()) -> Counted:
    """McNemar's test of paired rights (1) and wrongs (0), in its exact mid-p form (Fagerland, Lydersen and Laake 2013).

    Questions of a cluster share their luck: with enough `clusters` the p-value is the larger of that and the one of
    Obuchowski's statistic for clustered pairs as Yang, Sun and Hardin 2010 modify it, (Σ dₖ)² / Σ dₖ² with dₖ the
    difference of the discordant counts in cluster k. So clusters only ever make it more cautious.
    """
    from scipy.special import bdtr, chdtrc

    gaps = [int(a > 0.5) - int(b > 0.5) for a, b in zip(left, right)]
    won, lost = gaps.count(1), gaps.count(-1)
    if not won + lost:
        return Counted(0, 0, 1.0)
    fewer, total = min(won, lost), won + lost
    below = float(bdtr(fewer - 1, total, 0.5)) if fewer else 0.0
    p = 1.0 if won == lost else below + float(bdtr(fewer, total, 0.5))  # 2 P(X ≤ fewer) - P(X = fewer)
    sums: dict[str, int] = defaultdict(int)
    for gap, cluster in zip(gaps, clusters):
        sums[cluster] += gap
    spread = sum(gap * gap for gap in sums.values())
    if len(sums) >= FEW and spread:
        p = max(p, float(chdtrc(1, (won - lost) ** 2 / spread)))
    return Counted(won, lost, min(1.0, float(p)))


def holm(values: Sequence[float]) -> list[float]:
    """The p-values corrected for their number by the step-down method of Holm 1979: the smallest of k times k, the next
    times k - 1, ..., none below the one before. (statsmodels' own collects garbage at each call, 0.16 s.)"""
    order = sorted(range(len(values)), key=lambda place: values[place])
    corrected, least = [0.0] * len(values), 0.0
    for rank, place in enumerate(order):
        least = max(least, min(1.0, (len(values) - rank) * values[place]))
        corrected[place] = least
    return corrected


def compare(classes: Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]], clusters: Mapping[str, Sequence[str]]) -> list[Pair]:
    """Every pair of arms on every class (`classes`: class → arm → the scores of each question, in one order)."""
    found: list[Pair] = []
    arms = list(next(iter(classes.values()), {}))
    for left, right in combinations(arms, 2):
        for metric in BINARY:
            tests = list(_tests(classes, clusters, (left, right, metric)))
            found += [replace(one, adjusted=value) for one, value in zip(tests, holm([one.p for one in tests]))]
    return found


def _tests(
    classes: Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]], clusters: Mapping[str, Sequence[str]], what: tuple[str, str, str]
) -> Iterator[Pair]:
    left, right, metric = what
    for cls, scores in classes.items():
        one, other = ([row[metric] for row in scores[arm]] for arm in (left, right))
        counted = mcnemar(one, other, clusters[cls])
        yield Pair(left, right, cls, metric, len(one), *counted, adjusted=counted.p)


def shown(pairs: Iterable[Pair]) -> list[Pair]:
    """Those whose difference is more than chance after correction."""
    return [one for one in pairs if one.verdict != NO_DIFFERENCE]
