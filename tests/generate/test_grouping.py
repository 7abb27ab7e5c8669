"""One fact in two sections: its pairs are kept, and rest on the sentences of both."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from corpus_tuner.generate.grouping import Facts
from corpus_tuner.generate.llm import LlmWriter
from corpus_tuner.generate.passage import Passage
from corpus_tuner.records import Example, Message, Section
from corpus_tuner.settings import GenerateSettings, Settings
from corpus_tuner.testing import ScriptedModel
from corpus_tuner.text import sentences

LEAD = "Lenn Bridge spans the river Orr. It was opened in 1883 by Ada Moss."
BODY = "Work took nine years. Ada Moss opened the bridge over the river Orr in 1883. Ada Moss painted the bridge green in 1883."


def passage(text: str, name: str, *path: str) -> Passage:
    return Passage(Section(name, "d", "Lenn Bridge", path, text, sentences(text), language="en"))


def places(*pairs: tuple[str, str, str, int]) -> list[tuple[tuple[str, int], ...]]:
    """Of pairs (section, question, answer, sentence) in this order."""
    facts, passages = Facts(), {"lead": passage(LEAD, "lead"), "body": passage(BODY, "body", "History")}
    return [facts.places(question, answer, ((name, number),), passages[name]) for name, question, answer, number in pairs]


def test_a_fact_that_two_sections_state_rests_on_both() -> None:
    """The later pair holds on to the earlier one's sentence; the earlier one is as it was."""
    found = places(
        ("lead", "In which year was Lenn Bridge opened by Ada Moss?", "1883", 2),
        ("body", "In what year did Ada Moss open Lenn Bridge?", "1883", 2),
    )
    assert found == [(("lead", 2),), (("body", 2), ("lead", 2))]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("In which year was Lenn Bridge opened by Ada Moss?", "1884"),  # another answer
        ("In which year was Lenn Bridge opened by Bert Moss?", "1883"),  # another name
        ("In which year was Lenn Bridge painted by Ada Moss?", "1883"),  # a word that the other's sentence does not have
        ("When?", "1883"),
    ],
)
def test_what_differs_in_answer_name_or_matter_is_another_fact(question: str, answer: str) -> None:
    """However alike the words are."""
    found = places(("lead", "In which year was Lenn Bridge opened by Ada Moss?", "1883", 2), ("body", question, answer, 3))
    assert found[1] == (("body", 3),)


def test_the_writer_keeps_both_and_groups_them() -> None:
    """Neither is rejected as a near-duplicate of another section."""
    asked = {"lead": "In which year was Lenn Bridge opened by Ada Moss?", "History": "In what year did Ada Moss open Lenn Bridge?"}

    def answer(messages: Sequence[Message]) -> str:
        where = "History" if "Section: History" in messages[1]["content"] else "lead"
        return json.dumps({"pairs": [{"evidence": [2], "question": asked[where], "answer": "1883"}]})

    sections = [passage(LEAD, "lead").section, passage(BODY, "body", "History").section]
    items = list(LlmWriter(Settings(generate=GenerateSettings(plan="classic")), ScriptedModel(answer)).write(sections, "basic", 3))
    assert all(isinstance(one, Example) for one in items)
    assert [one.evidence for one in items] == [(("lead", 2),), (("body", 2), ("lead", 2))]


def test_many_pairs_with_one_answer_and_one_template_stay_apart() -> None:
    """A thousand ships that carried copper are a thousand facts."""
    facts = Facts()
    for number in range(1000):
        text = f"The ship numbered x{number}q carried copper to the harbour."
        one = Passage(Section(f"s{number}", "d", "Ships", (), text, sentences(text), language="en"))
        evidence = ((f"s{number}", 1),)
        assert facts.places(f"What did the ship numbered x{number}q carry to the harbour?", "copper", evidence, one) == evidence
