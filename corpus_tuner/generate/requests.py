"""Requests to the writer model: as many in flight as the server bears, each asked at most three times, results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import Any, TypeVar

from corpus_tuner.errors import CorpusTunerError, Declined, OverBudget, Transient
from corpus_tuner.gate import Gate
from corpus_tuner.records import Message, Model, Reason, Reply
from corpus_tuner.settings import GenerateSettings

ASKS = 3  # of one request, in all
WINDOW = 16  # pieces of work submitted ahead of the one whose result is next, per request in flight
LATER_TEMPERATURE = 0.5  # of a repeated ask: at 0 the same reply would come back

W = TypeVar("W")
R = TypeVar("R")
Prompt = Callable[[Reason | None], list[Message]]
"""The messages of a request, given what was wrong with the last reply to it."""
Take = Callable[[Reply, bool], Reason | None]
"""Reads a reply; the second argument says whether it is to a repeated ask; returns why to ask again, or None."""
Tell = Callable[[int, str], None]
"""Told how many pieces of work are done, and why the others wait."""


class Requests:
    """All requests of a run to one model, behind one gate."""

    def __init__(self, model: Model, settings: GenerateSettings) -> None:
        self.gate = Gate(settings.concurrency)
        self._model, self._settings = model, settings

    def run(self, work: Sequence[W], do: Callable[[W], R], tell: Tell) -> Iterator[R]:
        """`do(one)` for each piece of work, in threads; the results in the order of the work.

        `tell(done, why)` is called while it waits. Stopped from outside, it waits for the replies in flight, which are
        paid: they are still recorded. Ctrl-C meanwhile cuts their connections.
        """
        pool = ThreadPoolExecutor(max_workers=min(self._settings.concurrency, len(work) or 1))
        done = 0
        try:
            for result in self._results(pool, work, do, tell):
                done += 1
                yield result
        finally:
            if done < len(work):
                self.gate.stop(CorpusTunerError("stopped"))
                tell(done, f"stopping, {self.gate.in_flight} replies under way are waited for, Ctrl-C cuts them off")
            self._end(pool)

    def _end(self, pool: ThreadPoolExecutor) -> None:
        try:
            pool.shutdown(wait=True, cancel_futures=True)
        except KeyboardInterrupt:
            close = getattr(self._model, "close", None)
            if close:
                close()
            raise

    def _results(self, pool: ThreadPoolExecutor, work: Sequence[W], do: Callable[[W], R], tell: Tell) -> Iterator[R]:
        waiting, gate = iter(work), self.gate
        ahead: deque[Future[R]] = deque()
        done = 0
        while True:
            for one in islice(waiting, WINDOW * self._settings.concurrency - len(ahead)):
                ahead.append(pool.submit(self._guarded, do, one))
            if not ahead:
                return
            while not ahead[0].done() and gate.error is None:
                _sleep_until(ahead[0], 0.5)
                tell(done, gate.note)
            if gate.error is not None:
                if isinstance(gate.error, OverBudget):  # what is answered is paid, and what is under way will be
                    begun = [one for one in ahead if not one.cancel()]
                    wait(begun)
                    yield from (one.result() for one in begun if one.exception() is None)
                raise gate.error
            yield ahead.popleft().result()
            done += 1

    # ------------------------------------------------------------------------------------------ in the pool's threads

    def _guarded(self, do: Callable[[W], R], one: W) -> R:
        try:
            return do(one)
        except (CorpusTunerError, OSError) as error:  # a full disk, too: what is paid must be recorded
            self.gate.stop(error)
            raise

    def ask(
        self, prompt: Prompt, schema: Mapping[str, Any] | None, take: Take, *, sample: int = 0, temperature: float = 0.0
    ) -> tuple[Reason | None, str]:
        """Asks until `take` finds no fault, at most ASKS times; returns what is wrong in the end, with details.

        A call that met a fault of the server keeps its attempt, and so its key.
        """
        fault: Reason | None = None
        failure: Transient | None = None
        replies, detail = 0, ""
        for ask in range(1, ASKS + 1):
            try:
                reply = self._reply(prompt(fault), schema, replies, sample, max(temperature, LATER_TEMPERATURE if replies else 0.0))
            except Declined as error:
                self.gate.declined = error
                return Reason.REFUSAL, str(error)
            except Transient as error:
                failure = error
                self.gate.failure(error)
                if ask < ASKS:
                    self.gate.rest(error, ask)
                continue
            fault, detail = take(reply, replies > 0), reply.text[:200]
            if fault is None:
                return None, ""
            replies += 1
        if not replies and failure:
            self.gate.exhausted(failure)
            return Reason.UNANSWERED, str(failure)
        return fault, detail

    def _reply(
        self, messages: list[Message], schema: Mapping[str, Any] | None, attempt: int, sample: int, temperature: float
    ) -> Reply:
        """One reply; a request that was not taken on waits, and is no ask."""
        options = {"max_tokens": self._settings.max_tokens, "temperature": temperature, "schema": schema}
        return self.gate.through(lambda: self._model.complete(messages, **options, sample=sample, attempt=attempt))


def _sleep_until(future: Future[R], seconds: float) -> None:
    """Waits for a future at most so long, and never raises what it raised."""
    wait([future], timeout=seconds)
