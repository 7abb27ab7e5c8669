"""Arms by name over what a corpus has on disk, and answers that are checked before they are given."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from corpus_tuner import arms, asking
from corpus_tuner.arms import open_arm
from corpus_tuner.asking import Asker
from corpus_tuner.dataset.split import Split
from corpus_tuner.evaluate.questions import from_file
from corpus_tuner.place import Place
from corpus_tuner.records import Answer, Example, Expert, Question, Section
from corpus_tuner.settings import Settings
from corpus_tuner.store import to_json, write_json, write_jsonl
from corpus_tuner.testing import ScriptedModel
from corpus_tuner.text import sentences

TEXT = "Frank Borman commanded the mission in 1968. James Lovell was the pilot of the command module."
OTHER = "The flight cost 310 million dollars. It lifted off from Kennedy Space Center."
SECTIONS = [Section(f"s{n}", "d", "Apollo 8", (f"Part {n}",), text, sentences(text), "", "en") for n, text in enumerate((TEXT, OTHER))]
PAIRS = [
    Example("e0", "basic", "Who commanded the mission?", "Frank Borman", (("s0", 1),), "", "rules"),
    Example("e1", "basic", "When was the mission commanded?", "1968", (("s0", 1),), "", "rules"),
    Example("e2", "basic", "How much did the flight cost?", "310 million dollars", (("s1", 1),), "", "rules"),
    Example("e3", "basic", "What was the cost of the flight?", "HELD OUT", (("s1", 1),), "", "rules"),
]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A corpus with an expert whose answers are told by `said`."""
    found = Place(replace(Settings(), corpus=replace(Settings().corpus, name="a", title="Apollo 8")), tmp_path / "a.toml", tmp_path)
    write_jsonl(found.sections, SECTIONS)
    write_jsonl(found.examples, PAIRS)
    write_jsonl(tmp_path / "splits.jsonl", [Split(one.id, "paraphrase" if one.id == "e3" else "train") for one in PAIRS])
    write_json(found.expert / "expert.json", to_json(Expert("expert", "gpt", "endpoint")))
    monkeypatch.setattr(arms, "open_model", lambda *_, base=False, calls=None: opened(base))
    return found


def opened(base: bool) -> ScriptedModel:
    """Repeats what it was asked, and says which of the two it is."""
    return ScriptedModel(lambda messages: f"{'base' if base else 'expert'}: {messages[-1]['content']}", "base" if base else "expert")


def said(place: Place, name: str, question: str = "Who commanded the mission?") -> str:
    asked = [Question("q", "own", "Who commanded the mission?", ("x",), (("s1", 2),))]
    arm = open_arm(place, name, SECTIONS, questions=asked)
    return arm.complete([{"role": "user", "content": question}]).text


def test_the_expert_gets_the_bare_question_and_the_base_a_prompt(place: Place) -> None:
    """It was trained so; a base that was not is told what kind of answer is wanted; a student from nothing is not."""
    assert said(place, "expert") == "expert: Who commanded the mission?"
    assert said(place, "base").startswith("base: Answer the question about Apollo 8")
    write_json(place.expert / "expert.json", to_json(Expert("expert", "scratch", "scratch")))
    assert said(place, "base") == "base: Who commanded the mission?"


@pytest.mark.parametrize(("backend", "loads"), [("transformers", {"base": 1, "expert": 1}), ("endpoint", {"base": 3, "expert": 4})])
def test_the_arms_of_an_evaluation_share_what_is_large(place: Place, monkeypatch: pytest.MonkeyPatch, backend: str, loads: dict[str, int]) -> None:
    """Weights on this machine are loaded once, however many arms ask them; hosts are opened for each arm, whose calls are its own."""
    write_json(place.expert / "expert.json", to_json(Expert("expert", "gpt", backend)))
    count: Counter[str] = Counter()

    def load(*_: object, base: bool = False, calls: object = None) -> ScriptedModel:
        count["base" if base else "expert"] += 1
        return opened(base)

    monkeypatch.setattr(arms, "open_model", load)
    shared: dict = {}
    for name in ("base", "expert", "base+retrieval", "expert+retrieval", "base+section", "expert+section", "expert+reader"):
        open_arm(place, name, SECTIONS, shared=shared)
    assert count == loads
    assert open_arm(place, "retrieval", SECTIONS, shared=shared) is shared["retrieval"]


def test_retrieved_and_right_sections_stand_before_the_question(place: Place) -> None:
    """+retrieval shows what BM25 finds; +section what the question rests on, found or not, and nothing for a stranger."""
    for who in ("base", "expert"):
        assert TEXT in said(place, f"{who}+retrieval")
        assert OTHER in said(place, f"{who}+section")
        assert TEXT not in said(place, f"{who}+section")
        assert "Borman" not in said(place, f"{who}+section", "Who else?")


