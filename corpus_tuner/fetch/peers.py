"""Connections that look at whom they reached before they say a word, and that end by a deadline."""

from __future__ import annotations

import ipaddress
import socket
import threading
from contextlib import suppress
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from corpus_tuner.errors import CorpusTunerError


class Guard:
    """Lets connections into one's own network pass only where the first of all led there, the one that the user named; and
    those to link-local addresses, where clouds keep a machine's keys, only where the first was one.

    What counts is the address of the connected peer, so that a public name that resolves to a private address, now or
    on a later request, is refused too.
    """

    def __init__(self) -> None:
        self._first: int | None = None

    def check(self, host: str, connected: socket.socket) -> None:
        """Raises CorpusTunerError, with the socket closed, for a peer further inside one's own network than the first."""
        inside = _inside(_address(connected.getpeername()[0]))
        if self._first is None:
            self._first = inside
        if inside > self._first:
            connected.close()
            raise CorpusTunerError(f"{host} leads to an address inside your own network: not followed")


def _inside(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> int:
    """0: public; 1: of a network or machine of one's own; 2: link-local."""
    return 2 if address.is_link_local else int(not address.is_global)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address, of an IPv4 one that is written as IPv6 the plain form."""
    address = ipaddress.ip_address(text.partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address


class GuardedAdapter(HTTPAdapter):
    """Connections of a requests session under a Guard; `seconds` is the longest that one exchange may take, from the
    request to the last byte of the answer, whatever drips in between."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._guard = Guard()
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Hands the pools connections of our own."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _pools(self._guard, self.seconds)


class _Guarded:
    """What both kinds of connection do besides."""

    guard: Guard
    seconds: float
    _timer: threading.Timer | None = None
    _is_late = False

    def _new_conn(self) -> socket.socket:
        connected = super()._new_conn()  # type: ignore[misc]
        self.guard.check(self.host, connected)  # type: ignore[attr-defined]
        return connected

    def getresponse(self) -> Any:
        if self._timer:  # of the exchange before, on a connection that was kept
            self._timer.cancel()
        self._is_late = False
        self._timer = threading.Timer(self.seconds, self._cut, [self.sock])  # type: ignore[attr-defined]
        self._timer.daemon = True
        self._timer.start()
        answer = super().getresponse()  # type: ignore[misc]
        if self._is_late:  # the cut looks like the end of the headers
            raise TimeoutError
        return answer

    def _cut(self, connected: Any) -> None:
        """Ends the connection from outside: whoever reads from it is told that it is closed."""
        self._is_late = True
        with suppress(OSError, AttributeError):  # it ended by itself
            connected.shutdown(socket.SHUT_RDWR)


def _pools(guard: Guard, seconds: float) -> dict[str, Any]:
    """By scheme the class of pool whose connections are held by `guard` and `seconds`."""
    kinds = {"http": (HTTPConnectionPool, HTTPConnection), "https": (HTTPSConnectionPool, HTTPSConnection)}
    found = {}
    for scheme, (pool, connection) in kinds.items():
        guarded = type(f"Guarded{connection.__name__}", (_Guarded, connection), {"guard": guard, "seconds": seconds})
        found[scheme] = type(f"Guarded{pool.__name__}", (pool,), {"ConnectionCls": guarded})
    return found
