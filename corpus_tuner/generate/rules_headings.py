"""Detailed pairs: what an article says under a heading or about a name, answered by whole sentences of the section."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from corpus_tuner.generate.rules_facts import quoted
from corpus_tuner.generate.rules_languages import code, leans, phrases
from corpus_tuner.records import Section
from corpus_tuner.text import jaccard, normalise_answer, words

Pair = tuple[str, str, tuple[int, ...]]
"""Question, answer, numbers of the sentences that the answer consists of."""


def pairs(section: Section, names: Sequence[tuple[str, int]], count: int) -> list[Pair]:
    """At most `count` pairs; `names` are what the section's sentences speak of, with the sentence's number."""
    kept: list[Pair] = []
    for pair in _candidates(section, names):
        if len(kept) >= count:
            break
        same = [old for old in kept if old[0] == pair[0]]
        close = [old for old in kept if old[1] == pair[1] and jaccard(old[0], pair[0]) >= 0.7]
        if not same and not close:
            kept.append(pair)
    return kept


def _candidates(section: Section, names: Sequence[tuple[str, int]]) -> Iterator[Pair]:
    usable = [number for number in range(1, len(section.sentences) + 1) if _whole(section.sentence(number))]
    runs = {number: run for number in usable if (run := _run(section, usable, number))}
    if not runs or not section.title:
        return
    wording = phrases(code(section))
    heading = quoted(" > ".join(section.path)) if section.path else ""
    values = {"title": section.title, "heading": heading, "under": f", under {heading}" if heading else ""}
    opening = next(iter(runs.values()))
    if opening[0] == usable[0]:
        for template in wording.heading if heading else wording.lead:
            yield template.format(**values), *_answer(section, opening)
    for template in wording.about:
        for name, number in names:
            if number in runs and normalise_answer(name) != normalise_answer(section.title):
                yield template.format(**values, name=name), *_answer(section, runs[number])
    for start, run in runs.items():
        cue = section.sentence(start - 1) if start - 1 in runs else ""
        if wording.after and 4 <= len(words(cue)) <= 40 and '"' not in cue:
            yield wording.after.format(**values, sentence=quoted(cue)), *_answer(section, run)


def _run(section: Section, usable: Sequence[int], start: int) -> tuple[int, ...]:
    """One to four consecutive sentences from `start`, in one paragraph, until there are about forty words."""
    if start not in usable or leans(section.sentence(start), code(section)):
        return ()
    run, size = [start], len(words(section.sentence(start)))
    while len(run) < 4 and size < 40 and run[-1] + 1 in usable:
        between = section.text[section.sentences[run[-1] - 1][1] : section.sentences[run[-1]][0]]
        if "\n" in between:
            break
        run.append(run[-1] + 1)
        size += len(words(section.sentence(run[-1])))
    return tuple(run)


def _answer(section: Section, run: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
    start, end = section.sentences[run[0] - 1][0], section.sentences[run[-1] - 1][1]
    return section.text[start:end], run


def _whole(sentence: str) -> bool:
    return sentence[-1:] in ".!?。！？…\"”»)" and 4 <= len(words(sentence)) <= 90
