"""A section as the checks see it: its words with their inflected forms, its numbers and its names."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from functools import cached_property

from corpus_tuner.generate.numerals import Numbers
from corpus_tuner.generate.questions import CJK, NAME
from corpus_tuner.generate.tongue import is_foreign, tongue
from corpus_tuner.records import Section
from corpus_tuner.text import stop_words, words

SAME = 0.6  # of the longer word must be common from its start, for two forms of one word,
LEAST = 4  # and at least so many letters

_GROUPS = re.compile(r"(?<=\d)[.,\u00a0\u202f](?=\d{3}(?!\d))")  # between the thousands of one number


class Words:
    """The words of a text, with the inflected forms of each (a common beginning of 60 %, 4 letters or more) and its
    numbers however they are written."""

    def __init__(self, members: Iterable[str], text: str, language: str) -> None:
        self.members = frozenset(members)
        self._text, self._language = text, language
        self._by_start: dict[str, list[str]] = {}
        self._known: dict[str, bool] = {}  # the pairs of a section ask for the same words again and again
        for word in self.members:
            if len(word) >= LEAST:
                self._by_start.setdefault(word[:LEAST], []).append(word)

    def __contains__(self, word: str) -> bool:
        found = self._known.get(word)
        if found is None:
            found = self._known[word] = self._holds(word)
        return found

    def _holds(self, word: str) -> bool:
        if word in self.members:
            return True
        if word[0].isdigit():
            return self.numbers.support(word)
        return any(_akin(word, other) for other in self._by_start.get(word[:LEAST], ()))

    @cached_property
    def numbers(self) -> Numbers:
        return Numbers(self._text, self._language)


def _akin(left: str, right: str) -> bool:
    short, long = sorted((left, right), key=len)
    common = next((at for at, letter in enumerate(short) if letter != long[at]), len(short))
    return common >= max(LEAST, math.ceil(SAME * len(long)))


class Passage:
    """A section as the checks see it: its text and headings, and each sentence, as words, numbers and names."""

    def __init__(self, section: Section) -> None:
        self.section = section
        self.language = (section.language or "en").split("-")[0]
        self.plain = plain(section.text)
        self.heading = plain(" ".join((section.title, *section.path)))

    @cached_property
    def sentences(self) -> list[str]:
        return [plain(self.section.sentence(number + 1)) for number in range(len(self.section.sentences))]

    @cached_property
    def sentence_words(self) -> list[Words]:
        return [Words(tokens(sentence, self.language), sentence, self.language) for sentence in self.sentences]

    @cached_property
    def all_words(self) -> Words:
        text = f"{self.plain} \n {self.heading}"
        return Words(words(text), text, self.language)

    @cached_property
    def heading_words(self) -> frozenset[str]:
        return frozenset(tokens(self.heading, self.language))

    def is_foreign(self, question: str) -> bool:
        """Whether a question is in another language; its names may be."""
        return is_foreign(question, self.plain, self.tongue)

    @cached_property
    def tongue(self) -> str:
        return tongue(self.plain)

    @cached_property
    def initials(self) -> str:
        return "".join(name[0] for name in NAME.findall(self.plain) if name[0].isupper())


def tokens(text: str, language: str) -> list[str]:
    """What carries meaning in a text: content words; of Chinese and Japanese, neighbouring characters in pairs."""
    stop = stop_words(language)
    found, previous = [], ""
    for word in words(_GROUPS.sub("", text)):
        if CJK.match(word):
            found.append(previous + word if previous else word)
            previous = word
        else:
            previous = ""
            if word not in stop:
                found.append(word)
    return found


def plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split())
