"""What stands before every request: who asks, from where, how much and how long; and a name for each exchange."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from fastapi import Request

from corpus_tuner.serve import keys, origin
from corpus_tuner.serve.config import Config
from corpus_tuner.serve.problem import Problem
from corpus_tuner.serve.state import State, new_id

SLACK = 64 * 1024  # bytes of a form around its file
DRAIN = 2  # times its bound that a body may be before the connection is cut instead of answered

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def owner_of(request: Request) -> str:
    """The name of the key that a request carries; nobody's while there are no keys. Raises Problem (401).

    A server that began with keys goes on to want one when the last is revoked: it may be open to others.
    """
    state: State = request.app.state.state
    if not request.app.state.keyed and not keys.are_there(state):
        return keys.NOBODY
    kind, _, key = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not key.strip():
        raise Problem(401, "You didn't provide an API key: send it as 'Authorization: Bearer KEY'.")
    owner = keys.owner(state, key.strip())
    if owner is None:
        raise Problem(401, "Incorrect API key provided.", "invalid_api_key")
    return owner


class Guard:
    """ASGI middleware. It must not wait for a whole body: it counts and times one while it passes."""

    def __init__(self, app: Any, config: Config, keyed: bool) -> None:
        self.app, self.config, self.keyed = app, config, keyed

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answers, or lets the application answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope = _plain(scope)
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        sending = _named(send, {})
        try:
            origin.check(headers, self.keyed)
            sending = _named(send, origin.shared(scope["path"], headers))
            if origin.is_preflight(scope["method"], headers):
                await _send(sending, 204, origin.preflight(headers))
                return
            _check_coding(headers.get("content-encoding", "identity"))
            body = _Body(receive, self._bound(scope), self._seconds(scope))
            await body.announced(headers)
            await self.app(scope, body.receive, sending)
        except Problem as problem:
            await answer(problem, sending)

    def _bound(self, scope: Message) -> int:
        return self.config.upload_bytes + SLACK if _is_upload(scope) else self.config.request_bytes

    def _seconds(self, scope: Message) -> float:
        return self.config.upload_seconds if _is_upload(scope) else self.config.request_seconds


def _plain(scope: Message) -> Message:
    """The request as the application is to see it: slashes doubled or at the end of a path mean nothing, as clients put
    them there when they join a base and a path; HEAD is GET, the server leaves its body out."""
    path = re.sub("/{2,}", "/", scope["path"]).rstrip("/") or "/"
    return {**scope, "path": path, "method": "GET" if scope["method"] == "HEAD" else scope["method"]}


def _check_coding(coding: str) -> None:
    """A body that is packed could unpack to any size: none is taken."""
    if coding.lower() != "identity":
        said = f"Unsupported content encoding: {coding[:100]!r}. Send the body as it is."
        raise Problem(415, said, "unsupported_content_encoding")


def _named(send: Send, more: Mapping[str, str]) -> Send:
    """`send`, with a name for the exchange, how long it took, and `more` among the headers."""
    started, name = time.perf_counter(), new_id("req_")

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            spent = round(1000 * (time.perf_counter() - started))
            added = {"x-request-id": name, "openai-processing-ms": str(spent), "x-content-type-options": "nosniff", **more}
            message["headers"] = [*message["headers"], *_encoded(added)]
        await send(message)

    return sending


def _is_upload(scope: Message) -> bool:
    return scope["method"] == "POST" and scope["path"] == "/v1/files"


class _Body:
    """A body on its way in, counted and timed."""

    def __init__(self, receive: Receive, bound: int, seconds: float) -> None:
        self._receive, self.bound, self._seconds = receive, bound, seconds
        self._size, self._whole = 0, False
        self._until = time.monotonic() + seconds

    async def announced(self, headers: Mapping[str, str]) -> None:
        """Raises Problem (413) for a body that is said to be too long: at once, where the client waits to hear."""
        if int(headers.get("content-length", 0)) > self.bound:  # the server has seen to it that it is a number
            if headers.get("expect", "").lower() == "100-continue":
                raise self._too_long()
            await self.drain()

    async def receive(self) -> Message:
        """The next piece. Raises Problem for a body that is too long or too slow."""
        if self._whole:  # what comes now tells of the client's leaving, and may take as long as it likes
            return await self._receive()
        message = await self._piece()
        if self._size > self.bound:
            await self.drain()
        return message

    async def _piece(self) -> Message:
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, self._until - time.monotonic()))
        except TimeoutError:
            raise Problem(408, f"The request took longer than {self._seconds:g} s to come in.", "request_timeout", again=False) from None
        self._size += len(message.get("body", b""))
        self._whole = not message.get("more_body") or message["type"] == "http.disconnect"
        return message

    async def drain(self) -> None:
        """Reads on without keeping anything, so that the client hears why, then raises Problem (413)."""
        while not self._whole and self._size <= DRAIN * self.bound:
            await self._piece()
        raise self._too_long()

    def _too_long(self) -> Problem:
        return Problem(413, f"Maximum content size limit ({self.bound}) exceeded.", "content_too_large", again=False)


async def answer(problem: Problem, send: Send) -> None:
    """Sends a problem as the whole response."""
    body = json.dumps(problem.body).encode()
    headers = {"content-type": "application/json", "content-length": str(len(body)), **problem.headers}
    if problem.status in (408, 413):
        headers["connection"] = "close"
    await _send(send, problem.status, headers, body)


async def _send(send: Send, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
    await send({"type": "http.response.start", "status": status, "headers": _encoded(headers)})
    await send({"type": "http.response.body", "body": body})


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
