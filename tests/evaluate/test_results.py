"""Figures by arm, class, kind and section, on answers that were planted."""

from __future__ import annotations

import pytest
from planted import Planted

from corpus_tuner.evaluate.questions import ALL
from corpus_tuner.evaluate.results import Results, aggregate
from corpus_tuner.evaluate.score import METRICS, ask
from corpus_tuner.records import Answer, Question, Section


def test_planted_shares_come_out(results: Results) -> None:
    """Every arm has the shares that it was built with, in each class."""
    expected = {
        ("base", "trained"): (0.0, 0.0),
        ("expert", "trained"): (1.0, 1.0),
        ("expert", "paraphrase"): (0.6, 0.6),
        ("nearest", "paraphrase"): (0.8, 0.8),
        ("retrieval", "trained"): (0.0, 1.0),
    }
    for (arm, cls), (exact, contained) in expected.items():
        cell = results.cell(arm, cls)
        assert (cell.n, cell.clusters) == (120, 12)
        assert (cell.exact.value, cell.contained.value) == pytest.approx((exact, contained))


def test_every_interval_holds_its_mean(results: Results) -> None:
    """Low ≤ mean ≤ high, within 0 and 1, and none has no width."""
    for cell in results.cells:
        for metric in METRICS:
            one = getattr(cell, metric)
            assert 0 <= one.low <= one.value <= one.high <= 1
            assert one.low < one.high


def test_all_is_the_sum_of_the_classes_and_kinds(results: Results) -> None:
    """Counts of classes, of kinds and of sections each add up to all questions."""
    for arm in results.arms:
        total = results.cell(arm).n
        assert total == 240
        assert sum(results.cell(arm, cls).n for cls in results.classes) == total
        assert sum(results.cell(arm, ALL, kind).n for kind in results.kinds) == total
        assert sum(one.n for one in results.sections if one.arm == arm and one.cls == ALL) == total


def test_sections_come_in_the_order_of_the_corpus(results: Results) -> None:
    """The heat map follows the document, and a section's mean is that of its questions."""
    rows = [one for one in results.sections if one.arm == "expert" and one.cls == "paraphrase"]
    assert [one.section_id for one in rows] == [f"s{n}" for n in range(12)]
    assert rows[3].heading == "Moon > Part > Section 3"
    assert {(one.n, one.exact) for one in rows} == {(10, 0.6)}


def test_the_expert_is_held_against_every_other_arm(results: Results) -> None:
    """It loses to nearest by 20 points on paraphrases, is level on trained ones, and beats the base: with intervals."""
    behind = results.against("nearest", "paraphrase", "exact")
    assert behind.verdict == "behind"
    assert behind.difference.value == pytest.approx(-0.2)
    assert results.against("nearest", "trained", "exact").verdict == "no difference shown"
    assert results.against("base", "paraphrase", "f1").verdict == "ahead"
    assert {one.against for one in results.differences} == {"base", "retrieval", "nearest"}


def test_without_an_expert_there_is_nothing_to_hold_against(corpus: tuple[list[Section], list[Question]]) -> None:
    """Other arms are scored; no difference is claimed."""
    found, asked = corpus
    only = aggregate(asked, {"base": list(ask(asked, Planted("base", {"trained": 5, "paraphrase": 5})))}, found)
    assert only.differences == ()
    assert only.cell("base").exact.value == 0.5


def test_answers_of_other_questions_are_refused(corpus: tuple[list[Section], list[Question]]) -> None:
    """Answers in another order would score the wrong questions: that is an error, not a figure."""
    found, asked = corpus
    answers = list(ask(asked, Planted("base", {"trained": 5, "paraphrase": 5})))
    with pytest.raises(ValueError, match="not those of the questions"):
        aggregate(asked, {"base": answers[::-1]}, found)


def test_questions_without_evidence_count_each_for_itself() -> None:
    """A user's own questions have no section: no row of the heat map, a cluster each."""
    asked = [Question(f"q{n}", "own", f"own {n}", (f"Gold{n}",)) for n in range(20)]
    given = [Answer(one.id, "expert", "x", {"exact": float(n % 2), "f1": 0.5, "contained": 1.0}) for n, one in enumerate(asked)]
    found = aggregate(asked, {"expert": given}, [])
    assert found.cell("expert", "own").clusters == 20
    assert found.sections == ()
    assert found.classes == ("own",)
