"""The plan by sentences: what is asked in which round, and when it ends."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Sequence

from conftest import ships

from corpus_tuner.errors import OverBudget
from corpus_tuner.generate.coverage import coverage
from corpus_tuner.generate.llm import LlmWriter
from corpus_tuner.generate.plan import ASKS, is_covered
from corpus_tuner.records import Example, Message, Reason, Reject, Section
from corpus_tuner.settings import GenerateSettings, Settings
from corpus_tuner.testing import ScriptedModel


class Reader:
    """Answers each sentence asked for, but in the first round leaves out `slow`; gives up on `empty` when it may."""

    def __init__(self, slow: Sequence[int] = (), empty: Sequence[int] = ()) -> None:
        self.slow, self.empty = slow, empty
        self.asked: list[tuple[str, bool, list[int]]] = []

    def __call__(self, messages: Sequence[Message]) -> str:
        text = messages[1]["content"]
        kind = "reverse" if "reverse direction" in text else "reworded" if "by twos" in text else "basic"
        more, wanted = "more question" in text, re.search(r"sentence\(s\) ([\d, -]+):", text)[1]
        numbers = [n for run in wanted.split(", ") for n in range(int(run.split("-")[0]), int(run.split("-")[-1]) + 1)]
        self.asked.append((kind, more, numbers))
        kinds = ("basic", "reworded") if kind == "reworded" else (kind,)
        return json.dumps({"pairs": [pair for n in numbers for one in kinds if (pair := self.pair(one, more, n))]})

    def pair(self, kind: str, more: bool, number: int) -> dict[str, object] | None:
        if number in self.empty:
            return {"evidence": [number], "question": "", "answer": "a heading"} if more else None
        if number in self.slow and not more:
            return None
        words = ships(1).sentence(number).split()
        vessel, crates, port = words[4], " ".join(words[6:8]), words[-5].rstrip(".")
        asks = {
            "basic": (f"How much copper did the {vessel} carry in {words[1]}?", crates),
            "reworded": (f"In {words[1]} the {vessel} had how many crates of copper on board?", crates),
            "reverse": (f"Which vessel carried {crates} to {port} in {words[1]}?", vessel),
        }
        return {"evidence": [number], "question": asks[kind][0], "answer": asks[kind][1]}


def write(reader: Reader, *sections: Section, **settings: object) -> tuple[list[Example], list[Reject], dict]:
    wanted = Settings(generate=GenerateSettings(writer="llm", **{"concurrency": 2, **settings}))
    items = list(LlmWriter(wanted, ScriptedModel(reader)).write_all(sections, wanted.generate.counts))
    examples, rejects = [i for i in items if isinstance(i, Example)], [i for i in items if isinstance(i, Reject)]
    return examples, rejects, coverage(sections, examples, rejects)


def test_each_sentence_gets_three_pairs_in_one_round_if_all_goes_well() -> None:
    """Two of one fact, asked in two ways, and one in reverse; nothing is asked after them."""
    reader = Reader()
    examples, rejects, ledger = write(reader, ships(1))
    assert Counter(one.kind for one in examples) == {"basic": 8, "reworded": 8, "reverse": 8}
    answers = {(one.kind, one.evidence): one.answer for one in examples}
    assert all(answers["basic", one.evidence] == one.answer for one in examples if one.kind == "reworded")
    assert (rejects, ledger["full_share"], len(reader.asked)) == ([], 1.0, 2)


def test_a_second_pair_of_another_fact_is_no_rewording() -> None:
    """Nor is a third of the same: whatever the model sends in place of two, each pair is of the kind that it is."""

    class Odd(Reader):
        def __call__(self, messages: Sequence[Message]) -> str:
            found = json.loads(super().__call__(messages))["pairs"]
            if found[0]["question"].startswith("How much"):
                found[1] |= {"question": "To what port did the first vessel sail?", "answer": ships(1).sentence(1).split()[-5].rstrip(".")}
                found.insert(4, found[3] | {"question": "Just how many crates of copper was it that sailed in that year, 1902?"})
            return json.dumps({"pairs": found})

    examples, _, ledger = write(Odd(), ships(1))
    assert Counter(one.kind for one in examples) == {"basic": 10, "reworded": 7, "reverse": 8}
    assert ledger["full_share"] == 1.0


def test_an_odd_number_of_rewordings_gets_its_second() -> None:
    """In a plan by sections, too, where no more than the even number is kept."""
    reader = ScriptedModel(lambda _: json.dumps({"pairs": [pair for n in range(1, 9) for kind in ("basic", "reworded") if (pair := Reader().pair(kind, False, n))]}))
    wanted = Settings(generate=GenerateSettings(writer="llm", plan="classic", kinds={"reworded": 3}))
    items = list(LlmWriter(wanted, reader).write_all([ships(1)], wanted.generate.counts))
    assert Counter(one.kind for one in items if isinstance(one, Example)) == {"basic": 2, "reworded": 2}
    assert "up to 4 question-answer pairs" in reader.asked[0][0][1]["content"]


def test_only_bare_sentences_are_asked_for_again_by_number() -> None:
    """Those that the first round left out, and no other."""
    reader = Reader(slow=[2, 5])
    _, _, ledger = write(reader, ships(1))
    assert ledger["full_share"] == 1.0
    assert {tuple(numbers) for _, more, numbers in reader.asked if more} == {(2, 5)}


def test_a_sentence_that_states_nothing_is_given_up_by_name_and_stays_uncovered() -> None:
    """The reason stands in the ledger, and nobody asks a third time."""
    reader = Reader(empty=[3])
    _, rejects, ledger = write(reader, ships(1))
    assert {(one.reason, one.item_id, one.detail) for one in rejects} == {(Reason.GIVEN_UP, "s1:3", "a heading")}
    assert ledger["sections"][0]["given_up"] == {"3": "a heading"}
    assert (ledger["full"], ledger["sentences"]) == (7, 8)
    assert sum(more for _, more, _ in reader.asked) == 2


def test_a_writer_that_never_covers_is_asked_three_times_and_no_more() -> None:
    """The bare sentences are in the ledger."""

    class Mute(Reader):
        def pair(self, kind: str, more: bool, number: int) -> dict[str, object] | None:
            return None

    reader = Mute()
    examples, _, ledger = write(reader, ships(1))
    assert (examples, len(reader.asked)) == ([], 2 * ASKS)
    assert ledger["sections"][0]["bare"] == list(range(1, 9))


def test_a_later_round_says_what_was_wrong_with_the_rejected_ones() -> None:
    """The question, and the reason."""
    seen = []

    class Wrong(Reader):
        def __call__(self, messages: Sequence[Message]) -> str:
            seen.append(messages[1]["content"])
            return super().__call__(messages)

        def pair(self, kind: str, more: bool, number: int) -> dict[str, object] | None:
            found = super().pair(kind, more, number)
            return found if more or kind != "basic" else found | {"answer": "9999 crates"}

    _, _, ledger = write(Wrong(), ships(1, 1))
    assert ledger["full_share"] == 1.0
    assert any("(number not in the source)" in text for text in seen)


def test_over_budget_in_a_later_round_keeps_what_there_is() -> None:
    """The first round is whole; in the first round itself the user must decide."""

    class Poor(Reader):
        def __call__(self, messages: Sequence[Message]) -> str:
            if "more question" in messages[1]["content"]:
                raise OverBudget("no money left")
            return super().__call__(messages)

    examples, _, ledger = write(Poor(slow=[2]), ships(1))
    assert len(examples) == 21
    assert ledger["sections"][0]["bare"] == [2]


def test_what_was_answered_before_the_money_ran_out_is_kept() -> None:
    """Although an earlier task of the same round got nothing."""

    class Last(Reader):
        def __call__(self, messages: Sequence[Message]) -> str:
            later = "more question" in messages[1]["content"]
            if later and "reverse direction" not in messages[1]["content"]:
                time.sleep(0.3)
                raise OverBudget("no money left")
            return super().__call__(messages)

    examples, _, _ = write(Last(slow=[2]), ships(1), concurrency=3)
    assert Counter(one.kind for one in examples if one.evidence == (("s1", 2),)) == {"reverse": 1}


def test_a_rewritten_text_covers_nothing() -> None:
    """Only pairs count, three of them, one reverse."""
    assert is_covered(Counter(basic=2, reverse=1))
    assert not is_covered(Counter(basic=3))
    assert not is_covered(Counter(rewrite=2, reverse=1))


def test_the_plan_follows_writer_and_kinds_unless_it_is_named() -> None:
    """Whoever names numbers a section gets the plan by sections; a model without them the plan by sentences."""
    settings = GenerateSettings
    assert settings().plan_of() == "classic"
    assert settings(writer="llm").plan_of() == "facts"
    assert settings(writer="llm", kinds={"basic": 5}).plan_of() == "classic"
    assert settings(writer="llm", kinds={"basic": 1}, plan="facts").plan_of() == "facts"
    assert settings().counts == {"basic": 20, "detailed": 20}
