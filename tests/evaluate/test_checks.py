"""What stands beside the scores reaches every form of the report, whatever text it holds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from planted import ARMS, Planted

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.evaluate import evaluate
from corpus_tuner.evaluate.comparison import compare_runs, table
from corpus_tuner.records import Example, Question
from corpus_tuner.testing import ScriptedModel

EVIL = "<script>alert(1)</script> | **bold** [x](javascript:1)"


def evil(corpus: Any) -> tuple[list[Question], list[Example]]:
    asked = [*corpus[1], Question("evil", "paraphrase", f"paraphrase 999 {EVIL}", ("y",), (("s0", 1),))]
    return asked, [Example("e", "basic", asked[-1].text, "y", (("s0", 1),), "", "rules")]


def test_a_leak_is_in_every_form_of_the_report_and_harmless(tmp_path: Path, corpus: Any) -> None:
    """Listed in JSON, Markdown and HTML; none of its markup survives as markup."""
    asked, trained = evil(corpus)
    evaluate(asked, {**ARMS, "expert": Planted("x", {"trained": 10, "paraphrase": 6}, lambda text: text)}, corpus[0], trained, tmp_path,
             {"title": EVIL}, trained=trained, judging=ScriptedModel(lambda _: "CORRECT"))  # fmt: skip
    found = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert [one["question_id"] for one in found["leaks"]] == ["evil"]
    assert not found["judge"]["audit"]["trusted"]
    page, plain = ((tmp_path / f"report.{form}").read_text(encoding="utf-8") for form in ("html", "md"))
    assert "1 held-out question stands in the training data" in page
    assert "failed its audit" in page
    assert "Leaks: 1 held-out" in plain
    assert "The judge is not to be trusted" in plain
    assert "<script>" not in page
    shown = MarkdownIt("commonmark").render(plain)
    assert "<script" not in shown
    assert "<a " not in shown
    assert "<strong>bold" not in shown


def test_changes_from_base_to_expert_are_listed_both_ways(tmp_path: Path, corpus: Any) -> None:
    """What was got right by training and what was got wrong: the counts are those of the plant."""
    arms = {
        "base": Planted("base", {"trained": 0, "paraphrase": 5}),
        "expert": Planted("student", {"trained": 3, "paraphrase": 2}),
    }
    evaluate(corpus[1], arms, corpus[0], [], tmp_path, {})
    changes = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["changes"]
    assert [sum(one["gained"] is way for one in changes) for way in (True, False)] == [36, 36]


def test_two_runs_are_compared_on_what_both_asked(tmp_path: Path, corpus: Any) -> None:
    """Better on paraphrases by 40 points, level on trained ones; questions that one alone asked do not count."""
    for run, right in (("one", 2), ("two", 6)):
        arms = {"expert": Planted(run, {"trained": 5, "paraphrase": right})}
        evaluate(corpus[1] if run == "one" else corpus[1][:-10], arms, corpus[0], [], tmp_path / run, {})
    found = compare_runs(tmp_path / "one", tmp_path / "two")
    assert (found.shared, found.only_first, found.only_second) == (230, 10, 0)
    verdicts = {(one.cls, one.metric): one.verdict for one in found.shifts}
    assert verdicts["paraphrase", "exact"] == "better"
    assert verdicts["trained", "exact"] == "no difference shown"
    assert (len(found.gained), len(found.lost)) == (44, 0)
    assert "better" in table(found)
    assert compare_runs(tmp_path / "two", tmp_path / "one").shifts[1].verdict == "worse"
    with pytest.raises(CorpusTunerError, match="no answers of base"):
        compare_runs(tmp_path / "one", tmp_path / "two", "base")


def test_a_question_that_was_held_out_in_one_run_alone_is_not_compared(tmp_path: Path, corpus: Any) -> None:
    """What the second expert was trained on is no proof that it knows more."""
    moved = [replace(one, cls="trained") if one.cls == "paraphrase" else one for one in corpus[1]]
    for run, asked in (("one", corpus[1]), ("two", moved)):
        evaluate(asked, {"expert": Planted(run, {"trained": 5, "paraphrase": 5})}, corpus[0], [], tmp_path / run, {})
    found = compare_runs(tmp_path / "one", tmp_path / "two")
    assert {one.cls for one in found.shifts} == {"trained"}
    assert found.only_first == found.only_second == sum(one.cls == "paraphrase" for one in corpus[1])


def test_the_base_is_asked_as_often_as_is_wanted(tmp_path: Path, corpus: Any) -> None:
    """Four times: once without chance, thrice with; a second run asks nobody."""
    base = Planted("base", {"trained": 0, "paraphrase": 4})
    found = evaluate(corpus[1], {"base": base}, corpus[0], [], tmp_path, {}, times=4)
    assert base.asked == 4 * len(corpus[1])
    assert found.cell("base", "unknown to the base").n == 72
    evaluate(corpus[1], {"base": base}, corpus[0], [], tmp_path, {}, times=4)
    assert base.asked == 4 * len(corpus[1])
