"""The writer that asks a model: all kinds of all sections in flight together, each asked at most three times."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

from corpus_tuner.errors import CorpusTunerError, Declined, OverBudget, Transient
from corpus_tuner.generate.ask import Task, messages, reply_schema
from corpus_tuner.generate.gate import Gate, backoff
from corpus_tuner.generate.parse import Pair, parse
from corpus_tuner.generate.plan import Plan
from corpus_tuner.generate.questions import same_question
from corpus_tuner.generate.selection import Harvest, Selection
from corpus_tuner.records import Example, Model, Progress, Reason, Reject, Reply, Section, silent
from corpus_tuner.settings import Settings

ASKS = 3  # of one task, in all
WINDOW = 16  # tasks submitted ahead of the one whose result is next, per request in flight
LATER_TEMPERATURE = 0.5  # of a repeated ask: at 0 the same reply would come back


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

    def write(self, sections: Iterable[Section], kind: str, count: int) -> Iterator[Example | Reject]:
        """At most `count` pairs of `kind` for each section, and a Reject for everything that was lost."""
        return self.write_all(sections, {kind: count})

    def write_all(
        self, sections: Iterable[Section], kinds: Mapping[str, int], progress: Progress | None = None
    ) -> Iterator[Example | Reject]:
        """The same for several kinds, {kind: count}, all in flight together in one pool of threads."""
        plan = Plan(self._settings.plan_of(), list(sections), kinds, self._settings.max_section_words)
        yield from (Reject("generate", one.id, Reason.EMPTY, "no sentence") for one in plan.empty)
        gate = Gate(self._settings.concurrency)
        selection = Selection(dict(kinds), self._model.name)
        try:
            while work := plan.work():
                for item in self._run(work, gate, selection, progress or self._progress):
                    plan.take(item)
                    yield item
        except OverBudget:
            if plan.ask < 2:  # the first pass is what was asked for; the later ones only fill gaps
                raise
        if gate.declined and not gate.answered:
            raise CorpusTunerError(str(gate.declined))

    def _run(self, work: list[Task], gate: Gate, selection: Selection, progress: Progress) -> Iterator[Example | Reject]:
        pool = ThreadPoolExecutor(max_workers=min(self._settings.concurrency, len(work) or 1))
        done = 0
        try:
            for done, harvest in enumerate(self._harvests(pool, gate, work, progress), start=1):
                yield from selection.of(harvest)
                progress(done, len(work), _note(selection, gate))
        finally:
            if done < len(work):
                gate.stop(CorpusTunerError("stopped"))
            pool.shutdown(wait=True, cancel_futures=True)  # replies in flight are paid: they are still recorded

    def _harvests(
        self, pool: ThreadPoolExecutor, gate: Gate, work: list[Task], progress: Progress
    ) -> Iterator[Harvest]:
        """The harvest of each task, in order, while so many are under way as the pool can hold."""
        waiting = iter(work)
        ahead: deque[Future[Harvest]] = deque()
        done = 0
        while True:
            for task in islice(waiting, WINDOW * self._settings.concurrency - len(ahead)):
                ahead.append(pool.submit(self._work, task, gate))
            if not ahead:
                return
            while not ahead[0].done() and gate.error is None:
                _sleep_until(ahead[0], 0.5)
                progress(done, len(work), gate.note)
            if gate.error is not None:
                if isinstance(gate.error, OverBudget):  # what is answered is paid
                    yield from (one.result() for one in ahead if one.done() and one.exception() is None)
                raise gate.error
            yield ahead.popleft().result()
            done += 1

    # ------------------------------------------------------------------------------------------ in the pool's threads

    def _work(self, task: Task, gate: Gate) -> Harvest:
        try:
            return self._ask(task, gate)
        except (CorpusTunerError, OSError) as error:  # a full disk, too: what is paid must be recorded
            gate.stop(error)
            raise

    def _ask(self, task: Task, gate: Gate) -> Harvest:
        """Asks until a reply is whole, at most ASKS times; a call that met a fault of the server keeps its key."""
        harvest = Harvest(task)
        failure: Transient | None = None
        replies = 0
        for ask in range(1, ASKS + 1):
            try:
                reply = self._reply(task, harvest.fault, replies, gate)
            except Declined as error:
                gate.declined = error
                harvest.fault, harvest.detail = Reason.REFUSAL, str(error)
                return harvest
            except Transient as error:
                failure = error
                gate.failure(error)
                if ask < ASKS:
                    gate.wait(backoff(ask) if error.retry_after is None else min(error.retry_after, 60.0))
                continue
            _gather(harvest, reply, again=replies > 0)
            replies += 1
            if harvest.fault is None or len(harvest.pairs) >= task.count:
                harvest.fault = None
                return harvest
        if not replies and failure:
            gate.exhausted(failure)
            harvest.fault, harvest.detail = Reason.UNANSWERED, str(failure)
        return harvest

    def _reply(self, task: Task, fault: Reason | None, attempt: int, gate: Gate) -> Reply:
        """One reply; a request that was not taken on waits, and is no ask."""
        times = 0
        while True:
            try:
                with gate.slot() as asked:
                    reply = self._model.complete(
                        messages(task, fault),
                        max_tokens=self._settings.max_tokens,
                        temperature=LATER_TEMPERATURE if attempt else 0.0,
                        schema=self._schema,
                        attempt=attempt,
                    )
            except Transient as failure:
                if not failure.refused:
                    raise
                times += 1
                gate.refusal(failure, asked, times)
            else:
                gate.reply()
                return reply


def _gather(harvest: Harvest, reply: Reply, *, again: bool) -> None:
    """Adds what a reply holds; a question that an earlier ask of the same task brought already is not counted twice."""
    parsed = parse(reply)
    known = {same_question(pair.question) for pair, _ in harvest.pairs} if again else set()
    for pair in parsed.pairs:
        if same_question(pair.question) not in known:
            form = "again" if again else pair.form
            harvest.pairs.append((Pair(pair.question, pair.answer, pair.evidence, form), reply.call))
    harvest.rejects += parsed.rejects
    harvest.given_up |= parsed.given_up
    harvest.fault = parsed.fault
    harvest.detail = reply.text[:200]


def _note(selection: Selection, gate: Gate) -> str:
    faults = f", {gate.refused + gate.failed} faults" if gate.refused + gate.failed else ""
    return f"{selection.kept} pairs, {selection.lost} rejected{faults}"


def _sleep_until(future: Future[Harvest], seconds: float) -> None:
    """Waits for a future at most so long, and never raises what it raised."""
    from concurrent.futures import wait

    wait([future], timeout=seconds)
