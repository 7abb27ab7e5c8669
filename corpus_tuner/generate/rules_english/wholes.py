"""What an English sentence is asked for as a whole or not at all, so that no answer ends within a name or a measure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from corpus_tuner.generate.rules_english.dates import date_end
from corpus_tuner.generate.rules_english.names import joined_names
from corpus_tuner.generate.rules_english.span import Span
from corpus_tuner.generate.rules_english.tokens import Token
from corpus_tuner.generate.rules_english.words import UNIT_NOUNS


def wholes(tokens: Sequence[Token], title: str) -> Iterator[tuple[int, int]]:
    """First and end of each: measures, dates, names in several parts, and the article's `title`."""
    yield from measures(tokens)
    yield from ((i, end) for i in range(len(tokens)) if (end := date_end(tokens, i)) > i + 1)
    yield from joined_names(tokens)
    yield from _with_subtitles(tokens)
    wanted = title.split()
    if len(wanted) > 1:
        starts = [i for i in range(len(tokens)) if [token.text for token in tokens[i : i + len(wanted)]] == wanted]
        yield from ((i, i + len(wanted)) for i in starts)


def _with_subtitles(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """ "2001: A Space Odyssey": a name or number, a colon and a name."""
    for colon in range(1, len(tokens) - 1):
        first = last = colon
        while first and (tokens[first - 1].is_name or tokens[first - 1].text.isdigit()):
            first -= 1
        while last + 1 < len(tokens) and (tokens[last + 1].is_name or tokens[last + 1].text in ("A", "An", "The")):
            last += 1
        if tokens[colon].text == ":" and first < colon < last:
            yield first, last + 1


def tears(span: Span, first: int, last: int) -> bool:
    """Whether `span` shares tokens with `first` to `last` and leaves others of them out."""
    return span.first < last and first < span.last and not (span.first <= first and last <= span.last)


def measures(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """First and end of each amount in several numbers: "2 hours, 44 minutes and 30 seconds", "60 by 40 km"."""
    i = 0
    while i < len(tokens):
        last, following, units = i, i, 0
        while following + 1 < len(tokens) and tokens[following].tag == "CD" and tokens[following + 1].lower in UNIT_NOUNS:
            last = following = following + 2
            units += 1
            while following < len(tokens) and tokens[following].lower in (",", "and"):
                following += 1
        if units > 1:
            yield i, last
        elif area := _by(tokens, i):
            yield i, area
            last = area
        i = max(i + 1, last)


def _by(tokens: Sequence[Token], i: int) -> int:
    """Where "60.7 nmi by 59.7 nmi" ends, if one begins at `i`; 0 if none does."""
    link = i + 1 + (i + 1 < len(tokens) and tokens[i + 1].tag == "NN")
    if tokens[i].tag != "CD" or link + 1 >= len(tokens) or tokens[link].lower not in ("by", "×") or tokens[link + 1].tag != "CD":
        return 0
    return link + 2 + (link + 2 < len(tokens) and tokens[link + 2].tag in ("NN", "NNS"))
