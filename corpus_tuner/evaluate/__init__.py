"""What did it learn: the same questions to every arm, scores with intervals, and a report that a person would read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.evaluate import report, score
from corpus_tuner.evaluate.checks import check
from corpus_tuner.evaluate.questions import ALL, UNKNOWN
from corpus_tuner.evaluate.results import Estimate, Results, aggregate
from corpus_tuner.records import Answer, Example, Message, Model, Progress, Question, Reply, Section, silent
from corpus_tuner.store import digest, read_jsonl, write_json, write_jsonl

__all__ = ["Results", "aggregate", "evaluate", "table"]


def evaluate(
    questions: Sequence[Question],
    models: Mapping[str, Model],
    sections: Iterable[Section],
    examples: Iterable[Example],
    folder: Path,
    meta: Mapping[str, Any],
    progress: Progress = silent,
    *,
    trained: Iterable[Example] = (),
    judging: Model | None = None,
    times: int = 1,
    after: Callable[[], Mapping[str, Any]] = dict,
) -> Results:
    """Asks every arm of `models` all `questions` and writes what came of it into `folder`.

    questions.jsonl; answers-ARM.jsonl, each written whole, so that an arm which answered these very questions from
    this very corpus, dataset and expert (`meta["expert"]`) is not asked again; report.json, report.md and report.html (what
    `meta` may hold: `report.write`). `trained` is everything that was trained on, in which no held-out question may stand;
    `judging` grades the answers, too, and is audited; the base is asked `times` times (from the second on with some chance),
    to tell what it does not know; `after` gives what `meta` can hold only when all is answered (costs). Raises
    CorpusTunerError where there is nothing to ask.
    """
    if not questions:
        raise CorpusTunerError("there is no question to ask: hold out some (dataset.paraphrase), or name a file of your own")
    if not models:
        raise CorpusTunerError("there is nobody to ask: name at least one arm in evaluate.arms")
    placed = list(sections)
    asked_of = digest([repr(one) for one in questions], [(s.id, s.text) for s in placed], [e.id for e in examples], meta.get("expert"))
    write_jsonl(folder / "questions.jsonl", questions)
    answers = {arm: _answers(questions, arm, model, folder, asked_of, progress) for arm, model in models.items()}
    again = [
        _answers(questions, f"base-{number}", _Again(models["base"], number), folder, asked_of, progress)
        for number in range(1, times if "base" in models else 1)
    ]
    results = aggregate(questions, answers, placed, again)
    checks = check(results, placed, trained, judging)
    report.write(folder, results, {**meta, **after()}, placed, checks)
    return results


class _Again:
    """A model that is asked once more, with some chance: sample `number`."""

    def __init__(self, model: Model, number: int) -> None:
        self.name, self._model, self._number = model.name, model, number
        self.concurrency = getattr(model, "concurrency", 1)
        if hasattr(model, "complete_many"):
            self.complete_many = self._complete_many

    def complete(self, messages: Sequence[Message], **options: Any) -> Reply:
        return self._model.complete(messages, temperature=0.7, sample=self._number, **options)

    def _complete_many(self, batch: Sequence[Sequence[Message]], **options: Any) -> Any:
        return self._model.complete_many(batch, temperature=0.7, seed=(self._number, 0), **options)


def _answers(
    questions: Sequence[Question], arm: str, model: Model, folder: Path, asked_of: str, progress: Progress
) -> list[Answer]:
    """The answers on disk if they are to these questions, else new ones; answered.json, written last, tells which."""
    path, marker = folder / answers_file(arm), folder / "answered.json"
    key = digest(asked_of, arm, getattr(model, "name", ""))
    done = json.loads(marker.read_text(encoding="utf-8")) if marker.exists() else {}
    if done.get(arm) == key and path.exists():
        known = list(read_jsonl(path, Answer))
        if [answer.question_id for answer in known] == [question.id for question in questions]:
            return known
    write_jsonl(path, score.ask(questions, model, progress, name=arm))
    write_json(marker, done | {arm: key})
    return list(read_jsonl(path, Answer))


def answers_file(arm: str) -> str:
    """The name of the file in an evaluation's folder that holds the answers of `arm`."""
    return f"answers-{_file_name(arm)}.jsonl"


def _file_name(arm: str) -> str:
    """An arm may be any model's name, which is no path: what is no plain letter gives way to a digest."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", arm).strip("-")
    return arm if plain == arm else f"{plain[:40]}-{digest(arm)[:8]}"


def table(results: Results) -> str:
    """The figures as plain text: a line for each class and arm; 95 % intervals in brackets."""
    rows = [("questions", "arm", "n", "exact", "F1", "contained")]
    for cls in [*results.classes, *([UNKNOWN] if results.base_knows_some else []), *([ALL] if len(results.classes) > 1 else [])]:
        for arm in results.arms:
            cell = results.cell(arm, cls)
            if cell:
                figures = (_figure(one) for one in (cell.exact, cell.f1, cell.contained))
                rows.append((cls, arm, str(cell.n), *figures))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(value.ljust(width) for value, width in zip(row, widths)).rstrip() for row in rows)


def _figure(estimate: Estimate) -> str:
    return f"{100 * estimate.value:5.1f} [{100 * estimate.low:.0f}, {100 * estimate.high:.0f}]"
