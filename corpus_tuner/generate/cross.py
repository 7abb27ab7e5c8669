"""Couples of sections that name the same people and things, for questions that need both."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from corpus_tuner.generate.ask import Task
from corpus_tuner.generate.evidence import names
from corpus_tuner.records import Section
from corpus_tuner.text import words

PARTNERS = 200  # sections that are compared with one: those around it in the corpus
RARE = 0.5  # share of the sections from which a name tells none of them apart


def cross_tasks(sections: Sequence[Section], count: int, most_words: int) -> Iterator[Task]:
    """A task of `count` pairs for each section with the partner that shares its rarest names; no couple twice."""
    if not count:
        return
    named = [_entities(section) for section in sections]
    frequency = Counter(name for found in named for name in found)
    seen = set()
    for at, section in enumerate(sections):
        partner = _partner(at, named, frequency)
        couple = frozenset((at, partner))
        if partner is None or couple in seen:
            continue
        seen.add(couple)
        yield _task(section, sections[partner], named[at] & named[partner], count, most_words)


def _entities(section: Section) -> frozenset[str]:
    """Names in a section that its document's title does not say; those of several words also by their last."""
    own = set(words(section.title))
    language = (section.language or "en").split("-")[0]
    return frozenset(name for name in names(section.text, language) if name.lower() not in own and len(name) > 2)


def _partner(at: int, named: Sequence[frozenset[str]], frequency: Counter[str]) -> int | None:
    low = max(0, at - PARTNERS // 2)
    best, most = None, 0.0
    for other in range(low, min(len(named), low + PARTNERS)):
        shared = (name for name in named[at] & named[other] if frequency[name] <= max(2, RARE * len(named)))
        weight = sum(math.log(1 + len(named) / frequency[name]) for name in shared)
        if other != at and weight > most:
            best, most = other, weight
    return best


def _task(left: Section, right: Section, shared: frozenset[str], count: int, most_words: int) -> Task:
    """The two as one passage; of long ones only the sentences that say a shared name, and those before them."""
    places = [(section, number) for section in (left, right) for number in range(1, len(section.sentences) + 1)]
    if len(words(left.text)) + len(words(right.text)) > most_words:
        places = _around(places, shared)[:most_words]
    text, spans = "", []
    for section, number in places:
        sentence = " ".join(section.sentence(number).split())
        spans.append((len(text), len(text) + len(sentence)))
        text += sentence + "\n"
    path = (f"{_name(left)}, and {_name(right) if left.title == right.title else right.heading}",)
    made = Section(f"{left.id}+{right.id}", left.document_id, left.title, path, text, tuple(spans), left.url, left.language)
    rows = [f"[{number}] {text[start:end]}" for number, (start, end) in enumerate(spans, start=1)]
    second = sum(section is left for section, _ in places)
    lines = "\n".join([f"Of {_name(left)}:", *rows[:second], "", f"Of {_name(right)}:", *rows[second:]])
    return Task(made, "cross", lines, count, 0, 1, places=tuple((section.id, number) for section, number in places))


def _name(section: Section) -> str:
    return " > ".join(section.path) or "(introduction)"


def _around(places: list[tuple[Section, int]], shared: frozenset[str]) -> list[tuple[Section, int]]:
    kept = set()
    for section, number in places:
        if any(name in section.sentence(number) for name in shared):
            kept |= {(section.id, number - 1), (section.id, number)}
    return [(section, number) for section, number in places if (section.id, number) in kept]
