"""The checks of a question: it is one, it stands on its own, and it does not give its answer away."""

from __future__ import annotations

import re

from corpus_tuner.generate.wording import BARE_PRONOUN, CJK_ASKS, MARKS, OPENINGS, OR, POINTS_AT_TEXT, UNMARKED
from corpus_tuner.text import contains_answer, exact_match, words

CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
NAME = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")

_CLOSING = "\"'”’»)）」』*_` \u00a0"
_LONE = frozenset("i he she they it his her their its er sie es ihr sein il elle él ella он она они их его".split())


def same_question(question: str) -> str:
    """What two questions share that differ in case, punctuation and spacing only."""
    return " ".join(words(question))


def is_question(question: str, language: str) -> bool:
    """A question mark at the end; without one, a question word at the beginning, or "Complete: ..."."""
    end = question.rstrip(_CLOSING)
    if end and end[-1] in MARKS and (end[-1] not in ";\u037e" or language == "el"):
        return True
    if language in UNMARKED:
        return True
    if CJK.search(question):
        return bool(CJK_ASKS.search(question))
    asks, orders, prepositions = OPENINGS.get(language, (frozenset(),) * 3)
    first, second, *_ = (*words(question), "", "")
    if first in orders:
        return True
    return end[-1:] != "." and (first in asks or (first in prepositions and second in asks))


def stands_alone(question: str, language: str, heading: str = "") -> bool:
    """No "the passage", and no pronoun in the place where nothing can have named what it stands for.

    What the `heading` of the section says itself ("The Text") is no pointing.
    """
    pointing = POINTS_AT_TEXT.get(language)
    found = pointing.search(question) if pointing else None
    if found and found.group().lower() not in heading.lower():
        return False
    pronoun = BARE_PRONOUN.get(language)
    if pronoun is None or not pronoun.search(question):
        return True
    return _names_something(question)


def _names_something(question: str) -> bool:
    """Whether a question with an early pronoun still says whom or what it is about: a name or a number somewhere."""
    if CJK.search(question):
        return len(words(question)) > 14  # no capitals there; a short question that opens with a pronoun is bare
    if re.search(r"\d", question):
        return True
    inner = question.split(" ", 1)[-1]
    return any(name[0].isupper() and name.lower() not in _LONE for name in NAME.findall(inner))


def repeats_question(question: str, answer: str) -> bool:
    """The answer is the question again, or another question."""
    return exact_match(question, answer) or (answer[-1:] in "?？؟" and len(words(answer)) > 2)


def gives_answer_away(question: str, answer: str, language: str) -> bool:
    """The whole answer stands in the question, unless that offers a choice ("... or ...")."""
    choice = OR.get(language)
    if (choice and choice.search(question)) or len(same_question(answer)) < 2:
        return False
    return contains_answer(question, answer)
