"""The real prompts, as a capable reader answered them: what the engine makes of the recorded replies, without network."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest
from conftest import ROOT

from corpus_tuner.generate import generate
from corpus_tuner.generate.coverage import coverage
from corpus_tuner.generate.llm import LlmWriter
from corpus_tuner.models.endpoint import Endpoint
from corpus_tuner.records import Example, Reject, Section
from corpus_tuner.settings import GenerateSettings, Settings
from corpus_tuner.store import Calls, read_jsonl

DATA = ROOT / "tests/data/generate"
URL = "http://127.0.0.1:8391/v1"  # where the replies were written; nothing listens there now


@pytest.fixture
def calls(tmp_path: Path) -> Calls:
    shutil.copy(DATA / "by_hand.jsonl", tmp_path / "calls.jsonl")
    return Calls(tmp_path / "calls.jsonl")


def replay(calls: Calls, *headings: str, **settings: object) -> tuple[list[Section], list[Example], list[Reject]]:
    """Sections, examples and rejects of a run that is answered from the record alone; document by document, as recorded."""
    chosen = [one for one in read_jsonl(DATA / "sections.jsonl", Section) if not headings or one.heading in headings]
    wanted = Settings(generate=GenerateSettings(writer="llm", concurrency=4, **settings))
    recorded, items = len(calls), []
    for document in dict.fromkeys(one.document_id for one in chosen):
        writer = LlmWriter(wanted, Endpoint(URL, "", "by-hand", calls))
        items += generate([one for one in chosen if one.document_id == document], writer, wanted.generate.counts)
    assert len(calls) == recorded, "a prompt was changed: have it answered anew, see tests/data/generate/README.md"
    return chosen, [one for one in items if isinstance(one, Example)], [one for one in items if isinstance(one, Reject)]


def test_every_sentence_gets_three_pairs_one_of_them_reverse(calls: Calls) -> None:
    """The plan by sentences, on ten sections of two languages: at least 95 % of all sentences; and what each pair cost."""
    sections, examples, rejects = replay(calls, plan="facts")
    ledger = coverage(sections, examples, rejects)
    assert ledger["sentences"] == 42
    assert ledger["full_share"] >= 0.95
    assert len(rejects) <= 0.05 * len(examples)
    used = [calls.get(key)["usage"] for key in {one.source_id for one in examples}]
    assert sum(one["prompt_tokens"] + one["completion_tokens"] for one in used) / len(examples) <= 140


def test_the_tutorials_plan_keeps_what_a_capable_reader_writes(calls: Calls) -> None:
    """At least 95 % of the pairs survive; they reach nine sentences in ten."""
    sections, examples, rejects = replay(calls, plan="classic", kinds={"basic": 4, "detailed": 2})
    assert len(examples) >= 0.95 * (len(examples) + len(rejects))
    assert coverage(sections, examples)["share"] >= 0.9


def test_the_other_kinds_keep_what_a_capable_reader_writes(calls: Calls) -> None:
    """Texts that tell whole sections, near misses with their twins, and a question that needs two sections."""
    headings = [f"Apollo 8 > {path}" for path in ("Crew", "Crew > Backup crew", "Spacecraft location")]
    headings += [f"Maurische Netzwühle > {path}" for path in ("Lebensweise", "Gefährdung und Schutz")]
    sections, examples, rejects = replay(calls, *headings, kinds={"rewrite": 1, "abstain": 1, "cross": 1})
    assert rejects == []
    assert Counter(one.kind for one in examples) == {"rewrite": 5, "abstain": 5, "basic": 5, "cross": 1}
    told = {place for one in examples if one.kind == "rewrite" for place in one.evidence}
    assert told == {(one.id, number) for one in sections for number in range(1, len(one.sentences) + 1)}
    assert {one.answer for one in examples if one.kind == "abstain"} == {"I do not know.", "Das weiß ich nicht."}
    assert all(len({section for section, _ in one.evidence}) == 2 for one in examples if one.kind == "cross")


def test_both_checks_let_through_what_a_capable_reader_wrote_answered_and_judged(calls: Calls) -> None:
    """A round trip through two sections: short answers and long ones, whose reader was told to use few words."""
    headings = ["Apollo 8 > Crew > Backup crew", "Maurische Netzwühle > Lebensweise"]
    _, examples, rejects = replay(calls, *headings, plan="classic", kinds={"basic": 4, "detailed": 2}, round_trip=True, judge=True)
    assert rejects == []
    assert len(examples) == 11
