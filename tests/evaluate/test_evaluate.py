"""An evaluation from questions to report, twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from planted import Planted

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.evaluate import evaluate, table
from corpus_tuner.records import Answer, Question
from corpus_tuner.store import read_jsonl


def arms() -> dict[str, Planted]:
    return {
        "base": Planted("base", {"trained": 0, "paraphrase": 0}),
        "expert": Planted("student", {"trained": 10, "paraphrase": 6}),
        "other/model name": Planted("x", {"trained": 3, "paraphrase": 3}),
    }


def test_questions_answers_and_report_lie_in_the_folder(tmp_path: Path, corpus: Any) -> None:
    """All is written, an arm's name never becomes a path, and the answers on disk are those of the results."""
    sections, asked = corpus
    found = evaluate(asked, arms(), sections, [], tmp_path / "run", {"name": "moon"})
    names = sorted(path.name for path in (tmp_path / "run").iterdir())
    other = next(name for name in names if name.startswith("answers-other"))
    assert names == sorted(["answered.json", "answers-base.jsonl", "answers-expert.jsonl", other, "questions.jsonl", "report.html", "report.json", "report.md"])
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert list(read_jsonl(tmp_path / "run" / "questions.jsonl", Question)) == asked
    assert tuple(read_jsonl(tmp_path / "run" / "answers-expert.jsonl", Answer)) == found.answers["expert"]


def test_an_arm_that_has_answered_is_not_asked_again(tmp_path: Path, corpus: Any) -> None:
    """The second run asks nobody; one without an arm's answers asks that arm alone; figures stay the same."""
    sections, asked = corpus
    first = evaluate(asked, arms(), sections, [], tmp_path, {})
    again = arms()
    assert evaluate(asked, again, sections, [], tmp_path, {}) == first
    assert {model.asked for model in again.values()} == {0}
    (tmp_path / "answers-base.jsonl").unlink()
    third = arms()
    assert evaluate(asked, third, sections, [], tmp_path, {}) == first
    assert [model.asked for model in third.values()] == [len(asked), 0, 0]


@pytest.mark.parametrize("change", ["questions", "sections", "expert"])
def test_answers_to_something_else_are_not_reused(tmp_path: Path, corpus: Any, change: str) -> None:
    """Other questions, another corpus or another expert: everybody is asked anew."""
    sections, asked = corpus
    evaluate(asked, arms(), sections, [], tmp_path, {"expert": {"dataset_digest": "a"}})
    again = arms()
    changed = {"questions": asked[1:] if change == "questions" else asked, "sections": sections[1:] if change == "sections" else sections}
    receipt = {"dataset_digest": "b" if change == "expert" else "a"}
    evaluate(changed["questions"], again, changed["sections"], [], tmp_path, {"expert": receipt})
    assert {model.asked for model in again.values()} == {len(changed["questions"])}


def test_a_killed_arm_leaves_nothing_half_written(tmp_path: Path, corpus: Any) -> None:
    """An arm that fails on its way has no file; the one before it is kept and not asked again."""
    sections, asked = corpus
    models: dict[str, Any] = arms()

    def fail(_: str) -> str:
        raise KeyboardInterrupt

    models["expert"].wrong = fail
    with pytest.raises(KeyboardInterrupt):
        evaluate(asked, models, sections, [], tmp_path, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["answered.json", "answers-base.jsonl", "questions.jsonl"]
    again = arms()
    evaluate(asked, again, sections, [], tmp_path, {})
    assert again["base"].asked == 0
    assert again["expert"].asked == len(asked)


def test_there_must_be_somebody_and_something_to_ask(tmp_path: Path, corpus: Any) -> None:
    """No question and no arm are the user's mistake, said in one line."""
    with pytest.raises(CorpusTunerError, match="no question"):
        evaluate([], arms(), corpus[0], [], tmp_path, {})
    with pytest.raises(CorpusTunerError, match="nobody to ask"):
        evaluate(corpus[1], {}, corpus[0], [], tmp_path, {})


def test_the_table_has_a_line_for_each_class_and_arm(tmp_path: Path, corpus: Any) -> None:
    """The terminal shows n, exact match, F1 and contained answers of each, in aligned columns."""
    sections, asked = corpus
    lines = table(evaluate(asked, arms(), sections, [], tmp_path, {})).splitlines()
    assert lines[0].split() == ["questions", "arm", "n", "exact", "F1", "contained"]
    assert len(lines) == 1 + 3 * 3
    line = next(line for line in lines if line.startswith("paraphrase") and "expert" in line)
    assert line.split()[2:4] == ["120", "60.0"]
    assert len({line.index(" 120 ") for line in lines if " 120 " in line}) == 1
