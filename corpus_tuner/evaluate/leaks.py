"""Whether a question of the test was trained on: runs of words that both have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from corpus_tuner.records import Example, Question
from corpus_tuner.text import words

RUN = 12  # words; of a shorter question all


@dataclass(frozen=True, slots=True)
class Leak:
    """A question that is no trained one and yet stands, for `RUN` words or entirely, in what was trained on."""

    question_id: str
    cls: str
    text: str
    trained: str  # the pair's question or answer that has the same words
    example_id: str


def leaks(questions: Iterable[Question], trained: Iterable[Example]) -> list[Leak]:
    """The leaked ones among `questions`, in their order; those of the class "trained" are meant to be trained on.

    A question leaks if 12 words of it in a row (GPT-3's contamination check used 13, Brown et al. 2020), or all of a
    shorter one's, stand in a row in one trained question or answer.
    """
    asked = [one for one in questions if one.cls != "trained"]
    lengths = {min(RUN, len(words(one.text))) for one in asked} - {0}
    known: dict[tuple[str, ...], tuple[str, str]] = {}
    wanted = {run for one in asked for run in _runs(words(one.text))}
    for example in trained:
        for text in (example.question, example.answer):
            spelled = words(text)
            for length in lengths:
                for place in range(len(spelled) - length + 1):
                    run = tuple(spelled[place : place + length])
                    if run in wanted:
                        known.setdefault(run, (text, example.id))
    return [leak for one in asked for leak in _leak(one, known)]


def _leak(question: Question, known: dict[tuple[str, ...], tuple[str, str]]) -> Iterator[Leak]:
    hit = next((known[run] for run in _runs(words(question.text)) if run in known), None)
    if hit:
        yield Leak(question.id, question.cls, question.text, *hit)


def _runs(spelled: list[str]) -> Iterator[tuple[str, ...]]:
    length = min(RUN, len(spelled))
    return (tuple(spelled[place : place + length]) for place in range(len(spelled) - length + 1) if length)
