"""Saying that one does not know: recognised, counted, and right where it should be."""

from __future__ import annotations

import random

import pytest

from corpus_tuner.evaluate.abstention import abstained, attempts, unanswerable
from corpus_tuner.evaluate.score import ask, scores
from corpus_tuner.records import Question
from corpus_tuner.testing import ScriptedModel

DECLINES = (
    "", " . ", "I don't know.", "I do not know who commanded it.", "I’m sorry, but I cannot answer that.", "Unknown", "Not stated.",
    "The text does not say who commanded it.", "The article doesn't mention a year.", "N/A", "There is no information about that.",
    "Sorry, I have no information on this.", "This is not stated in the corpus.", "It is not known.", "No lo sé.", "Я не знаю, кто это",
    "我不知道是谁", "Das weiß ich nicht", "None of the passages mention it.", "Unknown; the text does not say.", "There is no mention of that.",
    "I'm not sure.", "We are unable to determine that.", "I cannot find that in the text.", "No information is given in the passage.",
    "It does not say.", "I couldn't tell you.", "Unknown based on the given context.", "The provided text does not contain that.", "I can't be sure.", "**Unknown**", "Unknown (not in the passage)",
)  # fmt: skip
ANSWERS = (
    "Frank Borman", "1968", "No, Lovell did.", "None of the crew slept; they took turns.", "The Unknown Soldier", "Nothing but dust",
    "There is a crater named after Anders.", "It is the Moon.", "The crew did not sleep.", "Notre-Dame", "I. Newton", "The text of Genesis", "No", "Das Rad", "Non",
    "None succeeded", "unknown or unexplored territory", "there is no known polynomial-time solution", "I do not think myself obliged to obey",
    "Unknown Pleasures", "Unknown-origin rocks", "It does not contain lactose.", "I Can't Help Falling in Love", "I Have No Mouth, and I Must Scream",
    "We cannot dedicate this ground", "It does not provide power to the engine.", "No textbook mentions it.",
)  # fmt: skip


@pytest.mark.parametrize("text", DECLINES)
def test_declining_is_recognised(text: str) -> None:
    """However it is said, and if nothing is said."""
    assert abstained(text)


@pytest.mark.parametrize("text", ANSWERS)
def test_an_answer_with_a_negation_is_an_answer(text: str) -> None:
    """A no, a name that begins like one, or a negative fact is no abstention."""
    assert not abstained(text)


@pytest.mark.parametrize("gold", ["None", "It was not given a name.", "It is not available in Europe"])
def test_what_may_be_a_fact_is_no_order_to_abstain(gold: str) -> None:
    """As an accepted answer it is one: saying so is right, an attempt, and abstaining is wrong."""
    question = Question("q", "own", "How many?", (gold,))
    assert not unanswerable(question)
    assert scores("I do not know.", (gold,))["contained"] == 0
    (found,) = attempts([question], {"expert": list(ask([question], ScriptedModel([gold]), name="expert"))})
    assert (found.false_abstention.value, found.wrong_of_attempted.value) == (0, 0)


ASKED = [
    *(Question(f"a{i}", "paraphrase", f"Who is {i}?", ("Borman",)) for i in range(10)),
    *(Question(f"n{i}", "near", f"Who is not there {i}?", ("",)) for i in range(5)),
    *(Question(f"f{i}", "near", f"Who is not there either {i}?", ("The text does not say.",)) for i in range(5)),
]


def test_whoever_abstains_is_right_where_there_is_no_answer() -> None:
    """In any words; an answer is wrong there, and abstaining is wrong where there is one."""
    assert [unanswerable(one) for one in ASKED] == [False] * 10 + [True] * 10
    assert scores("I don't know.", ("",)) == scores("Not stated", ("The text does not say.",)) == {"exact": 1, "f1": 1, "contained": 1}
    assert scores("Borman", ("",)) == {"exact": 0, "f1": 0, "contained": 0}
    assert scores("I don't know.", ("Borman",))["contained"] == 0


def test_an_expert_that_always_abstains_is_found_out() -> None:
    """Perfect abstention comes with all of its false abstention, and no accuracy; the opposite expert shows the opposite."""
    said = {
        "silent": list(ask(ASKED, ScriptedModel(lambda _: "I don't know."), name="silent")),
        "bold": list(ask(ASKED, ScriptedModel(lambda _: "Borman"), name="bold")),
    }
    found = {(one.arm, one.cls): one for one in attempts(ASKED, said)}
    silent, bold = found["silent", "paraphrase"], found["bold", "paraphrase"]
    assert found["silent", "near"].abstention.value == 1
    assert (silent.false_abstention.value, silent.wrong_of_attempted) == (1, None)
    assert found["bold", "near"].abstention.value == 0
    assert found["bold", "near"].wrong_of_attempted.value == 1
    assert (bold.false_abstention.value, bold.wrong_of_attempted.value, bold.abstention) == (0, 0, None)
    assert bold.wrong_of_attempted.high > 0.1  # ten questions without a miss prove no perfection


def test_an_expert_that_copies_the_question_gets_nothing() -> None:
    """Not exact, not contained, little overlap: for all of 200 questions, even where the answer's words are common."""
    asked = [Question(f"q{i}", "own", f"What did pilot {i} of the mission do on day {i}?", (f"He slept {i} hours",)) for i in range(200)]
    given = list(ask(asked, ScriptedModel(lambda messages: messages[-1]["content"]), name="echo"))
    assert sum(one.scores["exact"] + one.scores["contained"] for one in given) == 0
    assert max(one.scores["f1"] for one in given) < 0.3


def test_a_copied_question_is_no_answer_though_it_offers_the_right_one() -> None:
    """200 choices of two, one of them right: who repeats them has none; who repeats them and then chooses is right."""
    asked = [Question(f"q{i}", "own", f"Was it pilot Borman{i} or pilot Lovell{i} who slept?", (f"Borman{i}",)) for i in range(200)]
    said = {
        "copies": lambda text: text,
        "copies, politely": lambda text: f"You ask: {text.upper()}!",
        "answers": lambda text: f"{text} It was {text.split()[3]}.",
    }
    right = {name: sum(one.scores["contained"] for one in ask(asked, ScriptedModel(lambda m, how=how: how(m[-1]["content"])))) for name, how in said.items()}
    assert right == {"copies": 0, "copies, politely": 0, "answers": 200}


def test_who_always_abstains_is_found_out_at_every_seed() -> None:
    """In whatever words of ten, one drawn for each question: all of it counts as false abstention, for 200 of 200 seeds."""
    found = 0
    for seed in range(200):
        chance = random.Random(seed)
        given = {"silent": list(ask(ASKED, ScriptedModel(lambda _, chance=chance: chance.choice(DECLINES)), name="silent"))}
        (paraphrase, near) = attempts(ASKED, given)
        found += (paraphrase.false_abstention.value, near.abstention.value, paraphrase.wrong_of_attempted) == (1, 1, None)
        found -= any(one.scores["contained"] for one in given["silent"][:10])
    assert found == 200
