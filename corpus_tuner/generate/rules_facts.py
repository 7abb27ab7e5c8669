"""A fact: a span of a sentence with the wordings that ask for it; what every wording must be; and naming the topic."""

from __future__ import annotations

import re
from dataclasses import dataclass

from corpus_tuner.records import Section
from corpus_tuner.text import contains_answer, content_words, jaccard, normalise_answer, words

BLANK = "____"
MAX_QUESTION_WORDS = 95
_VAGUE_REFERENCE = re.compile(
    r"\b(?:this|the (?:above|following|present|previous)) (?:section|passage|text|paragraph|article|chapter)\b|\bthe above\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Fact:
    """`answer` is a span of the first sentence of `numbers` (from 1); `wordings` ask for it, the best first."""

    numbers: tuple[int, ...]
    answer: str
    value: float  # how likely a person would ask for it, 0 to 1
    wordings: tuple[str, ...]


def acceptable(question: str, answer: str) -> bool:
    """Whether a question has one mark at its end, does not give its answer away and points at nothing outside of it."""
    size = len(words(question))
    return (
        question.endswith(("?", "？"))
        and 4 <= size <= MAX_QUESTION_WORDS
        and bool(normalise_answer(answer))
        and not contains_answer(question, answer)
        and not _VAGUE_REFERENCE.search(question)
        and question.count('"') % 2 == 0
        and ("„" in question or question.count("“") == question.count("”"))
        and question.count("(") == question.count(")")
    )


def apart(wordings: list[str], most: int = 3) -> tuple[str, ...]:
    """The first of `wordings`, and those after it that share less than 0.7 of their words with each one kept."""
    kept: list[str] = []
    for wording in wordings:
        if len(kept) < most and all(jaccard(wording, other) < 0.7 for other in kept):
            kept.append(wording)
    return tuple(kept)


def names_topic(text: str, section: Section) -> bool:
    """Whether every content word of the section's title occurs in `text`."""
    wanted = set(content_words(section.title, section.language)) or set(words(section.title))
    return wanted <= set(words(text))


def where(section: Section) -> str:
    """The heading under which a section stands, in words: "Apollo 8 (Mission, Lunar orbit)"."""
    path = ", ".join(part for part in section.path if part)
    return f"{section.title} ({path})" if path else section.title


def quoted(text: str) -> str:
    """`text` in quotation marks that it does not itself contain."""
    return f"“{text}”" if '"' in text else f'"{text}"'
