"""Parts of speech of a sentence's words (Penn Treebank tags): each word's most frequent one, then Brill's contextual rules.

Lexicon and rules are the pattern library's, by way of textblob, whose own parser reads the rules and does not apply them.
The rules were learned to be applied one after the other, each to the whole sentence (E. Brill, "A simple rule-based part
of speech tagger", ANLP 1992).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

_NEAR = {"prev": (-1,), "prev2": (-2,), "prev1or2": (-2, -1), "prev1or2or3": (-3, -2, -1),
         "next": (1,), "next2": (2,), "next1or2": (1, 2), "next1or2or3": (1, 2, 3), "cur": (0,)}
_CONDITIONS = {
    **{name + what: ((places, what),) for name, places in _NEAR.items() for what in ("tag", "wd")},
    "surroundtag": (((-1,), "tag"), ((1,), "tag")),
    "prevbigram": (((-2,), "tag"), ((-1,), "tag")),
    "nextbigram": (((1,), "tag"), ((2,), "tag")),
    "wdprevtag": (((-1,), "tag"), ((0,), "wd")),
    "wdnexttag": (((0,), "wd"), ((1,), "tag")),
    "wdand2tagbfr": (((-2,), "tag"), ((0,), "wd")),
    "wdand2tagaft": (((0,), "wd"), ((2,), "tag")),
    "wdand2aft": (((0,), "wd"), ((2,), "wd")),
    "lbigram": (((-1,), "wd"), ((0,), "wd")),
    "rbigram": (((0,), "wd"), ((1,), "wd")),
}
"""What the values of a rule's command are compared with: at one of these distances, the tag or the word."""
_BRITISH = re.compile(r"is(e[sd]?|ing|ations?)$")
_EDGE = ("STAART",) * 3

Rule = tuple[str, str, tuple[tuple[tuple[int, ...], str, str], ...]]


def lexicon() -> dict[str, str]:
    """Word to its most frequent tag (93,000 words)."""
    from textblob.en import parser

    return parser.lexicon


@cache
def _rules() -> list[Rule]:
    """(old tag, new tag, conditions) in the order in which they apply."""
    return [
        (old, new, tuple((*place, value) for place, value in zip(_CONDITIONS[command.lower()], values)))
        for old, new, command, *values in lexicon().context  # type: ignore[attr-defined]
    ]


def tagged(texts: Sequence[str]) -> list[str]:
    """The tag of each word."""
    from textblob.en import parser

    first = [_known_as(text, tag) for text, (_, tag) in zip(texts, parser.find_tags([_spelled(text) for text in texts]))]
    tags = [*_EDGE, *first, *_EDGE]
    around = {"wd": [*_EDGE, *texts, *_EDGE], "tag": tags}
    for old, new, conditions in _rules():
        for i in [k for k, tag in enumerate(tags) if old in (tag, "*")]:
            if all(
                any(around[what][i + k] == value for k in places) for places, what, value in conditions
            ) and _may_be(around["wd"][i], new, tags[:i]):
                tags[i] = new
    return tags[len(_EDGE) : -len(_EDGE)]


def _spelled(word: str) -> str:
    """A British "recognised" as the lexicon spells it."""
    american = _BRITISH.sub(r"iz\1", word)
    return american if american in lexicon() and word not in lexicon() else word


def _known_as(word: str, tag: str) -> str:
    """VBZ for a word in -s that the lexicon has only without it, and as a verb ("verifies")."""
    stem = word[:-3] + "y" if word.endswith("ies") else word[:-1]
    return "VBZ" if tag == "NNS" and word not in lexicon() and lexicon().get(stem) in ("VB", "VBP") else tag


def _may_be(word: str, tag: str, before: Sequence[str]) -> bool:
    """Whether the word's shape, another form of it in the lexicon and the tags `before` it allow the tag. (Brill's tagger
    changes a tag only to one that the word had in the corpus it was trained on; this lexicon has one tag a word.)"""
    lower = word.lower()
    if tag in ("NNP", "NNPS"):
        return word[:1].isupper()
    if tag in ("VB", "VBP"):
        return is_verb(lower)
    if tag in ("VBD", "VBN"):
        return lower.endswith("ed") or lexicon().get(lower) in ("VBD", "VBN")
    if tag == "NN" and before[-1][:2] == "NN":  # "the merge command", but "people with autism acquire"
        opening = next(other for other in reversed(before) if other not in ("NN", "NNP", "JJ"))
        return opening in ("DT", "PRP$", "POS") or lexicon().get(lower) not in ("VB", "VBP")
    if tag == "NNS" and is_verb(lower[:-1]) and lexicon().get(lower[:-1]) != "NN":
        return False
    ending = {"VBG": "ing", "VBZ": "s", "NNS": "s"}.get(tag, "")
    return lower.endswith(ending) and lower not in ("not", "n't")


def is_verb(word: str) -> bool:
    """Whether a word is an infinitive, among other things: its -ing form is known as a verb's."""
    known = lexicon()
    forms = (word + "ing", word[:-1] + "ing", word + word[-1:] + "ing")
    return known.get(word) in ("VB", "VBP") or any(known.get(form) == "VBG" for form in forms)
