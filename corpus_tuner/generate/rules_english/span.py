"""A span of a sentence that a question may ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from corpus_tuner.generate.rules_english.tokens import Token


@dataclass(frozen=True, slots=True)
class Span:
    """Tokens `first` up to `last` (exclusive) of a sentence, and the sort of thing they are."""

    first: int
    last: int
    kind: str  # date, year, number, amount, name, noun, of, list, quote, aside, complement, because

    def __len__(self) -> int:
        return self.last - self.first


def head(inside: Sequence[Token]) -> Token:
    """The last word before a preposition or a comma: "theory" of "theory of computation"."""
    for before, token in pairwise(inside):
        if token.tag in ("IN", "TO") or token.text == ",":
            return before
    return inside[-1]


def is_proper(tokens: Sequence[Token], span: Span) -> bool:
    """Whether a span is a run of capitalised words, with an article of its own at most."""
    inside = tokens[span.first : span.last]
    core = inside[1:] if len(inside) > 1 and inside[0].text == "The" else inside
    return all(token.is_name or token.text.isdigit() for token in core)
