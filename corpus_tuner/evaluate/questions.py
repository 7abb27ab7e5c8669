"""What an evaluation asks: the examples of the dataset by their split, or a user's own file."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Any

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.evaluate import squad
from corpus_tuner.records import Example, Question, Section
from corpus_tuner.store import digest
from corpus_tuner.text import csv_separator

ALL = "all"  # what the figures over all classes, or all kinds, are filed under
UNKNOWN = "unknown to the base"  # the held-out questions that the base has wrong every time
OWN = "own"  # the class of a file's questions that name none


def from_examples(examples: Iterable[Example], splits: Mapping[str, str]) -> list[Question]:
    """One question an example, in the order given; examples of one class and wording are one question, and the answer of
    each is right. `splits`, by example id: "train" makes the class "trained", any other names the class itself; an example
    without a split is none of the dataset's and is not asked, and a rewrite, which orders a whole text, is no question."""
    found: dict[tuple[str, str], Question] = {}
    for example in examples:
        if example.id not in splits or example.kind == "rewrite":
            continue
        cls = "trained" if splits[example.id] == "train" else splits[example.id]
        one = Question(example.id, cls, example.question, (example.answer,), example.evidence, example.kind)
        known = found.get((cls, one.text), one)
        found[cls, one.text] = replace(known, answers=tuple(dict.fromkeys(known.answers + one.answers)))
    return list(found.values())


def sample(questions: Iterable[Question], per_class: int, seed: int = 0) -> list[Question]:
    """At most `per_class` questions of each class (0: all), in their order.

    Chosen by digest, so that a question that was added or taken away moves at most one other.
    """
    kept = list(questions)
    if not per_class:
        return kept
    by_class: dict[str, list[Question]] = defaultdict(list)
    for question in kept:
        by_class[question.cls].append(question)
    chosen = set()
    for group in by_class.values():
        chosen |= {one.id for one in sorted(group, key=lambda one: digest(seed, one.id))[:per_class]}
    return [question for question in kept if question.id in chosen]


