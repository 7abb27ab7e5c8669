"""`/v1/chat/completions` and the older `/v1/completions`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, StreamingResponse

from corpus_tuner.records import Model
from corpus_tuner.serve import body
from corpus_tuner.serve.answers import Ask, Piece, content_logprobs, pieces, text_logprobs, whole
from corpus_tuner.serve.guard import owner_of
from corpus_tuner.serve.library import Library
from corpus_tuner.serve.problem import Problem
from corpus_tuner.serve.requests import Asked, Chat, Complete
from corpus_tuner.serve.state import new_id, now

router = APIRouter(prefix="/v1")
Owner = Annotated[str, Depends(owner_of)]
LOOK = 0.3  # seconds between two looks whether a client still waits


@router.post("/chat/completions", response_model=None)
def chat(request: Request, owner: Owner, asked: Annotated[Chat, Depends(body.read(Chat))]) -> JSONResponse | StreamingResponse:
    """Answers a conversation."""
    asks = _times(asked.ask(), asked.n or 1)
    shape = _Shape("chatcmpl-", "chat.completion", asked.model, asked.top_logprobs or 0)
    if asked.stream:
        opening = {"role": "assistant", "content": "", "refusal": None}
        return _stream(request, owner, asked, asks, shape, ".chunk", lambda piece: shape.delta(piece), opening)
    return _whole(request, owner, asked, asks, shape, shape.message)


@router.post("/completions", response_model=None)
def complete(request: Request, owner: Owner, asked: Annotated[Complete, Depends(body.read(Complete))]) -> JSONResponse | StreamingResponse:
    """Continues a text, in the older protocol."""
    asks = [one for ask in asked.asks() for one in _times(ask, asked.n or 1)]
    if len(asks) > 128:
        raise Problem(400, "More than 128 answers in one request.", "invalid_value", "n")
    shape = _Shape("cmpl-", "text_completion", asked.model, asked.logprobs or 0)
    if asked.stream:
        return _stream(request, owner, asked, asks, shape, "", shape.text, None)
    return _whole(request, owner, asked, asks, shape, shape.text)


def _times(ask: Ask, count: int) -> list[Ask]:
    return [ask if number == 0 or ask.seed is None else replace(ask, seed=ask.seed + number) for number in range(count)]


class _Shape:
    """One response in OpenAI's shape."""

    def __init__(self, prefix: str, kind: str, model: str, top: int) -> None:
        self.head = {"id": new_id(prefix), "object": kind, "created": now(), "model": model}
        self._top, self._offset = top, 0

    def message(self, piece: Piece, wants: bool) -> dict[str, Any]:
        """A choice of a chat completion."""
        said = {"role": "assistant", "content": piece.text, "refusal": None, "annotations": []}
        logprobs = content_logprobs(piece.tokens, self._top) if wants else None
        return {"message": said, "logprobs": logprobs, "finish_reason": piece.finish_reason}

    def delta(self, piece: Piece, wants: bool = False) -> dict[str, Any]:
        """A choice of a chunk of a chat completion."""
        logprobs = content_logprobs(piece.tokens, self._top) if wants else None
        return {"delta": {"content": piece.text} if piece.text else {}, "logprobs": logprobs, "finish_reason": piece.finish_reason}

    def text(self, piece: Piece, wants: bool = False) -> dict[str, Any]:
        """A choice of a completion, or of a chunk of one."""
        logprobs = text_logprobs(piece.tokens, self._top) if wants else None
        return {"text": piece.text, "logprobs": logprobs, "finish_reason": piece.finish_reason}


Choice = Callable[..., dict[str, Any]]


def _whole(request: Request, owner: str, asked: Asked, asks: list[Ask], shape: _Shape, choice: Choice) -> JSONResponse:
    release = _take(request)
    try:
        model = _open(request, owner, asked.model)
        check = _leaving(request)
        found = [whole(model, ask, check) for ask in asks]
    finally:
        release()
    choices = [{"index": place, **choice(piece, ask.top is not None)} for place, (piece, ask) in enumerate(zip(found, asks))]
    return JSONResponse({**shape.head, "choices": choices, "usage": _sum(found), "system_fingerprint": "corpus-tuner"})


def _leaving(request: Request) -> Callable[[], None]:
    """A function that raises Problem once the client has left, having given up or asked again: nobody reads its answer."""
    from anyio import from_thread

    looked = time.monotonic()

    def check() -> None:
        nonlocal looked
        if time.monotonic() - looked > LOOK:
            looked = time.monotonic()
            if from_thread.run(request.is_disconnected):
                raise Problem(408, "The client left before it was answered.", again=False)

    return check


def _sum(found: list[Piece]) -> dict[str, int]:
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    return {name: sum(piece.usage.get(name, 0) for piece in found) for name in names}


def _stream(
    request: Request, owner: str, asked: Asked, asks: list[Ask], shape: _Shape, kind: str, choice: Choice, opening: Any
) -> StreamingResponse:
    """Server-sent events. What is wrong with the request is said before the stream begins."""
    release = _take(request)
    try:
        model = _open(request, owner, asked.model)
        running = [pieces(model, ask) for ask in asks]
        first = [next(one) for one in running]
    except BaseException:
        release()
        raise
    head = {**shape.head, "object": shape.head["object"] + kind, "system_fingerprint": "corpus-tuner"}
    more = {"usage": None} if asked.tells_usage else {}

    def lines() -> Iterator[str]:
        ended = []
        try:
            for place, (one, ask) in enumerate(zip(running, asks)):
                if opening is not None:
                    yield _line({**head, "choices": [_opening(place, opening)], **more})
                piece = first[place]
                while True:
                    yield _line({**head, "choices": [{"index": place, **choice_of(piece, ask)}], **more})
                    if piece.finish_reason is not None:
                        break
                    piece = next(one)
                ended.append(piece)
            if asked.tells_usage:
                yield _line({**head, "choices": [], "usage": _sum(ended)})
            yield "data: [DONE]\n\n"
        except Problem as problem:  # too late for a status: the SDK raises this one, too
            yield _line(problem.body)

    def choice_of(piece: Piece, ask: Ask) -> dict[str, Any]:
        return (shape.delta if opening is not None else choice)(piece, ask.top is not None)

    return _Stream(lines(), release)


class _Stream(StreamingResponse):
    """Server-sent events that give their place back however they end, a client that leaves early included."""

    def __init__(self, lines: Iterator[str], release: Callable[[], None]) -> None:
        super().__init__(lines, media_type="text/event-stream", headers={"Cache-Control": "no-cache"})
        self._release = release

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._release()


def _opening(place: int, delta: Any) -> dict[str, Any]:
    return {"index": place, "delta": delta, "logprobs": None, "finish_reason": None}


def _line(value: Any) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"


def _open(request: Request, owner: str, name: str) -> Model:
    library: Library = request.app.state.library
    return library.open(library.find(owner, name))


def _take(request: Request) -> Callable[[], None]:
    """Counts an answer as under way until what it returns is called. Raises Problem (429) where there are too many."""
    places = request.app.state.answering
    if not places.acquire(blocking=False):
        raise Problem(429, "The server is answering as many requests as it can: try again shortly.", "rate_limit_exceeded")
    return places.release
