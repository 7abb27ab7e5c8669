"""Whether a pair is sound: each check a small function with a named Reason, over words, numbers and names.

No model judges here. The checks are tuned to let through what people write (a script under scripts/ states which share of
human pairs they reject, per language), and to stop what is invented.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from functools import cached_property

from corpus_tuner.generate.numerals import Numbers
from corpus_tuner.generate.questions import (
    CJK,
    NAME,
    gives_answer_away,
    is_question,
    repeats_question,
    same_question,
    stands_alone,
)
from corpus_tuner.records import Reason, Section
from corpus_tuner.text import stop_words, words

MOST_SENTENCES = 3  # that are cited in place of what a pair cites
SUPPORT = 0.5  # share of a long answer's own content words that its sentences must hold
SHORT_SUPPORT = 0.6  # of a short one's (at most SHORT words), rounded up to whole words
SHORT = 6
BETTER = 0.75  # cited sentences stand, if they hold at least this share of what the best ones hold
SAME = 0.6  # of the longer word must be common from its start, for two forms of one word,
LEAST = 4  # and at least so many letters

_VERDICTS = frozenset("yes no true false ja nein sí si no oui non да нет 是 否 不是 sì sim não".split())
_GROUPS = re.compile(r"(?<=\d)[.,\u00a0\u202f](?=\d{3}(?!\d))")  # between the thousands of one number


class Words:
    """The words of a text, with the inflected forms of each (a common beginning of 60 %, 4 letters or more) and its
    numbers however they are written."""

    def __init__(self, members: Iterable[str], text: str, language: str) -> None:
        self.members = frozenset(members)
        self._text, self._language = text, language
        self._by_start: dict[str, list[str]] = {}
        for word in self.members:
            if len(word) >= LEAST:
                self._by_start.setdefault(word[:LEAST], []).append(word)

    def __contains__(self, word: str) -> bool:
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
        self.plain = _plain(section.text)
        self.heading = _plain(" ".join((section.title, *section.path)))

    @cached_property
    def sentences(self) -> list[str]:
        return [_plain(self.section.sentence(number + 1)) for number in range(len(self.section.sentences))]

    @cached_property
    def sentence_words(self) -> list[Words]:
        return [Words(_tokens(sentence, self.language), sentence, self.language) for sentence in self.sentences]

    @cached_property
    def all_words(self) -> Words:
        text = f"{self.plain} \n {self.heading}"
        return Words(words(text), text, self.language)

    @cached_property
    def heading_words(self) -> frozenset[str]:
        return frozenset(_tokens(self.heading, self.language))

    @cached_property
    def initials(self) -> str:
        return "".join(name[0] for name in NAME.findall(self.plain) if name[0].isupper())


def examine(question: str, answer: str, cited: Iterable[int], passage: Passage) -> tuple[int, ...] | Reason:
    """The numbers of the sentences that support a sound pair, those cited where they do; or why it is none."""
    question, answer = _plain(question), _plain(answer)
    if not words(question) or not words(answer):
        return Reason.EMPTY_TEXT
    if not is_question(question, passage.language):
        return Reason.NOT_A_QUESTION
    if not stands_alone(question, passage.language, passage.heading):
        return Reason.NOT_SELF_CONTAINED
    if repeats_question(question, answer):
        return Reason.ANSWER_IS_QUESTION
    if gives_answer_away(question, answer, passage.language):
        return Reason.ANSWER_IN_QUESTION
    if not _verbatim(answer, passage.plain):
        if not numbers_supported(answer, passage):
            return Reason.UNSUPPORTED_NUMBER
        if not names_supported(answer, passage):
            return Reason.UNSUPPORTED_NAME
    return supporting(question, answer, cited, passage) or Reason.UNSUPPORTED_ANSWER


# ------------------------------------------------------------------------------------------------------------ the answer


def numbers_supported(answer: str, passage: Passage) -> bool:
    """Every number of the answer stands in the section or its heading, as digits or as a word."""
    return passage.all_words.numbers.support(answer)


def names_supported(answer: str, passage: Passage) -> bool:
    """Every capitalised word that is no mere beginning of a sentence stands in the section or its heading."""
    return all(
        name.lower() in passage.all_words
        or _is_acronym(name, passage)
        or all(part in passage.all_words for part in words(name))
        for name in names(answer, passage.language)
    )


def names(text: str, language: str) -> list[str]:
    """Words that look like names: capitalised inside of a sentence; in German two in a row, as all nouns have capitals."""
    found = []
    for sentence in re.split(r"(?<=[.!?:;\n])\s+|[\"“«„]", text):
        matches = list(NAME.finditer(sentence))
        capital = [match.group()[0].isupper() and len(match.group()) > 1 for match in matches]
        for at, match in enumerate(matches):
            beside = (at > 0 and capital[at - 1]) or (at + 1 < len(matches) and capital[at + 1])
            if (
                capital[at]
                and (beside if language == "de" or at == 0 else True)
                and match.group().lower() not in stop_words(language)
            ):
                found.append(match.group())
    return found


def _is_acronym(name: str, passage: Passage) -> bool:
    return 2 < len(name) < 8 and name.isupper() and name in passage.initials


def supporting(question: str, answer: str, cited: Iterable[int], passage: Passage) -> tuple[int, ...]:
    """The sentences that hold the answer's own words: the cited ones if they do, else the best; () if none do."""
    asked = _tokens(question, passage.language)
    everything = [
        word
        for word in dict.fromkeys(_tokens(answer, passage.language) or words(answer))
        if not _is_acronym(word.upper(), passage)
    ]
    own = [word for word in everything if word not in asked and word not in passage.heading_words] or everything
    if _is_bare_verdict(answer):
        own = list(dict.fromkeys(asked))
    exact = answer if len(everything) <= SHORT else ""
    valid = [number - 1 for number in dict.fromkeys(cited) if 1 <= number <= len(passage.sentences)]
    best = _best(own, asked, exact, passage, range(len(passage.sentences)))
    chosen = _best(own, asked, exact, passage, valid) if valid else []
    most, held = (_held(own, exact, passage, numbers) for numbers in (best, chosen))
    needed = math.ceil(SHORT_SUPPORT * len(own)) if len(own) <= SHORT else SUPPORT * len(own)
    if most < needed:
        return ()
    return tuple(sorted(number + 1 for number in (chosen if held >= max(needed, BETTER * most) else best)))


