"""Who says that they do not know, when they should and when they should not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from corpus_tuner.evaluate.questions import cluster
from corpus_tuner.evaluate.statistics import Estimate, proportion
from corpus_tuner.records import Answer, Question
from corpus_tuner.text import ABSTENTIONS, words

_SORRY = r"^(?:sorry[,.]? |unfortunately[,.]? |i(?:'m| am) sorry[,.]? (?:but )?)?"
_TEXT = r"(?:text|article|document|passage|section|corpus|source|context)s?\b"
_NOT = r"(?:does not|doesn't|do not|don't|is not|isn't|was not|are not|cannot|can't|could not|couldn't)"
_TOLD = r"(?:sa(?:y|id)|stated?|mention(?:ed)?|tell|told|specif(?:y|ied)|give|given|provided?|known?|clear|answer(?:ed)?|contain|available|determined)\b"
_ABOUT_IT = rf"(?=\W*$|\s*[.,;:!?(—–]|[^.]*\b{_TEXT})"  # a short remark, or one on the text: no name that begins like it
_DECLINED = (  # what no accepted answer says but to abstain
    rf"(?:i|we) (?:really )?(?:{_NOT}|am (?:unable|not able) to|are (?:unable|not able) to) (?:really )?"
    r"(?:know|answer|say|tell|find|see|determine|recall|remember|confirm|help you|have (?:\w+ )?(?:information|answer|idea)|be (?:sure|certain))\b",
    r"(?:i|we) have no (?:idea|information|answer|knowledge|record|clue|way of knowing)\b",
    r"(?:i(?:'m| am)|we(?:'re| are)) (?:not (?:sure|certain|aware|familiar|able to)|unsure|unable to)\b",
    rf"(?:unknown|unanswerable|n/a|no (?:answer|idea|information)|not (?:stated|given|known|specified|mentioned|answerable|available|provided|sure)){_ABOUT_IT}",
    rf"the (?:\w+ )?{_TEXT} {_NOT} [^.]*\b{_TOLD}",
    rf"no (?:information|answer|mention|{_TEXT}) [^.]*\b{_TOLD}",
)
_PERHAPS = (  # what may be a fact as well: "None", "It was not given a name"
    rf"none{_ABOUT_IT}",
    r"there (?:is|are|was|were) no (?:\w+ ){0,2}(?:information|mention|answer|record|indication|details?)\b",
    r"(?:this|that|it) (?:is not|isn't|was not|wasn't) (?:\w+ ){0,2}(?:stated|mentioned|given|specified|provided|known|told|answered|available|said|clear)\b",
    r"(?:this|that|it) (?:does not|doesn't|cannot|can't) (?:\w+ )?(?:say|state|mention|tell|specify|be (?:answered|determined|known|said|told))\b",
)
_ACCEPTED = re.compile(f"{_SORRY}(?:{'|'.join(_DECLINED)})", re.IGNORECASE)
_ABSTAINED = re.compile(f"{_SORRY}(?:{'|'.join((*_DECLINED, *_PERHAPS))})", re.IGNORECASE)

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
    return _says(text, _ABSTAINED)


def to_abstain(accepted: Iterable[str]) -> bool:
    """Whether the accepted answers are to abstain: all of them, and in words that can mean nothing else."""
    return all(_says(gold, _ACCEPTED) for gold in accepted)


def _says(text: str, pattern: re.Pattern[str]) -> bool:
    plain = text.strip(' \n*_"“”').replace("’", "'")
    return not any(c.isalnum() for c in plain) or bool(pattern.match(plain)) or _in_its_language(plain)


def _in_its_language(text: str) -> bool:
    """Whether a text begins as a trained abstention does in one of the languages that have one."""
    spelled = words(text[:200])
    return any(spelled[: len(known)] == known for known in _OPENINGS)


def unanswerable(question: Question) -> bool:
    """Whether the accepted answer is to abstain."""
    return to_abstain(question.answers)


def attempts(questions: Sequence[Question], answers: Mapping[str, Sequence[Answer]]) -> Iterator[Attempts]:
    """Each arm's figures for each class, with intervals at the effective sample size (questions of a section cluster).

    An answer that contains an accepted one is an attempt, however it begins.
    """
    for cls in dict.fromkeys(one.cls for one in questions):
        places = [place for place, one in enumerate(questions) if one.cls == cls]
        open_ = [place for place in places if not unanswerable(questions[place])]
        shut = [place for place in places if unanswerable(questions[place])]
        for arm, given in answers.items():
            silent = {place for place in places if abstained(given[place].text) and (place in shut or given[place].scores["contained"] < 1)}
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
    return proportion(values, [cluster(questions[place]) for place in places]) if values else None
