"""The report's sentences follow from its figures."""

from __future__ import annotations

import pytest

from corpus_tuner.evaluate.results import Results, aggregate
from corpus_tuner.evaluate.wording import advice, measure, percent, student, verdicts
from corpus_tuner.records import Answer, Question


def outcome(cls: str, right: dict[str, int], n: int = 100) -> Results:
    """Arms that are right on so many of `n` questions; the first ones, so that the arms' errors overlap."""
    asked = [Question(f"q{i}", cls, f"Question {i}?", ("Borman",)) for i in range(n)]
    answers = {}
    for arm, count in right.items():
        scores = [{"exact": float(i < count), "f1": float(i < count), "contained": float(i < count)} for i in range(n)]
        answers[arm] = [Answer(one.id, arm, "x", score) for one, score in zip(asked, scores)]
    return aggregate(asked, answers, [])


def test_a_loss_to_looking_up_is_said_plainly() -> None:
    """The sentence names the arm, the points and the interval, and the advice is to look up."""
    found = outcome("paraphrase", {"base": 0, "expert": 60, "retrieval": 59, "nearest": 80})
    kinds = {sentence.split(" by ")[0]: verdict for verdict, sentence in verdicts(found)[0].against}
    assert kinds["Loses to nearest"] == "behind"
    assert kinds["Ahead of base"] == "ahead"
    lost = next(sentence for _, sentence in verdicts(found)[0].against if "nearest" in sentence)
    assert lost.startswith("Loses to nearest by 20 points [1")
    assert "No difference to retrieval shown: +1 point" in " ".join(sentence for _, sentence in verdicts(found)[0].against)
    assert advice(found) == [
        "On paraphrases: looking the answer up (nearest) beats this expert. Where answers matter, look up, or train a larger base."
    ]


def test_a_win_is_claimed_only_against_every_look_up() -> None:
    """Ahead of both: said so. Level with one: that no difference is shown."""
    assert "this expert beats looking the answer up (nearest and retrieval)" in advice(
        outcome("unseen", {"expert": 80, "retrieval": 20, "nearest": 30})
    )[0]
    level = advice(outcome("unseen", {"expert": 80, "retrieval": 20, "nearest": 80}))[0]
    assert "no difference to nearest is shown by 100 questions" in level
    assert "It beats retrieval" in level


def test_few_questions_are_called_few() -> None:
    """Where nothing is shown because hardly anything was asked, the page says so."""
    assert "9 questions are too few to tell this expert from nearest" in advice(outcome("unseen", {"expert": 5, "nearest": 6}, 9))[0]


def test_a_bound_that_decides_does_not_read_as_zero() -> None:
    """A difference whose interval excludes 0 by a hair shows the hair."""
    lost = verdicts(outcome("own", {"expert": 985, "nearest": 995}, 1000))[0].against[0]
    assert lost[0] == "behind"
    assert lost[1].startswith("Loses to nearest by 1 point [0.")


def test_nothing_is_claimed_without_the_questions_or_arms_for_it() -> None:
    """Trained questions alone, no look-up, and no expert each get a sentence that says what is missing."""
    assert "what it recalls" in advice(outcome("trained", {"expert": 100, "nearest": 90}))[0]
    assert "neither nearest nor retrieval was asked" in advice(outcome("own", {"expert": 100, "base": 90}))[0]
    assert advice(outcome("own", {"base": 90})) == ["No expert was asked, so nothing can be said about one."]
    assert verdicts(outcome("own", {"base": 90})) == []


def test_long_answers_are_measured_by_overlap() -> None:
    """Exact match suits short answers only; the median decides."""
    short = [Question(f"q{i}", "own", "?", ("Frank Borman",)) for i in range(3)]
    long = [Question(f"l{i}", "own", "?", ("He was the commander of the mission to the Moon",)) for i in range(4)]
    answers = {"expert": [Answer(q.id, "expert", "x", {"exact": 0.0, "f1": 0.0, "contained": 0.0}) for q in short + long]}
    assert measure(aggregate(short + long, answers, []), "own") == "f1"
    assert measure(outcome("own", {"expert": 1}), "own") == "exact"


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0 %"), (0.0001, "< 0.1 %"), (0.001, "0.1 %"), (0.5, "50 %"), (0.996, "99.6 %"), (0.99999, "99.9 %"), (1, "100 %")]
)
def test_nearly_all_is_not_all(share: float, text: str) -> None:
    """Only a share of 1 reads as 100 %, only one of 0 as 0 %."""
    assert percent(share).replace("\u00a0", " ") == text


def test_the_student_is_described_as_what_it_is() -> None:
    """A student trained from nothing is called very small and without other knowledge; a tuned model by its base."""
    text = student({"backend": "scratch", "base": "scratch", "metrics": {"parameters": 451_200}})
    assert "451 thousand parameters" in text
    assert "no other knowledge" in text
    assert "Qwen/Qwen3-0.6B" in student({"backend": "transformers", "base": "Qwen/Qwen3-0.6B"})
    assert student({})
