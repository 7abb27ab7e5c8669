"""Who, what, when or where: the question word that fits a span, and the people of a corpus."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from corpus_tuner.generate.rules_english.span import Span, head, is_proper
from corpus_tuner.generate.rules_english.tokens import Token
from corpus_tuner.generate.rules_english.words import (
    FIRST_NAMES,
    MONTHS,
    PERSON_NOUNS,
    PERSON_VERBS,
    PLACE_HEADS,
    PLACES,
    THING_HEADS,
    TITLES,
    WEEKDAYS,
)

_ALSO_PLACES = PLACES | frozenset("Victoria Florence Charlotte Norman Francis Grace Christian Mark Jack Max Lee Von Cam Kip Rose Guy".split())


def people(sentences: Iterable[Sequence[Token]]) -> frozenset[str]:
    """Names and surnames that a first name or a title marks as a person's somewhere in the corpus."""
    found, things = set(), set()
    for tokens in sentences:
        i = 0
        while i < len(tokens):
            end = i
            while end < len(tokens) and tokens[end].is_name:
                end += 1
            run = [token.text for token in tokens[i:end]]
            if len(run) > 1 and run[-1] in THING_HEADS:
                things.update(run)
            elif any(word in THING_HEADS for word in run):
                pass  # "Mission Control"
            elif len(run) > 1 and (run[0] in FIRST_NAMES or run[0] in TITLES) and run[-1] not in PLACES | MONTHS:
                found.update(run[-2:] if run[-1] in ("Jr.", "Sr.", "II", "III") else run[-1:])
                found.add(" ".join(run))
            elif run and _acts_as_person(tokens, i, end) and run[-1] not in PLACES | THING_HEADS | MONTHS:
                found.update(run[-1:])
                found.add(" ".join(run))
            i = max(end, i + 1)
    return frozenset(found - things - {"I", "II", "III", "IV"})


def _acts_as_person(tokens: Sequence[Token], first: int, end: int) -> bool:
    """A name that says or writes something, or that opens a sentence in which nothing else can be "he" or "his"."""
    if end >= len(tokens) or any(token.tag == "NNPS" for token in tokens[first:end]):
        return False
    after = tokens[end]
    if after.text == "," and end + 1 < len(tokens) and tokens[end + 1].lower == "who":
        return True
    if after.tag == "VBD" and after.lower in PERSON_VERBS:
        return tokens[first - 1].lower not in ("the", "a", "an") if first else True
    others = [token for token in tokens[end:] if token.is_name and token.index >= end]
    pronoun = next((token for token in tokens[end:] if token.lower in ("he", "his", "she", "her", "himself", "herself")), None)
    return first == 0 and after.is_finite and pronoun is not None and not any(t.index < pronoun.index for t in others)


def sort_of(tokens: Sequence[Token], span: Span, persons: frozenset[str]) -> str:
    """date, year, number, person, people, place, thing, or name where nothing tells."""
    if span.kind in ("date", "year", "number", "amount", "because"):
        return span.kind
    inside = tokens[span.first : span.last]
    if not is_proper(tokens, span):
        noun = head(inside)
        named = [token.text for token in inside if token.is_name]
        if span.kind == "list" and named and all(name in persons or name in FIRST_NAMES for name in named):
            return "people"
        if noun.is_name and any(token.lower in PERSON_NOUNS for token in inside):
            return "person"
        return ("people" if noun.tag == "NNS" else "person") if noun.lower in PERSON_NOUNS else "thing"
    text, first, last = " ".join(token.text for token in inside), inside[0].text, inside[-1].text
    if last in PLACE_HEADS or (last in PLACES and (first in _ALSO_PLACES or first not in FIRST_NAMES)):
        return "place"
    if last in THING_HEADS or any(token.lower in ("of", "&") for token in inside) or last in WEEKDAYS:
        return "thing"
    if first in TITLES or (first in FIRST_NAMES and (len(inside) > 1 or first not in _ALSO_PLACES)):
        return "person"
    if text in persons or last in persons or last.lower() in PERSON_NOUNS:
        return "person"
    return "name"


def who(tokens: Sequence[Token], span: Span, persons: frozenset[str], verb: Token | None = None) -> str:
    """Who, What, or Which with the span's own last word ("Which university"); "" where none is certain."""
    sort = sort_of(tokens, span, persons)
    if sort in ("person", "people"):
        return "Who"
    inside = tokens[span.first : span.last]
    last = inside[-1]
    if is_proper(tokens, span) and len(inside) > 1 and last.text in THING_HEADS and not last.text.endswith("."):
        return f"Which {last.lower}" if not last.text.endswith("s") or last.text in ("Congress", "Press") else "What"
    if sort == "name":
        if verb is not None and verb.lower in PERSON_VERBS and last.tag == "NNP":
            return "Who"
        if span.first and tokens[span.first - 1].lower in ("the", "a", "an"):
            return "" if last.text.endswith("s") else "What"
        return "Who or what" if verb is not None and not last.text.endswith("s") else ""
    return "What" if sort in ("thing", "place") else ""
