"""Prompts: their files, what fills them, and long sections in pieces."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from conftest import ships

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.generate import ask
from corpus_tuner.records import Reason, Section
from corpus_tuner.text import sentences, words


def section(text: str, language: str = "en") -> Section:
    return Section("s", "d", "Ships", (), text, sentences(text, language), language=language)


PLACEHOLDERS = {
    "rules": set(),
    "passage": {"title", "section", "language", "sentences", "asked"},
    "order": {"count"},
    "order_abstain": {"count"},
    "order_rewrite": {"count", "genres"},
    "each": {"count", "each", "numbers"},
    "bare": {"count", "each", "numbers", "known"},
    "known": {"questions"},
    "again": {"problem"},
    "checking": set(),
    "round_trip": {"pairs"},
    "judge": {"pairs"},
}
KINDS = ["abstain", "basic", "cross", "detailed", "inference", "reverse", "reworded", "rewrite"]


def test_every_prompt_file_has_exactly_the_placeholders_that_are_filled() -> None:
    """A misspelt placeholder would raise in front of a user, an unused value would be lost; a new file must be listed."""
    folder = Path(ask.__file__).parent / "prompts"
    names = {str(path.relative_to(folder).with_suffix("")) for path in folder.rglob("*.md") if path.parent.name != "recipe"}
    assert names == PLACEHOLDERS.keys() | {f"kinds/{kind}" for kind in KINDS}
    for name in names:
        assert ask.template(name).is_valid()
        assert set(ask.template(name).get_identifiers()) == PLACEHOLDERS.get(name, set())


def test_long_sections_are_asked_about_in_equal_parts() -> None:
    """As few as the pairs of one request allow; every sentence is in one of them."""
    most = ask.PAIRS_PER_REQUEST
    for count in (0, 1, most - 1, most, most + 1, 5 * most + 3):
        for each in (1, 2, 7, most + 1):
            parts = ask.batches(range(1, count + 1), each)
            assert [number for part in parts for number in part] == list(range(1, count + 1))
            assert all(len(part) * each <= max(most, each) for part in parts)
            assert max(map(len, parts), default=0) - min(map(len, parts), default=0) <= 1


def test_every_kind_has_its_prompt_and_no_other() -> None:
    """The files in the folder of kinds are the kinds."""
    assert ask.kinds() == KINDS
    with pytest.raises(CorpusTunerError, match="choose from abstain, basic"):
        ask.kind_prompt("poem")


def test_kinds_of_one_passage_share_the_beginning_of_their_prompts() -> None:
    """Up to the end of the passage, so that a provider's cache serves the second kind."""
    one, two = (ask.messages(next(ask.tasks(ships(1), kind, 20, 1200))) for kind in ("basic", "reverse"))
    assert one[0] == two[0]
    passage = one[1]["content"][: one[1]["content"].index("[8] In")]
    assert two[1]["content"].startswith(passage)


def test_a_task_by_sentences_names_them_and_what_is_known() -> None:
    """Each sentence once, twenty at most in one request, in runs; a later round shows what was asked, and lets go."""
    long = ships(1, 8)
    asked = [task.numbers for task in ask.sentence_tasks(long, "reverse", [1, 2, 3, 7], 1, 1200)]
    assert asked == [(1, 2, 3, 7)]
    first = ask.messages(next(ask.sentence_tasks(long, "reverse", [1, 2, 3, 7], 1, 1200)))[1]["content"]
    assert "Write 4 pair(s), 1 for each of the sentence(s) 1-3, 7:" in first
    later = ask.messages(next(ask.sentence_tasks(long, "basic", [2], 1, 1200, ("Who sailed?",), 2)))[1]["content"]
    assert "- Who sailed?" in later
    assert '"question": ""' in later
    assert '"question": ""' not in first


def test_many_sentences_are_asked_for_in_several_requests() -> None:
    """Every sentence in exactly one, whatever pieces a long section has."""
    text = " ".join(f"Captain Brandt left the port of Lenn with {n} crates on board." for n in range(1, 64))
    for most_words in (1200, 100):
        found = [n for task in ask.sentence_tasks(section(text), "basic", range(1, 64), 1, most_words) for n in task.numbers]
        assert sorted(found) == list(range(1, 64))
    assert [task.count for task in ask.sentence_tasks(section(text), "basic", range(1, 64), 1, 1200)] == [21, 21, 21]


