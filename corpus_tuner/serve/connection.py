"""A client's connection: what uvicorn's does, and an end for one that never gets to ask."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 30.0  # for the head of a request to come in; its body has bounds of its own, see guard.py


class Connection(H11Protocol):
    """Cut where it waited a whole round for a request: so many are open at once, and a slow client must not hold one."""

    _waits_since: Any = None  # the exchange after which it was found waiting; itself, before the first
    _next_look: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins the rounds."""
        super().connection_made(transport)
        self._next_look = self.loop.call_later(HEAD_SECONDS, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the rounds, so that nothing holds what is gone."""
        self._next_look.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        waits = self.conn.their_state is h11.IDLE or self.conn.our_state is h11.DONE  # the last request may never end
        now = (self.cycle or self) if waits else None
        if now is not None and now is self._waits_since:
            self.transport.close()
            return
        self._waits_since = now
        self._next_look = self.loop.call_later(HEAD_SECONDS, self._look)

    def _should_upgrade(self) -> bool:
        """No: whoever asks for HTTP/2 or a web socket is answered in HTTP/1.1, and the log need not tell of it."""
        return False
