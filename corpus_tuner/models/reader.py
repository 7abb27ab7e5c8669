"""A reader without a model: of the short answers that were written for the sentences which a question leads to, the one
that fits it best.

BM25 finds sections, the pairs that rest on their sentences offer answers, and a linear score of what can be seen of
question, sentence and answer ranks them. Its weights (reader.json) were fitted by scripts/fit_reader.py.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from corpus_tuner.models.retrieval import Retrieval
from corpus_tuner.records import Example, Message, Model, Reply, Section
from corpus_tuner.text import stop_words, token_f1

SECTIONS = 6  # in which answers are looked for
LONGEST = 8  # words of an answer that is offered
VOTE = 2.0  # what an expert's answer adds to the score of one with the same words
ASKED = (  # the first that is found says what sort of answer a question wants
    ("when", r"\bwhen\b|\b(?:what|which) (?:\w+ )?(?:year|decade|century|date|day|month|time|period|era)\b"),
    ("who", r"\bwho(?:m|se)?\b"),
    ("where", r"\bwhere\b"),
    ("count", r"\bhow (?:many|much|long|old|far|large|big|high|tall|often|\w+ percent|\w+ people)\b"
              r"|\bwhat (?:percent|number|proportion|amount|fraction)"),
    ("why", r"\bwhy\b"),
    ("how", r"\bhow\b"),
    ("which", r"\bwhich\b"),
    ("called", r"\bwhat\b.*\b(?:name|called|named|term|known)\b"),
    ("what", r"\bwhat\b"),
)  # fmt: skip
_AMOUNT = re.compile(r"[$€£%]|percent|per cent", re.IGNORECASE)
_DATE = re.compile(
    r"\b1\d{3}s?\b|\b20\d\ds?\b|centur|\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\b"
)
_NUMBER = re.compile(
    r"\d|^(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|half)\b|\b(?:hundred|thousand|million|billion)s?\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Offer:
    """An answer that stands in a sentence, and what can be seen of its fit: feature by name, most of them 0 to 1."""

    answer: str
    section_id: str
    number: int  # of the sentence, from 1
    features: Mapping[str, float]


class Reader:
    """Answers with the best of the pairs' short answers; "" where the corpus shares no word with the question.

    With `expert` it asks that model first and adds `VOTE` times the word overlap (F1) of its answer to each score. What the
    expert says and no pair does is never repeated.
    """

    name = "reader"

    def __init__(self, sections: Sequence[Section], pairs: Iterable[Example], expert: Model | None = None) -> None:
        self._search = Retrieval(sections)
        self._sections = {section.id: section for section in sections}
        self._expert = expert
        self._pairs: dict[str, dict[tuple[int, str], list[tuple[frozenset[str], str]]]] = defaultdict(dict)
        for pair in pairs:
            if len(pair.evidence) == 1 and 0 < len(pair.answer.split()) <= LONGEST and pair.evidence[0][0] in self._sections:
                section, number = pair.evidence[0]
                asked = (frozenset(self._search.terms_of(pair.question)), asks_for(pair.question))
                self._pairs[section].setdefault((number, pair.answer), []).append(asked)
        self.concurrency = getattr(expert, "concurrency", 1)
        if expert is not None:
            self.name = f"{expert.name}+reader"
        if hasattr(expert, "complete_many"):
            self.complete_many = self._complete_many

    def complete(self, messages: Sequence[Message], **options: Any) -> Reply:
        """Implements Model: a reply to the last thing that the user said."""
        said = None if self._expert is None else self._expert.complete(messages, **options).text
        return Reply(self.answer(_question(messages), said))

    def _complete_many(self, batch: Sequence[Sequence[Message]], **options: Any) -> list[Reply]:
        said = [reply.text for reply in self._expert.complete_many(batch, **options)]
        return [Reply(self.answer(_question(messages), text)) for messages, text in zip(batch, said)]

    def answer(self, question: str, said: str | None = None) -> str:
        """The best offer; `said` is the expert's answer."""
        offers = self.offers(question)
        return max(offers, key=lambda one: score(one.features) + _vote(said, one.answer)).answer if offers else ""

    def offers(self, question: str) -> list[Offer]:
        """Every answer in the best sections, with its features."""
        search, asked, wanted = self._search, frozenset(self._search.terms_of(question)), asks_for(question)
        hits = search.sections(question, SECTIONS)
        found = []
        for rank, (section, relevance) in enumerate(hits):
            shares = search.shares(section, asked)
            place = {"section": relevance / hits[0][1], "first section": float(rank == 0)}
            for (number, answer), others in self._pairs.get(section.id, {}).items():
                near = max([0.0, *shares[max(0, number - 2) : number - 1], *shares[number : number + 1]])
                here = {"sentence": shares[number - 1], "best sentence": shares[number - 1] / (max(shares) or 1), "neighbour": near}
                fit = self._fit(asked, wanted, answer, others) | {"near": self._nearness(section.sentence(number), answer, asked)}
                found.append(Offer(answer, section.id, number, place | here | fit))
        return found

    def _fit(self, asked: frozenset[str], wanted: str, answer: str, others: list[tuple[frozenset[str], str]]) -> dict[str, float]:
        """How like the question the pairs' own are, and whether the answer is of the sort that is asked for."""
        share = self._search.share
        alike = [share(asked & other, asked | other) for other, _ in others]
        return {
            "question": max(alike),
            "question of its sort": max(same if sort == wanted else 0.0 for same, (_, sort) in zip(alike, others)),
            "said already": share(asked, frozenset(self._search.terms_of(answer))),
            "words": min(LONGEST, len(answer.split())) / LONGEST,
            f"{wanted}: {sort_of(answer)}": 1.0,
        }

    def _nearness(self, sentence: str, answer: str, asked: frozenset[str]) -> float:
        """The question's words in the sentence, each by its weight and divided by 1 + its distance in words."""
        start = sentence.find(answer)
        tokens = [(match.start(), match.group()) for match in re.finditer(r"\w+", sentence)]
        inside = [place for place, (at, _) in enumerate(tokens) if start >= 0 and start <= at < start + len(answer)]
        if not inside:
            return 0.0
        total = 0.0
        for place, (_, token) in enumerate(tokens):
            away = max(inside[0] - place, place - inside[-1])
            stems = self._search.terms_of(token) if away > 0 else []
            if stems and stems[0] in asked:
                total += self._search.share(frozenset(stems[:1]), asked) / (1 + away)
        return 3 * total


def asks_for(question: str) -> str:
    """The sort of answer that an English question wants: when, who, count, ...; "other" for any other."""
    lowered = question.lower()
    return next((sort for sort, pattern in ASKED if re.search(pattern, lowered)), "other")


def sort_of(answer: str) -> str:
    """amount, date, number, name (all its content words have capitals) or phrase."""
    if _AMOUNT.search(answer):
        return "amount"
    if _DATE.search(answer):
        return "date"
    if _NUMBER.search(answer):
        return "number"
    content = [word for word in answer.split() if word.lower() not in stop_words("en")]
    return "name" if content and all(word[0].isupper() for word in content) else "phrase"


def score(features: Mapping[str, float]) -> float:
    """The weighted sum of an offer's features."""
    known = _weights()
    return sum(known.get(name, 0.0) * value for name, value in features.items())


@cache
def _weights() -> dict[str, float]:
    return json.loads(files(__package__).joinpath("reader.json").read_text(encoding="utf-8"))["weights"]


def _vote(said: str | None, answer: str) -> float:
    return VOTE * token_f1(said, answer) if said else 0.0


def _question(messages: Sequence[Message]) -> str:
    return next((message["content"] for message in reversed(messages) if message["role"] == "user"), "")
