"""The servers of one model, all equal: a request goes to the least busy of those that are up."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from corpus_tuner.errors import CorpusTunerError, Transient
from corpus_tuner.models.allowance import Allowance

STRIKES = 3  # failures in a row after which a server is left out,
REST = 30.0  # for so many seconds; then one request tries it again
BUSY = 1.0  # seconds that a server is left out which is busy and does not say for how long


def urls_of(base_url: str | Sequence[str]) -> tuple[str, ...]:
    """One URL or several as a tuple, each once, without a closing slash. Raises CorpusTunerError for what is none."""
    urls = tuple(dict.fromkeys(url.rstrip("/") for url in ([base_url] if isinstance(base_url, str) else base_url)))
    for url in urls or ("",):
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise CorpusTunerError(f"base_url {url!r} is not a URL such as https://api.openai.com/v1")
    return urls


class Host:
    """One server, and how it is doing."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = urlsplit(url).netloc.rpartition("@")[2]
        self.in_flight = self.asked = self.strikes = 0
        self.out_until = 0.0
        self.allowance = Allowance()
        self.client: Any = None

    def is_up(self, now: float) -> bool:
        """Whether it may be asked; one that is tried again after its rest gets one request at a time."""
        return now >= self.out_until and (self.strikes < STRIKES or not self.in_flight)


class Ticket:
    """One request to a server: what came back of it is noted here."""

    def __init__(self, host: Host, number: int) -> None:
        self.host, self.number = host, number
        self.headers: Mapping[str, str] = {}
        self.tokens = 0


class Hosts:
    """All servers of a model; `at` picks one for a request and learns from what becomes of it."""

    def __init__(self, urls: Sequence[str]) -> None:
        self.all = tuple(map(Host, urls))
        self._lock = threading.Lock()

    @contextmanager
    def at(self, tried: Collection[Host] = ()) -> Iterator[Ticket]:
        """The least busy server besides those `tried`; where all others are left out, the one that is back first.

        Raises Transient, without anything sent, where every server said that it takes nothing for a while.
        """
        ticket = self._take([host for host in self.all if host not in tried])
        try:
            yield ticket
        except Transient as failure:
            self._back(ticket, failure)
            raise
        except BaseException:
            self._back(ticket, None)
            raise
        self._back(ticket, None)

    def others(self, tried: Collection[Host]) -> bool:
        """Whether a server is up that was not tried."""
        now = time.monotonic()
        with self._lock:
            return any(host.is_up(now) and not host.allowance.missing() for host in self.all if host not in tried)

    def _take(self, hosts: list[Host]) -> Ticket:
        now = time.monotonic()
        with self._lock:
            waits = {host: host.allowance.missing() for host in hosts}
            if all(waits.values()):
                wait, name = min((seconds, host.name) for host, seconds in waits.items())
                raise Transient(f"{name} takes no request for {wait:.1f} s, by its headers", wait, refused=True, status=429)
            free = [host for host in hosts if not waits[host]]
            up = [host for host in free if host.is_up(now)] or [min(free, key=lambda host: host.out_until)]
            host = min(up, key=lambda host: (host.in_flight, host.asked))
            host.in_flight += 1
            host.asked += 1
            return Ticket(host, host.allowance.sent())

    def _back(self, ticket: Ticket, failure: Transient | None) -> None:
        host, now = ticket.host, time.monotonic()
        with self._lock:
            host.in_flight -= 1
            host.allowance.note(ticket.number, ticket.headers, ticket.tokens)
            if failure is None:
                host.strikes = 0
            elif failure.status == 429:
                host.out_until = now + (failure.retry_after or BUSY)
            else:
                host.strikes += 1
                host.out_until = now + REST if host.strikes >= STRIKES else host.out_until
