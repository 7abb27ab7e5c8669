"""Whether a question is in the language of its passage: by its letters, then by its function words.

What a section says of its own language is not asked: a file may be labelled wrongly, and its text is at hand.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cache

from corpus_tuner.generate.wording import OPENINGS
from corpus_tuner.text import stop_words, words

LANGUAGES = ("en", "de", "fr", "es", "it", "ru", "pt", "nl", "sv", "no", "da", "tr")  # with a list of function words
LEAST = 3  # function words of a language by which a passage is known to be in it
PLAIN = 0.3  # share of function words from which a text is English at first sight: the other lists take half a second to load
SIGNS = 2  # of another language that condemn a question without one of its own; with some, more than twice as many

_WORD = re.compile(r"[^\W\d_]+")


def is_foreign(question: str, text: str, own: str) -> bool:
    """Whether a question is in another language than `text`, whose `tongue` is `own`. False where that is not certain."""
    if _script(question) and (_script(question) not in _scripts(text) or _script(text) not in _scripts(question)):
        return True
    asked = words(question)
    if not own or (own == "en" and _count(asked, "en") >= PLAIN * len(asked)):
        return False
    least = max(SIGNS, 2 * _count(asked, own) + 1)
    return any(_count(asked, other) >= least for other in LANGUAGES if other != own)


def tongue(text: str) -> str:
    """The language whose function words a text has most, or "" where it has few of any."""
    found = Counter(word for word in _WORD.findall(text) if word.islower())  # "Los Angeles" is no Spanish
    if sum(found[word] for word in stop_words("en")) >= max(LEAST, PLAIN * found.total()):
        return "en"
    counts = {language: sum(found[word] for word in stop_words(language)) for language in LANGUAGES}
    best = max(LANGUAGES, key=counts.__getitem__)
    return best if counts[best] >= LEAST else ""


def _count(asked: list[str], language: str) -> int:
    return sum(word in _signs(language) for word in asked)


@cache
def _signs(language: str) -> frozenset[str]:
    """Function words, and what opens a question."""
    return stop_words(language).union(*OPENINGS.get(language, ()))


def _script(text: str) -> str:
    """The script of most of its letters."""
    if text.isascii():
        return "LATIN" if any(map(str.isalpha, text)) else ""
    found = Counter(_name(letter) for letter in text if letter.isalpha())
    return max(found, key=found.__getitem__) if found else ""


def _scripts(text: str) -> set[str]:
    return {_name(letter) for letter in set(text) if letter.isalpha()}  # of each letter once


@cache
def _name(letter: str) -> str:
    """LATIN, CYRILLIC, CJK ... as Unicode names its characters; kana count as CJK."""
    name = unicodedata.name(letter, "?").partition(" ")[0]
    return "CJK" if name in ("HIRAGANA", "KATAKANA", "IDEOGRAPHIC") else name
