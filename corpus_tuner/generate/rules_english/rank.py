"""Which spans people ask for: a logistic score over features of the span and of its place in the sentence."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

from corpus_tuner.generate.rules_english.span import Span
from corpus_tuner.generate.rules_english.tokens import Token
from corpus_tuner.text import words


@cache
def weights() -> Mapping[str, float]:
    """Feature to weight, as `scripts/score_rules.py --fit` found them on human questions (SQuAD format)."""
    return json.loads(resources.files(__package__).joinpath("weights.json").read_text(encoding="utf-8"))


def likelihood(features: Sequence[str]) -> float:
    """Probability, by the fitted weights, that a person would ask for a span with these features."""
    known = weights()
    return 1 / (1 + math.exp(-sum(known.get(feature, 0.0) for feature in features)))


def features(
    tokens: Sequence[Token], span: Span, others: Sequence[Span], counts: Mapping[str, int], title: str
) -> list[str]:
    """Names of the features that hold; `counts` are the section's words, `others` the sentence's spans."""
    inside = tokens[span.first : span.last]
    size = len(inside)
    before = tokens[span.first - 1] if span.first else None
    if before is not None and before.lower in ("the", "a", "an"):
        before = tokens[span.first - 2] if span.first > 1 else None
    after = tokens[span.last] if span.last < len(tokens) else None
    names = any(token.is_name for token in inside)
    digits = any(token.text[0].isdigit() for token in inside)
    rarest = min((counts.get(word, 1) for token in inside for word in words(token.text)), default=1)
    covered = any(o.first <= span.first and span.last <= o.last and len(o) > size for o in others)
    covers = any(span.first <= o.first and o.last <= span.last and len(o) < size for o in others)
    shape = f"{span.kind}/{'name' if names else ''}{'digit' if digits else ''}"
    place = "start" if before is None else before.tag if before.tag not in ("IN", "TO") else before.lower
    return [
        "bias",
        f"kind={shape}",
        f"size={min(size, 6)}",
        f"shape={shape} size={min(size, 4)}",
        f"before={place}",
        f"after={'end' if after is None else after.tag if after.text not in '.,;:()' else after.text}",
        f"rarest={min(rarest, 4)}",
        f"covered={covered}/{shape}",
        f"covers={covers}/{shape}",
        f"aside={inside[0].aside}",
        f"third={3 * span.first // max(len(tokens), 1)}",
        f"in title={set(words(title)) >= {w for t in inside for w in words(t.text)}}",
        f"head={inside[-1].tag}",
        f"first={inside[0].tag}",
        f"adjectives={sum(token.tag[:2] == 'JJ' for token in inside)}",
        f"length={min(len(tokens) // 10, 5)}",
    ]
