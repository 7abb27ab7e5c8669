"""The real prompts, as a capable reader answered them: what the engine makes of the recorded replies, without network."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from conftest import ROOT

from corpus_tuner.generate import generate
from corpus_tuner.generate.ask import PROBLEMS, tasks
from corpus_tuner.generate.checks import Check
from corpus_tuner.generate.coverage import coverage
from corpus_tuner.generate.llm import LlmWriter
from corpus_tuner.models.endpoint import Endpoint
from corpus_tuner.records import Example, Reason, Reject, Section
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
    """The plan by sentences, on ten sections of two languages: at least 95 % of all sentences, a fact of each in two wordings;
    and what each pair cost."""
    sections, examples, rejects = replay(calls, plan="facts")
    ledger = coverage(sections, examples, rejects)
    assert ledger["sentences"] == 42
    assert ledger["full_share"] >= 0.95
    assert len(rejects) <= 0.05 * len(examples)
    facts = {(one.evidence[-1], one.answer) for one in examples if one.kind == "basic"}
    assert {(one.evidence[-1], one.answer) for one in examples if one.kind == "reworded"} == facts
    used = [calls.get(key)["usage"] for key in {one.source_id for one in examples}]
    assert sum(one["prompt_tokens"] + one["completion_tokens"] for one in used) / len(examples) <= 125


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


def test_conclusions_from_several_sentences_keep_what_a_capable_reader_writes(calls: Calls) -> None:
    """Each rests on two or more; where nothing follows, none is asked for again; both checks see that sentences tell it together."""
    sections, examples, rejects = replay(calls, plan="classic", kinds={"inference": 3})
    assert rejects == []
    assert all(one.kind == "inference" and len(one.evidence) > 1 for one in examples)
    assert len(examples) > len(sections)
    headings = ["Apollo 8 > Crew", "Maurische Netzwühle > Gefährdung und Schutz"]
    chosen, checked, rejects = replay(calls, *headings, plan="classic", kinds={"inference": 3}, round_trip=True, judge=True)
    assert rejects == []
    assert checked == [one for one in examples if one.evidence[0][0] in {section.id for section in chosen}]


def test_both_checks_let_through_what_a_capable_reader_wrote_answered_and_judged(calls: Calls) -> None:
    """A round trip through two sections: short answers and long ones, whose reader was told to use few words."""
    headings = ["Apollo 8 > Crew > Backup crew", "Maurische Netzwühle > Lebensweise"]
    _, examples, rejects = replay(calls, *headings, plan="classic", kinds={"basic": 4, "detailed": 2}, round_trip=True, judge=True)
    assert rejects == []
    assert len(examples) == 11


def test_a_second_ask_makes_good_what_the_first_reply_lacked(tmp_path: Path) -> None:
    """Cut off, prose, empty, declined, and a judge that passed one pair over: each is asked again, and all eight pairs of a section come."""
    shutil.copy(DATA / "second_ask.jsonl", tmp_path / "calls.jsonl")
    calls = Calls(tmp_path / "calls.jsonl")
    recorded, told = len(calls), (DATA / "second_ask.jsonl").read_text(encoding="utf-8")
    faults = (Reason.CUT, Reason.UNPARSABLE, Reason.EMPTY_REPLY, Reason.REFUSAL, Reason.UNCHECKED)
    assert all(PROBLEMS[one] in told for one in faults)
    wanted = Settings(
        generate=GenerateSettings(
            writer="llm", plan="classic", kinds={"basic": 4, "detailed": 4}, round_trip=True, judge=True, concurrency=4
        )
    )
    for section in read_jsonl(DATA / "second_ask_sections.jsonl", Section):
        items = list(generate([section], LlmWriter(wanted, Endpoint(URL, "", "by-hand", calls)), wanted.generate.counts))
        assert Counter(one.kind for one in items if isinstance(one, Example)) == {"basic": 4, "detailed": 4}
        assert {one.reason for one in items if isinstance(one, Reject)} <= {Reason.SURPLUS}
    assert len(calls) == recorded, "a prompt was changed: have it answered anew, see tests/data/generate/README.md"


def spoilt_pairs() -> dict[str, list[dict[str, str]]]:
    """The pairs of planted.jsonl by the heading of their section."""
    pairs: dict[str, list[dict[str, str]]] = {}
    for line in (DATA / "planted.jsonl").read_text(encoding="utf-8").splitlines():
        pairs.setdefault(json.loads(line)["heading"], []).append(json.loads(line))
    return pairs


def verdicts(name: str, heading: str, folder: Path) -> list[bool]:
    """Whether the recorded reply to a check lets each of the section's planted pairs through."""
    shutil.copy(DATA / "planted_judged.jsonl", folder / "calls.jsonl")
    calls = Calls(folder / "calls.jsonl")
    recorded = len(calls)
    section = next(one for one in read_jsonl(DATA / "sections.jsonl", Section) if one.heading == heading)
    pairs = spoilt_pairs()[heading]
    examples = tuple(Example("", one["kind"], one["question"], one["answer"], (), "", "") for one in pairs)
    check = Check(name, next(tasks(section, "basic", 1, 1200)), examples)
    reply = Endpoint(URL, "", "by-hand", calls).complete(check.messages(), max_tokens=4096, temperature=0.0, schema=check.schema())
    assert len(calls) == recorded, "a prompt was changed: have it answered anew, see tests/data/generate/README.md"
    found = check.read(reply)
    return [found[number] is None for number in range(1, len(pairs) + 1)]


@pytest.mark.parametrize("heading", spoilt_pairs())
def test_the_judges_prompt_tells_spoilt_pairs_from_sound_ones(heading: str, tmp_path: Path) -> None:
    """Another question's answer, another number, an invented name, a question without its subject: all are found. Of the
    sound ones it objects to one: more than one species may be 20 to 28 centimetres long."""
    passed = zip(spoilt_pairs()[heading], verdicts("judge", heading, tmp_path), strict=True)
    objected = [one["question"] for one, let_through in passed if let_through != (one["planted"] == "sound")]
    assert objected == ["Welche Doppelschleiche wird 20 bis 28 Zentimeter lang?"] * heading.endswith("Merkmale")


def test_the_round_trip_finds_wrong_answers_and_no_unclear_questions(tmp_path: Path) -> None:
    """Its reader sees the passage, and so knows what "it" means: that is the judge's to find."""
    kinds = [one["planted"] for one in spoilt_pairs()["Apollo 8 > Crew"]]
    assert {"other", "vague"} <= set(kinds)
    assert verdicts("round_trip", "Apollo 8 > Crew", tmp_path) == [one in ("sound", "vague") for one in kinds]
