"""The reader without a model, on a small corpus and on human questions (tests/data/qa)."""

from __future__ import annotations

import json

import pytest

from corpus_tuner.models import reader
from corpus_tuner.models.reader import Reader, asks_for, score, sort_of
from corpus_tuner.records import Example, Section
from corpus_tuner.testing import ScriptedModel
from corpus_tuner.text import sentences


def section(number: int, text: str) -> Section:
    return Section(f"s{number}", "d", "Apollo 8", (f"Part {number}",), text, sentences(text), "", "en")


CREW = "Frank Borman commanded the mission in 1968. James Lovell was the pilot of the command module."
COST = "The flight cost 310 million dollars. It lifted off from Kennedy Space Center."
SECTIONS = [section(1, CREW), section(2, COST)]


def pair(number: int, question: str, answer: str, *evidence: tuple[str, int]) -> Example:
    return Example(str(number), "basic", question, answer, evidence, "", "rules")


PAIRS = [
    pair(1, "Who commanded the mission?", "Frank Borman", ("s1", 1)),
    pair(2, "When did Frank Borman command the mission?", "1968", ("s1", 1)),
    pair(3, "Who was the pilot of the command module?", "James Lovell", ("s1", 2)),
    pair(4, "How much did the flight cost?", "310 million dollars", ("s2", 1)),
    pair(5, "Where did it lift off?", "Kennedy Space Center", ("s2", 2)),
    pair(6, "What is said of both?", "nothing", ("s1", 1), ("s2", 1)),
    pair(7, "What is of another corpus?", "elsewhere", ("s9", 1)),
]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("In what year was the mission commanded?", "1968"),
        ("Who was commander of the mission?", "Frank Borman"),
        ("What did the flight cost in dollars?", "310 million dollars"),
        ("Whose seat was that of the command module's pilot?", "James Lovell"),
        ("Xyzzy?", ""),
        ("", ""),
    ],
)
def test_the_answer_is_of_the_sort_that_is_asked_for(question: str, answer: str) -> None:
    """Two answers of one sentence are told apart by what the question wants; without a shared word there is none."""
    assert Reader(SECTIONS, PAIRS).complete([{"role": "user", "content": question}]).text == answer


def test_only_answers_of_trained_pairs_are_ever_given() -> None:
    """Whatever is asked, the answer is a pair's own, of one sentence of this corpus."""
    allowed = {one.answer for one in PAIRS[:5]}
    reading = Reader(SECTIONS, PAIRS)
    offers = [one for question in (CREW, COST, "flight mission command") for one in reading.offers(question)]
    assert {one.answer for one in offers} == allowed
    assert all(one.answer in SECTIONS[int(one.section_id[1]) - 1].sentence(one.number) for one in offers)


def test_the_expert_has_a_vote_and_no_more() -> None:
    """What it says decides between near offers; what no pair holds is never repeated."""
    asked = [{"role": "user", "content": "What about the mission?"}]
    for said in ("1968", "Frank Borman"):
        arm = Reader(SECTIONS, PAIRS, ScriptedModel([said], "expert"))
        assert (arm.name, arm.complete(asked).text) == ("expert+reader", said)
    invented = Reader(SECTIONS, PAIRS, ScriptedModel(["Buzz Lightyear"], "expert")).complete(asked).text
    assert invented == Reader(SECTIONS, PAIRS).complete(asked).text


def test_batches_answer_as_single_questions_do() -> None:
    """With an expert that answers many at once; with any other, or none, the questions come one by one, in its threads."""

    class Batched(ScriptedModel):
        def complete_many(self, batch, **options):
            return [self.complete(messages, **options) for messages in batch]

    asked = [[{"role": "user", "content": one.question}] for one in PAIRS[:5]]
    arm = Reader(SECTIONS, PAIRS, Batched(lambda _: "1968", "expert"))
    assert arm.complete_many(asked, max_tokens=9) == [arm.complete(messages, max_tokens=9) for messages in asked]
    hosted = ScriptedModel(lambda _: "1968", "expert")
    hosted.concurrency = 64
    assert Reader(SECTIONS, PAIRS, hosted).concurrency == 64
    assert not any(hasattr(Reader(SECTIONS, PAIRS, expert), "complete_many") for expert in (None, hosted))


def test_one_language_for_all_that_is_compared() -> None:
    """One English section among German ones does not keep the reader, or the grounding, from the words of the others."""
    german = [
        Section(f"g{n}", "d", "Apollo 8", (f"Teil {n}",), text, ((0, len(text)),), "", "de" if n else "en")
        for n, text in enumerate(("A short note.", "Die Astronauten umkreisten den Mond zehnmal.", "Die Rakete startete in Florida."))
    ]
    pair = Example("e", "basic", "Umkreiste der Astronaut den Mond zehnmal?", "zehnmal", (("g1", 1),), "g1", "rules")
    offers = Reader(german, [pair]).offers("Umkreiste der Astronaut den Mond zehnmal?")
    assert [one.features["question"] for one in offers] == [1.0]
    assert offers[0].features["sentence"] == 1.0


def test_sorts_of_questions_and_answers() -> None:
    """What is asked for and what is offered are recognised; a language without rules is "other"."""
    expected = {"How many died?": "count", "In what year?": "when", "What river is it called?": "called", "¿Quién fue?": "other"}
    assert {question: asks_for(question) for question in expected} == expected
    sorts = {"21 December 1968": "date", "5 %": "amount", "three men": "number", "House of Lords": "name", "the red dust": "phrase"}
    assert {answer: sort_of(answer) for answer in sorts} == sorts


def test_every_weight_belongs_to_a_feature() -> None:
    """reader.json names no feature that is never computed, and says where it comes from; an unknown feature weighs nothing."""
    kept = json.loads((reader.files("corpus_tuner.models") / "reader.json").read_text(encoding="utf-8"))
    assert "fit_reader.py" in kept["source"]
    plain = {name for one in Reader(SECTIONS, PAIRS).offers("mission flight") for name in one.features if ":" not in name}
    sorts = {f"{wanted}: {sort}" for wanted in [*(name for name, _ in reader.ASKED), "other"] for sort in ("amount", "date", "number", "name", "phrase")}
    assert set(kept["weights"]) <= plain | sorts
    assert score({"no such feature": 9.0}) == 0
