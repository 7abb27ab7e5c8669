"""Whether the corpus says what an answer says: supported, contradicted or unsupported, by words alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass

from corpus_tuner.models.reader import asks_for, sort_of
from corpus_tuner.models.retrieval import Retrieval, Support
from corpus_tuner.records import Section
from corpus_tuner.text import numbers, stop_words, words

CLOSE = 0.4  # share of the question's weight that a sentence must hold to be the one that answers it
SECTIONS = 6  # in which it is looked for
NUMERIC = ("date", "number", "amount")
_YEAR = re.compile(r"(?<!\d)(?:1\d{3}|20\d\d)(?!\d)")
_DAY = re.compile(
    r"\b(?P<a>\d{1,2})(?:st|nd|rd|th)? (?P<m>January|February|March|April|May|June|July|August|September|October|November|December)\b"
    r"|\b(?P<n>January|February|March|April|May|June|July|August|September|October|November|December) (?P<b>\d{1,2})\b(?!\d)"
)
_NAME = re.compile(r"\b[A-Z][\w.'’-]*(?:(?: (?:of|the|de|van|von))* [A-Z][\w.'’-]*)*")


@dataclass(frozen=True, slots=True)
class Grounding:
    """A verdict, and the passages that it rests on: those that support, or the sentence that says otherwise."""

    verdict: str  # supported, contradicted, unsupported
    passages: tuple[Support, ...]


def ground(search: Retrieval, question: str, answer: str, judged: str = "") -> Grounding:
    """Looks for `answer` to `question` in the sections of `search`.

    supported: a passage holds the answer in the place that the question asks about (Retrieval.passages), and the answer
    is of the sort that is asked for: an English question of when or how many wants a date or a number.

    contradicted: none does, and the sentence that holds most of the question (`CLOSE` of its weight at least) has another
    value in the answer's place: another year where the answer has one, else another day of a month, else another number,
    else, to a question of who, where or which, another name (words with capitals); and none that the answer has. Values that
    the question itself names do not count.

    unsupported: the rest. With the verdict of a judge, `judged`, the passages are those that come nearest to showing it.

    A wrong relation between right words passes as supported, and an answer in other words than the corpus's as unsupported;
    scripts/measure_grounding.py prints the rates of all these errors.
    """
    if judged:
        nearest = search.passages(question, answer, 1) if judged == "supported" else [_sentence(search, question)]
        return Grounding(judged, tuple(one for one in nearest if one) if judged != "unsupported" else ())
    wanted = asks_for(question)
    fits = wanted not in ("when", "count") or sort_of(answer) in NUMERIC
    found = search.support(question, answer) if fits else []
    if found:
        return Grounding("supported", tuple(found))
    other = _sentence(search, question)
    if other and _differ(question, answer, other.text, wanted):
        return Grounding("contradicted", (other,))
    return Grounding("unsupported", ())


def _sentence(search: Retrieval, question: str) -> Support | None:
    """The sentence that holds most of what the question asks about, if it holds enough of it."""
    best: tuple[float, Section, int] | None = None
    asked = frozenset(search.terms_of(question))
    for section, _ in search.sections(question, SECTIONS):
        for number, share in enumerate(search.shares(section, asked), start=1):
            if share >= CLOSE and (best is None or share > best[0]):
                best = share, section, number
    if best is None:
        return None
    share, section, number = best
    return Support(section.id, section.heading, section.url, number, section.sentence(number), round(share, 3), False)


def _differ(question: str, answer: str, sentence: str, wanted: str) -> bool:
    """Whether both have a value of one sort, and no value in common: of the first sort that the answer has."""
    for said, there in zip(_values(answer, wanted), _values(sentence, wanted)):
        if said:
            asked = set().union(*_values(question, wanted))
            return bool(there - asked) and not said & there
    return False


def _values(text: str, wanted: str) -> Iterator[Set[str]]:
    """Years; days; other numbers; the words of names, where a name is `wanted`."""
    years = set(_YEAR.findall(text))
    days = {f"{m['m'] or m['n']} {m['a'] or m['b']}" for m in _DAY.finditer(text)}
    yield years
    yield days
    yield numbers(text) - years - {day.split()[1] for day in days}
    named = (word for name in _NAME.findall(text) for word in words(name)) if wanted in ("who", "where", "which") else ()
    yield set(named) - stop_words("en")
