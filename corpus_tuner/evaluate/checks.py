"""What stands beside the scores: leaks, doubtful gold answers, attempts, the judge, and what training changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from corpus_tuner.evaluate.abstention import Attempts, attempts
from corpus_tuner.evaluate.judge import Audit, audit, judge
from corpus_tuner.evaluate.leaks import Leak, leaks
from corpus_tuner.evaluate.results import BASE, EXPERT, Results
from corpus_tuner.evaluate.samples import is_right
from corpus_tuner.evaluate.suspects import Suspect, suspects
from corpus_tuner.records import Answer, Example, Model, Question, Section


@dataclass(frozen=True, slots=True)
class Change:
    """A question that one of base and expert has right and the other has wrong."""

    question_id: str
    cls: str
    text: str
    accepted: str
    base: str
    expert: str
    gained: bool


@dataclass(frozen=True, slots=True)
class Checks:
    """Everything that says how far the scores can be believed."""

    leaks: tuple[Leak, ...] = ()
    suspects: tuple[Suspect, ...] = ()
    attempts: tuple[Attempts, ...] = ()
    changes: tuple[Change, ...] = ()
    audit: Audit | None = None  # of the judge, if there was one
    judged: Mapping[str, Mapping[str, int]] | None = None  # arm → verdict → count


def check(
    results: Results, sections: Iterable[Section], trained: Iterable[Example], judging: Model | None = None
) -> Checks:
    """All checks of one evaluation. `judging` is audited first, on the questions themselves; its verdicts on every arm are
    given whatever the audit says, and so is the audit."""
    questions, answers = results.questions, results.answers
    found = audit(judging, questions) if judging else None
    return Checks(
        leaks=tuple(leaks(questions, trained)),
        suspects=tuple(suspects(questions, answers, sections)),
        attempts=tuple(attempts(questions, answers)),
        changes=tuple(_changes(questions, answers)),
        audit=found,
        judged={arm: _counts(judging, questions, given) for arm, given in answers.items()} if judging else None,
    )


def _counts(judging: Model, questions: Sequence[Question], given: Sequence[Answer]) -> dict[str, int]:
    return dict(Counter(judge(judging, questions, [one.text for one in given])))


def _changes(questions: Sequence[Question], answers: Mapping[str, Sequence[Answer]]) -> list[Change]:
    if BASE not in answers or EXPERT not in answers:
        return []
    return [
        Change(question.id, question.cls, question.text, question.answers[0], base.text, expert.text, is_right(expert))
        for question, base, expert in zip(questions, answers[BASE], answers[EXPERT])
        if is_right(base) != is_right(expert)
    ]
