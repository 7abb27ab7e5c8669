"""SQuAD's format (1.1, 2.0, XQuAD): paragraphs with questions about each; and where a paragraph stands in a corpus."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.records import Section
from corpus_tuner.text import contains_answer, words

RUN = 8  # words in a row by which a paragraph is recognised in a section
HELD = 0.5  # share of a paragraph's runs that its section must have


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about a paragraph; without an accepted answer it has none there."""

    id: str  # as the file has it; "" where it has none
    text: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A text, and what people asked about it."""

    title: str  # of the article
    text: str
    asked: tuple[Asked, ...]


def articles(text: str, where: str) -> list[list[Paragraph]] | None:
    """The paragraphs of each article of a file; None for a text that is no such file.

    Raises CorpusTunerError, naming the article, for one whose parts are not what the format says, and for a question that
    neither has answers nor says that it has none.
    """
    if '"paragraphs"' not in text:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    data = found.get("data") if isinstance(found, dict) else found
    if not isinstance(data, list):
        return None
    return [_article(article, f"{where}: article {place}") for place, article in enumerate(data, start=1)]


def _article(article: Any, where: str) -> list[Paragraph]:
    try:
        title = str(article.get("title") or "").replace("_", " ")
        return [
            Paragraph(title, _text(one["context"], f'{where}: a "context"'), tuple(_asked(item, where) for item in one["qas"]))
            for one in article["paragraphs"]
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise CorpusTunerError(f"{where} is not in SQuAD's format ({error!r})") from None


def _asked(item: Mapping[str, Any], where: str) -> Asked:
    text = _text(item["question"], f'{where}: a "question"')
    answers, impossible = item.get("answers"), item.get("is_impossible") is True
    if answers is None and not impossible:
        raise CorpusTunerError(f'{where}: {text!r} has no "answers", and does not say that it "is_impossible"')
    return Asked(str(item.get("id") or ""), text, () if impossible else accepted(answers))


def accepted(answers: Any) -> tuple[str, ...]:
    """The accepted answers, each once: of [{"text": ...}, ...], or of {"text": [...]}, as the Hugging Face hub has it."""
    texts = answers["text"] if isinstance(answers, Mapping) else [answer["text"] for answer in answers]
    if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
        raise TypeError("an answer is no text")
    return tuple(dict.fromkeys(text.strip() for text in texts if text.strip()))


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise CorpusTunerError(f"{what} must be a text that is not empty")
    return value.strip()


# ---------------------------------------------------------------------------------------------------- in the corpus


def placed(texts: Iterable[str], sections: Iterable[Section]) -> dict[str, Section]:
    """The section that each of the texts stands in: the one that has most of its runs of words, and at least half of them.

    One pass over the sections; of a text that none of them has there is no entry.
    """
    runs = {text: set(_runs(text)) for text in texts}
    wanted: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for text, found in runs.items():
        for run in found:
            wanted[run].append(text)
    best: dict[str, tuple[float, Section]] = {}
    sizes = {len(run) for run in wanted}
    for section in sections:
        spelled = words(section.text)
        held = Counter(text for run in {run for size in sizes for run in _of(spelled, size)} for text in wanted.get(run, ()))
        for text, count in held.items():
            part = count / len(runs[text])
            if part >= HELD and (text not in best or part > best[text][0]):
                best[text] = part, section
    return {text: section for text, (_, section) in best.items()}


def sentence(section: Section, answers: Sequence[str]) -> int:
    """The number of the first sentence of a section that holds one of the answers; 1 where none does."""
    held = (
        number
        for number in range(1, len(section.sentences) + 1)
        if any(contains_answer(section.sentence(number), answer) for answer in answers if answer)
    )
    return next(held, 1)


def _runs(text: str) -> Iterator[tuple[str, ...]]:
    spelled = words(text)
    return _of(spelled, min(RUN, len(spelled)))


def _of(spelled: list[str], size: int) -> Iterator[tuple[str, ...]]:
    return (tuple(spelled[at : at + size]) for at in range(len(spelled) - size + 1) if size)
