"""The sentences of an English section that questions are made from."""

from __future__ import annotations

from dataclasses import dataclass

from corpus_tuner.generate.rules_english.span import Span
from corpus_tuner.generate.rules_english.tokens import Token, tokenise
from corpus_tuner.generate.rules_english.words import DANGLING, POSSESSIVES
from corpus_tuner.records import Section
from corpus_tuner.text import words


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence of a section as tokens; `number` from 1, `before` the sentence before it in the same paragraph."""

    section: Section
    number: int
    text: str
    tokens: tuple[Token, ...]
    before: str


def lines(section: Section) -> list[Line]:
    """The sentences of a section that a question may be made from: statements with a verb, of a sensible length."""
    found = []
    before, last_end = "", 0
    for number, (start, end) in enumerate(section.sentences, start=1):
        text = section.text[start:end]
        same_paragraph = "\n" not in section.text[last_end:start]
        if 4 <= len(words(text)) <= 120 and text[-1:] in ".!\"”')" and text[0] not in "[|<#" and "{" not in text:
            tokens = tokenise(text)
            if any(token.is_finite and not token.aside for token in tokens):
                found.append(Line(section, number, text, tokens, before if same_paragraph else ""))
        before, last_end = text, end
    return found


def answer_text(line: Line, span: Span) -> str:
    """The text of the span; "" for one that cannot stand as an answer."""
    inside = line.tokens[span.first : span.last]
    if any(token.lower in DANGLING | POSSESSIVES for token in inside) and span.kind != "quote":
        return ""
    text = line.text[inside[0].start : inside[-1].end].rstrip(",;:")
    balanced = text.count('"') % 2 == 0 and text.count("(") == text.count(")") and text.count("“") == text.count("”")
    return text if balanced and any(char.isalnum() for char in text) else ""
