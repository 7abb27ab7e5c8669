"""Noun phrases of an English sentence: bases, those joined by a preposition, and lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from corpus_tuner.generate.rules_english.span import Span, is_proper
from corpus_tuner.generate.rules_english.tokens import Token
from corpus_tuner.generate.rules_english.words import BE

INSIDE = ("JJ", "JJR", "JJS", "NN", "NNS", "NNP", "NNPS", "CD", "VBN", "VBG", "POS", "FW", "RBS", "RBR")
_BEFORE_VERBS = BE | frozenset("have has had been that which who not".split())


def nouns(tokens: Sequence[Token]) -> Iterator[Span]:
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
    if token.tag not in INSIDE or token.text[0] in "\"“”«»'‘":
        return False
    if token.tag in ("VBG", "VBN"):  # only before a noun, and not as a verb's own form
        before = tokens[i - 1].lower if i else ""
        return i + 1 < len(tokens) and tokens[i + 1].tag in INSIDE[:6] and before not in _BEFORE_VERBS
    return i == 0 or tokens[i - 1].aside == token.aside


def lists(tokens: Sequence[Token]) -> Iterator[Span]:
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
