"""Sentence completions, phrased as questions: what is asked where the grammar of a direct question is not certain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from corpus_tuner.generate.rules_english.clauses import Clause
from corpus_tuner.generate.rules_english.lines import Line, answer_text
from corpus_tuner.generate.rules_english.sorts import sort_of
from corpus_tuner.generate.rules_english.span import Span, is_proper
from corpus_tuner.generate.rules_english.tokens import Token, own_capital, tokenise
from corpus_tuner.generate.rules_english.words import CONNECTIVES, DANGLING, POSSESSIVES
from corpus_tuner.generate.rules_facts import BLANK, quoted, where
from corpus_tuner.text import contains_answer, content_words, words

_MAX_CLOZE_WORDS = 55
_MAX_PAIR_WORDS = 60
_SECOND = 14  # words on each side of the gap in the second of two statements
_SIDE = 7  # words on each side of the gap in the shortest completion
_LEANING = frozenset("and but or so nor also both another others then thus therefore hence".split())
_NOUNS = {"year": "year", "date": "date", "number": "number", "person": "name", "name": "name", "place": "place"}


def completions(line: Line, span: Span, parsed: Sequence[Clause], persons: frozenset[str]) -> Iterator[str]:
    """Sentence completions, phrased as questions: of the whole sentence, of what stands around the gap, of a clause;
    with the sentence before it for one that cannot stand alone."""
    start = _opening(line)
    if span.first < start:
        return
    answer, title = answer_text(line, span), line.section.title
    hides = bool(title) and not contains_answer(where(line.section), answer)
    noun, plural = _gap(line, span, persons)
    complete = f"Which {noun} {'complete' if plural else 'completes'}"
    about = f" about {title}" if hides else ""
    text = _blanked(line, span, start, len(line.tokens))
    shown = _capital(text) if start else text
    alone = not leans(line.tokens, start, span)
    if alone and len(set(content_words(shown))) > 3:
        yield f"{complete} this statement{about}: {quoted(_window(shown))}?"
        if hides:
            short = quoted(_window(shown, 2 * _SIDE, _SIDE))
            yield f"{short}: which {noun} {'fill' if plural else 'fills'} the gap in the account of {title}?"
    yield from _of_clauses(line, span, parsed, len(line.tokens) - start - 4, hides)
    if not alone and line.before and not leans(tokenise(line.before), 0, None):
        both = f"{line.before} {_window(shown, 2 * _SECOND, _SECOND)}"
        if len(words(both)) <= _MAX_PAIR_WORDS and not contains_answer(line.before, answer):
            yield f"{complete} the second of these statements{about}: {quoted(both)}?"


def _gap(line: Line, span: Span, persons: frozenset[str]) -> tuple[str, bool]:
    """What to call what is missing, and whether that is a plural."""
    noun = _NOUNS.get(sort_of(line.tokens, span, persons), "")
    follows = line.tokens[span.last].tag if span.last < len(line.tokens) else ""
    if not noun or (noun in ("name", "place") and (follows in ("NN", "NNS") or not is_proper(line.tokens, span))):
        noun = "words" if len(span) > 1 else "word"
    return noun, noun == "words"


def _of_clauses(line: Line, span: Span, parsed: Sequence[Clause], most: int, named: bool) -> Iterator[str]:
    """Completions of the clauses that hold the span and are shorter than `most` tokens."""
    for clause in parsed:
        shorter = _clause_range(clause, span)
        if shorter and 8 < shorter[1] - shorter[0] < most and not leans(line.tokens, shorter[0], span):
            short = _blanked(line, span, *shorter)
            short = short if own_capital(line.tokens[shorter[0]]) else _capital(short)
            if named:
                yield f"What is missing from what is known of {where(line.section)}: {quoted(short + '.')}?"


def _window(text: str, most: int = _MAX_CLOZE_WORDS, side: int = 22) -> str:
    """A sentence of more than `most` words cut to `side` words on each side of the gap."""
    found = text.split(" ")
    if len(found) <= most:
        return text
    gap = next(k for k, word in enumerate(found) if BLANK in word)
    first, last = max(0, gap - side), gap + side + 1
    return ("… " if first else "") + " ".join(found[first:last]) + (" …" if last < len(found) else "")


def _clause_range(clause: Clause, span: Span) -> tuple[int, int] | None:
    """First and last token of subject to end of a clause that holds the span."""
    indexes = [token.index for token in (*clause.subject, *clause.group, *clause.rest)]
    if clause.group[0].index - clause.subject[-1].index > 2 + len(clause.adverbs):
        return None  # an insertion or ", who" stands between: not a sentence of its own
    if not indexes or not (indexes[0] <= span.first and span.last - 1 <= indexes[-1]) or len(indexes) < 5:
        return None
    return indexes[0], indexes[-1] + 1


def _blanked(line: Line, span: Span, first: int, last: int) -> str:
    tokens = line.tokens
    left = line.text[tokens[first].start : tokens[span.first].start]
    right = line.text[tokens[span.last - 1].end : tokens[last - 1].end]
    return left + BLANK + right


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _opening(line: Line) -> int:
    """Past a list's bullet and a connective ("However,") at the start of a sentence."""
    tokens = line.tokens
    first = 0
    while first < len(tokens) - 2 and tokens[first].text in ("-", "–", "•", "*"):
        first += 1
    if len(tokens) > first + 2 and tokens[first].lower in CONNECTIVES and tokens[first + 1].text == ",":
        return first + 2
    return first


def leans(tokens: Sequence[Token], start: int, span: Span | None) -> bool:
    """Whether a sentence needs the one before it: a pronoun or a "this" before its first noun."""
    if start >= len(tokens) or tokens[start].lower in _LEANING:
        return True
    for token in tokens[start:]:
        if (span is not None and span.first <= token.index < span.last) or token.is_noun:
            return False
        existential = token.lower == "there" and token.index + 1 < len(tokens) and tokens[token.index + 1].is_finite
        if token.lower in DANGLING | POSSESSIVES and not existential:
            return True
    return True
