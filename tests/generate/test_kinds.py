"""Kinds that are no plain pairs: texts told again, conclusions, near misses with their twins, questions that need two sections."""

from __future__ import annotations

import json

import pytest
from conftest import ships

from corpus_tuner.generate.kinds import inferred, near_miss, retold
from corpus_tuner.generate.llm import LlmWriter
from corpus_tuner.generate.passage import Passage
from corpus_tuner.records import Example, Reason, Reject, Section
from corpus_tuner.settings import GenerateSettings, Settings
from corpus_tuner.testing import ScriptedModel
from corpus_tuner.text import sentences

TEXT = "Lenn Bridge was opened in 1883 by Ada Keller. It spans the river Torvik. Its two towers are 40 metres high."
BRIDGE = Section("b", "d", "Lenn Bridge", ("Construction",), TEXT, sentences(TEXT), language="en")
ORDER = "Tell about Lenn Bridge, Construction, as a letter."


def write(kind: str, pairs: list[dict[str, object]], *sections: Section) -> tuple[list[Example], list[Reject]]:
    model = ScriptedModel(lambda messages: json.dumps({"pairs": pairs}))
    items = list(LlmWriter(Settings(generate=GenerateSettings(concurrency=1)), model).write(sections, kind, 5))
    return [i for i in items if isinstance(i, Example)], [i for i in items if isinstance(i, Reject)]


def test_a_text_rests_on_the_sentences_that_it_tells() -> None:
    """Whatever numbers it cites."""
    text = "Dear friend, in 1883 Ada Keller opened Lenn Bridge. It spans the river Torvik. Yours"
    assert retold(ORDER, text, Passage(BRIDGE)) == (1, 2)


@pytest.mark.parametrize(
    ("order", "text", "reason"),
    [
        ("Tell about it as a letter.", "In 1883 Ada Keller opened Lenn Bridge.", Reason.NOT_SELF_CONTAINED),
        (ORDER, "In 1884 Ada Keller opened Lenn Bridge.", Reason.UNSUPPORTED_NUMBER),
        (ORDER, "In 1883 Bob Keller opened Lenn Bridge.", Reason.UNSUPPORTED_NAME),
        (ORDER, "Sunshine, laughter and music filled every street while children danced.", Reason.UNSUPPORTED_ANSWER),
        (ORDER, " ", Reason.EMPTY_TEXT),
    ],
)
def test_a_text_that_invents_is_rejected_by_name(order: str, text: str, reason: Reason) -> None:
    """Its order must name the document; numbers and names must stand in the section."""
    assert retold(order, text, Passage(BRIDGE)) == reason


GAP = "How many years after its opening was Lenn Bridge widened?"
LATER = "Lenn Bridge was opened in 1883. It was widened in 1901. It was painted by 12 men. The Torvik Bridge is younger."
BUILT = Section("c", "d", "Lenn Bridge", ("History",), LATER, sentences(LATER), language="en")


def test_a_conclusion_rests_on_all_sentences_that_it_needs() -> None:
    """Those cited that say a word of it, and not the section's best for its answer alone."""
    elder = {"evidence": [4, 1, 3], "question": "Which is older, Lenn Bridge or Torvik Bridge, which is younger than what opened?", "answer": "Lenn Bridge"}
    gap = {"evidence": [1, 2], "question": GAP, "answer": "18 years"}
    examples, rejects = write("inference", [elder, gap], BUILT)
    assert [(one.kind, one.evidence) for one in examples] == [
        ("inference", (("c", 1), ("c", 4))),
        ("inference", (("c", 1), ("c", 2))),
    ]
    assert rejects == []


@pytest.mark.parametrize(
    ("question", "answer", "cited", "reason"),
    [
        (GAP, "18", [1], Reason.ONE_SENTENCE),
        (GAP, "18", [1, 99], Reason.ONE_SENTENCE),
        ("When was Lenn Bridge opened?", "1883", [1, 2], Reason.ONE_SENTENCE),
        (GAP, "19 years", [1, 2], Reason.UNSUPPORTED_NUMBER),
        (GAP, "1889 years", [1, 2], Reason.UNSUPPORTED_NUMBER),  # of a sentence that is not cited
        ("Who was there when Lenn Bridge was opened and widened?", "Ada Keller", [1, 2], Reason.UNSUPPORTED_NAME),
        ("What did it cost Lenn Bridge to be opened and widened?", "much sorrow", [1, 2], Reason.UNSUPPORTED_ANSWER),
        ("How old was it then?", "18 years", [1, 2], Reason.NOT_SELF_CONTAINED),
    ],
)
def test_a_conclusion_that_does_not_follow_from_several_sentences_is_rejected_by_name(
    question: str, answer: str, cited: list[int], reason: Reason
) -> None:
    """A number must be there, or be the sum or difference of two that the cited sentences give."""
    assert inferred(question, answer, cited, Passage(BUILT)) == reason


