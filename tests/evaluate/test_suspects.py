"""A wrong gold answer is listed."""

from __future__ import annotations

import random

from corpus_tuner.evaluate.suspects import suspects
from corpus_tuner.records import Answer, Question, Section
from corpus_tuner.text import sentences


def corpus(count: int) -> tuple[list[Section], list[Question]]:
    sections, asked = [], []
    for number in range(count):
        text = f"Captain Person{number} sailed in {1500 + number}. The ship Vessel{number} was lost."
        sections.append(Section(f"s{number}", "d", "Ships", (str(number),), text, sentences(text), "", "en"))
        asked.append(Question(f"q{number}", "own", f"Who sailed ship {number}?", (f"Captain Person{number}",), ((f"s{number}", 1),)))
    return sections, asked


def test_a_planted_wrong_gold_answer_is_found_and_no_right_one_accused() -> None:
    """The answer of another question in one of 40 places: listed for 200 of 200 seeds, alone."""
    found = false = 0
    for seed in range(200):
        sections, asked = corpus(40)
        victim, other = random.Random(seed).sample(range(40), 2)
        asked[victim] = Question(f"q{victim}", "own", asked[victim].text, asked[other].answers, asked[victim].evidence)
        listed = [one.question_id for one in suspects(asked, {}, sections)]
        found += f"q{victim}" in listed
        false += len(listed) - (f"q{victim}" in listed)
    assert found >= 190
    assert false == 0


def test_two_arms_that_agree_against_the_gold_accuse_it() -> None:
    """A user's own question names no section; arms that are made of others, and silence, are no witnesses."""
    asked = [Question("q", "own", "Who?", ("Lovell",))]

    def said(**texts: str) -> dict[str, list[Answer]]:
        return {arm.replace("_", "+"): [Answer("q", arm, text)] for arm, text in texts.items()}

    (one,) = suspects(asked, said(expert="Borman", nearest="the Borman!", base="x"), [])
    assert one.why == "expert and nearest both say 'borman'"
    assert suspects(asked, said(expert="Borman", expert_reader="Borman", base="", nearest=""), []) == []
    assert suspects(asked, said(expert="Lovell", nearest="Lovell"), []) == []
