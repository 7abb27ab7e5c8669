"""How many requests may be in flight: as many as the server bears, found by additive increase, multiplicative decrease."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from corpus_tuner.errors import CorpusTunerError, Declined, Transient, Unavailable

DECREASE = 0.7  # of the limit after a refusal; between the textbook's half and CUBIC's, as each refusal costs a wait
LONGEST_BACKOFF = 15.0  # seconds

R = TypeVar("R")


class Gate:
    """Slots for requests in flight, shared by all threads of a run; `stop` ends every wait in it.

    `patience`: seconds without one reply after which a server that refuses is given up; `knocks` the same before its
    first reply, where it cannot be reached at all.
    """

    def __init__(self, most: int, patience: float = 120.0, knocks: float = 5.0) -> None:
        self.most = most
        self.limit = float(most)
        self.error: CorpusTunerError | OSError | None = None
        self.declined: Declined | None = None  # the last one
        self.answered = self.refused = self.failed = self.in_flight = 0
        self.note = ""  # why the run waits, for whoever watches
        self._patience = patience
        self._knocks = knocks
        lock = threading.Lock()
        self._condition = threading.Condition(lock)  # a slot may be free
        self._asleep = threading.Condition(lock)  # who sleeps here wakes only when the run ends
        self._streak = 0  # outcomes since the last reply
        self._last_reply = self._decreased = time.monotonic()
        self._closed_until = 0.0

    @contextmanager
    def slot(self) -> Iterator[float]:
        """A place in flight, as soon as there is one; yields the time. Raises what `stop` was given."""
        with self._condition:
            while True:
                self._check()
                now = time.monotonic()
                if now >= self._closed_until and self.in_flight < max(1, int(self.limit)):
                    break
                self._condition.wait(min(max(self._closed_until - now, 0.01), 1.0) if now < self._closed_until else 1.0)
            self.in_flight += 1
        try:
            yield now
        finally:
            with self._condition:
                self.in_flight -= 1
                self._condition.notify()

    def through(self, request: Callable[[], R]) -> R:
        """What `request` returns; where the server does not take it on, it waits its turn and goes again.

        Raises what `request` raises beside such refusals, and what `stop` was given.
        """
        times = 0
        while True:
            try:
                with self.slot() as asked:
                    answer = request()
            except Transient as failure:
                if not failure.refused:
                    raise
                times += 1
                self.refusal(failure, asked, times)
            else:
                self.reply()
                return answer

    def reply(self) -> None:
        """A request was answered: after as many replies as are in flight, there is room for one more."""
        with self._condition:
            self.answered += 1
            self._streak = 0
            self.note = ""
            self._last_reply = time.monotonic()
            self.limit = min(self.most, self.limit + 1 / self.limit)
            self._condition.notify()

    def refusal(self, failure: Transient, asked: float, times: int) -> None:
        """A request that was asked at `asked` was not taken on, the `times`-th time: fewer at once, and waits.

        Where the server is serving nobody else meanwhile, all requests wait as long as it said.
        """
        pause = failure.retry_after
        with self._condition:
            self.refused += 1
            self._streak += 1
            self.note = str(failure)
            if asked >= self._decreased:
                self.limit = max(1.0, self.limit * DECREASE)
                self._decreased = time.monotonic()
            if pause and not self.in_flight:
                self._closed_until = max(self._closed_until, time.monotonic() + pause)
            silence = time.monotonic() - self._last_reply
        reachable = self.answered or failure.status
        if silence > (self._patience if reachable else self._knocks) or (pause or 0) > self._patience:
            wanted = f", asking to wait {pause:.0f} s" if pause else ""
            self.stop(Unavailable(f"{failure}{wanted}: nothing is lost, run again to continue"))
        self.wait(backoff(times) if pause is None else pause + random.uniform(0, 0.1))  # noqa: S311

    def failure(self, failure: Transient) -> None:
        """A request was taken on and failed. Stops the run where nothing else happens any more."""
        with self._condition:
            self.failed += 1
            self._streak += 1
            self.note = str(failure)
            hopeless = self._streak > 2 * self.most + 10
        if hopeless:
            self.stop(Unavailable(f"{failure}, {self._streak} times in a row: nothing is lost, run again to continue"))

    def exhausted(self, failure: Transient) -> None:
        """One request met a fault at every ask; where none was ever answered, the server is down."""
        if not self.answered:
            self.stop(Unavailable(f"{failure}: no request was answered; run again when it is up"))

    def stop(self, error: CorpusTunerError | OSError) -> None:
        """Ends the run: every thread in this gate raises, once its request is back."""
        with self._condition:
            self.error = self.error or error
            self._condition.notify_all()
            self._asleep.notify_all()

    def rest(self, failure: Transient, times: int) -> None:
        """Sleeps before what failed the `times`-th time is asked again: as long as the server said, at most a minute."""
        self.wait(backoff(times) if failure.retry_after is None else min(failure.retry_after, 60.0))

    def wait(self, seconds: float) -> None:
        """Sleeps, unless the run ends."""
        until = time.monotonic() + seconds
        with self._asleep:
            self._check()
            while (rest := until - time.monotonic()) > 0:
                self._asleep.wait(rest)
                self._check()

    def _check(self) -> None:
        if self.error is not None:
            raise type(self.error)(*self.error.args)


def backoff(times: int) -> float:
    """Seconds before the next try after `times` failures in a row: 0.5, 1, 2, ... with a jitter of a quarter."""
    return min(LONGEST_BACKOFF, 0.5 * 2.0 ** min(times - 1, 10)) * random.uniform(0.75, 1.0)  # noqa: S311
