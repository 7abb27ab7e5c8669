"""The rules writer as a whole: what holds for every pair, whatever the text."""

from __future__ import annotations

import time
from itertools import combinations

import pytest

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.generate.rules import RulesWriter
from corpus_tuner.records import Example, Reason, Reject, Section
from corpus_tuner.settings import GenerateSettings, Settings
from corpus_tuner.text import contains_answer, jaccard, sentences, words

# From the English Wikipedia article "Apollo 8", revision of the corpus in sources/, CC BY-SA 3.0.
LEAD = (
    "Apollo 8, the second human spaceflight mission in the United States Apollo space program, was launched on "
    "December 21, 1968, and became the first manned spacecraft to leave Earth orbit, reach the Earth's Moon, orbit it "
    "and return safely to Earth. The three-astronaut crew became the first humans to travel beyond low Earth orbit. "
    "Apollo 8 took three days to travel to the Moon. It orbited ten times over the course of 20 hours, during which the "
    "crew made a Christmas Eve television broadcast where they read the first 10 verses from the Book of Genesis. "
    "Frank Borman commanded the mission. He had joined NASA in 1962. The crew was named Time magazine's "
    '"Men of the Year" for 1968 upon their return.'
)
CREW = (
    "Collins was replaced by Jim Lovell in July 1968. Aldrin was moved to Command Module Pilot and Fred Haise was "
    "brought in as backup Lunar Module Pilot. The directors for Apollo 8 included Clifford Charlesworth, Glynn Lunney "
    "and Milton Windler. The insignia was designed by William Bradley, a Houston artist. The support crew rarely "
    "trained with the prime crew because time was short."
)


def section(text: str, *path: str, title: str = "Apollo 8", language: str = "en") -> Section:
    identity = "/".join((title, *path))
    return Section(identity, title, title, path, text, sentences(text, language or "en"), language=language)


def write(sections: list[Section], kind: str = "basic", count: int = 20, **options: float) -> list[Example | Reject]:
    return list(RulesWriter(Settings(generate=GenerateSettings(**options))).write(sections, kind, count))


def examples(sections: list[Section], kind: str = "basic", count: int = 20, **options: float) -> list[Example]:
    return [item for item in write(sections, kind, count, **options) if isinstance(item, Example)]


@pytest.fixture(scope="module")
def article() -> list[Section]:
    return [section(LEAD), section(CREW, "Crew")]


def test_a_basic_answer_is_a_span_of_its_sentence(article: list[Section]) -> None:
    """Every basic answer occurs, letter by letter, in the first sentence that it cites."""
    by_id = {item.id: item for item in article}
    pairs = examples(article)
    assert len(pairs) == 40
    for pair in pairs:
        section_id, number = pair.evidence[0]
        assert pair.answer in by_id[section_id].sentence(number)


def test_questions_do_not_give_their_answer_away(article: list[Section]) -> None:
    """No question contains its answer, and every one ends with a question mark."""
    for pair in examples(article):
        assert not contains_answer(pair.question, pair.answer), pair
        assert pair.question.endswith("?")
        assert len(words(pair.answer)) <= 8


def test_questions_stand_on_their_own(article: list[Section]) -> None:
    """A direct question has no pronoun for a subject and names the article, unless its title is the answer."""
    for pair in examples(article):
        asked = words(pair.question)
        assert asked[0] not in ("he", "she", "it", "they", "this", "these")
        assert "apollo" in asked or contains_answer("Apollo 8", pair.answer) or contains_answer("Apollo 8 Crew", pair.answer), pair
        if "____" not in pair.question:
            assert not set(asked) & {"he", "she", "it", "they", "this", "these", "him", "them"}, pair


def test_a_detailed_answer_is_whole_sentences(article: list[Section]) -> None:
    """A detailed answer is the cited one to four consecutive sentences, as they stand."""
    by_id = {item.id: item for item in article}
    pairs = examples(article, "detailed", 5)
    assert pairs
    for pair in pairs:
        numbers = [number for _, number in pair.evidence]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert len(numbers) <= 4
        place = by_id[pair.source_id]
        start, end = place.sentences[numbers[0] - 1][0], place.sentences[numbers[-1] - 1][1]
        assert pair.answer == place.text[start:end]


@pytest.mark.parametrize("count", [1, 3, 20])
@pytest.mark.parametrize("kind", ["basic", "detailed"])
def test_no_section_gets_more_than_count(article: list[Section], kind: str, count: int) -> None:
    """At most `count` pairs of a kind rest on one section."""
    pairs = examples(article, kind, count)
    for place in article:
        assert sum(pair.source_id == place.id for pair in pairs) <= count


