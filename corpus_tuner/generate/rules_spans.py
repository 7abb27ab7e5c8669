"""Spans of an English sentence that a question may ask for: dates, numbers, names, noun phrases, quotations, lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from corpus_tuner.generate.rules_tokens import Token, is_year
from corpus_tuner.generate.rules_words import BE, MONTHS, NUMBER_WORDS, PRONOUNS, SCALES, UNIT_NOUNS

MAX_WORDS = 8
_QUOTES = {'"': '"', "“": "”", "«": "»", "„": "“"}
_INSIDE = ("JJ", "JJR", "JJS", "NN", "NNS", "NNP", "NNPS", "CD", "VBN", "VBG", "POS", "FW", "RBS", "RBR")
_NAME_LINKS = frozenset("of the de la le du von van der den al and for & d’ ibn bin del".split())
_VAGUE = frozenset("number part one way kind type sort lot series set use fact case example time times result order "
                   "addition term terms form forms end rest variety majority same other others years year people "
                   "percent something thing things instance lot bit example examples".split())
_LIGHT = frozenset("subject home part able due host".split())
_BEFORE_VERBS = BE | frozenset("have has had been that which who not".split())
_RELATIVES = frozenset("that which who whom whose what".split())


@dataclass(frozen=True, slots=True)
class Span:
    """Tokens `first` up to `last` (exclusive) of a sentence, and the sort of thing they are."""

    first: int
    last: int
    kind: str  # date, year, number, amount, name, noun, of, list, quote, aside, complement, because

    def __len__(self) -> int:
        return self.last - self.first


def spans(tokens: Sequence[Token]) -> list[Span]:
    """Every candidate, the more telling kind first where two cover the same words."""
    found: dict[tuple[int, int], Span] = {}
    for finder in _FINDERS:
        for span in finder(tokens):
            core = _without_article(tokens, span)
            if _fit(tokens, core):
                found.setdefault((core.first, core.last), core)
    return list(found.values())


def _without_article(tokens: Sequence[Token], span: Span) -> Span:
    first = span.first
    while first < span.last - 1 and tokens[first].lower in ("the", "a", "an"):
        first += 1
    return Span(first, span.last, span.kind)


def _fit(tokens: Sequence[Token], span: Span) -> bool:
    inside = tokens[span.first : span.last]
    size = sum(token.text[0].isalnum() for token in inside)
    if not 1 <= size <= MAX_WORDS or inside[0].lower in PRONOUNS:
        return False
    if any(token.tag in ("PRP", "PRP$") or token.lower in _RELATIVES for token in inside) and span.kind != "quote":
        return False
    if span.kind == "complement" and not (inside[0].tag in _INSIDE and head(inside).is_noun and head(inside).lower not in _LIGHT):
        return False
    if span.kind in ("noun", "complement", "aside") and size == 1 and inside[-1].lower in _VAGUE:
        return False
    return inside[0].tag != "POS" and inside[-1].tag != "POS"


def head(inside: Sequence[Token]) -> Token:
    """The last word before a preposition or a comma: "theory" of "theory of computation"."""
    for before, token in zip(inside, inside[1:]):
        if token.tag in ("IN", "TO") or token.text == ",":
            return before
    return inside[-1]


def _dates(tokens: Sequence[Token]) -> Iterator[Span]:
    i = 0
    while i < len(tokens):
        end = _date_end(tokens, i)
        if end:
            while (more := _date_range(tokens, end)) is not None:
                end = more
            single = end == i + 1
            yield Span(i, end, "year" if single and is_year(tokens[i]) else "date")
            i = end
        else:
            i += 1


def _date_end(tokens: Sequence[Token], i: int) -> int:
    """Where a date that begins at `i` ends; 0 if none does."""
    text = [token.text for token in tokens[i : i + 5]] + [""] * 5
    lower = [word.lower() for word in text]
    if text[0] in MONTHS:
        if text[1].isdigit() and len(text[1]) <= 2:
            return i + (4 if text[2] == "," and _year(text[3]) else 3 if _year(text[2]) else 2)
        if _year(text[1]):
            return i + 2
        return i + 3 if text[1] == "," and _year(text[2]) else i + 1
    if text[0].isdigit() and len(text[0]) <= 2 and text[1] in MONTHS:
        return i + (3 if _year(text[2]) else 2)
    if lower[0] in ("early", "late", "mid") and (end := _date_end(tokens, i + 1)):
        return end
    if lower[0].startswith("mid-") and _year(lower[0][4:].rstrip("s")):
        return i + 1
    if lower[0][-2:] in ("st", "nd", "rd", "th") and lower[0][:1].isdigit():
        for k in (1, 3):
            if lower[k] in ("century", "centuries", "millennium"):
                return i + k + (2 if lower[k + 1] in ("bc", "ad", "bce", "ce") else 1)
    if is_year(tokens[i]) and (i + 1 == len(tokens) or tokens[i + 1].tag not in ("NNS",)):
        return i + 1
    if text[0][:-1].isdigit() and len(text[0]) == 5 and text[0].endswith("0s"):
        return i + 1
    return i + 2 if lower[1] in ("bc", "ad", "bce", "ce") and text[0].isdigit() else 0


def _year(text: str) -> bool:
    return text.isdigit() and len(text) in (3, 4)


def _date_range(tokens: Sequence[Token], i: int) -> int | None:
    """Where "to 1939", "–26" or "and 1951" after a date ends."""
    if i + 1 >= len(tokens) or tokens[i].lower not in ("to", "–", "-", "until", "and", "through"):
        return None
    if tokens[i].text in "–-" and tokens[i + 1].text.isdigit():
        return i + 2
    before = tokens[i - 1]
    decades = before.text.endswith("0s") and tokens[i + 1].text.endswith("0s")
    if tokens[i].lower == "and" and not decades and not (i >= 2 and tokens[i - 2].lower == "between" and is_year(before)):
        return None
    return _date_end(tokens, i + 1) or None


def _numbers(tokens: Sequence[Token]) -> Iterator[Span]:
    i = 0
    while i < len(tokens):
        if tokens[i].tag != "CD" or tokens[i].lower == "one" or (i and tokens[i - 1].is_name):
            i += 1
            continue
        end = i + 1
        while end < len(tokens) and (tokens[end].lower in SCALES or tokens[end].lower in NUMBER_WORDS):
            end += 1
        if end + 1 < len(tokens) and tokens[end].text in "–-" and tokens[end + 1].tag == "CD":
            end += 2
        date = _date_end(tokens, i)
        if not date:
            yield Span(i, end, "number")
            noun = end
            while noun < len(tokens) and tokens[noun].tag in ("JJ", "NN", "NNS", "VBN") and noun - end < 3:
                noun += 1
                if tokens[noun - 1].tag in ("NN", "NNS"):
                    yield Span(i, noun, "amount" if tokens[noun - 1].lower in UNIT_NOUNS else "noun")
        i = max(end, date)


def _names(tokens: Sequence[Token]) -> Iterator[Span]:
    i = 0
    while i < len(tokens):
        if not tokens[i].is_name or tokens[i].text in MONTHS:
            i += 1
            continue
        end = _name_end(tokens, i)
        yield Span(i, end, "name")
        link = end
        while link < len(tokens) and tokens[link].lower in _NAME_LINKS and link - end < 2:
            link += 1
        if link > end and link < len(tokens) and tokens[link].is_name and tokens[end].lower not in ("and", "the"):
            yield Span(i, _name_end(tokens, link), "name")
        i = end


def _name_end(tokens: Sequence[Token], i: int) -> int:
    end = i
    while end < len(tokens) and (tokens[end].is_name or (end > i and _continues_name(tokens, end))):
        end += 1
    while end > i + 1 and tokens[end - 1].tag == "POS":
        end -= 1
    return end


def _continues_name(tokens: Sequence[Token], i: int) -> bool:
    """A number ("Apollo 8"), or a possessive before another capital ("King's Cross")."""
    token = tokens[i]
    follows = i + 1 < len(tokens) and tokens[i + 1].is_name
    return (token.text.isdigit() and not is_year(token) and len(token.text) < 4) or (token.tag == "POS" and follows)


def _nouns(tokens: Sequence[Token]) -> Iterator[Span]:
    """Base noun phrases, then those joined by "of" or by another preposition."""
    bases = list(_bases(tokens))
    yield from bases
    for left in bases:
        end, kind = left.last, "of"
        for _ in range(2):
            right = _after_link(tokens, bases, end, ("of",) if kind == "of" else ("in", "for", "between", "to", "on"))
            if right is None:
                break
            end = right.last
            yield Span(left.first, end, "of")
            if is_proper(tokens, left):
                yield Span(left.first, end, "name")
        right = _after_link(tokens, bases, left.last, ("in", "for", "between", "to", "on", "from", "with"))
        if right is not None:
            yield Span(left.first, right.last, "prep")


def is_proper(tokens: Sequence[Token], span: Span) -> bool:
    """Whether a span is a run of capitalised words."""
    return all(token.is_name or token.text.isdigit() for token in tokens[span.first : span.last])


def _after_link(tokens: Sequence[Token], bases: Sequence[Span], end: int, links: tuple[str, ...]) -> Span | None:
    if end >= len(tokens) or tokens[end].lower not in links:
        return None
    start = end + 1
    while start < len(tokens) and tokens[start].tag in ("DT", "PRP$"):
        start += 1
    return next((base for base in bases if base.first == start), None)


def _bases(tokens: Sequence[Token]) -> Iterator[Span]:
    i = 0
    while i < len(tokens):
        end = i
        while end < len(tokens) and _in_noun_phrase(tokens, end):
            end += 1
        last = end
        while last > i and not (tokens[last - 1].is_noun or tokens[last - 1].tag == "CD"):
            last -= 1
        if last > i and not all(token.tag == "CD" for token in tokens[i:last]):
            yield Span(i, last, "noun")
        i = max(end, i + 1)


def _in_noun_phrase(tokens: Sequence[Token], i: int) -> bool:
    token = tokens[i]
    if token.tag not in _INSIDE or token.text[0] in "\"“”«»'‘":
        return False
    if token.tag in ("VBG", "VBN"):  # only before a noun, and not as a verb's own form
        before = tokens[i - 1].lower if i else ""
        return i + 1 < len(tokens) and tokens[i + 1].tag in _INSIDE[:6] and before not in _BEFORE_VERBS
    return i == 0 or tokens[i - 1].aside == token.aside


def _lists(tokens: Sequence[Token]) -> Iterator[Span]:
    """Noun phrases joined by commas and a last "and" or "or", with up to eight words."""
    bases = [*_bases(tokens)]
    at = {base.first: base for base in bases}
    for base in bases:
        end, items = base.last, 1
        while True:
            step = end
            while step < len(tokens) and tokens[step].lower in (",", "and", "or") and step - end < 2:
                step += 1
            joined = {token.lower for token in tokens[end:step]}
            while step < len(tokens) and joined and tokens[step].lower in ("the", "a", "an"):
                step += 1
            if not joined or step not in at:
                break
            end, items = at[step].last, items + 1
            if joined & {"and", "or"}:
                if end < len(tokens) and (tokens[end].lower == "of" or tokens[end].tag in ("VBN", "VBG", "POS")):
                    break
                yield Span(base.first, end, "list")
                break


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
    _dates, _numbers, _names, _quotes, _asides, _lists, _nouns, _complements, _becauses,
)
