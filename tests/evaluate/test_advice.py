"""The advice follows from the paired differences, and the break-even from what was paid."""

from __future__ import annotations

import random

import pytest
from planted import outcome

from corpus_tuner.evaluate.advice import advice, breakeven, money
from corpus_tuner.evaluate.results import aggregate
from corpus_tuner.evaluate.wording import measure
from corpus_tuner.records import Answer, Question


def only(right: dict[str, int], cls: str = "paraphrase", n: int = 100) -> tuple[str, str]:
    """The way and the sentence of the one class."""
    (found,) = advice(outcome(cls, right, n))
    assert found.cls == cls
    return found.way, found.sentence


def test_what_is_shown_to_be_better_is_advised_with_its_figures() -> None:
    """Train, retrieve or both, each with points, interval, shares."""
    way, said = only({"base": 0, "expert": 60, "retrieval": 59, "nearest": 80})
    assert way == "retrieve"
    assert said.startswith("Retrieve. On paraphrases nearest is ahead of the expert by 20 points [1")
    assert "80\u00a0% against 60\u00a0%" in said
    way, said = only({"expert": 80, "retrieval": 20, "nearest": 30})
    assert way == "train"
    assert "of nearest by 50 points" in said
    assert "of retrieval by 60 points" in said
    way, said = only({"expert": 40, "retrieval": 20, "nearest": 30, "expert+retrieval": 70, "expert+reader": 10})
    assert way == "both"
    assert "expert+retrieval is ahead of the expert by 30 points" in said
    assert "of nearest by 40 points" in said


def test_both_are_advised_only_where_they_beat_either_alone() -> None:
    """Two that do no better than retrieval alone are no reason to train, and the sentence says so."""
    way, said = only({"expert": 40, "nearest": 70, "expert+retrieval": 71})
    assert way == "retrieve"
    assert "expert+retrieval shows no gain over it: +1 point" in said
    way, said = only({"expert": 80, "nearest": 30, "expert+reader": 60})
    assert way == "train"
    assert "expert+reader does worse: \u221220 points" in said


def test_no_difference_shown_is_said_and_decides_nothing() -> None:
    """With many questions: what such a sample would have shown; with few: that they are few; what it beats all the same."""
    way, said = only({"expert": 80, "retrieval": 20, "nearest": 80})
    assert way == "open"
    assert "no difference between the expert and nearest is shown by 100 questions" in said
    assert "such a sample would have shown" in said
    assert "It is ahead of retrieval by 60 points" in said
    way, said = only({"expert": 5, "nearest": 6}, n=9)
    assert way == "open"
    assert "9 questions are too few to tell the expert from nearest" in said


def test_nothing_is_claimed_without_the_questions_or_arms_for_it() -> None:
    """Trained questions alone, no look-up, and no expert each get a sentence that says what is missing."""
    (found,) = advice(outcome("trained", {"expert": 100, "nearest": 90}))
    assert "what it recalls" in found.sentence
    assert "neither nearest nor retrieval was asked" in only({"expert": 100, "base": 90}, "own")[1]
    (found,) = advice(outcome("own", {"base": 90}))
    assert found.sentence == "No expert was asked, so nothing can be said about one."


@pytest.mark.parametrize("points", [0, 15])
def test_a_side_is_taken_only_where_the_interval_leaves_out_no_difference(points: int) -> None:
    """Of samples of equal arms, and of such that differ; how seldom that is by chance is measured in test_pairs."""
    sides = 0
    asked = [Question(f"q{i}", "paraphrase", f"Question {i}?", ("Borman",)) for i in range(155)]
    for seed in range(12):
        chance = random.Random(seed)
        drawn = {arm: [float(chance.random() < share) for _ in asked] for arm, share in (("expert", 0.6 + points / 100), ("nearest", 0.6))}
        given = {
            arm: [Answer(one.id, arm, "x", dict.fromkeys(("exact", "f1", "contained"), value)) for one, value in zip(asked, values)]
            for arm, values in drawn.items()
        }
        found = aggregate(asked, given, [])
        gap = found.against("nearest", "paraphrase", measure(found, "paraphrase")).difference
        (said,) = advice(found)
        assert said.way == ("train" if gap.low > 0 else "retrieve" if gap.high < 0 else "open")
        sides += said.way != "open"
    assert 4 <= sides <= 11 if points else sides <= 3


def costs(**changed: object) -> dict[str, object]:
    """What costs.Costs is as JSON."""
    spent = [{"stage": "generate", "model": "m", "calls": 3, "tokens": {"prompt": 10}, "cost": 0.5}]
    ways = [
        {"name": "tuned model", "once": 0.5, "question": 0.00001, "breakeven": None},
        {"name": "corpus in every prompt", "once": 0.0, "question": 0.001, "breakeven": 506},
        {"name": "retrieval", "once": 0.0, "question": 0.00011, "breakeven": 5000},
    ]
    return {"seconds": {}, "spent": spent, "ways": ways, "currency": "EUR", "dated": "2026-11-21"} | changed


def test_the_break_even_is_that_with_retrieval() -> None:
    """With prices the number of questions; without, where to write them; never, and nothing paid, in words."""
    assert breakeven(costs()).endswith("it pays from 5,000 questions on, a month if it is trained anew every month.")
    assert "took 0.50 EUR once and takes 0.010 for 1,000 answers, retrieval 0.11" in breakeven(costs())
    never = costs()["ways"]
    never[-1]["breakeven"] = None
    assert "never pays by its cost alone" in breakeven(costs(ways=never))
    judged = {"stage": "judge", "model": "j", "calls": 3, "tokens": {}, "cost": 0.5}
    assert "No price is known for m," in breakeven(costs(ways=[], spent=[costs()["spent"][0] | {"cost": None}, judged]))
    assert "no break-even" in breakeven(costs(ways=[], spent=[judged]))
    assert "No model was paid for" in breakeven(costs(spent=[], ways=[]))
    assert breakeven(None) == ""


@pytest.mark.parametrize(("value", "text"), [(0, "0.00"), (1234.5, "1,234.50"), (0.5, "0.50"), (0.0123, "0.012"), (0.00001, "0.000010")])
def test_small_sums_keep_two_digits(value: float, text: str) -> None:
    """A cost never reads as nothing while there is one."""
    assert money(value) == text
