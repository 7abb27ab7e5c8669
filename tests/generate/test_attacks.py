"""A model that does what it should not: each time a named reject or a clear line, and the run ends."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence

import pytest
from conftest import ships
from test_llm import pair, reply, write

from corpus_tuner.generate.passage import Passage
from corpus_tuner.records import Message, Reason, Section
from corpus_tuner.testing import ScriptedModel
from corpus_tuner.text import sentences


def asked(question: str, answer: str = "21") -> str:
    return json.dumps({"pairs": [{"evidence": [1], "question": question, "answer": answer}]})


@pytest.mark.parametrize(
    "question",
    [
        "Wie viele Kisten trug die Aldra1 nach Aldraville?",
        "¿Cuántas cajas llevó el Aldra1 a Aldraville?",
        "Combien de caisses la Aldra1 a-t-elle transportées à Aldraville ?",
        "Сколько ящиков перевезла Aldra1 в гавань?",
        "船は何箱の銅を運びましたか？",
    ],
)
def test_a_question_in_another_language_is_rejected_by_name(question: str) -> None:
    """Although its answer, a number, stands in the passage."""
    examples, rejects = write(ScriptedModel([asked(question)]), ships(1))
    assert (examples, [one.reason for one in rejects]) == ([], [Reason.OTHER_LANGUAGE])


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("Die Hard was shown in Wien. It was a success for the crew of Der Alte.", "Which film ran in Wien beside Der Alte?"),
        ("Die Netzwühle lebt im Boden und frisst Ameisen. Sie ist blind.", "Was frisst die Netzwühle?"),
        ("Die Netzwühle lebt im Boden und frisst Ameisen. Sie ist blind.", "Complete: Netzwühle?"),
        ("量子力学是物理学的一个分支。", "量子力学是什么？"),
        ("Tōkyō (東京) is the capital of Japan and the seat of the emperor.", "What is 東京?"),
        ("Copper 21, tin 30.", "Wie viel Zinn?"),
    ],
)
def test_names_in_other_languages_and_short_texts_are_no_offence(text: str, question: str) -> None:
    """Where the language is not certain, nothing is rejected for it, whatever the section is labelled."""
    passage = Passage(Section("s", "d", "T", (), text, sentences(text), language="en"))
    assert not passage.is_foreign(question)


def test_sentence_999_is_not_cited() -> None:
    """The pair rests on the sentence that holds its answer; a made-up one has none and is rejected."""
    good, bad = pair(1, 1) | {"evidence": [999]}, pair(1, 2) | {"evidence": [999], "answer": "boundless gold"}
    examples, rejects = write(ScriptedModel([json.dumps([good, bad])]), ships(1))
    assert [one.evidence for one in examples] == [(("s1", 1),)]
    assert [one.reason for one in rejects] == [Reason.UNSUPPORTED_ANSWER]


def test_a_model_that_changes_its_mind_when_asked_again_adds_and_takes_nothing_back() -> None:
    """The pairs of a cut reply stay; the second reply's other answer to the same question is not taken in."""
    first, other = pair(1, 1), pair(1, 1) | {"answer": "21 crates"}
    cut = json.dumps({"pairs": [first, pair(1, 2)]})[:-30]
    examples, _ = write(ScriptedModel([cut, json.dumps({"pairs": [other, pair(1, 3)]}), reply(1, 1)]), ships(1))
    assert Counter(one.question for one in examples)[str(first["question"])] == 1
    assert [one.answer for one in examples if one.question == first["question"]] == [first["answer"]]


def test_a_reply_of_a_hundred_thousand_braces_takes_no_time() -> None:
    """Garbage is rejected in a moment, by name."""
    start = time.monotonic()
    examples, rejects = write(ScriptedModel(lambda messages: '{"question": [' * 20_000), ships(1))
    assert (examples, len(rejects)) == ([], 1)
    assert time.monotonic() - start < 10


def test_a_page_of_html_in_place_of_pairs_gives_none() -> None:
    """As a proxy's completion might hold it."""

    def page(messages: Sequence[Message]) -> str:
        return "<html><body><h1>Sign in</h1><p>What is your name?</p></body></html>"

    examples, rejects = write(ScriptedModel(page), ships(1))
    assert (examples, [one.reason for one in rejects]) == ([], [Reason.UNPARSABLE])