def test_a_prompt_begins_with_what_never_changes() -> None:
    """The static part comes first, word for word the same for all sections; the passage with its title after it."""
    one, two = (ask.messages(next(ask.tasks(ships(number), "basic", 20, 1200))) for number in (1, 2))
    assert one[0] == two[0]
    assert one[1]["content"].startswith(
        "Title: Ships\nSection: Voyages > Year 1\nLanguage: en\n\n[1] In 1707 the vessel"
    )
    assert "Write up to 20 question-answer pairs" in one[1]["content"].splitlines()[-1]


def test_a_repeated_ask_keeps_the_prompt_and_says_what_was_wrong() -> None:
    """The first prompt is the beginning of the second, so that a provider's cache serves it."""
    task = next(ask.tasks(ships(1), "basic", 20, 1200))
    first, second = ask.messages(task), ask.messages(task, Reason.CUT)
    assert second[1]["content"].startswith(first[1]["content"])
    assert "cut off" in second[1]["content"]


@pytest.mark.parametrize("fault", [Reason.EMPTY_REPLY, Reason.REFUSAL, Reason.UNPARSABLE, Reason.CUT, Reason.TOO_LONG, Reason.UNCHECKED])
def test_every_fault_of_a_reply_can_be_named_to_the_model(fault: Reason) -> None:
    """None of them ends a run with a KeyError."""
    assert ask.messages(next(ask.tasks(ships(1), "basic", 2, 1200)), fault)


def test_braces_and_dollars_in_a_passage_are_text() -> None:
    """What a document says is never read as a template."""
    content = ask.messages(
        next(ask.tasks(section("It cost $title and {count} of ${sentences} in all."), "basic", 2, 1200))
    )
    assert "[1] It cost $title and {count} of ${sentences} in all." in content[1]["content"]


def test_a_short_section_is_not_asked_for_more_than_it_bears() -> None:
    """At most three pairs a sentence."""
    assert [task.count for task in ask.tasks(section("The Aldra sailed to Lenn in 1707."), "basic", 20, 1200)] == [3]


@pytest.mark.parametrize("count", [1, 5, 200])
def test_a_long_section_is_asked_about_in_pieces(count: int) -> None:
    """Each piece within the budget, every sentence in order under its number, the pairs shared out exactly."""
    long = section(" ".join(ships(number).text for number in range(40)))
    found = list(ask.tasks(long, "basic", count, 300))
    assert sum(task.count for task in found) == count
    if count == 200:
        lines = [line for task in found for line in task.lines.split("\n")]
        assert lines == [f"[{n}] {long.sentence(n)}" for n in range(1, len(long.sentences) + 1)]
        assert max(len(words(task.lines)) for task in found) <= 300
        assert len({task.id for task in found}) == len(found)


def test_a_section_of_100000_words_without_a_full_stop_is_cut_into_pieces() -> None:
    """A sentence that alone is too long is shown in parts under one number."""
    found = list(ask.tasks(section("copper and timber, " * 33_000), "basic", 1000, 1200))
    assert all(len(words(task.lines)) <= 1200 for task in found)
    assert all(line.startswith("[1] ") for task in found for line in task.lines.split("\n"))


def test_a_long_chinese_section_is_cut_by_characters() -> None:
    """Text without spaces has as many words as characters."""
    text = "阿波罗八号是第一艘绕月飞行的载人飞船。" * 200
    found = list(ask.tasks(section(text, "zh"), "basic", 20, 500))
    assert len(found) > 5
    assert max(len(words(task.lines)) for task in found) <= 500


def test_the_schema_fits_what_the_prompt_shows() -> None:
    """The object in the prompt is one of the schema's pairs, evidence first."""
    shown = json.loads(ask.template("rules").substitute().splitlines()[-1])
    jsonschema.validate(shown, ask.reply_schema())
    assert list(shown["pairs"][0]) == ["evidence", "question", "answer"]
