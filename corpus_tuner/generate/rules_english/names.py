"""Names in an English sentence: runs of capitalised words, and what belongs to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from corpus_tuner.generate.rules_english.span import Span
from corpus_tuner.generate.rules_english.tagger import lexicon
from corpus_tuner.generate.rules_english.tokens import Token, is_year
from corpus_tuner.generate.rules_english.words import FIRST_NAMES, MONTHS, PLACES, THING_HEADS, UNIT_NOUNS

_LINKS = frozenset("of de la le du von van der den al and for & d’ ibn bin del".split())


def names(tokens: Sequence[Token]) -> Iterator[Span]:
    """Every name, alone and with what a link joins to it."""
    i = 0
    while i < len(tokens):
        if not tokens[i].is_name or tokens[i].text in MONTHS:
            i += 1
            continue
        first, end = _first(tokens, i), _end(tokens, i)
        yield Span(first, end, "name")
        link = end
        while link < len(tokens) and tokens[link].lower in _LINKS and link - end < 2:
            link += 1
        if link > end and link < len(tokens) and tokens[link].is_name and tokens[end].lower not in ("and", "the"):
            yield Span(first, _end(tokens, link), "name")
        i = end
    yield from (Span(first, end, "name") for first, end in joined_names(tokens))


def joined_names(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """First and end of the names that go on with "of" and another name, have a dash or begin with a "The" of their own."""
    i = 0
    while i < len(tokens):
        end = _end(tokens, i) if tokens[i].is_name else i
        if end > i:
            whole = end if tokens[i].text in FIRST_NAMES else _with_of(tokens, i, end)
            dashed = any(token.text == "–" for token in tokens[i:end])
            if whole > end or dashed or _first(tokens, i) < i:
                yield _first(tokens, i), whole
            end = whole
        i = max(end, i + 1)


def own_article(tokens: Sequence[Token], i: int) -> bool:
    """Whether the article at `i` belongs to a title ("The Fountainhead"): a capital within a sentence."""
    return i > 0 and tokens[i].text == "The" and tokens[i + 1].is_name and tokens[i - 1].text not in "\"“‘(:-–—•*"


def continues_name(tokens: Sequence[Token], i: int) -> bool:
    """Whether a name goes on at `i`: a number ("Apollo 8", "the Apollo 13 mission", not "Saturn 60 km"), a possessive
    before another capital ("King's Cross") or a dash without spaces ("Mexican–American War")."""
    token = tokens[i]
    after = tokens[i + 1] if i + 1 < len(tokens) else None
    if token.text == "–":
        return after is not None and after.is_name and tokens[i - 1].end == token.start and token.end == after.start
    if token.tag == "POS":
        return after is not None and after.is_name
    if not token.text.isdigit() or is_year(token) or len(token.text) > 3:
        return False
    if after is None or after.tag not in ("NN", "NNS", "CD"):
        return True
    return after.tag == "NN" and token.text != "1" and after.lower not in UNIT_NOUNS and after.lower in lexicon()


def _first(tokens: Sequence[Token], i: int) -> int:
    """Where the name whose first capital noun is at `i` begins."""
    return i - 1 if i and own_article(tokens, i - 1) else i


def _end(tokens: Sequence[Token], i: int) -> int:
    """Where the name that begins at `i` ends; `i` if none does. A person's ends before the possessive."""
    end = i
    person = i < len(tokens) and tokens[i].text in FIRST_NAMES - PLACES
    while end < len(tokens) and (tokens[end].is_name or (end > i and continues_name(tokens, end))):
        if person and tokens[end].tag == "POS":
            break
        end += 1
    while end > i + 1 and tokens[end - 1].tag == "POS":
        end -= 1
    return end


def _with_of(tokens: Sequence[Token], i: int, end: int) -> int:
    """Where "Museum of Science and Industry" ends, if its first part is tokens `i` to `end`; `end` if it has no other."""
    while link := _of_name(tokens, end):
        end = _end(tokens, link)
        goes_on = end + 1 < len(tokens) and tokens[end].lower in ("and", "&") and tokens[end + 1].is_name
        if goes_on and any(token.text in THING_HEADS for token in tokens[i:end]):
            end = _end(tokens, end + 1)
    return end


def _of_name(tokens: Sequence[Token], end: int) -> int:
    """Where the second name of "Book of Genesis" begins, if the first ends at `end`; 0 if none does or it is only the
    first word of a phrase ("Börte of the Onggirat tribe")."""
    link = end + 1
    if link >= len(tokens) or tokens[end].lower != "of":
        return 0
    link += tokens[link].lower == "the"
    last = _end(tokens, link)
    return link if last > link and (last == len(tokens) or tokens[last].tag not in ("NN", "NNS")) else 0
