"""The writer that asks a model: all kinds of all sections in flight together, what comes back checked and selected."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial

from corpus_tuner.errors import CorpusTunerError, OverBudget
from corpus_tuner.generate.ask import Task, messages, reply_schema
from corpus_tuner.generate.checks import CHECKS, Check, checks, outcome
from corpus_tuner.generate.more import Further
from corpus_tuner.generate.parse import Pair, parse
from corpus_tuner.generate.plan import Plan
from corpus_tuner.generate.questions import same_question
from corpus_tuner.generate.requests import Requests
from corpus_tuner.generate.selection import Harvest, Selection
from corpus_tuner.records import Example, Model, Progress, Reason, Reject, Reply, Section, silent
from corpus_tuner.settings import Settings

Items = list[Example | Reject]


class LlmWriter:
    """Writes pairs with `model`: a Writer.

    Pairs come out in the order of the sections and kinds, whatever the order of the replies, so that equal replies
    make equal files. Raises Unavailable where the service is down (nothing is lost, run again), and whatever
    CorpusTunerError the model raises for the user to act upon.
    """

    needs_model = True

    def __init__(self, settings: Settings, model: Model, progress: Progress = silent) -> None:
        self._settings = settings.generate
        self._model = model
        self._progress = progress
        self._schema = reply_schema()
        self._checks = [name for name in CHECKS if getattr(settings.generate, name)]

    def write(self, sections: Iterable[Section], kind: str, count: int) -> Iterator[Example | Reject]:
        """At most `count` pairs of `kind` for each section, and a Reject for everything that was lost."""
        return self.write_all(sections, {kind: count})

    def write_all(
        self, sections: Iterable[Section], kinds: Mapping[str, int], progress: Progress | None = None
    ) -> Iterator[Example | Reject]:
        """The same for several kinds, {kind: count}, all in flight together in one pool of threads."""
        plan = Plan(self._settings.plan_of(), list(sections), kinds, self._settings.max_section_words)
        yield from (Reject("generate", one.id, Reason.EMPTY, "no sentence") for one in plan.empty)
        yield from self._rounds(plan, Selection(plan.kinds, self._model.name), progress or self._progress)

    def write_more(
        self,
        sections: Iterable[Section],
        wanted: Mapping[str, Collection[int]],
        known: Iterable[Example],
        each: int,
        progress: Progress | None = None,
    ) -> Iterator[Example | Reject]:
        """`each` further pairs for every sentence that is `wanted` (section id → numbers), told which questions are `known`."""
        plan = Further(sections, wanted, known, each, self._settings.max_section_words)
        return self._rounds(plan, Selection({}, self._model.name), progress or self._progress)

    def _rounds(self, plan: Plan | Further, selection: Selection, progress: Progress) -> Iterator[Example | Reject]:
        requests = Requests(self._model, self._settings)
        try:
            while work := plan.work():
                for item in self._round(work, requests, selection, progress):
                    plan.take(item)
                    yield item
        except OverBudget:
            if plan.ask < 2:  # the first pass is what was asked for; the later ones only fill gaps
                raise
        if requests.gate.declined and not requests.gate.answered:
            raise CorpusTunerError(str(requests.gate.declined))

    def _round(self, work: list[Task], requests: Requests, selection: Selection, progress: Progress) -> Iterator[Example | Reject]:
        """What a round of tasks brings; with checks that ask the model, when all of its pairs are there."""
        written = self._written(work, requests, selection, progress)
        if not self._checks:
            for _, items in written:
                yield from items
            return
        found: list[tuple[Task, Items]] = []
        try:
            for one in written:
                found.append(one)
            for name in self._checks:
                found = self._checked(name, found, requests, progress)
        except OverBudget:
            yield from (_unchecked(item) for _, items in found for item in items)
            raise
        yield from (item for _, items in found for item in items)

    def _written(
        self, work: list[Task], requests: Requests, selection: Selection, progress: Progress
    ) -> Iterator[tuple[Task, Items]]:
        def tell(done: int, why: str = "") -> None:
            faults = requests.gate.refused + requests.gate.failed
            note = f"{selection.kept} pairs, {selection.lost} rejected" + (f", {faults} faults" if faults else "")
            progress(done, len(work), f"{note}: {why}" if why else note)

        for done, harvest in enumerate(requests.run(work, partial(self._write, requests), tell), start=1):
            items = []
            for item in selection.of(harvest):
                items.append(item)
                time.sleep(0)  # a thread with a request to send goes first: it would wait 5 ms for the interpreter otherwise
            tell(done)
            yield harvest.task, items

    def _checked(self, name: str, found: list[tuple[Task, Items]], requests: Requests, progress: Progress) -> list[tuple[Task, Items]]:
        """The same tasks, with a Reject in the place of each example that does not pass the check."""
        work = [one for task, items in found for one in checks(name, task, [item for item in items if isinstance(item, Example)])]
        rejects: dict[str, Reject] = {}

        def tell(done: int, why: str = "") -> None:
            progress(done, len(work), f"{name}: {len(rejects)} rejected" + (f": {why}" if why else ""))

        for done, lost in enumerate(requests.run(work, partial(self._check, requests), tell), start=1):
            rejects |= lost
            tell(done)
        return [(task, [rejects.get(item.id, item) if isinstance(item, Example) else item for item in items]) for task, items in found]

    # ------------------------------------------------------------------------------------------ in the pool's threads

    def _write(self, requests: Requests, task: Task) -> Harvest:
        harvest = Harvest(task)
        harvest.fault, harvest.detail = requests.ask(partial(messages, task), self._schema, partial(_gather, harvest))
        return harvest

    def _check(self, requests: Requests, check: Check) -> dict[str, Reject]:
        found: dict[int, str | None] = {}

        def take(reply: Reply, again: bool) -> Reason | None:  # noqa: ARG001
            found.update({number: said for number, said in check.read(reply).items() if number not in found})
            return None if len(found) == len(check.examples) else Reason.UNCHECKED if found else Reason.UNPARSABLE

        fault, _ = requests.ask(check.messages, check.schema(), take)
        return outcome(check, found, fault)


def _gather(harvest: Harvest, reply: Reply, again: bool) -> Reason | None:
    """Adds what a reply holds; a question that an earlier ask of the same task brought already is not counted twice.

    Returns why something is missing, if fewer pairs are there than were asked for.
    """
    parsed = parse(reply)
    known = {same_question(pair.question) for pair, _ in harvest.pairs} if again else set()
    for pair in parsed.pairs:
        if same_question(pair.question) not in known:
            form = "again" if again else pair.form
            harvest.pairs.append((Pair(pair.question, pair.answer, pair.evidence, form), reply.call))
    harvest.rejects += parsed.rejects
    harvest.given_up |= parsed.given_up
    return None if len(harvest.pairs) >= harvest.task.count else parsed.fault


def _unchecked(item: Example | Reject) -> Reject:
    return item if isinstance(item, Reject) else Reject("generate", item.id, Reason.UNCHECKED, f"{item.question} | {item.answer}"[:1000])
