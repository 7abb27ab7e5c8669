"""Intervals that hold what they promise, measured by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from corpus_tuner.evaluate.statistics import bootstrap, proportion, wilson


@pytest.mark.parametrize(("right", "n"), [(0, 12), (7, 12), (155, 310), (12, 12)])
def test_wilson_is_scipys(right: int, n: int) -> None:
    """The score interval agrees with scipy's."""
    found, known = wilson(right / n, n), binomtest(right, n).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((known.low, known.high), abs=1e-4)


def test_clusters_that_agree_widen_an_interval() -> None:
    """Twelve sections all right or all wrong tell less than 120 questions that are right independently."""
    values = [float(cluster % 2) for cluster in range(12) for _ in range(10)]
    together = proportion(values, [str(cluster) for cluster in range(12) for _ in range(10)])
    alone = proportion(values, [str(n) for n in range(120)])
    assert together.high - together.low > 2.5 * (alone.high - alone.low)


def test_nothing_seen_is_not_never() -> None:
    """Without any spread an interval still has a width, and a smaller one for more questions."""
    few, many = (bootstrap(np.zeros((n, 1)), [str(i) for i in range(n)])[0] for n in (10, 1000))
    assert few.low < -0.2 < 0.2 < few.high
    assert -0.01 < many.low < many.value == 0 < many.high < 0.01
    assert proportion([1.0] * 20, ["a"] * 20).low < 0.9


def test_an_interval_is_the_same_every_time() -> None:
    """The same values give the same interval."""
    columns = np.random.default_rng(0).random((50, 2))
    clusters = [str(n // 5) for n in range(50)]
    assert bootstrap(columns, clusters) == bootstrap(columns, clusters)


def test_no_value_is_an_error() -> None:
    """There is no mean of nothing."""
    with pytest.raises(ValueError, match="no values"):
        proportion([], [])


def simulate(sections: int, gap: float, seed: int) -> tuple[np.ndarray, list[str]]:
    """Paired differences of two arms over sections of 1 to 9 questions whose difficulty varies by section."""
    chance = np.random.default_rng(seed)
    sizes = chance.integers(1, 10, size=sections)
    share = np.repeat(chance.beta(4, 3, size=sections), sizes)
    first = chance.random(len(share)) < np.minimum(1, share + gap)
    second = chance.random(len(share)) < share
    return (first.astype(float) - second)[:, None], [str(n) for n in np.repeat(np.arange(sections), sizes)]


def test_two_arms_of_equal_accuracy_rarely_seem_different() -> None:
    """With independent errors at the same rate, at least 182 of 200 experiments show no difference (nominal 190)."""
    found = [bootstrap(*simulate(25, 0.0, seed))[0] for seed in range(200)]
    assert sum(one.low <= 0 <= one.high for one in found) >= 182


def test_a_large_difference_is_found() -> None:
    """20 points over about 125 questions are shown in at least 80 of 100 experiments."""
    found = [bootstrap(*simulate(25, 0.2, seed))[0] for seed in range(100)]
    assert sum(one.low > 0 for one in found) >= 80


def test_sections_of_different_luck_are_allowed_for() -> None:
    """Where one arm knows some sections and the other others, at least 182 of 200 experiments show no difference."""
    held = 0
    for seed in range(200):
        chance = np.random.default_rng(seed)
        sizes = chance.integers(3, 10, size=6)
        first, second = (np.repeat(chance.beta(1, 1, size=6), sizes) for _ in range(2))
        columns = (chance.random(len(first)) < first).astype(float) - (chance.random(len(first)) < second)
        found = bootstrap(columns[:, None], [str(n) for n in np.repeat(np.arange(6), sizes)])[0]
        held += found.low <= 0 <= found.high
    assert held >= 182


def test_an_interval_of_a_proportion_holds_the_truth() -> None:
    """Over sections whose difficulty varies, the 95 % interval holds the true share in at least 91 % of 300 draws."""
    held = 0
    for seed in range(300):
        chance = np.random.default_rng(seed)
        sizes = chance.integers(1, 10, size=20)
        share = np.repeat(chance.beta(7, 3, size=20), sizes)
        values = (chance.random(len(share)) < share).astype(float).tolist()
        found = proportion(values, [str(n) for n in np.repeat(np.arange(20), sizes)])
        held += found.low <= 0.7 <= found.high
    assert held >= 273