def from_file(path: Path, sections: Iterable[Section] = ()) -> list[Question]:
    """A user's own questions: JSONL of {"question", "answers" (or "answer"), "class"}, CSV with such columns (one right
    answer each; further ones in columns answer2, answer3, ...), or SQuAD's format: its JSON, or a row a line with a "context".

    A question that is asked twice accepts the answers of both. SQuAD's unanswerable questions become the class
    "unanswerable", whose one right answer is the empty text, as in SQuAD 2.0's own scorer. One about a paragraph rests on
    that of the `sections` which it stands in, if it does. Raises CorpusTunerError, with file and line, for anything else.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise CorpusTunerError(f"there is no file of questions at {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusTunerError(f"{path} cannot be read as UTF-8 text: {error}") from None
    articles = squad.articles(text, str(path))
    reading = _from_csv if path.suffix.lower() == ".csv" else _from_jsonl
    read = list(_from_articles(articles) if articles is not None else reading(text, path))
    if not read:
        raise CorpusTunerError(f'{path} holds no question: write one JSON object a line, {{"question": ..., "answer": ...}}')
    places = squad.placed({context for _, context in read if context}, sections)
    return _merged(_resting(question, places.get(context)) for question, context in read)


def cluster(question: Question) -> str:
    """What a question shares its luck with: the section that it rests on, or nothing but itself."""
    return question.evidence[0][0] if question.evidence else question.id


def general() -> list[Question]:
    """The questions that ship with the package: 200 facts of the class "known", which a larger base knows and a tuned one
    may have forgotten, and 40 of the class "far", which nobody can answer. (general/README.md: origin and licence.)"""
    folder = files(__package__).joinpath("general")
    return [one for name in ("known", "far") for one in from_file(Path(str(folder.joinpath(f"{name}.jsonl"))))]


def _resting(question: Question, section: Section | None) -> Question:
    if section is None:
        return question
    return replace(question, evidence=((section.id, squad.sentence(section, question.answers)),))


def _merged(questions: Iterable[Question]) -> list[Question]:
    by_id: dict[str, Question] = {}
    for question in questions:
        known = by_id.get(question.id, question)
        by_id[question.id] = replace(known, answers=tuple(dict.fromkeys(known.answers + question.answers)))
    return list(by_id.values())


# ------------------------------------------------------------------------------------------------------ the formats

Read = tuple[Question, str]  # with the paragraph that it is about; "" where none is given


def _from_articles(articles: Iterable[Iterable[squad.Paragraph]]) -> Iterator[Read]:
    for paragraph in chain.from_iterable(articles):
        for one in paragraph.asked:
            yield _about(paragraph.text, one.text, one.answers)


def _about(context: str, text: str, answers: tuple[str, ...]) -> Read:
    """The evidence names the paragraph, which is no section of the corpus, so that intervals know what belongs together."""
    evidence = ((f"paragraph:{digest(context)[:16]}", 1),)
    cls = "human" if answers else "unanswerable"
    return Question(digest(cls, text, evidence), cls, text, answers or ("",), evidence), context


def _from_jsonl(text: str, path: Path) -> Iterator[Read]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield _from_line(line, f"{path}:{number}")


def _from_csv(text: str, path: Path) -> Iterator[Read]:
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=csv_separator(text), strict=True)
    right = [key for key in rows.fieldnames or () if re.fullmatch(r"answers?\d*", key)]
    if "question" not in (rows.fieldnames or ()) or not right:
        raise CorpusTunerError(f'{path}: the first line must name the columns, "question" and "answer" among them')
    for row in _read(rows, path):
        answers = [row[key] for key in right if (row[key] or "").strip()]
        cls = {"class": row["class"]} if (row.get("class") or "").strip() else {}
        yield _from_row({"question": row["question"], "answers": answers, **cls}, f"{path}:{rows.line_num}"), ""


def _read(rows: csv.DictReader, path: Path) -> Iterator[dict[str, Any]]:
    try:
        yield from rows
    except csv.Error as error:
        raise CorpusTunerError(f"{path}:{rows.line_num} is not CSV ({error}): is a quotation mark left open?") from None


def _from_line(line: str, where: str) -> Read:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise CorpusTunerError(f"{where} is not JSON ({error}): write one JSON object a line") from None
    if not isinstance(row, dict):
        raise CorpusTunerError(f'{where} is not a JSON object: write {{"question": ..., "answer": ...}}')
    if "context" not in row or not isinstance(row.get("answers"), dict):
        return _from_row(row, where), ""
    try:
        answers = squad.accepted(row["answers"])
    except (KeyError, TypeError, AttributeError) as error:
        raise CorpusTunerError(f'{where}: "answers" is not in SQuAD\'s format ({error!r})') from None
    return _about(_text(row["context"], f'{where}: "context"'), _text(row.get("question"), f'{where}: "question"'), answers)


def _from_row(row: Mapping[str, Any], where: str) -> Question:
    cls = row.get("class", OWN)
    cls = cls.strip() if isinstance(cls, str) else ""
    if cls in ("", ALL, UNKNOWN):
        raise CorpusTunerError(f'{where}: "class" must be a name, and not {ALL!r} or {UNKNOWN!r}, which stand for several')
    question = _text(row.get("question"), f'{where}: "question"')
    answers = row.get("answers", row.get("answer"))
    if answers is None:
        raise CorpusTunerError(f'{where} has no "answer" (or "answers", a list of all that are right)')
    listed = answers if isinstance(answers, list) else [answers]
    if not listed:
        raise CorpusTunerError(f'{where}: "answers" is empty: name at least one')
    gold = tuple(_text(answer, f"{where}: an answer") for answer in listed)
    return Question(digest(cls, question), cls, question, gold)


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise CorpusTunerError(f"{what} must be a text that is not empty, not {json.dumps(value, ensure_ascii=False)[:60]}")
    return value.strip()
