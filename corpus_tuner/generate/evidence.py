"""Whether a pair is sound: each check a small function with a named Reason, over words, numbers and names.

No model judges here. The checks are tuned to let through what people write (a script under scripts/ states which share of
human pairs they reject, per language), and to stop what is invented.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from corpus_tuner.generate.passage import Passage, plain, tokens
from corpus_tuner.generate.questions import (
    CJK,
    NAME,
    gives_answer_away,
    is_question,
    repeats_question,
    same_question,
    stands_alone,
)
from corpus_tuner.records import Reason
from corpus_tuner.text import stop_words, words

MOST_SENTENCES = 3  # that are cited in place of what a pair cites
SUPPORT = 0.5  # share of a long answer's own content words that its sentences must hold
SHORT_SUPPORT = 0.6  # of a short one's (at most SHORT words), rounded up to whole words
SUBJECT = 0.6  # share of a question's words that its sentences must hold, if the answer is their title
SHORT = 6
LINKING = 2  # words of a question from which a sentence is needed to know what is asked for
BETTER = 0.75  # cited sentences stand, if they hold at least this share of what the best ones hold

_VERDICTS = frozenset("yes no true false ja nein sí si no oui non да нет 是 否 不是 sì sim não".split())


def examine(question: str, answer: str, cited: Iterable[int], passage: Passage) -> tuple[int, ...] | Reason:
    """The numbers of the sentences that support a sound pair, those cited where they do; or why it is none."""
    question, answer = plain(question), plain(answer)
    fault = misformed(question, answer, passage)
    if fault is not None:
        return fault
    if not _verbatim(answer, passage.plain):
        if not numbers_supported(answer, passage):
            return Reason.UNSUPPORTED_NUMBER
        if not names_supported(answer, passage):
            return Reason.UNSUPPORTED_NAME
    return (
        subject_of(question, answer, cited, passage)
        or supporting(question, answer, cited, passage)
        or Reason.UNSUPPORTED_ANSWER
    )


def misformed(question: str, answer: str, passage: Passage) -> Reason | None:
    """Why a pair is none whatever its answer rests on, or None; both texts as `plain` gives them."""
    if not words(question) or not words(answer):
        return Reason.EMPTY_TEXT
    if not is_question(question, passage.language):
        return Reason.NOT_A_QUESTION
    if passage.is_foreign(question):
        return Reason.OTHER_LANGUAGE
    if not stands_alone(question, passage.language, passage.heading):
        return Reason.NOT_SELF_CONTAINED
    if repeats_question(question, answer):
        return Reason.ANSWER_IS_QUESTION
    if gives_answer_away(question, answer, passage.language):
        return Reason.ANSWER_IN_QUESTION
    return None


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
    asked = tokens(question, passage.language)
    everything = [
        word
        for word in dict.fromkeys(tokens(answer, passage.language) or words(answer))
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
    if held < max(needed, BETTER * most):
        told = [number for number in valid if _common(asked, passage, number) > max(_common(asked, passage, one) for one in best)]
        chosen = best + told[: MOST_SENTENCES - 1]  # "They also served": that who "they" are stands elsewhere
    return tuple(sorted({number + 1 for number in chosen}))


def subject_of(question: str, answer: str, cited: Iterable[int], passage: Passage) -> tuple[int, ...]:
    """The cited sentences that hold the question's own words, where the answer is what title and heading name; or ().

    "Which mission carried the first humans around the Moon?": sentences call it "the mission", the title "Apollo 8".
    """
    said = tokens(answer, passage.language)
    if not said or not all(word in passage.heading_words for word in said):
        return ()
    asked = [word for word in dict.fromkeys(tokens(question, passage.language)) if word not in passage.heading_words]
    valid = [number - 1 for number in dict.fromkeys(cited) if 1 <= number <= len(passage.sentences)]
    chosen = _best(asked, asked, "", passage, valid) if asked else []
    return tuple(sorted(number + 1 for number in chosen)) if _held(asked, "", passage, chosen) >= SUBJECT * len(asked) > 0 else ()


def bridging(question: str, found: tuple[int, ...], cited: Iterable[int], passage: Passage) -> tuple[int, ...]:
    """`found`, and the cited sentences that say LINKING words of the question which those and the heading do not.

    Of "Who commanded the ship that burned at Lenn?" one sentence may hold the answer, and another which ship that is.
    """
    linking = [word for word in dict.fromkeys(tokens(plain(question), passage.language)) if word not in passage.heading_words]
    linking = [word for word in linking if not any(word in passage.sentence_words[number - 1] for number in found)]
    valid = [number for number in dict.fromkeys(cited) if 1 <= number <= len(passage.sentences) and number not in found]
    links = [number for number in valid if _common(linking, passage, number - 1) >= LINKING]
    return tuple(sorted((*found, *links)))


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
        most = max(map(len, gains.values()), default=0)
        if not most:
            break
        equal = [number for number in among if len(gains[number]) == most]
        top = equal[0] if len(equal) == 1 else max(equal, key=lambda number: _common(asked, passage, number))
        chosen.append(top)
        left -= gains[top]
    return chosen


def _common(asked: list[str], passage: Passage, number: int) -> int:
    return sum(word in passage.sentence_words[number] for word in asked)


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
