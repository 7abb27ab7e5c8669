"""The report's sentences follow from its figures."""

from __future__ import annotations

import pytest
from planted import outcome

from corpus_tuner.evaluate.questions import UNKNOWN
from corpus_tuner.evaluate.results import aggregate
from corpus_tuner.evaluate.wording import measure, percent, student, verdicts
from corpus_tuner.records import Answer, Question


def test_a_loss_to_looking_up_is_said_plainly() -> None:
    """The sentence names the arm, the points and the interval."""
    found = outcome("paraphrase", {"base": 0, "expert": 60, "retrieval": 59, "nearest": 80})
    kinds = {sentence.split(" by ")[0]: verdict for verdict, sentence in verdicts(found)[0].against}
    assert kinds["Loses to nearest"] == "behind"
    assert kinds["Ahead of base"] == "ahead"
    lost = next(sentence for _, sentence in verdicts(found)[0].against if "nearest" in sentence)
    assert lost.startswith("Loses to nearest by 20 points [1")
    assert "No difference to retrieval shown: +1 point" in " ".join(sentence for _, sentence in verdicts(found)[0].against)


def test_a_bound_that_decides_does_not_read_as_zero() -> None:
    """A difference whose interval excludes 0 by a hair shows the hair."""
    lost = verdicts(outcome("own", {"expert": 985, "nearest": 995}, 1000))[0].against[0]
    assert lost[0] == "behind"
    assert lost[1].startswith("Loses to nearest by 1 point [0.")


def test_without_an_expert_no_verdict_is_given() -> None:
    """There is nobody to speak of."""
    assert verdicts(outcome("own", {"base": 90})) == []


def test_long_answers_are_measured_by_overlap() -> None:
    """Exact match suits short answers only; the median decides."""
    short = [Question(f"q{i}", "own", "?", ("Frank Borman",)) for i in range(3)]
    long = [Question(f"l{i}", "own", "?", ("He was the commander of the mission to the Moon",)) for i in range(4)]
    answers = {"expert": [Answer(q.id, "expert", "x", {"exact": 0.0, "f1": 0.0, "contained": 0.0}) for q in short + long]}
    assert measure(aggregate(short + long, answers, []), "own") == "f1"
    assert measure(outcome("own", {"expert": 1}), "own") == "exact"


def test_what_the_base_does_not_know_is_measured_by_the_held_out_questions() -> None:
    """Long answers that were trained on say nothing of how short ones are to be scored."""
    trained = [Question(f"t{i}", "trained", "?", ("He was the commander of the mission to the Moon",)) for i in range(9)]
    held_out = [Question(f"p{i}", "paraphrase", "?", ("Borman",)) for i in range(4)]
    answers = {arm: [Answer(q.id, arm, "x", {"exact": 0.0, "f1": 0.0, "contained": 0.0}) for q in trained + held_out] for arm in ("base", "expert")}
    assert measure(aggregate(trained + held_out, answers, []), UNKNOWN) == "exact"


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