def _is_bare_verdict(answer: str) -> bool:
    return same_question(answer) in _VERDICTS


def _held(own: list[str], exact: str, passage: Passage, numbers: list[int]) -> int:
    """How many of the words `own` stand in the sentences; all of them, where one holds the short answer word for word."""
    if exact and any(_verbatim(exact, passage.sentences[number]) for number in numbers):
        return len(own)
    return sum(any(word in passage.sentence_words[number] for number in numbers) for word in own)


def _best(own: list[str], asked: list[str], exact: str, passage: Passage, among: Iterable[int]) -> list[int]:
    """Up to MOST_SENTENCES sentences, each the one that adds most of `own`; ties go to the question's words."""
    among = list(among)
    left, chosen = set(own), []
    if exact:
        verbatim = [number for number in among if _verbatim(exact, passage.sentences[number])]
        if verbatim:
            return [max(verbatim, key=lambda number: _common(asked, passage, number))]
    while left and len(chosen) < MOST_SENTENCES:
        gains = {number: {word for word in left if word in passage.sentence_words[number]} for number in among}
        top = max(gains, key=lambda number: (len(gains[number]), _common(asked, passage, number)), default=None)
        if top is None or not gains[top]:
            break
        chosen.append(top)
        left -= gains[top]
    return chosen


def _common(asked: list[str], passage: Passage, number: int) -> int:
    return sum(word in passage.sentence_words[number] for word in asked)


def _tokens(text: str, language: str) -> list[str]:
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


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _verbatim(answer: str, text: str) -> bool:
    """Whether the answer stands in the text word for word, whatever the case and a closing full stop."""
    wanted = answer.strip(" .。\"'“”«»").lower()
    at = text.lower().find(wanted) if wanted else -1
    if at < 0:
        return False
    before, after = text[at - 1 : at] if at else "", text[at + len(wanted) : at + len(wanted) + 1]
    return bool(CJK.search(wanted)) or not (
        (before.isalnum() and wanted[0].isalnum()) or (after.isalnum() and wanted[-1].isalnum())
    )
