"""Dates in an English sentence: where one that begins at a token ends."""

from __future__ import annotations

import re
from collections.abc import Sequence

from corpus_tuner.generate.rules_english.tokens import Token, is_year
from corpus_tuner.generate.rules_english.words import MONTHS

_ISO = re.compile(r"\d{4}-\d\d-\d\d")
_ERAS = ("bc", "ad", "bce", "ce")


def date_end(tokens: Sequence[Token], i: int) -> int:
    """Where a date that begins at `i` ends; 0 if none does."""
    text = [token.text for token in tokens[i : i + 5]] + [""] * 5
    lower = [word.lower() for word in text]
    if text[0] in MONTHS or (_day(text[0]) and text[1] in MONTHS):
        return i + _calendar_date(text)
    if lower[0] in ("early", "late", "mid") and (end := date_end(tokens, i + 1)):
        return end
    if century := _century(lower):
        return i + century
    if _ISO.fullmatch(text[0]):
        return i + 1
    if is_year(tokens[i]) and (i + 1 == len(tokens) or tokens[i + 1].tag != "NNS"):
        return i + 1
    decade = len(text[0]) == 5 and text[0][:-1].isdigit() and text[0].endswith("0s")
    if decade or (lower[0].startswith("mid-") and _year(lower[0][4:].rstrip("s"))):
        return i + 1
    return i + 2 if lower[1] in _ERAS and text[0].isdigit() else 0


def _calendar_date(text: Sequence[str]) -> int:
    """How many tokens "21 December 1968", "December 21, 1968", "December 1968" or "December" has."""
    if text[1] in MONTHS:
        return 3 if _year(text[2]) else 2
    after = 2 if _day(text[1]) else 1
    if _year(text[after]):
        return after + 1
    return after + 2 if text[after] == "," and _year(text[after + 1]) else after


def _century(lower: Sequence[str]) -> int:
    """How many tokens "10th century" or "10th and 11th centuries AD" has; 0 if it is none."""
    if not lower[0][:1].isdigit() or lower[0][-2:] not in ("st", "nd", "rd", "th"):
        return 0
    for k in (1, 3):
        if lower[k] in ("century", "centuries", "millennium"):
            return k + (2 if lower[k + 1] in _ERAS else 1)
    return 0


def _day(text: str) -> bool:
    return text.isdigit() and len(text) <= 2


def _year(text: str) -> bool:
    return text.isdigit() and len(text) in (3, 4)


def date_range(tokens: Sequence[Token], i: int) -> int | None:
    """Where "to 1939", "–26" or "and 1951" after a date ends."""
    if i + 1 >= len(tokens) or tokens[i].lower not in ("to", "–", "-", "until", "and", "through"):
        return None
    if tokens[i].text in "–-" and tokens[i + 1].text.isdigit():
        return date_end(tokens, i + 1) or i + 2
    before = tokens[i - 1]
    decades = before.text.endswith("0s") and tokens[i + 1].text.endswith("0s")
    if tokens[i].lower == "and" and not decades and not (i >= 2 and tokens[i - 2].lower == "between" and is_year(before)):
        return None
    return date_end(tokens, i + 1) or None
