"""Asking and scoring, with planted answers whose scores are known."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from corpus_tuner.errors import Declined, Transient, Unavailable
from corpus_tuner.evaluate.score import LONGEST, ask, budget, scores
from corpus_tuner.records import Message, Question, Reply

QUESTIONS = [Question(f"q{n}", "trained", f"What is number {n}?", (f"the answer {n}", f"number {n} it is")) for n in range(600)]
GOLD = {one.text: one.answers[0] for one in QUESTIONS}


class Says:
    """A model that says what `what` makes of the question, one at a time."""

    name = "fake"

    def __init__(self, what: Any) -> None:
        self.what = what

    def complete(self, messages: Sequence[Message], **_: Any) -> Reply:
        return Reply(self.what(messages[-1]["content"]))


class SaysMany(Says):
    """The same with batches; a single call is an error."""

    def __init__(self, what: Any) -> None:
        super().__init__(what)
        self.batches: list[int] = []

    def complete_many(self, batch: Sequence[Sequence[Message]], *, max_tokens: int) -> list[Reply]:
        self.batches.append(len(batch))
        return [Reply(self.what(messages[-1]["content"])) for messages in batch]

    def complete(self, messages: Sequence[Message], **_: Any) -> Reply:
        raise AssertionError("batches were offered")


class SaysInThreads(Says):
    """A model that waits for company: it answers only when eight calls are under way."""

    concurrency = 8

    def __init__(self, what: Any) -> None:
        super().__init__(what)
        self.barrier = threading.Barrier(8, timeout=10)

    def complete(self, messages: Sequence[Message], **_: Any) -> Reply:
        self.barrier.wait()
        time.sleep(0.001 * (hash(messages[-1]["content"]) % 5))
        return super().complete(messages)


@pytest.mark.parametrize("kind", [Says, SaysMany, SaysInThreads])
def test_every_question_is_answered_in_order_however_it_is_asked(kind: type) -> None:
    """One by one, in batches and in threads, the answers are those of the questions, in their order."""
    told: list[int] = []
    found = list(ask(QUESTIONS, kind(GOLD.__getitem__), lambda done, total, note: told.append(done), name="expert"))
    assert [one.question_id for one in found] == [one.id for one in QUESTIONS]
    assert {one.model for one in found} == {"expert"}
    assert all(one.scores == {"exact": 1.0, "f1": 1.0, "contained": 1.0} for one in found)
    assert told == list(range(1, 601))


def test_questions_of_one_kind_do_not_pay_for_the_long_answers_of_another() -> None:
    """Each kind has room for its own longest answer; the answers still come in the order of the questions."""
    room: dict[str, set[int]] = {}

    class Notes(Says):
        def complete(self, messages: Sequence[Message], *, max_tokens: int) -> Reply:
            room.setdefault(messages[-1]["content"].split()[0], set()).add(max_tokens)
            return Reply(messages[-1]["content"])

    mixed = [Question(f"q{n}", "own", f"{kind} {n}", (gold,), (), kind) for n in range(4) for kind, gold in (("basic", "1968"), ("detailed", "long " * 40))]
    for threads in (1, 4):
        room.clear()
        model = Notes(str)
        model.concurrency = threads
        assert [one.text for one in ask(mixed, model)] == [one.text for one in mixed]
        assert room == {"basic": {50}, "detailed": {148}}


def test_batches_are_bounded() -> None:
    """A model is not handed ten thousand conversations at once."""
    model = SaysMany(GOLD.__getitem__)
    list(ask(QUESTIONS, model))
    assert model.batches == [256, 256, 88]


def test_a_fault_of_the_model_stops_the_asking() -> None:
    """What a model raises comes through, and no further call begins."""
    asked = []

    def fail(text: str) -> str:
        asked.append(text)
        raise RuntimeError("the server is down")

    model = Says(fail)
    model.concurrency = 4
    with pytest.raises(RuntimeError, match="the server is down"):
        list(ask(QUESTIONS, model))
    assert len(asked) <= 4 * 4 + 4


class Flaky(Says):
    """A service that refuses two of three requests, fails at the first of every question it takes on, and declines some."""

    def __init__(self, what: Any, concurrency: int, declines: Any = lambda _: False) -> None:
        super().__init__(what)
        self.concurrency, self.declines = concurrency, declines
        self.asked: Counter[str] = Counter()

    def complete(self, messages: Sequence[Message], **options: Any) -> Reply:
        text = messages[-1]["content"]
        self.asked[text] += 1
        if self.asked[text] < 3:
            raise Transient("busy", 0.001, refused=True, status=429)
        if self.declines(text):
            raise Declined("against its policy")
        if self.asked[text] == 3:
            raise Transient("failed", 0.001, status=500)
        return super().complete(messages, **options)


@pytest.mark.parametrize("threads", [1, 4])
def test_a_busy_service_is_asked_again(threads: int, caplog: pytest.LogCaptureFixture) -> None:
    """Refusals and single faults cost no question; a declined one is not answered, and it is said how many are."""
    model = Flaky(GOLD.__getitem__, threads, lambda text: "7" in text)
    found = list(ask(QUESTIONS[5:9], model))
    assert [one.text for one in found] == ["the answer 5", "the answer 6", "", "the answer 8"]
    assert "1 of 4 questions were declined" in caplog.text


def test_a_service_that_declines_all_or_stays_down_ends_the_asking() -> None:
    """An evaluation of empty answers would say that the expert knows nothing."""
    with pytest.raises(Declined, match="policy"):
        list(ask(QUESTIONS[:3], Flaky(str, 1, lambda _: True)))

    def down(_: str) -> str:
        raise Transient("failed", 0.001, status=500)

    with pytest.raises(Unavailable, match="3 times"):
        list(ask(QUESTIONS[:3], Says(down)))


def test_copying_the_question_scores_nothing_exact() -> None:
    """A model that repeats what it was asked is never right."""
    found = list(ask(QUESTIONS, Says(lambda text: text)))
    assert sum(one.scores["exact"] + one.scores["contained"] for one in found) == 0


def test_a_gold_answer_within_a_sentence_is_contained_but_not_exact() -> None:
    """Wrapping the right answer in words costs the exact match and some F1, not the containment."""
    found = list(ask(QUESTIONS, Says(lambda text: f"I am told that it is {GOLD[text]}.")))
    assert {one.scores["exact"] for one in found} == {0.0}
    assert {one.scores["contained"] for one in found} == {1.0}
    assert all(0.3 < one.scores["f1"] < 0.8 for one in found)


def test_any_accepted_answer_counts() -> None:
    """Each metric takes the accepted answer that fits best."""
    assert scores("Number 7 it is!", ("the answer 7", "number 7 it is")) == {"exact": 1.0, "f1": 1.0, "contained": 1.0}


def test_silence_is_right_only_where_no_answer_is_accepted() -> None:
    """An empty answer scores 1 for a question whose accepted answer is none, and 0 for any other."""
    assert set(scores("", ("",)).values()) == {1.0}
    assert set(scores("", ("Borman",)).values()) == {0.0}
    assert set(scores("Borman", ("",)).values()) == {0.0}


def test_a_babbling_base_is_cut() -> None:
    """An endless answer is bounded in what is asked for and in what is kept."""
    asked_for = []

    class Babbles(Says):
        def complete(self, messages: Sequence[Message], *, max_tokens: int) -> Reply:
            asked_for.append(max_tokens)
            return Reply("moon " * 100_000)

    found = next(iter(ask(QUESTIONS[:1], Babbles(str))))
    assert len(found.text) <= LONGEST
    assert asked_for == [budget(QUESTIONS[:1])]
    assert 32 < asked_for[0] <= 512
    assert budget([Question("q", "own", "?", ("long " * 1000,))]) == 512
