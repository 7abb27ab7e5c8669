"""Bounds on an HTTP exchange that httpx lacks: how long it may take in all, and how many bytes may come back.

httpx bounds each read; a server that drips a byte a second, or never ends, passes that bound for ever.
"""

from __future__ import annotations

import importlib
import socket
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

MAX_BYTES = 4_000_000  # of one body; the longest honest reply (128,000 tokens as \uXXXX) is about half of it
MAX_PACKED = 40_000  # of a compressed body, although none was asked for: at most 40 MB unpacked


def package_of(client: type) -> Any:
    """httpx or httpx2, whichever the SDK's client is made of."""
    return importlib.import_module(client.__mro__[1].__module__.partition(".")[0])


class TooLong(Exception):
    """The body of a response with this `status` went past its bound."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Bounds:
    """The deadline of each thread's exchange, enforced on the client that `guard` was given."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._streams: weakref.WeakSet[_Stream] = weakref.WeakSet()

    @contextmanager
    def watching(self, seconds: float) -> Iterator[None]:
        """The exchange inside of the block ends within `seconds`, or as a timeout of the client."""
        self._local.deadline = time.monotonic() + seconds
        try:
            yield
        finally:
            self._local.deadline = None

    def left(self, timeout: float | None) -> float | None:
        """What is left of the exchange's time, at most `timeout`; never 0, which would mean "do not block"."""
        deadline = getattr(self._local, "deadline", None)
        if deadline is None:
            return timeout
        rest = max(deadline - time.monotonic(), 0.001)
        return rest if timeout is None else min(rest, timeout)

    def watched(self, stream: Any) -> _Stream:
        """A connection as one that keeps to the deadlines, and that `cut` ends."""
        found = _Stream(stream, self)
        self._streams.add(found)
        return found

    def cut(self) -> None:
        """Ends all connections: a thread that waits at one of them gets an error at once."""
        for stream in list(self._streams):
            with suppress(OSError, AttributeError):
                stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    def guard(self, client: Any) -> None:
        """Bounds an httpx (or httpx2) client that has sent nothing yet.

        The bytes by an event hook. The time where the bytes come in, the connection's stream: the pool's backend is
        no public attribute of httpx, and where it is missing each single read stays bounded.
        """
        client.event_hooks = {"request": [], "response": [_bound_body]}
        for transport in (client._transport, *client._mounts.values()):
            pool = getattr(transport, "_pool", None)
            if hasattr(pool, "_network_backend"):
                pool._network_backend = _Backend(pool._network_backend, self)


def _bound_body(response: Any) -> None:
    packed = response.headers.get("content-encoding", "identity") != "identity"
    most = MAX_PACKED if packed else MAX_BYTES
    kind = next(base for base in type(response.stream).__mro__ if base.__name__ == "SyncByteStream")
    response.stream = _bounded(kind, response.stream, most, response.status_code)


def _bounded(kind: type, stream: Any, most: int, status: int) -> Any:
    """`stream` as a stream of httpx's own kind that raises TooLong after `most` bytes."""

    class Bounded(kind):
        def __iter__(self) -> Iterator[bytes]:
            count = 0
            for part in stream:
                count += len(part)
                if count > most:
                    raise TooLong(status)
                yield part

        def close(self) -> None:
            stream.close()

    return Bounded()


class _Stream:
    """A connection whose reads and writes keep to the deadline of the thread that uses it."""

    def __init__(self, inner: Any, bounds: Bounds) -> None:
        self._inner = inner
        self._bounds = bounds

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, timeout=self._bounds.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, timeout=self._bounds.left(timeout))

    def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> _Stream:
        return self._bounds.watched(self._inner.start_tls(ssl_context, server_hostname, timeout=self._bounds.left(timeout)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class _Backend:
    """A network backend whose connections are `_Stream`s."""

    def __init__(self, inner: Any, bounds: Bounds) -> None:
        self._inner = inner
        self._bounds = bounds

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, **options: Any) -> _Stream:
        return self._bounds.watched(self._inner.connect_tcp(host, port, timeout=self._bounds.left(timeout), **options))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
