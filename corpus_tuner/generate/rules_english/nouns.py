"""Noun phrases of an English sentence: bases, those joined by a preposition, and lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from corpus_tuner.generate.rules_english.span import Span, is_proper
from corpus_tuner.generate.rules_english.tokens import Token
from corpus_tuner.generate.rules_english.words import BE

INSIDE = ("JJ", "JJR", "JJS", "NN", "NNS", "NNP", "NNPS", "CD", "VBN", "VBG", "POS", "FW", "RBS", "RBR")
_BEFORE_VERBS = BE | frozenset("have has had been that which who not ,".split())
_OPENING = ("DT", "PRP$", "POS", "CD", "JJ", "JJR", "JJS", "NN", "NNP", "FW")


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
    if token.tag in ("VBG", "VBN"):  # before a noun, and not as a verb's own form
        before = next((other for other in reversed(tokens[:i]) if other.tag != "RB" or other.lower == "not"), None)
        opens = before is not None and (before.tag in _OPENING if token.tag == "VBG" else before.lower not in _BEFORE_VERBS)
        return opens and i + 1 < len(tokens) and tokens[i + 1].tag in INSIDE[:6]
    return i == 0 or tokens[i - 1].aside == token.aside


def lists(tokens: Sequence[Token]) -> Iterator[Span]:
    """Noun phrases joined by commas and a last "and" or "or", with up to eight words."""
    bases = [*_bases(tokens)]
    at = {base.first: base for base in bases}
    ends = {base.last for base in bases}
    for base in bases:
        if base.first > 1 and tokens[base.first - 1].lower in (",", "and", "or") and base.first - 1 in ends:
            continue  # not its first item
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
                if not _torn_list(tokens, base.first, end):
                    yield Span(base.first, end, "list")
                break


def _torn_list(tokens: Sequence[Token], first: int, end: int) -> bool:
    """Whether the last item of tokens `first` to `end` goes on, or is the subject of another clause ("read the book and
    the film was made")."""
    if end == len(tokens):
        return False
    following = next((token for token in tokens[end:] if token.tag != "RB"), tokens[-1])
    clause = next((i for i in range(first - 1, -1, -1) if tokens[i].text in ",;:"), -1)
    has_verb = any(token.is_finite for token in tokens[clause + 1 : first])
    return tokens[end].lower in ("of", "and", "or") or tokens[end].tag in ("VBN", "VBG", "POS") or (has_verb and following.is_finite)
