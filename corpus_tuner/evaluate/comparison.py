"""Two evaluations of one corpus: what got better, what worse, on the questions that both asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.evaluate.pairs import BINARY, NO_DIFFERENCE, SURE, holm, mcnemar
from corpus_tuner.evaluate.questions import cluster
from corpus_tuner.evaluate.results import EXPERT
from corpus_tuner.evaluate.samples import is_right
from corpus_tuner.evaluate.wording import chance
from corpus_tuner.records import Answer, Question
from corpus_tuner.store import read_jsonl


@dataclass(frozen=True, slots=True)
class Shift:
    """One class and metric in two runs: shares of each, the questions that one alone has right, McNemar's p (Holm)."""

    cls: str
    metric: str
    n: int
    first: float
    second: float
    better: int
    worse: int
    p: float

    @property
    def verdict(self) -> str:
        """better, worse or "no difference shown"."""
        if self.p >= SURE or self.better == self.worse:
            return NO_DIFFERENCE
        return "better" if self.better > self.worse else "worse"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The shifts of every class, and the questions that changed sides, both ways."""

    arm: str
    shared: int
    only_first: int
    only_second: int
    shifts: tuple[Shift, ...]
    gained: tuple[Question, ...]
    lost: tuple[Question, ...]


def compare_runs(first: Path, second: Path, arm: str = EXPERT) -> Comparison:
    """Compares what `arm` answered in two folders of evaluation/ to the questions of both: of one class, since one that was
    held out and then trained on shows nothing, and with the same accepted answers.

    Raises CorpusTunerError where there is nothing to compare.
    """
    one, other = _read(first, arm), _read(second, arm)
    shared = [key for key in one if key in other and _is_same(one[key][0], other[key][0])]
    if not shared:
        raise CorpusTunerError(f"{first.name} and {second.name} asked no question in common")
    questions = [one[key][0] for key in shared]
    pairs = [(one[key][1], other[key][1]) for key in shared]
    changed = [(question, is_right(b)) for question, (a, b) in zip(questions, pairs) if is_right(a) != is_right(b)]
    return Comparison(
        arm,
        len(shared),
        len(one) - len(shared),
        len(other) - len(shared),
        tuple(_shifts(questions, pairs)),
        tuple(question for question, gained in changed if gained),
        tuple(question for question, gained in changed if not gained),
    )


def _is_same(one: Question, other: Question) -> bool:
    return (one.cls, one.answers) == (other.cls, other.answers)


def _read(folder: Path, arm: str) -> dict[str, tuple[Question, Answer]]:
    from corpus_tuner.evaluate import answers_file

    path = folder / answers_file(arm)
    if not path.is_file():
        raise CorpusTunerError(f"there are no answers of {arm} in {folder}: name a folder of evaluation/ that has them")
    answers = {one.question_id: one for one in read_jsonl(path, Answer)}
    return {one.id: (one, answers[one.id]) for one in read_jsonl(folder / "questions.jsonl", Question) if one.id in answers}


def _shifts(questions: list[Question], pairs: list[tuple[Answer, Answer]]) -> Iterable[Shift]:
    for metric in BINARY:
        rows = []
        for cls in dict.fromkeys(one.cls for one in questions):
            places = [place for place, one in enumerate(questions) if one.cls == cls]
            old, new = ([pairs[place][run].scores[metric] for place in places] for run in (0, 1))
            better, worse, p = mcnemar(new, old, [cluster(questions[place]) for place in places])
            rows.append((cls, metric, len(places), sum(old) / len(old), sum(new) / len(new), better, worse, p))
        for row, corrected in zip(rows, holm([row[-1] for row in rows])):
            yield Shift(*row[:-1], corrected)


def table(found: Comparison) -> str:
    """The comparison as plain text."""
    lines = [f"{found.arm}: {found.shared} questions asked in both; {found.only_first} only in the first, {found.only_second} only in the second"]
    lines += [
        f"{one.cls:12} {one.metric:9} n {one.n:5}  {100 * one.first:5.1f} -> {100 * one.second:5.1f}  +{one.better} -{one.worse}  p {chance(one.p)}  {one.verdict}"
        for one in found.shifts
    ]
    for sign, listed in (("+", found.gained), ("-", found.lost)):
        lines += [f"{sign} {' '.join(one.text.split())}" for one in listed[:10]]
        lines += [f"{sign} ... and {len(listed) - 10} more"] if len(listed) > 10 else []
    return "\n".join(lines)
