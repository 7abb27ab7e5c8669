"""Further pairs for given sentences: from the rules' own reserve, and from a model that is asked for them by number."""

from __future__ import annotations

import json
import re
from typing import Any

from corpus_tuner.generate import generate
from corpus_tuner.generate.llm import LlmWriter
from corpus_tuner.generate.more import more
from corpus_tuner.generate.questions import same_question
from corpus_tuner.generate.rules import RulesWriter
from corpus_tuner.records import Example, Reject, Section
from corpus_tuner.settings import GenerateSettings, Settings
from corpus_tuner.testing import ScriptedModel
from corpus_tuner.text import normalise_answer, sentences

TEXT = (
    "Frank Borman commanded the Apollo 8 mission in December 1968. James Lovell was the pilot of the command module. "
    "The Saturn V rocket carried the crew from Kennedy Space Center to the Moon in three days. "
    "William Anders took the photograph Earthrise on 24 December 1968 with a Hasselblad camera."
)
SECTION = Section("s", "d", "Apollo 8", ("Flight",), TEXT, sentences(TEXT), "", "en")
RULES = Settings(generate=GenerateSettings(kinds={"basic": 4, "detailed": 1}))


def test_the_rules_give_what_was_not_chosen_at_first() -> None:
    """Only for the wanted sentences, none that is known, at most so many each; other wordings of known answers first."""
    known = [one for one in generate([SECTION], RulesWriter(RULES), RULES.generate.counts) if isinstance(one, Example)]
    wanted = {"s": (1, 4)}
    found = list(more([SECTION], RulesWriter(RULES), wanted, known, 3, RULES.generate.counts))
    pairs = [one for one in found if isinstance(one, Example)]
    assert {one.evidence[0] for one in pairs} == {("s", 1), ("s", 4)}
    assert not {same_question(one.question) for one in pairs} & {same_question(one.question) for one in known}
    for number in (1, 4):
        own = [one for one in pairs if one.evidence[0][1] == number]
        assert 0 < len(own) <= 3
        told = {normalise_answer(one.answer) for one in known if ("s", number) in one.evidence}
        again = [normalise_answer(one.answer) in told for one in own]
        assert again == sorted(again, reverse=True)
    assert list(more([SECTION], RulesWriter(RULES), {}, known, 3, RULES.generate.counts)) == []


def scripted(messages: Any) -> str:
    """A pair for each number that is asked for, told apart by the kind of the request."""
    text = messages[-1]["content"]
    asked = re.findall(r"of the sentence\(s\) ([\d, -]+):", text)[-1]
    numbers = [n for part in asked.split(",") for low, _, high in [part.partition("-")] for n in range(int(low), int(high or low) + 1)]
    kind = "reverse" if "reverse direction" in text else "reworded" if "as a curious person" in text else "basic"
    names = {1: "Frank Borman", 2: "James Lovell", 3: "Saturn V", 4: "William Anders"}
    facts = {1: "commanded the Apollo 8 mission", 2: "was the pilot of the command module", 3: "carried the Apollo 8 crew to the Moon", 4: "took the photograph Earthrise"}
    opening = {"basic": "Who or what", "reworded": "Tell me, please, who or what", "reverse": "In December 1968, who or what"}[kind]
    return json.dumps({"pairs": [{"evidence": [n], "question": f"{opening} {facts[n]}?", "answer": names[n]} for n in numbers]})


def test_a_model_is_asked_for_these_sentences_by_number_and_told_what_is_known() -> None:
    """One request a kind; no other sentence is asked about, and a question that is known is no new pair."""
    known = [
        Example("k", "basic", "Who or what took the photograph Earthrise?", "William Anders", (("s", 4),), "c", "m"),
        Example("o", "basic", "Who was the pilot?", "James Lovell", (("s", 2),), "c", "m"),
    ]
    model = ScriptedModel(scripted)
    settings = Settings(generate=GenerateSettings(writer="llm", concurrency=1))
    found = list(more([SECTION], LlmWriter(settings, model), {"s": (1, 4)}, known, 4, settings.generate.counts))
    prompts = [messages[-1]["content"] for messages, _ in model.asked]
    assert len(prompts) == 3
    assert all("of the sentence(s) 1, 4:" in prompt and "Who or what took the photograph Earthrise?" in prompt for prompt in prompts)
    assert not any("Who was the pilot?" in prompt for prompt in prompts)
    pairs = [one for one in found if isinstance(one, Example)]
    assert {one.evidence[0] for one in pairs} == {("s", 1), ("s", 4)}
    assert "Who or what took the photograph Earthrise?" not in {one.question for one in pairs}
    assert [one.detail for one in found if isinstance(one, Reject)] == ["Who or what took the photograph Earthrise?"]


def test_a_question_that_is_known_is_none_that_is_new_though_it_is_answered_otherwise() -> None:
    """Two answers to one question would only confuse."""
    (one, *_) = (one for one in RulesWriter(RULES).write([SECTION], "basic", 1000) if isinstance(one, Example))
    known = [Example("k", "basic", one.question.upper(), "something else", (("s", 2),), "s", "m")]
    found = list(more([SECTION], RulesWriter(RULES), {one.evidence[0][0]: (one.evidence[0][1],)}, known, 50, RULES.generate.counts))
    assert one.question in {item.detail for item in found if isinstance(item, Reject)}
    assert one.question not in {item.question for item in found if isinstance(item, Example)}
