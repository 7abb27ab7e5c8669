"""A small corpus with four arms whose scores are known beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from corpus_tuner.evaluate.results import Results, aggregate
from corpus_tuner.records import Answer, Message, Question, Reply, Section
from corpus_tuner.text import sentences


class Planted:
    """Right on the questions whose number is below `right` of ten; elsewhere it says what `wrong` makes of the text."""

    def __init__(self, name: str, right: dict[str, int], wrong: Any = lambda _: "no idea") -> None:
        self.name, self.right, self.wrong = name, right, wrong
        self.asked = 0

    def complete(self, messages: Sequence[Message], **_: Any) -> Reply:
        self.asked += 1
        cls, number = messages[-1]["content"].split()[:2]
        return Reply(f"Gold{number}" if int(number) % 10 < self.right[cls] else self.wrong(messages[-1]["content"]))


def section(number: int) -> Section:
    text = f"Fact Gold{number} is here. It rests."
    return Section(f"s{number}", "d", "Moon", ("Part", f"Section {number}"), text, sentences(text), "https://example.org/moon")


def build(count: int = 12) -> tuple[list[Section], list[Question]]:
    """`count` sections with ten trained and ten paraphrase questions each; every other one is detailed."""
    found = [section(n) for n in range(count)]
    asked = [
        Question(f"{cls}{s}-{n}", cls, f"{cls} {s * 10 + n} of the Moon?", (f"Gold{s * 10 + n}",), ((f"s{s}", 1),), kind)
        for cls in ("trained", "paraphrase")
        for s in range(count)
        for n, kind in zip(range(10), ["basic", "detailed"] * 5)
    ]
    return found, asked


ARMS = {
    "base": Planted("base", {"trained": 0, "paraphrase": 0}, lambda text: text),
    "expert": Planted("student", {"trained": 10, "paraphrase": 6}),
    "retrieval": Planted("retrieval", {"trained": 0, "paraphrase": 0}, lambda text: f"It is Gold{text.split()[1]} that is meant here."),
    "nearest": Planted("nearest", {"trained": 10, "paraphrase": 8}),
}


def outcome(cls: str, right: dict[str, int], n: int = 100) -> Results:
    """Arms that are right on so many of `n` questions; the first ones, so that the arms' errors overlap."""
    asked = [Question(f"q{i}", cls, f"Question {i}?", ("Borman",)) for i in range(n)]
    answers = {}
    for arm, count in right.items():
        scores = [{"exact": float(i < count), "f1": float(i < count), "contained": float(i < count)} for i in range(n)]
        answers[arm] = [Answer(one.id, arm, "x", score) for one, score in zip(asked, scores)]
    return aggregate(asked, answers, [])
