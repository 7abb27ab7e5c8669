"""Who says that they do not know, when they should and when they should not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from corpus_tuner.evaluate.statistics import Estimate, proportion
from corpus_tuner.records import Answer, Question
from corpus_tuner.text import ABSTENTIONS, words

_SUBJECT = r"(?:i|we|the (?:text|article|document|passages?|sections?|corpus|source)s?|this|that|it|there)"
_ABSTAINED = re.compile(
    r"^(?:sorry[,.]? |unfortunately[,.]? |i(?:'m| am) sorry[,.]? (?:but )?)?(?:"
    r"(?:i|we) (?:really )?(?:do not|don't|cannot|can't|could not|couldn't|am unable to|am not able to|have no|am not sure|'m not sure)\b"
    r"|(?:unknown|unanswerable|n/a|none|no answer|no idea|not (?:stated|given|known|specified|mentioned|answerable|available|provided|sure))\b"
    rf"|{_SUBJECT} (?:does not|doesn't|do not|don't|is not|isn't|was not|are not|cannot|can't|is no|are no)\b"
    r"[^.]*\b(?:say|state|stated|mention|mentioned|tell|specify|specified|given|give|provide|provided|known|contain|answer|information|know)\b)",
    re.IGNORECASE,
)

_OPENINGS = [words(text) for text in ABSTENTIONS.values()]


@dataclass(frozen=True, slots=True)
class Attempts:
    """What one arm attempted in one class; a share is None where there was no question for it."""

    arm: str
    cls: str
    answerable: int
    unanswerable: int
    abstention: Estimate | None  # of the questions without an answer
    false_abstention: Estimate | None  # of the questions with one
    wrong_of_attempted: Estimate | None  # of everything that was answered, in either sort


def abstained(text: str) -> bool:
    """Whether a text says, at its beginning, that there is no answer or that it is not known; an empty one does."""
    plain = text.strip().replace("’", "'")
    return not any(c.isalnum() for c in plain) or bool(_ABSTAINED.match(plain)) or _in_its_language(plain)


def _in_its_language(text: str) -> bool:
    """Whether a text begins as a trained abstention does in one of the languages that have one."""
    spelled = words(text[:200])
    return any(spelled[: len(known)] == known for known in _OPENINGS)


def unanswerable(question: Question) -> bool:
    """Whether the accepted answer is to abstain."""
    return all(abstained(gold) for gold in question.answers)


def attempts(questions: Sequence[Question], answers: Mapping[str, Sequence[Answer]]) -> Iterator[Attempts]:
    """Each arm's figures for each class, with intervals at the effective sample size (questions of a section cluster)."""
    for cls in dict.fromkeys(one.cls for one in questions):
        places = [place for place, one in enumerate(questions) if one.cls == cls]
        open_ = [place for place in places if not unanswerable(questions[place])]
        shut = [place for place in places if unanswerable(questions[place])]
        for arm, given in answers.items():
            silent = {place for place in places if abstained(given[place].text)}
            tried = [place for place in places if place not in silent]
            wrong = [float(place in shut or given[place].scores["contained"] < 1) for place in tried]
            yield Attempts(
                arm,
                cls,
                len(open_),
                len(shut),
                _share([float(place in silent) for place in shut], questions, shut),
                _share([float(place in silent) for place in open_], questions, open_),
                _share(wrong, questions, tried),
            )


def _share(values: list[float], questions: Sequence[Question], places: Sequence[int]) -> Estimate | None:
    clusters = [questions[place].evidence[0][0] if questions[place].evidence else questions[place].id for place in places]
    return proportion(values, clusters) if values else None
