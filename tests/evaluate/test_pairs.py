"""McNemar's test of two arms, its correction for many classes, and what a sample could have shown."""

from __future__ import annotations

import random

import pytest

from corpus_tuner.evaluate.advice import advice
from corpus_tuner.evaluate.pairs import compare, holm, mcnemar, shown
from corpus_tuner.evaluate.results import Results, aggregate
from corpus_tuner.evaluate.statistics import bootstrap
from corpus_tuner.records import Answer, Question


def scored(arm: str, right: list[bool]) -> list[Answer]:
    return [Answer(f"q{i}", arm, "", dict.fromkeys(("exact", "f1", "contained"), float(one))) for i, one in enumerate(right)]


def outcome(arms: dict[str, list[bool]], cls: str = "paraphrase") -> Results:
    count = len(next(iter(arms.values())))
    asked = [Question(f"q{i}", cls, f"Question {i}?", ("x",)) for i in range(count)]
    return aggregate(asked, {arm: scored(arm, right) for arm, right in arms.items()}, [])


def test_the_mid_p_value_is_that_of_the_literature() -> None:
    """The example of Fagerland, Lydersen and Laake 2013: 1 against 7 discordant pairs gives a mid-p value of 0.039."""
    left, right = [1.0] * 1 + [0.0] * 7 + [1.0] * 13, [0.0] * 1 + [1.0] * 7 + [1.0] * 13
    assert mcnemar(left, right) == (1, 7, pytest.approx(0.0391, abs=5e-4))
    assert mcnemar(right, left) == (7, 1, pytest.approx(0.0391, abs=5e-4))
    assert mcnemar([1.0], [1.0]) == (0, 0, 1.0)


def test_clusters_only_ever_make_it_more_cautious() -> None:
    """Differences that all lie in few sections prove less than the same number spread over all."""
    left, right = [1.0] * 20 + [0.0] * 80, [0.0] * 100
    spread = mcnemar(left, right, [str(i) for i in range(100)])
    lumped = mcnemar(left, right, [str(i // 10) for i in range(100)])
    assert spread.p == pytest.approx(mcnemar(left, right).p, abs=1e-4)
    assert lumped.p > 0.1 > 0.001 > spread.p


def test_holm_corrects_step_by_step() -> None:
    """The smallest of k is multiplied by k, the next by k - 1, and never falls below the one before."""
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


def test_twenty_classes_without_a_difference_show_none() -> None:
    """One in twenty would look significant by chance: after correction at most a few of 40 reports claim anything."""
    claimed = uncorrected = 0
    for seed in range(40):
        chance = random.Random(seed)
        scores = {
            f"class {c}": {arm: [{"exact": float(chance.random() < 0.5), "contained": 0.0} for _ in range(60)] for arm in "ab"}
            for c in range(20)
        }
        pairs = compare(scores, {cls: [str(i) for i in range(60)] for cls in scores})
        claimed += bool(shown(pairs))
        uncorrected += any(one.p < 0.05 for one in pairs)
    assert uncorrected > 15
    assert claimed <= 6


def claims(samples: list[tuple[list[bool], list[bool]]]) -> tuple[int, int]:
    """In how many of `samples` the bootstrap's interval, and McNemar's test, claim that the left one is better or worse."""
    import numpy as np

    clusters = [str(place) for place in range(len(samples[0][0]))]
    gaps = np.array([[float(a) - float(b) for a, b in zip(left, right)] for left, right in samples]).T
    bounds = bootstrap(gaps, clusters)  # a column each: they share the draws and nothing else
    tests = [mcnemar(list(map(float, left)), list(map(float, right)), clusters) for left, right in samples]
    return sum(one.low > 0 or one.high < 0 for one in bounds), sum(one.p < 0.05 for one in tests)


def test_two_experts_of_equal_accuracy_show_no_difference() -> None:
    """Independent errors at 60 %, 155 questions: no difference is claimed for at least 182 of 200 seeds, by either test."""
    chances = [random.Random(seed) for seed in range(200)]
    loud = claims([tuple([chance.random() < 0.6 for _ in range(155)] for _ in range(2)) for chance in chances])
    assert max(loud) <= 18
    assert min(loud) > 0  # a 5 % test claims one sometimes


def test_ten_points_at_155_questions_are_found_in_about_80_of_100() -> None:
    """20 % discordant pairs, 10 points: both tests find the true difference with the power they were planned for."""
    samples = []
    for seed in range(200):
        chance = random.Random(1000 + seed)
        draws = [chance.random() for _ in range(155)]
        expert = [draw < 0.15 or draw > 0.6 for draw in draws]  # alone right on 15 %, wrong alone on 5 %
        samples.append((expert, [0.15 <= draw < 0.20 or draw > 0.6 for draw in draws]))
    found = claims(samples)
    assert all(145 <= count <= 175 for count in found), found


def test_the_smallest_detectable_difference_is_that_of_the_power_table() -> None:
    """155 questions with 20 % discordant pairs can show 10 points and 626 questions 5."""
    for count, points in ((155, 0.10), (626, 0.05)):
        tenth = count // 10
        left, right = [True] * tenth + [False] * (count - tenth), [False] * tenth + [True] * tenth + [False] * (count - 2 * tenth)
        one = outcome({"expert": left, "nearest": right}).against("nearest", "paraphrase", "exact")
        assert one.detectable == pytest.approx(points, rel=0.12)


def test_the_unknown_subset_is_what_the_base_never_had_right() -> None:
    """Asked thrice, a question that the base had right once is none of it; trained questions never are."""
    asked = [Question(f"q{i}", "trained" if i < 2 else "unseen", f"Q{i}?", ("x",)) for i in range(10)]
    base = scored("base", [False] * 8 + [True] * 2)
    again = [scored("base", [False] * 7 + [True] * 3), scored("base", [False, False, True] + [False] * 7)]
    found = aggregate(asked, {"base": base, "expert": scored("expert", [True] * 5 + [False] * 5)}, [], again)
    cell = found.cell("expert", "unknown to the base")
    assert (cell.n, cell.exact.value) == (4, 0.5)  # q3 to q6
    assert found.cell("base", "unknown to the base").exact.value == 0
    assert aggregate(asked, {"expert": base}, []).cell("expert", "unknown to the base") is None


def test_what_the_corpus_does_not_answer_is_none_of_the_unknown_subset() -> None:
    """General facts and unanswerable questions have classes of their own, and no advice follows from them."""
    asked = [Question(f"q{i}", cls, f"Q{i}?", ("x",)) for i, cls in enumerate(["unseen", "known", "far", "near"] * 5)]
    found = aggregate(asked, {"base": scored("base", [False] * 20), "expert": scored("expert", [True] * 20)}, [])
    assert found.cell("expert", "unknown to the base").n == 5
    assert len(advice(found)) == 1
