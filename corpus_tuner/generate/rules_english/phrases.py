"""Phrases of an English sentence: where a noun phrase, a verb group and a clause end."""

from __future__ import annotations

from corpus_tuner.generate.rules_english.tokens import Token
from corpus_tuner.generate.rules_english.words import BE, MODALS, SUBORDINATORS

Tokens = tuple[Token, ...]
_NOMINAL = ("JJ", "JJR", "JJS", "NN", "NNS", "NNP", "NNPS", "CD", "VBN", "VBG", "POS", "FW", "RBS")
_CUTS = frozenset("because although though while whereas but whilst unless".split())


def noun_phrase(plain: Tokens, i: int) -> int:
    """Where the noun phrase that begins at `i` ends; 0 if none does."""
    while i < len(plain) and plain[i].tag in ("DT", "PRP$", "PDT"):
        i += 1
    end = i
    while end < len(plain) and (plain[end].tag in _NOMINAL or _joins_adjectives(plain, end)):
        end += 1
    while end > i and not (plain[end - 1].is_noun or plain[end - 1].tag == "CD"):
        end -= 1
    return end if end > i else 0


def _joins_adjectives(plain: Tokens, i: int) -> bool:
    """The "and" or comma of "religious and political autonomy"."""
    if plain[i].lower not in ("and", ",", "or") or i == 0 or i + 1 >= len(plain):
        return False
    return plain[i - 1].tag in ("JJ", "JJR") and plain[i + 1].tag == "JJ"


def verb_group(plain: Tokens, i: int) -> int:
    """Where the verb group that begins at `i` ends, after its main verb."""
    def adverbs(k: int) -> int:
        while k < len(plain) and plain[k].tag in ("RB", "RBR") and k + 1 < len(plain):
            k += 1
        return k

    word = plain[i].lower
    after = adverbs(i + 1)
    if after >= len(plain):
        return i + 1
    following = plain[after]
    if word in MODALS or word in ("did", "does", "do"):
        if following.lower in ("be", "have"):
            return verb_group(plain, after)
        return after + 1 if following.tag in ("VB", "VBP", "NN", "VBD") else 0
    if word in BE or word in ("be", "been"):
        if following.lower in ("being", "been"):
            return verb_group(plain, after)
        participle = following.tag in ("VBN", "VBG") or (following.tag == "VBD" and following.lower not in BE)
        return after + 1 if participle else i + 1
    if word in ("has", "have", "had"):
        if following.lower == "been":
            return verb_group(plain, after)
        return after + 1 if following.tag in ("VBN", "VBD") else i + 1
    return i + 1


def clause_end(plain: Tokens, i: int) -> int:
    """Where a clause whose verb group ends at `i` may be cut without harm."""
    while i < len(plain):
        token = plain[i]
        ranged = token.text == "–" and i + 1 < len(plain) and plain[i - 1].tag == plain[i + 1].tag == "CD"
        if (token.text in (";", ":", "—", "–", ".", "...", "!", "?") and not ranged) or token.lower in _CUTS:
            return i
        if token.lower == "due" and i + 1 < len(plain) and plain[i + 1].lower == "to":
            return i
        if token.lower in ("and", "or") and _verb_follows(plain, i + 1):
            return i
        if token.text == ",":
            beyond = _past_comma(plain, i)
            if not beyond:
                return i
            i = beyond
        else:
            i += 1
    return i


def _verb_follows(plain: Tokens, i: int) -> bool:
    while i < len(plain) and plain[i].tag == "RB":
        i += 1
    if i >= len(plain):
        return False
    if plain[i].tag[:2] == "VB" or plain[i].tag == "MD":
        return not (plain[i].tag in ("VBN", "VBG") and i + 1 < len(plain) and plain[i + 1].tag in ("NN", "NNS", "JJ"))
    while i < len(plain) and plain[i].lower not in SUBORDINATORS and plain[i].text not in ",;:.":
        if plain[i].is_finite:
            return True
        i += 1
    return False


def _past_comma(plain: Tokens, i: int) -> int:
    """Where to go on after a comma inside of a date, a place or a list; 0 if the clause ends there."""
    before, after = plain[i - 1], plain[min(i + 1, len(plain) - 1)]
    if before.text.isdigit() and after.text.isdigit() and len(after.text) == 4:
        return i + 2
    k, last, joined = i + 1, 0, False
    while k < len(plain) and (plain[k].tag in _NOMINAL or plain[k].tag in ("DT", "CC") or plain[k].lower in (",", "of")):
        joined = joined or plain[k].lower in ("and", "or")
        if joined and plain[k].is_noun:
            last = k + 1
        k += 1
    while k < len(plain) and plain[k].tag == "RB":
        k += 1
    if joined and last and (k >= len(plain) or not plain[k].is_finite):
        return last
    if before.is_name and after.is_name and (i + 2 >= len(plain) or plain[i + 2].text in (",", ".")):
        return i + 2
    return 0