def test_a_sum_may_be_of_numbers_in_words_and_decimals() -> None:
    """Whatever way the section writes them; "12 and a half" is beyond it."""
    text = "The first tower of Lenn Bridge is twenty metres high. The second rises 1,200.5 metres from it."
    section = Section("t", "d", "Lenn Bridge", (), text, sentences(text), language="en")
    question = "How high do the first tower of Lenn Bridge and the second rise together?"
    assert inferred(question, "1220.5 metres", [1, 2], Passage(section)) == (1, 2)
    assert inferred(question, "1220 metres", [1, 2], Passage(section)) == Reason.UNSUPPORTED_NUMBER


def test_a_near_miss_gets_the_fixed_answer_and_its_twin_a_pair() -> None:
    """What the model said in its place is not trained on."""
    twin = {"evidence": [1], "question": "When was Lenn Bridge opened?", "answer": "1883"}
    miss = {"evidence": [], "question": "When was Lenn Bridge repainted?", "answer": "not stated, perhaps 1999"}
    examples, rejects = write("abstain", [twin, miss], BRIDGE)
    assert [(one.kind, one.answer, one.evidence) for one in examples] == [
        ("basic", "1883", (("b", 1),)),
        ("abstain", "I do not know.", ()),
    ]
    assert rejects == []


def test_a_near_miss_whose_twin_fails_goes_with_it() -> None:
    """So that no subject is known by refusals alone."""
    twin = {"evidence": [1], "question": "When was Lenn Bridge opened?", "answer": "1999"}
    miss = {"evidence": [], "question": "When was Lenn Bridge repainted?", "answer": "not stated"}
    examples, rejects = write("abstain", [twin, miss], BRIDGE)
    assert examples == []
    assert [one.reason for one in rejects] == [Reason.UNSUPPORTED_NUMBER, Reason.NO_TWIN]


def test_a_near_miss_that_a_sentence_answers_is_none() -> None:
    """All its own words stand in one."""
    assert near_miss("Who opened Lenn Bridge in 1883?", Passage(BRIDGE)) == Reason.ANSWERABLE
    assert near_miss("Who painted Lenn Bridge in 1883?", Passage(BRIDGE)) is None
    assert near_miss("Lenn Bridge was painted.", Passage(BRIDGE)) == Reason.NOT_A_QUESTION


def voyage(number: int, text: str) -> Section:
    return Section(f"v{number}", "d", "Ships", (f"Voyage {number}",), text, sentences(text), language="en")


HARBOUR = voyage(1, "The harbour was built by Irmelin Jorvald. It has a lighthouse.")
CAPTAIN = voyage(2, "In her youth Irmelin Jorvald sailed to Vasmere. She wrote three books.")
OTHER = voyage(3, "Copper was loaded at dawn. The crates were heavy.")


def test_a_question_across_two_sections_rests_on_both() -> None:
    """Those that share a name are shown together, under numbers of their own."""
    pair = {"evidence": [1, 3], "question": "Where had the builder of the harbour of Ships, Irmelin Jorvald, sailed in her youth?"}
    pair |= {"answer": "Before the harbour was built by Irmelin Jorvald, she had in her youth sailed to Vasmere."}
    examples, rejects = write("cross", [pair], HARBOUR, CAPTAIN, OTHER)
    assert [one.evidence for one in examples] == [(("v1", 1), ("v2", 1))]
    assert rejects == []


def test_a_question_that_one_section_answers_is_not_across_two() -> None:
    """It is rejected by name."""
    pair = {"evidence": [1], "question": "Who built the harbour of Ships?", "answer": "Irmelin Jorvald built the harbour."}
    examples, rejects = write("cross", [pair], HARBOUR, CAPTAIN, OTHER)
    assert (examples, [one.reason for one in rejects]) == ([], [Reason.ONE_SECTION])


def test_sections_that_share_no_name_are_not_asked_about_together() -> None:
    """No request is sent for them."""
    assert write("cross", [], OTHER, voyage(4, "Nobody was there. It rained.")) == ([], [])


def test_a_title_answers_where_the_sentence_says_it_otherwise() -> None:
    """The cited sentence must hold the question's words; not the one in which the title happens to stand."""
    pair = {"evidence": [2], "question": "Which bridge spans the river Torvik?", "answer": "Lenn Bridge"}
    assert [one.evidence for one in write("reverse", [pair], BRIDGE)[0]] == [(("b", 2),)]
    pair |= {"question": "Which bridge crosses a canal in Vasmere?"}
    assert all(one.evidence != (("b", 2),) for one in write("reverse", [pair], BRIDGE)[0])


def test_long_sections_still_make_one_request_of_a_kind_across_two() -> None:
    """Only the sentences around a shared name are shown."""
    model = ScriptedModel(lambda messages: '{"pairs": []}')
    long = [voyage(n, f"Irmelin Jorvald sailed in {1800 + n}. " + ships(n).text) for n in (5, 6)]
    settings = Settings(generate=GenerateSettings(concurrency=1, max_section_words=100))
    assert list(LlmWriter(settings, model).write(long, "cross", 2)) == []
    assert len(model.asked) == 1
    assert "Irmelin Jorvald sailed in 1806" in model.asked[0][0][1]["content"]
