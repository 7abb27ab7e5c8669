"""The two baselines that need no training, and what in the corpus supports an answer: all by BM25 (bm25s)."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

from corpus_tuner.models.index import Index, language_of, terms
from corpus_tuner.records import Message, Reply, Section
from corpus_tuner.text import contains_answer, numbers, words

CANDIDATES = 20  # sections in which support is looked for
HELD = 0.6  # share of the answer's weight that a passage must hold
AT_HOME = 0.43  # the least score of a passage that supports an answer
STATEMENT = 8  # terms from which an answer is a statement, whose words in common with the question tell its place
TOUCHED = 0.15  # share of the question's weight that the section must hold: below it, the corpus is not about it


@dataclass(frozen=True, slots=True)
class Support:
    """A passage of the corpus that holds an answer: one sentence, or two where one does not suffice.

    `score`, 0 to 1, is the mean of two shares: of the section's BM25 score for the question in that of the best section,
    and of the question's weighted words in the passage in those of the best passage. `supported` says that the passage
    holds the answer (its numbers all, its words to `HELD`) and that the score reaches `AT_HOME`: an answer to another
    question stands in the corpus too, but in another place. The bounds were set on SQuAD 2.0 articles so that at least
    95 % of the right answers are supported; scripts/measure_support.py prints the rates of both errors.
    """

    section_id: str
    heading: str
    url: str
    number: int  # of the first sentence, from 1
    text: str
    score: float
    supported: bool


class Baseline:
    """What the baselines share: they answer the last thing that the user said, and nothing else has an influence."""

    def answer(self, question: str) -> str:
        """The answer to a question; "" where there is none."""
        raise NotImplementedError

    def complete(self, messages: Sequence[Message], **_: Any) -> Reply:
        """Implements Model; a baseline has no length to bound and no chance to seed."""
        return Reply(self.answer(next((m["content"] for m in reversed(messages) if m["role"] == "user"), "")))


class Nearest(Baseline):
    """The answer of the trained question that BM25 finds nearest; "" where no content word is shared.

    A question with the very words of a trained one gets that one's answer; among equals the first given wins.
    """

    name = "nearest"

    def __init__(self, pairs: Iterable[tuple[str, str]], language: str = "en") -> None:
        self._pairs = list(pairs)
        self._language = language
        self._same: dict[tuple[str, ...], int] = {}
        for place, (question, _answer) in enumerate(self._pairs):
            self._same.setdefault(tuple(words(question)), place)

    @cached_property
    def _index(self) -> Index:
        return Index([terms(question, self._language) for question, _answer in self._pairs])

    def answer(self, question: str) -> str:
        """The answer of the nearest pair."""
        place = self._same.get(tuple(words(question)))
        if place is None:
            hits = self._index.ranked(terms(question, self._language), 1)
            place = hits[0][0] if hits else None
        return "" if place is None else self._pairs[place][1]


class Retrieval(Baseline):
    """The best section's best sentence; "" where no content word of the question stands in the corpus."""

    name = "retrieval"

    def __init__(self, sections: Iterable[Section]) -> None:
        self._sections = [section for section in sections if section.sentences]
        self._language = language_of(self._sections)
        self._lock = threading.Lock()  # the index is made once, however many threads ask

    def terms_of(self, text: str) -> list[str]:
        """The terms of a text in the language of the corpus, which all that is compared here must share."""
        return terms(text, self._language)

    @cached_property
    def _terms(self) -> list[list[list[str]]]:
        """Of each section, of each sentence."""
        return [[self.terms_of(s.text[start:end]) for start, end in s.sentences] for s in self._sections]

    @cached_property
    def _by_section(self) -> Index:
        headings = [self.terms_of(section.heading) for section in self._sections]
        return Index([[*heading, *chain.from_iterable(held)] for heading, held in zip(headings, self._terms)])

    @cached_property
    def _weights(self) -> dict[str, float]:
        """The inverse document frequency of every term, a sentence being the document (BM25's, as in Lucene)."""
        frequency = Counter(term for held in self._terms for sentence in held for term in set(sentence))
        total = sum(len(held) for held in self._terms)
        return {term: math.log(1 + (total - n + 0.5) / (n + 0.5)) for term, n in frequency.items()}

    def _ranked(self, query: Sequence[str], top: int) -> list[tuple[int, float]]:
        with self._lock:
            index = self._by_section
        return index.ranked(query, top)

    def answer(self, question: str) -> str:
        """The sentence of the best section that BM25 finds nearest, its first where none shares a word."""
        asked = self.terms_of(question)
        hits = self._ranked(asked, 1)
        if not hits:
            return ""
        section = self._sections[hits[0][0]]
        best = Index(self._terms[hits[0][0]]).ranked(asked, 1)
        return section.sentence(best[0][0] + 1 if best else 1)

    def sections(self, question: str, top: int) -> list[tuple[Section, float]]:
        """The `top` sections that BM25 finds nearest, best first, with their scores."""
        hits = self._ranked(self.terms_of(question), top)
        return [(self._sections[place], score) for place, score in hits]

    def shares(self, section: Section, asked: Set[str]) -> list[float]:
        """For each sentence of `section` the share of the weight of the terms `asked` that it holds."""
        return [self.share(asked & set(held), asked) for held in self._terms[self._places[section.id]]]

    def share(self, held: Set[str], wanted: Set[str]) -> float:
        """The weight of the terms in both, as a share of that of `wanted`; one that the corpus lacks weighs as one seen once."""
        total = sum(self._weight(term) for term in wanted)
        return sum(self._weight(term) for term in wanted & held) / total if total else 0.0

    def _weight(self, term: str) -> float:
        return self._weights.get(term, self._rarest)

    def passages(self, question: str, answer: str, top: int = 3) -> list[Support]:
        """The `top` passages that come nearest to holding `answer` to `question`, of each section the best one.

        Supported ones first. Empty where nothing of the answer stands in the sections that were looked at.
        """
        given = set(self.terms_of(answer))
        asked = set(self.terms_of(question))
        if len(given) < STATEMENT:
            asked -= given  # a short answer's words in the question say nothing of where the answer stands
        fit = dict(self._ranked(sorted(asked), CANDIDATES))
        places = sorted({*fit, *dict(self._ranked(sorted(asked | given), CANDIDATES))})
        fittest = max(fit.values(), default=0.0)
        closest = max((self.share(set(held), asked) for place in places for held in self._terms[place]), default=0.0)
        found = []
        for place in places:
            touched = not asked or self.share(set().union(*self._terms[place]), asked) >= TOUCHED
            home = _relative(fit.get(place, 0.0), fittest, asked) if touched else -1.0
            found.append(self._best(place, answer, (asked, given), closest, home))
        passages = [passage for passage in found if passage]
        return sorted(passages, key=lambda one: (one.supported, one.score), reverse=True)[:top]

    def support(self, question: str, answer: str) -> list[Support]:
        """The passages that support an answer: those that hold its very words, else those where they are scattered."""
        found = [one for one in self.passages(question, answer) if one.supported]
        return [one for one in found if contains_answer(one.text, answer)] or found

    @cached_property
    def _places(self) -> dict[str, int]:
        return {section.id: place for place, section in enumerate(self._sections)}

    @cached_property
    def _rarest(self) -> float:
        return max(self._weights.values(), default=1.0)

    def _best(
        self, place: int, answer: str, sought: tuple[set[str], set[str]], closest: float, home: float
    ) -> Support | None:
        """The one or two sentences of a section that hold most of the answer."""
        section, held = self._sections[place], self._terms[place]
        asked, given = sought
        needed = numbers(answer)
        windows = [(first, first + count) for count in (1, 2) for first in range(len(held) - count + 1)]
        best: tuple[tuple[bool, float], Support] | None = None
        for first, end in windows:
            window = set().union(*held[first:end])
            share = self.share(window, given)
            if not share:
                continue
            text = section.text[section.sentences[first][0] : section.sentences[end - 1][1]]
            enough = share >= HELD and needed <= numbers(text)
            score = max(0.0, (home + _relative(self.share(window, asked), closest, asked)) / 2)
            rank = (enough, share + score - 0.1 * (end - first))  # a second sentence must earn its place
            if best is None or rank > best[0]:
                supported = enough and score >= AT_HOME
                best = rank, Support(section.id, section.heading, section.url, first + 1, text, round(score, 3), supported)
        return best[1] if best else None


def _relative(value: float, best: float, asked: set[str]) -> float:
    """A share of the best that there is, 0 to 1; where nothing was asked beyond the answer itself, every place fits."""
    if not asked:
        return 1.0
    return min(1.0, value / best) if best else 0.0
