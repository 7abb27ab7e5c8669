"""Pairs of different sections that state one fact, held together by the sentences that they rest on.

A lead and a body often say the same. Other wordings of one fact are wanted, so that none is deleted; but whoever holds a
fact out of the training must find all of its pairs, wherever they stand: the later one rests on the earlier one's
sentences, too.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

from corpus_tuner.generate.evidence import names
from corpus_tuner.generate.passage import Passage, Words, plain, tokens
from corpus_tuner.records import Section
from corpus_tuner.text import normalise_answer, numbers

ALIKE = 0.5  # Jaccard similarity of the questions' content words, from which two pairs with one answer are compared
PERMUTATIONS, BANDS = 64, (16, 4)  # of MinHash and its index: 64 % of the questions at 0.5 are compared, 98 % at 0.7

Places = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class _Member:
    """A pair; what can be worked out again is not kept, as there may be millions."""

    question: str
    places: Places  # the first of them in `section`
    section: Section

    @property
    def asked(self) -> frozenset[str]:
        """The content words of the question."""
        return frozenset(tokens(plain(self.question), _language(self.section)))

    def said(self) -> Words:
        """The words of its sentences and their heading."""
        numbers = (number for section, number in self.places if section == self.section.id)
        text = plain(" ".join((self.section.heading, *(self.section.sentence(number) for number in numbers))))
        return Words(tokens(text, _language(self.section)), text, _language(self.section))


class Facts:
    """The facts of the pairs so far. Linear in their number: MinHash finds who is compared (Broder 1997).

    Two pairs state one fact if they have the same answer, their questions name the same things and numbers, are ALIKE in
    their content words, and each such word that only one of them has, from its sentences, stands in the other's sentences,
    too: "year" and "exactly" are the asker's manner, "opened" is the matter. Only what agrees in answer and names with an
    earlier pair is hashed at all.
    """

    def __init__(self) -> None:
        self._first: dict[int, _Member] = {}  # by answer and names
        self._hashed: set[int] = set()  # those of which the first is in the index
        self._members: list[_Member] = []
        self._index: Any = None

    def places(self, question: str, answer: str, evidence: Places, passage: Passage) -> Places:
        """`evidence`, and that of the first pair so far which states the same fact."""
        language = passage.language
        key = hash((normalise_answer(answer), frozenset(map(str.lower, names(question, language))), frozenset(numbers(question))))
        member = _Member(question, evidence, passage.section)
        first = self._first.setdefault(key, member)
        if first is member or not set(first.places).isdisjoint(evidence):
            return evidence
        if key not in self._hashed:
            self._hashed.add(key)
            self._add(key, first)
        known = self._earlier(key, member)
        if known is None:
            self._add(key, member)
            return evidence
        return (*evidence, *(place for place in known.places if place not in evidence))

    def _earlier(self, key: int, member: _Member) -> _Member | None:
        found = sorted(self._index.query(_minhash(key, member.asked)))
        return next((one for one in map(self._members.__getitem__, found) if _same_fact(one, member)), None)

    def _add(self, key: int, member: _Member) -> None:
        from datasketch import MinHashLSH

        if self._index is None:
            self._index = MinHashLSH(num_perm=PERMUTATIONS, params=BANDS)
        self._index.insert(len(self._members), _minhash(key, member.asked), check_duplication=False)
        self._members.append(member)


def _same_fact(left: _Member, right: _Member) -> bool:
    asked, also_asked = left.asked, right.asked
    if len(asked & also_asked) < ALIKE * len(asked | also_asked):
        return False
    said, also_said = left.said(), right.said()
    return all((word in said) == (word in also_said) for word in asked ^ also_asked)


def _language(section: Section) -> str:
    return (section.language or "en").split("-")[0]


def _minhash(key: int, asked: frozenset[str]) -> Any:
    from datasketch import MinHash

    made = MinHash(num_perm=PERMUTATIONS, hashfunc=zlib.crc32)
    made.update_batch([f"{key} {word}".encode("utf-8", "replace") for word in asked])  # of other facts: no hash in common
    return made
