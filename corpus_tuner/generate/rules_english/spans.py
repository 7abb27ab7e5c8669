"""Spans of an English sentence that a question may ask for: dates, numbers, names, noun phrases, quotations, lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from corpus_tuner.generate.rules_english.dates import date_end, date_range
from corpus_tuner.generate.rules_english.names import continues_name, names, own_article
from corpus_tuner.generate.rules_english.nouns import INSIDE, lists, nouns
from corpus_tuner.generate.rules_english.span import Span, head
from corpus_tuner.generate.rules_english.tokens import Token, is_year
from corpus_tuner.generate.rules_english.wholes import measures, tears, wholes
from corpus_tuner.generate.rules_english.words import BE, NUMBER_WORDS, PRONOUNS, SCALES, TITLES, UNIT_NOUNS

MAX_WORDS = 8
_QUOTES = {'"': '"', "“": "”", "«": "»", "„": "“"}
_VAGUE = frozenset("number part one way kind type sort lot series set use fact case example time times result order "
                   "addition term terms form forms end rest variety majority same other others years year people "
                   "percent something thing things instance lot bit example examples".split())
_POINTING = frozenset("other own same certain various several such different similar respective latter following previous next last near usual recent".split())
_SIGNS = ("#", "'", "’", "/", "№", ".", "_", "@", "&", ":")
_PARTS = frozenset("section step chapter figure fig page table note equation appendix item".split())
_LIGHT = frozenset("subject home part able due host".split())
_RELATIVES = frozenset("that which who whom whose what".split())


def spans(tokens: Sequence[Token], title: str = "") -> list[Span]:
    """Every candidate, the more telling kind first where two cover the same words; none ends within `title`."""
    found: dict[tuple[int, int], Span] = {}
    for finder in _FINDERS:
        for span in finder(tokens):
            core = span if span.kind == "because" else _without_article(tokens, span)
            if _fit(tokens, core):
                found.setdefault((core.first, core.last), core)
    uncut = list(wholes(tokens, title))
    return [span for span in found.values() if not any(tears(span, *whole) for whole in uncut)]


def _without_article(tokens: Sequence[Token], span: Span) -> Span:
    first = span.first
    while first < span.last - 1 and tokens[first].lower in ("the", "a", "an") and not own_article(tokens, first):
        first += 1
    return Span(first, span.last, span.kind)


def _fit(tokens: Sequence[Token], span: Span) -> bool:
    inside = tokens[span.first : span.last]
    size = sum(token.text[0].isalnum() for token in inside)
    if not 1 <= size <= MAX_WORDS or inside[0].lower in PRONOUNS:
        return False
    if inside[0].lower in _POINTING and span.kind in ("noun", "of", "prep", "list", "complement"):
        return False
    if inside[-1].text in TITLES and inside[-1].text[-1] == ".":
        return False
    if inside[0].lower in ("least", "most") and span.first and tokens[span.first - 1].lower == "at":
        return False
    if any(token.tag in ("PRP", "PRP$") or token.lower in _RELATIVES for token in inside) and span.kind != "quote":
        return False
    if span.kind == "complement" and not (inside[0].tag in INSIDE and head(inside).is_noun and head(inside).lower not in _LIGHT):
        return False
    if span.kind in ("noun", "complement", "aside") and size == 1 and inside[-1].lower in _VAGUE:
        return False
    return inside[0].tag != "POS" and inside[-1].tag != "POS"


def _dates(tokens: Sequence[Token]) -> Iterator[Span]:
    i = 0
    while i < len(tokens):
        end = date_end(tokens, i)
        if end:
            while (more := date_range(tokens, end)) is not None:
                if tokens[i].text.isdigit() and not is_year(tokens[i]):
                    yield Span(i, end, "date")
                    yield Span(end + 1, more, "date")
                end = more
            single = end == i + 1
            yield Span(i, end, "year" if single and is_year(tokens[i]) else "date")
            i = end
        else:
            i += 1


def _numbers(tokens: Sequence[Token]) -> Iterator[Span]:
    i = 0
    while i < len(tokens):
        if tokens[i].tag != "CD" or tokens[i].lower == "one" or _labels(tokens, i) or (
            i and tokens[i - 1].is_name and continues_name(tokens, i)
        ):
            i += 1
            continue
        end = i + 1
        while end < len(tokens) and (tokens[end].lower in SCALES or tokens[end].lower in NUMBER_WORDS):
            end += 1
        if end + 1 < len(tokens) and tokens[end].text in "–-" and tokens[end + 1].tag == "CD":
            end += 2
        date = date_end(tokens, i)
        if not date:
            yield from (Span(first, last, "amount") for first, last in measures(tokens) if first == i)
            yield Span(i, end, "number")
            noun = end
            while noun < len(tokens) and tokens[noun].tag in ("JJ", "NN", "NNS", "VBN") and noun - end < 3:
                noun += 1
                if tokens[noun - 1].tag in ("NN", "NNS"):
                    yield Span(i, noun, "amount" if tokens[noun - 1].lower in UNIT_NOUNS else "noun")
        i = max(end, date)


def _labels(tokens: Sequence[Token], i: int) -> bool:
    """Whether what stands before a number makes it a label: a sign ("#3", "'70"), or a part of a text ("section 5")."""
    before = tokens[i - 1] if i else None
    return before is not None and (before.lower in _PARTS or (before.text in _SIGNS and before.end == tokens[i].start))


def _quotes(tokens: Sequence[Token]) -> Iterator[Span]:
    i = 0
    while i < len(tokens):
        closing = _QUOTES.get(tokens[i].text)
        if closing:
            end = next((k for k in range(i + 1, len(tokens)) if tokens[k].text == closing), None)
            if end is not None:
                last = end - 1 if tokens[end - 1].text in (",", ".") else end
                yield Span(i + 1, last, "quote")
                i = end
        i += 1


def _asides(tokens: Sequence[Token]) -> Iterator[Span]:
    for i, token in enumerate(tokens):
        if token.text == "(":
            end = next((k for k in range(i + 1, len(tokens)) if tokens[k].text in ("(", ")", ",", ";", ":")), None)
            if end is not None and tokens[end].text == ")":
                yield Span(i + 1, end, "aside")


def _complements(tokens: Sequence[Token]) -> Iterator[Span]:
    """What a form of "to be" says of its subject, and adjectives after it."""
    for i, token in enumerate(tokens[:-1]):
        if token.lower in BE | {"called", "named", "as"}:
            end = i + 1
            while end < len(tokens) and tokens[end].text not in (",", ".", ";", ":", "(", "—", "–") and not tokens[
                end
            ].is_finite and tokens[end].tag not in ("WDT", "WP", "WRB"):
                end += 1
            if tokens[i + 1].tag in ("DT", "JJ", "JJR", "JJS", "NN", "NNS", "NNP", "CD", "RB"):
                yield Span(i + 1, end, "complement")


def _becauses(tokens: Sequence[Token]) -> Iterator[Span]:
    for i, token in enumerate(tokens):
        if token.lower == "because" or (token.lower == "due" and i + 1 < len(tokens) and tokens[i + 1].lower == "to"):
            start = i + 1 + (i + 1 < len(tokens) and tokens[i + 1].lower in ("of", "to"))
            end = start
            while end < len(tokens) and tokens[end].text not in (",", ".", ";", "("):
                end += 1
            yield Span(start, end, "because")


_FINDERS: tuple[Callable[[Sequence[Token]], Iterator[Span]], ...] = (
    _dates, _numbers, names, _quotes, _asides, lists, nouns, _complements, _becauses,
)
