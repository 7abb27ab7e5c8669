"""The checks that ask the model: another answer, an unsound pair and an unreadable check each have their reason."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from conftest import ships
from test_llm import pair, reply

from corpus_tuner.errors import OverBudget
from corpus_tuner.generate.ask import PROBLEMS
from corpus_tuner.generate.checks import agree
from corpus_tuner.generate.llm import LlmWriter
from corpus_tuner.generate.requests import ASKS
from corpus_tuner.records import Example, Message, Reason, Reject
from corpus_tuner.settings import GenerateSettings, Settings
from corpus_tuner.testing import ScriptedModel

Checked = Callable[[list[str]], list[dict[str, object]]]


def teacher(checked: Checked, written: str = "") -> Callable[[Sequence[Message]], str]:
    """Writes three pairs of a section, or answers a check of them by `checked`, which is given their lines."""

    def answer(messages: Sequence[Message]) -> str:
        number = int(re.search(r"Year (\d+)", messages[1]["content"])[1])
        if "question-answer pairs from a passage" in messages[0]["content"]:
            return written or reply(number, 1, 2, 3)
        found = checked(re.findall(r"^\d+\. (.*)", messages[1]["content"], re.MULTILINE))
        return json.dumps({"checked": [{"number": at, **one} for at, one in enumerate(found, start=1)]})

    return answer


def write(model: ScriptedModel, *numbers: int, **settings: object) -> tuple[list[Example], list[Reject]]:
    wanted = Settings(generate=GenerateSettings(**{"concurrency": 4, "plan": "classic", **settings}))
    items = list(LlmWriter(wanted, model).write([ships(number) for number in numbers], "basic", 20))
    return [item for item in items if isinstance(item, Example)], [item for item in items if isinstance(item, Reject)]


def told(lines: list[str]) -> list[dict[str, object]]:
    """The right answer to each question about `ships`."""
    answers = {str(one["question"]): one["answer"] for number in range(3) for one in (pair(number, at) for at in range(1, 9))}
    return [{"answer": f"It carried {answers[line]}."} for line in lines]


def test_neither_check_is_made_unless_it_is_asked_for() -> None:
    """Each costs a call for a task."""
    model = ScriptedModel(teacher(told))
    assert len(write(model, 0, 1)[0]) == 6
    assert len(model.asked) == 2


def test_a_round_trip_keeps_what_the_section_alone_answers_alike() -> None:
    """One request for the pairs of a task; it shows the questions and not their answers."""
    model = ScriptedModel(teacher(told))
    examples, rejects = write(model, 0, 1, round_trip=True)
    assert (len(examples), rejects) == (6, [])
    assert len(model.asked) == 4
    for messages, _ in model.asked[2:]:
        assert not any(one.answer in messages[1]["content"].split("\n\n")[-2] for one in examples)


@pytest.mark.parametrize("said", ["999 crates", "not stated", "Not stated.", "the harbour"])
def test_a_round_trip_rejects_another_answer_by_name(said: str) -> None:
    """With what the section alone gave; the other pairs of the task stay."""
    model = ScriptedModel(teacher(lambda lines: [*told(lines)[:2], {"answer": said}]))
    examples, rejects = write(model, 0, round_trip=True)
    assert len(examples) == 2
    assert [one.reason for one in rejects] == [Reason.OTHER_ANSWER]
    assert said in rejects[0].detail


def test_a_question_without_an_answer_passes_the_round_trip_if_none_is_found() -> None:
    """And only then."""
    for said, kept in (("not stated", 1), ("seven days", 0)):
        twins = {"pairs": [pair(0, 1), {"evidence": [], "question": "Who owned the vessel Aldra0 in 1700?", "answer": "not stated"}]}
        model = ScriptedModel(teacher(lambda lines, said=said: [told(lines[:1])[0], {"answer": said}], json.dumps(twins)))
        settings = Settings(generate=GenerateSettings(concurrency=1, plan="classic", round_trip=True))
        items = list(LlmWriter(settings, model).write([ships(0)], "abstain", 2))
        assert sum(isinstance(one, Example) and one.kind == "abstain" for one in items) == kept


def test_the_judge_sees_passage_question_and_answer_and_says_what_is_wrong() -> None:
    """Its word is the detail of the reject; after a round trip it sees only what passed."""
    seen: list[str] = []

    def checked(lines: list[str]) -> list[dict[str, object]]:
        if " | " not in lines[0]:
            return [*told(lines)[:2], {"answer": "none"}]
        seen.extend(lines)
        return [{"problem": "", "sound": True}, {"problem": "wrong vessel", "sound": False}]

    model = ScriptedModel(teacher(checked))
    examples, rejects = write(model, 0, round_trip=True, judge=True)
    assert len(examples) == 1
    assert [one.reason for one in rejects] == [Reason.JUDGED, Reason.OTHER_ANSWER]
    assert "wrong vessel" in rejects[0].detail
    assert seen[0] == f"{examples[0].question} | {examples[0].answer}"
    assert "crates of copper from Lenn" in model.asked[-1][0][1]["content"]


@pytest.mark.parametrize("bad", ["", "nonsense", '{"checked": []}', '{"checked": [{"number": 7, "answer": "x"}]}', "[[1, 2]]"])
def test_pairs_that_could_not_be_checked_are_left_out_by_name(bad: str) -> None:
    """After three asks; an optional check that lets everything through when it fails would be none."""
    answer = teacher(told)
    model = ScriptedModel(lambda messages: answer(messages) if "pairs from" in messages[0]["content"] else bad)
    examples, rejects = write(model, 0, round_trip=True)
    assert (examples, len(model.asked)) == ([], 1 + ASKS)
    assert [one.reason for one in rejects] == [Reason.UNCHECKED] * 3


def test_what_a_check_passed_over_is_asked_for_again() -> None:
    """The second reply fills in what the first left out; its word on the others does not count twice."""
    rounds = iter([1, 3])
    model = ScriptedModel(teacher(lambda lines: told(lines)[: next(rounds)]))
    examples, rejects = write(model, 0, round_trip=True)
    assert (len(examples), rejects, len(model.asked)) == (3, [], 3)
    assert PROBLEMS[Reason.UNCHECKED] in model.asked[2][0][1]["content"]  # and not that it was no JSON


def test_where_the_money_ends_in_a_later_round_nothing_is_lost_silently() -> None:
    """What was written and not checked any more is a reject by name; the first round stands."""

    def answer(messages: Sequence[Message]) -> str:
        later = "more question-answer pair" in messages[1]["content"]
        if "pairs from a passage" in messages[0]["content"]:
            return reply(0, 4, 5) if later else reply(0, 1, 2, 3)
        if "the Dunwen0 carry" in messages[1]["content"]:
            raise OverBudget("stopped")
        return teacher(told)(messages)

    examples, rejects = write(ScriptedModel(answer), 0, plan="facts", round_trip=True, concurrency=1)
    assert [one.evidence[0][1] for one in examples] == [1, 2, 3]
    assert Counter(one.reason for one in rejects)[Reason.UNCHECKED] == 2


def test_answers_agree_in_other_inflections() -> None:
    """Of the language that they are in, in which alone it is known what carries no meaning."""
    assert agree("die hohen geschätzten Populationen", "hohe geschätzte Populationen", "de")
    assert not agree("die niedrigen geschätzten Zahlen", "hohe geschätzte Populationen", "de")
    assert not agree("die", "hohe Populationen", "de")


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("21 December 1968", "December 21, 1968", True),
        ("1968", "in 1968", True),
        ("1968", "1969", False),
        ("Frank Borman", "Jim Lovell", False),
        ("Borman", "Frank Borman", True),
        ("three days and two nights", "three days", True),
        ("because of a lack of fuel", "a fuel shortage", False),
        ("im Norden Marokkos", "der Norden Marokkos", True),
        ("The crew read from Genesis, which millions heard at home.", "They read from the Book of Genesis while in orbit.", True),
    ],
)
def test_answers_agree_by_words_and_numbers(left: str, right: str, same: bool) -> None:
    """Either way round."""
    assert agree(left, right) == agree(right, left) == same
