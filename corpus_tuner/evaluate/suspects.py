"""Accepted answers that may be wrong: a question whose gold is off makes every good arm look bad."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from corpus_tuner.evaluate.abstention import abstained, unanswerable
from corpus_tuner.records import Answer, Question, Section
from corpus_tuner.text import content_words, normalise_answer, numbers

FOUND = 0.5  # share of an accepted answer's words that its section should hold


@dataclass(frozen=True, slots=True)
class Suspect:
    """A question whose accepted answer a person should look at, and why."""

    question_id: str
    cls: str
    text: str
    accepted: str
    why: str


def suspects(questions: Sequence[Question], answers: Mapping[str, Sequence[Answer]], sections: Iterable[Section]) -> list[Suspect]:
    """Questions whose accepted answers do not stand in the section that they are said to rest on, or against which two
    arms that know nothing of each other say the same."""
    by_id = {section.id: section for section in sections}
    found = []
    for place, question in enumerate(questions):
        if not unanswerable(question):
            why = [*_ungrounded(question, by_id), *_outvoted(question, {arm: given[place].text for arm, given in answers.items()})]
            if why:
                found.append(Suspect(question.id, question.cls, question.text, question.answers[0], "; ".join(why)))
    return found


def _ungrounded(question: Question, sections: Mapping[str, Section]) -> Iterator[str]:
    texts = [sections[name].text for name in dict.fromkeys(name for name, _ in question.evidence) if name in sections]
    if not texts:
        return
    held, figures = set(content_words(" ".join(texts))), numbers(" ".join(texts))
    for gold in question.answers:
        wanted = content_words(gold)
        share = sum(word in held for word in wanted) / len(wanted) if wanted else 1.0
        if share >= FOUND and numbers(gold) <= figures:
            return
    yield "it does not stand in the section that it rests on"


def _outvoted(question: Question, said: Mapping[str, str]) -> Iterator[str]:
    """Arms with a plus are made of others, and no second witness."""
    accepted = {normalise_answer(gold) for gold in question.answers}
    by_answer: dict[str, list[str]] = defaultdict(list)
    for arm, text in said.items():
        if "+" not in arm and not abstained(text):
            by_answer[normalise_answer(text)].append(arm)
    for text, arms in by_answer.items():
        if len(arms) > 1 and text not in accepted:
            yield f"{' and '.join(arms)} both say {text!r}"
