"""What stands before every request: who asks, from where, how much and how long; and a name for each exchange."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request

from corpus_tuner.serve import keys
from corpus_tuner.serve.config import Config
from corpus_tuner.serve.problem import Problem
from corpus_tuner.serve.state import State, new_id

SLACK = 64 * 1024  # bytes of a form around its file
DRAIN = 2  # times its bound that a body may be before the connection is cut instead of answered
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def owner_of(request: Request) -> str:
    """The name of the key that a request carries; nobody's while there are no keys. Raises Problem (401)."""
    state: State = request.app.state.state
    if not keys.are_there(state):
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

    def __init__(self, app: Any, config: Config, loopback: bool) -> None:
        self.app, self.config, self.loopback = app, config, loopback

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answers, or lets the application answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, name = time.perf_counter(), new_id("req_")
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                spent = round(1000 * (time.perf_counter() - started))
                added = {"x-request-id": name, "openai-processing-ms": str(spent), "x-content-type-options": "nosniff"}
                message["headers"] = [*message["headers"], *((k.encode(), v.encode()) for k, v in added.items())]
            await send(message)

        try:
            self._check_origin(headers)
            body = _Body(receive, self._bound(scope), self._seconds(scope))
            if int(headers.get("content-length") or 0) > body.bound:
                await body.drain()
            await self.app(scope, body.receive, sending)
        except Problem as problem:
            await answer(problem, sending)
        except ValueError:
            await answer(Problem(400, "The length of the request is not a number.", "invalid_header"), sending)

    def _check_origin(self, headers: dict[str, str]) -> None:
        """A page of another site must not speak to us through its visitor's browser."""
        host = headers.get("host", "")
        if self.loopback and not keyless_host(host):
            raise Problem(403, "This server answers to its loopback address only.", "forbidden_host")
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            raise Problem(403, "Requests from pages of other sites are refused.", "forbidden_origin")

    def _bound(self, scope: Message) -> int:
        return self.config.upload_bytes + SLACK if _is_upload(scope) else self.config.request_bytes

    def _seconds(self, scope: Message) -> float:
        return self.config.upload_seconds if _is_upload(scope) else self.config.request_seconds


def keyless_host(host: str) -> bool:
    """Whether a Host header names this machine's own loopback."""
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    return name.lower() in LOOPBACK


def _is_upload(scope: Message) -> bool:
    return scope["method"] == "POST" and scope["path"].rstrip("/") == "/v1/files"


class _Body:
    """A body on its way in, counted and timed."""

    def __init__(self, receive: Receive, bound: int, seconds: float) -> None:
        self._receive, self.bound, self._seconds = receive, bound, seconds
        self._size, self._whole = 0, False
        self._until = time.monotonic() + seconds

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
        raise Problem(413, f"Maximum content size limit ({self.bound}) exceeded.", "content_too_large", again=False)


async def answer(problem: Problem, send: Send) -> None:
    """Sends a problem as the whole response."""
    body = json.dumps(problem.body).encode()
    headers = {"content-type": "application/json", "content-length": str(len(body)), **problem.headers}
    if problem.status in (408, 413):
        headers["connection"] = "close"
    start = {"type": "http.response.start", "status": problem.status}
    await send({**start, "headers": [(name.encode(), value.encode()) for name, value in headers.items()]})
    await send({"type": "http.response.body", "body": body})
