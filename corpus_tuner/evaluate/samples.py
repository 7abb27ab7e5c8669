"""The most instructive answers: where the expert fails and looking up does not, where it is the other way round, and so on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from corpus_tuner.evaluate.results import EXPERT, Results
from corpus_tuner.evaluate.wording import LOOK_UPS
from corpus_tuner.records import Answer, Question, Section
from corpus_tuner.store import digest

SORTS = (
    "The expert is wrong, looking up is right",
    "The expert is right, looking up is wrong",
    "The expert is right, as looking up is",
    "Neither the expert nor looking up is right",
)
COUNTS = (6, 6, 4, 4)  # at most so many of each
CLOSE = 0.8  # F1 from which a long answer counts as right here


@dataclass(frozen=True, slots=True)
class Sample:
    """A question with all answers side by side, and the sentence that its accepted answer rests on."""

    sort: str
    question: Question
    answers: tuple[tuple[str, str, bool], ...]  # (arm, text, right)
    heading: str
    url: str
    source: str  # "" where the question names no sentence of the corpus


def is_right(answer: Answer) -> bool:
    """Whether an answer would satisfy a reader: it contains the accepted one, or nearly is it."""
    return answer.scores["contained"] >= 1 or answer.scores["f1"] >= CLOSE


def choose(results: Results, sections: Iterable[Section]) -> list[Sample]:
    """At most twenty, held-out classes first; which ones within a sort is settled by digest."""
    if EXPERT not in results.arms:
        return []
    by_id = {section.id: section for section in sections}
    sorts: dict[str, list[int]] = {sort: [] for sort in SORTS}
    for place in range(len(results.questions)):
        sorts[_sort({arm: is_right(given[place]) for arm, given in results.answers.items()})].append(place)
    chosen = []
    for sort, count in zip(SORTS, COUNTS):
        ranked = sorted(sorts[sort], key=lambda place: _rank(results.questions[place]))
        chosen += [_sample(results, place, sort, by_id) for place in ranked[:count]]
    return chosen


def _sort(right: Mapping[str, bool]) -> str:
    looked_up = any(right.get(arm, False) for arm in LOOK_UPS)
    if right[EXPERT]:
        return SORTS[2] if looked_up else SORTS[1]
    return SORTS[0] if looked_up else SORTS[3]


def _rank(question: Question) -> tuple[bool, str]:
    return question.cls in ("trained", "validation"), digest(question.id)


def _sample(results: Results, place: int, sort: str, sections: Mapping[str, Section]) -> Sample:
    question = results.questions[place]
    answers = tuple((arm, given[place].text, is_right(given[place])) for arm, given in results.answers.items())
    cited = [(sections[name], number) for name, number in question.evidence if name in sections]
    texts = [section.sentence(number) for section, number in cited if number <= len(section.sentences)]
    section = cited[0][0] if cited else None
    return Sample(sort, question, answers, section.heading if section else "", section.url if section else "", " ".join(texts))
