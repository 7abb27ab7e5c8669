"""How many requests are in flight, and when a run gives up."""

from __future__ import annotations

import threading
import time

import pytest

from corpus_tuner.errors import CorpusTunerError, Transient, Unavailable
from corpus_tuner.gate import Gate, backoff

BUSY = Transient("busy", 0.01, refused=True, status=429)


def test_a_refusal_lowers_the_limit_once_for_all_that_were_in_flight_together() -> None:
    """64 refusals of one burst are one sign of congestion; a later one is another."""
    gate = Gate(64)
    asked = time.monotonic()
    for _ in range(64):
        gate.refusal(BUSY, asked - 1, 1)
    first = gate.limit
    gate.refusal(BUSY, time.monotonic(), 1)
    assert (first, gate.limit) == (64, pytest.approx(64 * 0.7))


def test_replies_raise_the_limit_by_one_for_each_round() -> None:
    """Additive increase, never past what was asked for."""
    gate = Gate(64)
    gate.limit = 10.0
    for _ in range(10):
        gate.reply()
    assert 10.9 < gate.limit < 11.1
    for _ in range(10_000):
        gate.reply()
    assert gate.limit == 64


def test_no_more_are_in_flight_than_the_limit() -> None:
    """Threads beyond it wait for a slot."""
    gate = Gate(8)
    gate.limit = 3.0
    inside, most, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal inside, most
        with gate.slot():
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.01)
            with lock:
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 3


def test_where_nobody_is_served_all_wait_as_long_as_the_server_asks() -> None:
    """A slot opens only when Retry-After has passed."""
    gate = Gate(4)
    start = time.monotonic()
    thread = threading.Thread(target=gate.refusal, args=(Transient("busy", 0.3, refused=True, status=429), start, 1))
    thread.start()
    time.sleep(0.05)
    with gate.slot():
        waited = time.monotonic() - start
    thread.join()
    assert waited >= 0.3


@pytest.mark.parametrize(
    ("failure", "patience"),
    [
        (Transient("cannot be reached", refused=True), {"knocks": 0.0}),
        (Transient("busy", 0.01, refused=True, status=429), {"patience": 0.0}),
        (Transient("busy", 3600.0, refused=True, status=429), {}),
    ],
)
def test_waiting_is_bounded(failure: Transient, patience: dict[str, float]) -> None:
    """A port where nobody listens, a server that is busy for ever, or one that says "in an hour", ends the run."""
    gate = Gate(4, **patience)
    time.sleep(0.01)
    with pytest.raises(Unavailable, match="run again to continue"):
        gate.refusal(failure, time.monotonic(), 1)


def test_a_server_that_does_nothing_but_fail_is_given_up() -> None:
    """Faults in a row, far more than are in flight, end the run; a reply in between starts the count again."""
    gate = Gate(2)
    for _ in range(14):
        gate.failure(Transient("failed", status=500))
    gate.reply()
    for _ in range(14):
        gate.failure(Transient("failed", status=500))
    assert gate.error is None
    gate.failure(Transient("failed", status=500))
    assert isinstance(gate.error, Unavailable)


def test_stopping_ends_every_wait() -> None:
    """A thread that sleeps or queues raises at once what the run was stopped with."""
    gate = Gate(1)
    raised = []

    def sleep() -> None:
        with pytest.raises(CorpusTunerError, match="enough") as caught:
            gate.wait(60)
        raised.append(caught.value)

    thread = threading.Thread(target=sleep)
    thread.start()
    time.sleep(0.05)
    gate.stop(CorpusTunerError("enough"))
    thread.join(timeout=5)
    assert raised
    with pytest.raises(CorpusTunerError, match="enough"), gate.slot():
        pass


def test_backoff_doubles_and_ends() -> None:
    """Half a second, one, two, ... never over 15."""
    assert 0.37 < backoff(1) <= 0.5
    assert 1.5 <= backoff(3) <= 2.0
    assert backoff(50) <= 15
