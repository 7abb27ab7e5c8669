"""What remains of the pairs in the replies: sound ones, no question twice in the corpus, no more than asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from corpus_tuner.generate.ask import Task
from corpus_tuner.generate.evidence import bridging, examine
from corpus_tuner.generate.grouping import Facts
from corpus_tuner.generate.kinds import inferred, near_miss, retold
from corpus_tuner.generate.parse import Pair
from corpus_tuner.generate.passage import Passage
from corpus_tuner.generate.questions import same_question
from corpus_tuner.records import Example, Reason, Reject
from corpus_tuner.store import digest
from corpus_tuner.text import ABSTENTIONS, normalise_answer, words

NEAR = 0.9  # token-set Jaccard similarity from which two questions with one answer are the same
EXTRA = 2  # times as many pairs as a plan by sentences asked for are kept: they are paid for


@dataclass(slots=True)
class Harvest:
    """What the asks of one task brought; `pairs` with the call that each came from."""

    task: Task
    pairs: list[tuple[Pair, str]] = field(default_factory=list)
    rejects: list[tuple[Reason, str]] = field(default_factory=list)
    given_up: dict[int, str] = field(default_factory=dict)  # sentences that state nothing, with the model's reason
    fault: Reason | None = None  # of the last ask, if something is still missing
    detail: str = ""


class Selection:
    """Judges harvests in the order given. It works in the caller's thread, so that the pool's threads send their next
    request first."""

    def __init__(self, limits: dict[str, int], writer: str) -> None:
        """`limits`: at most so many pairs of a kind for a section; of a task by sentences, EXTRA times its count."""
        self._limits = limits
        self._writer = writer
        self._passage: Passage | None = None
        self._questions: set[int] = set()  # hashes: a corpus has millions
        self._asked: dict[int, list[str]] = {}  # questions, by the hash of section and answer
        self._taken: dict[tuple[str, ...], int] = {}
        self._facts = Facts()
        self.kept = self.lost = 0

    def of(self, harvest: Harvest) -> Iterator[Example | Reject]:
        """The examples and rejects of one task."""
        task = harvest.task
        if self._passage is None or self._passage.section is not task.section:
            self._passage = Passage(task.section)
        twin: Pair | None = None
        for number, (pair, call) in enumerate(harvest.pairs, start=1):
            kind, answer, found = self._judged(pair, task, twin)
            if task.kind == "abstain" and pair.evidence:
                twin = pair if found == Reason.DUPLICATE or not isinstance(found, Reason) else None
            elif task.kind == "reworded":
                twin = pair if kind == "basic" else None
            if isinstance(found, Reason):
                self.lost += 1
                yield Reject("generate", f"{task.id} #{number}", found, f"{pair.question} | {pair.answer}"[:1000])
            else:
                self.kept += 1
                yield self._example(pair, kind, answer, call, found, task)
        yield from self._losses(harvest)

    def _losses(self, harvest: Harvest) -> Iterator[Reject]:
        task = harvest.task
        losses = [(reason, detail[:1000]) for reason, detail in harvest.rejects]
        if harvest.fault is not None:
            received = f"{len(harvest.pairs)} of at most {task.count} pairs came through; " if harvest.pairs else ""
            losses.append((harvest.fault, received + harvest.detail))
        self.lost += len(losses)
        yield from (Reject("generate", task.id, reason, detail) for reason, detail in losses)
        for number, reason in harvest.given_up.items():
            if number in task.numbers and task.ask > 1:
                yield Reject("generate", f"{task.section.id}:{number}", Reason.GIVEN_UP, reason[:1000])

    def _judged(self, pair: Pair, task: Task, twin: Pair | None) -> tuple[str, str, tuple[int, ...] | Reason]:
        """Kind, answer, and the sentences that a pair rests on, or why it is left out."""
        kind = "basic" if task.kind == "reworded" and not _asks_again(pair, twin) else task.kind
        if task.kind == "abstain":
            if not pair.evidence:
                return "abstain", self._abstention(), self._near_miss(pair, task, twin)
            return "basic", pair.answer, self._kept(self._examined(pair, "basic"), pair)
        found = self._examined(pair, task.kind)
        if task.places and not isinstance(found, Reason) and len({task.place(number)[0] for number in found}) < 2:
            found = Reason.ONE_SECTION
        return kind, pair.answer, self._kept(found, pair, task)

    def _examined(self, pair: Pair, kind: str) -> tuple[int, ...] | Reason:
        if kind == "rewrite":
            return retold(pair.question, pair.answer, self._passage)
        if kind == "inference":
            return inferred(pair.question, pair.answer, pair.evidence, self._passage)
        found = examine(pair.question, pair.answer, pair.evidence, self._passage)
        return found if isinstance(found, Reason) else bridging(pair.question, found, pair.evidence, self._passage)

    def _near_miss(self, pair: Pair, task: Task, twin: Pair | None) -> tuple[int, ...] | Reason:
        """Nothing to rest on; or why it is left out: no kept question that it misses, or the section may answer it."""
        if twin is None:
            return Reason.NO_TWIN
        return self._kept(near_miss(pair.question, self._passage) or (), pair, task)

    def _kept(self, found: tuple[int, ...] | Reason, pair: Pair, task: Task | None = None) -> tuple[int, ...] | Reason:
        """`found`, unless the question is there already, or its task has brought enough."""
        if isinstance(found, Reason):
            return found
        key = hash(same_question(pair.question))
        if key in self._questions:
            return Reason.DUPLICATE
        if self._repeats(pair):
            return Reason.REPEATED
        if task is not None:
            place = (task.id, str(task.numbers), str(task.ask)) if task.numbers else (task.section.id, task.kind)
            most = EXTRA * task.count if task.numbers else self._limits[task.kind]
            if self._taken.get(place, 0) >= most:
                return Reason.SURPLUS
            self._taken[place] = self._taken.get(place, 0) + 1
        self._questions.add(key)
        return found

    def _repeats(self, pair: Pair) -> bool:
        """Whether a pair of this section has the same answer to a question of nearly the same words.

        Other wordings of one fact are wanted: they stay, held together by the sentence that they rest on.
        """
        asked = frozenset(words(pair.question))
        others = self._asked.setdefault(hash((self._passage.section.id, normalise_answer(pair.answer))), [])
        found = any(len(asked & other) >= NEAR * len(asked | other) for other in map(frozenset, map(words, others)))
        if not found:
            others.append(pair.question)
        return found

    def _abstention(self) -> str:
        return ABSTENTIONS.get(self._passage.language, ABSTENTIONS["en"])

    def _example(self, pair: Pair, kind: str, answer: str, call: str, sentences: tuple[int, ...], task: Task) -> Example:
        evidence = tuple(task.place(number) for number in sentences)
        if evidence and kind not in ("rewrite", "inference") and not task.places:
            evidence = self._facts.places(pair.question, answer, evidence, self._passage)
        name = digest(task.section.id, kind, pair.question, answer)[:16]
        return Example(name, kind, pair.question, answer, evidence, call or task.section.id, self._writer, pair.form)


def _asks_again(pair: Pair, first: Pair | None) -> bool:
    """Whether a pair is the second of two: it has the evidence and the answer of the first."""
    return first is not None and pair.evidence == first.evidence and normalise_answer(pair.answer) == normalise_answer(first.answer)