def test_the_report_of_an_improved_expert_has_its_rounds_and_the_test_questions(place: Place) -> None:
    """While improve is under way, and after it; not in the report of any other expert."""
    first, now = place.folder / "evaluation" / "first", asking.run_folder(place)
    asked = [Question(f"q{n}", "paraphrase", f"Who is number {n}?", ("x",)) for n in range(20)]
    for run, right in ((first, 5), (now, 15)):
        scores = [dict.fromkeys(("exact", "f1", "contained"), float(n < right)) for n in range(20)]
        write_jsonl(run / "questions.jsonl", asked)
        write_jsonl(run / "answers-expert.jsonl", [Answer(one.id, "expert", "x", score) for one, score in zip(asked, scores)])
    assert asking._improved(place) == {}
    folder = place.folder / "improve"
    write_json(folder / "k" / "verdict.json", {"key": "k", "kept": True})
    write_json(folder / "under-way.json", {"first": "first", "rounds": ["k"]})
    under_way = asking._improved(place)
    assert under_way["rounds"] == [{"key": "k", "kept": True}]
    assert [(one["metric"], one["better"], one["worse"]) for one in under_way["test"]] == [("exact", 10, 0), ("contained", 10, 0)]
    (folder / "under-way.json").unlink()
    write_json(folder / "report.json", {"runs": ["first", now.name], "rounds": under_way["rounds"]})
    assert asking._improved(place) == under_way
    write_json(folder / "report.json", {"runs": ["first", "another"], "rounds": under_way["rounds"]})
    assert asking._improved(place) == {}


def test_a_persons_question_about_a_paragraph_gets_the_section_it_stands_in(place: Place, tmp_path: Path) -> None:
    """The paragraph of a file in SQuAD's format is looked up in the corpus; one that stands nowhere brings no section."""
    file = tmp_path / "squad.json"
    paragraphs = [(OTHER, "What was it that rose?"), ("Of something quite different a stranger may ask.", "Who may ask?")]
    data = [{"paragraphs": [{"context": text, "qas": [{"question": q, "answers": [{"text": "It"}]}]} for text, q in paragraphs]}]
    file.write_text(json.dumps({"data": data}), encoding="utf-8")
    asked = from_file(file, SECTIONS)
    arm = open_arm(place, "expert+section", SECTIONS, questions=asked)
    said = [arm.complete([{"role": "user", "content": one.text}]).text for one in asked]
    assert [OTHER in text for text in said] == [True, False]
    assert TEXT not in "".join(said)


def test_the_reader_never_sees_a_held_out_pair(place: Place) -> None:
    """Its answers, and those of nearest, are of trained pairs."""
    for name in ("reader", "expert+reader", "nearest"):
        assert said(place, name, "What was the cost of the flight?") == "310 million dollars"


@pytest.mark.parametrize(
    ("question", "answer", "verdict"),
    [
        ("Who commanded the mission?", "Frank Borman", "supported"),
        ("Who commanded the mission?", "Buzz Lightyear", "contradicted"),
        ("Who commanded the mission?", "a brave man", "unsupported"),
        ("When was the mission commanded?", "1968", "supported"),
        ("When was the mission commanded?", "In 1972", "contradicted"),
        ("When was the mission commanded?", "Frank Borman", "unsupported"),
        ("Who commanded the mission?", "I do not know.", "abstained"),
        ("Who commanded the mission?", "", "abstained"),
    ],
)
def test_a_checked_answer_is_marked_and_withheld_where_told_to(
    place: Place, monkeypatch: pytest.MonkeyPatch, question: str, answer: str, verdict: str
) -> None:
    """Marked with the passage that supports or contradicts it; only `abstain` withholds; unchecked ones have no mark."""
    monkeypatch.setattr(asking, "open_arm", lambda *_: ScriptedModel([answer] * 4, "expert"))
    asker = Asker(place)
    found = asker.ask(question, grounded=True)
    assert (found.verdict, found.answer, found.judge) == (verdict, answer, "")
    assert bool(found.support) == (verdict == "supported")
    assert bool(found.against) == (verdict == "contradicted")
    assert asker.ask(question, abstain=True).answer == (answer if verdict in ("supported", "abstained") else "")
    assert (asker.ask(question).answer, asker.ask(question).verdict) == (answer, "")


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [("SUPPORTED", "supported"), ("contradicted.", "contradicted"), ("UNSUPPORTED", "unsupported"), ("Supported or unsupported?", "contradicted")],
)
def test_a_judge_marks_where_the_settings_name_one(place: Place, monkeypatch: pytest.MonkeyPatch, reply: str, verdict: str) -> None:
    """Its verdict goes before that of words, unless it cannot be read; it sees the sections, and the passage is shown."""
    judge = ScriptedModel(lambda _: reply, "wise")
    monkeypatch.setattr(asking, "open_arm", lambda *_: ScriptedModel(["In 1972"], "expert"))
    monkeypatch.setattr(asking, "_judge", lambda *_: judge)
    wanted = replace(place.settings, evaluate=replace(place.settings.evaluate, judge="wise"))
    found = Asker(replace(place, settings=wanted)).ask("When was the mission commanded?", grounded=True)
    assert (found.verdict, found.judge) == (verdict, "" if " or " in reply else "wise")
    assert TEXT in judge.asked[0][0][0]["content"]
    assert [one["text"] for one in found.against] == ([TEXT.split(". ")[0] + "."] if verdict == "contradicted" else [])