def test_the_same_sections_give_the_same_pairs(article: list[Section]) -> None:
    """Writing is deterministic, ids and order included."""
    assert write(article) == write(article)


def test_ids_do_not_depend_on_other_sections(article: list[Section]) -> None:
    """A pair's id is its own: alone or among others, the same pair has the same id."""
    alone = {(pair.question, pair.answer): pair.id for pair in examples(article[:1])}
    among = {(pair.question, pair.answer): pair.id for pair in examples(article)}
    assert alone.keys() & among.keys()
    assert all(among[key] == alone[key] for key in alone.keys() & among.keys())


def test_a_question_with_two_answers_is_asked_by_neither_section() -> None:
    """Contradictory questions are rejected as duplicates across sections, and nothing of them is kept."""
    pairs = write([
        section("The mission was launched in 1968 from Florida by NASA.", "First"),
        section("The mission was launched in 1969 from Florida by NASA.", "Second"),
    ])
    lost = [item for item in pairs if isinstance(item, Reject)]
    assert lost
    assert {item.reason for item in lost} == {Reason.DUPLICATE}
    kept = [pair for pair in pairs if isinstance(pair, Example)]
    assert not [pair for pair in kept if pair.answer in ("1968", "1969")]


def test_a_repeated_section_is_asked_about_once() -> None:
    """The same text under two headings gives each question once; the repeats are rejects."""
    twice = [section(LEAD, "First"), section(LEAD, "Second")]
    questions = [pair.question for pair in examples(twice)]
    assert len(questions) == len(set(questions))
    assert any(isinstance(item, Reject) for item in write(twice))


def test_facts_are_asked_in_clearly_different_wordings(article: list[Section]) -> None:
    """Some facts have two questions with one answer, and those share less than 0.7 of their words."""
    asked: dict[tuple[object, str], list[str]] = {}
    for pair in examples(article, reworded=0.5):
        asked.setdefault((pair.evidence[0], pair.answer), []).append(pair.question)
    several = [questions for questions in asked.values() if len(questions) > 1]
    assert len(several) >= 8
    assert all(jaccard(a, b) < 0.7 for questions in several for a, b in combinations(questions, 2))


def test_without_rewording_every_answer_is_another(article: list[Section]) -> None:
    """With `reworded=0` and enough facts, no two pairs of a section share an answer."""
    answers = [pair.answer for pair in examples(article[:1], count=15, reworded=0.0)]
    assert len(set(answers)) == 15


def test_every_sentence_is_asked_about_before_any_is_asked_twice(article: list[Section]) -> None:
    """With room for one pair a sentence, each usable sentence gets one."""
    numbers = {pair.evidence[0][1] for pair in examples(article[:1], count=7, reworded=0.0)}
    assert len(numbers) == 7


def test_an_unknown_kind_is_the_users_mistake() -> None:
    """A kind that rules cannot write is refused at once, and the message names those they can."""
    with pytest.raises(CorpusTunerError, match="basic, detailed"):
        RulesWriter(Settings()).write([], "cross", 1)


@pytest.mark.parametrize("text", ["", "\n\n", "| a | b |\n| 1 | 2 |", "((((\"", "2 3 5 7 11 13", "Yes.", "¿" * 50, "😀 " * 40])
def test_text_without_facts_gives_no_pairs(text: str) -> None:
    """What has no sentence gives nothing, and does not fail."""
    assert not examples([section(text)])
    assert not examples([section(text)], "detailed")


def test_only_statements_are_asked_about() -> None:
    """A question, an item's number before it or not, states nothing."""
    assert not examples([section("(10) Does the crew of 3 astronauts support NASA? Did Frank Borman fly in 1968?")])


def test_an_untitled_section_is_asked_about_without_a_name() -> None:
    """No question speaks of an article "" when there is no title."""
    pairs = examples([section(CREW, title="")])
    assert pairs
    assert not [pair for pair in pairs if '""' in pair.question]


def test_sixty_sections_within_two_seconds(article: list[Section]) -> None:
    """Sixty sections of about 120 words take less than two seconds, both kinds."""
    many = [section(f"{text} Crew number {n} slept for {n + 3} hours.", f"Part {n}") for n in range(30) for text in (LEAD, CREW)]
    write(article)  # the tagger's lexicon is read once
    started = time.perf_counter()
    write(many)
    write(many, "detailed")
    assert time.perf_counter() - started < 2 * 3  # a shared machine may be three times slower
