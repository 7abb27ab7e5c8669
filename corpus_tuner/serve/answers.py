"""An answer in pieces, whatever model gives it: stop sequences, white space at its ends, log probabilities."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from corpus_tuner.errors import CorpusTunerError, Declined
from corpus_tuner.models.local import LocalModel
from corpus_tuner.models.scratch import ScratchModel
from corpus_tuner.models.tokens import End, Reader, ScratchReader, Token, stream
from corpus_tuner.records import Message, Model
from corpus_tuner.serve.problem import Problem

_one_at_a_time = threading.Lock()  # a large model fills its device, and its random numbers are the process' own
LONGEST = 1024  # tokens of an answer of a model that does not say how much it can write


@dataclass(frozen=True, slots=True)
class Ask:
    """What a client asks for."""

    messages: Sequence[Message]
    max_tokens: int | None = None
    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int | None = None
    top: int | None = None  # likeliest tokens at each place; None: no log probabilities


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an answer: text and the tokens that were read for it. The last one tells why it ended."""

    text: str = ""
    tokens: tuple[Token, ...] = ()
    finish_reason: str | None = None
    usage: Mapping[str, int] = field(default_factory=dict)


def pieces(model: Model, ask: Ask) -> Iterator[Piece]:
    """The answer of `model` as it comes. Raises Problem for what this model cannot do."""
    try:
        reader = _reader(model)
        yield from _at_once(model, ask) if reader is None else _by_token(reader, ask)
    except Declined as declined:
        raise Problem(400, f"{declined}", "context_length_exceeded", "messages") from None
    except CorpusTunerError as error:
        raise Problem(500, f"{error}", "model_failed", again=False) from None


def whole(model: Model, ask: Ask, check: Callable[[], None] = lambda: None) -> Piece:
    """The whole answer. `check` is called with each piece, and ends it by what it raises."""
    found = []
    for piece in pieces(model, ask):
        check()
        found.append(piece)
    tokens = tuple(token for piece in found for token in piece.tokens)
    return Piece("".join(piece.text for piece in found), tokens, found[-1].finish_reason, found[-1].usage)


def _reader(model: Model) -> Reader | None:
    """What reads token by token for a model of ours; None for a stranger's, which answers whole."""
    if isinstance(model, ScratchModel):
        return ScratchReader(model)
    if isinstance(model, LocalModel):
        from corpus_tuner.models.local_tokens import LocalReader

        return LocalReader(model)
    return None


def _by_token(reader: Reader, ask: Ask) -> Iterator[Piece]:
    held, tokens, begun = "", [], False
    try:
        prompt = len(reader.encode(ask.messages))
    except Declined as declined:
        raise Problem(400, f"{declined}", "invalid_value", "messages") from None
    keep = max((len(mark) for mark in ask.stop), default=1) - 1
    items = stream(
        reader, ask.messages, max_tokens=ask.max_tokens, temperature=ask.temperature, top_p=ask.top_p, seed=ask.seed, top=ask.top or 0
    )
    for count, item in enumerate(items, start=1):
        if isinstance(item, End):
            yield Piece(held.rstrip(), tuple(tokens), item.finish_reason, _usage(prompt, item.completion_tokens))
            return
        if item.bytes:
            tokens.append(item)
        held = held + item.text if begun else item.text.lstrip()
        begun = begun or bool(held)
        cut = _first(held, ask.stop)
        if cut is not None:
            yield Piece(held[:cut].rstrip(), tuple(tokens), "stop", _usage(prompt, count))
            return
        sure = held[: max(0, len(held) - keep)].rstrip()  # the rest may turn out to begin a stop sequence, or to be the end
        if sure:
            yield Piece(sure, tuple(tokens))
            held, tokens = held[len(sure) :], []


def _at_once(model: Model, ask: Ask) -> Iterator[Piece]:
    """The answer of a model that gives it whole."""
    if ask.top is not None:
        raise Problem(400, "This model gives no log probabilities.", "unsupported_value", "logprobs")
    if ask.top_p < 1:
        raise Problem(400, "This model does not support 'top_p'.", "unsupported_value", "top_p")
    seed = random.getrandbits(31) if ask.seed is None else ask.seed
    with _one_at_a_time:
        reply = model.complete(
            ask.messages, max_tokens=ask.max_tokens or LONGEST, temperature=ask.temperature, stop=ask.stop, sample=seed
        )
    used = {name: int(reply.usage.get(name, 0)) for name in ("prompt_tokens", "completion_tokens")}
    reason = reply.finish_reason if reply.finish_reason in ("stop", "length", "content_filter") else "stop"
    yield Piece(reply.text, (), reason, used | {"total_tokens": sum(used.values())})


def _usage(prompt: int, completion: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _first(text: str, marks: Sequence[str]) -> int | None:
    return min((at for at in map(text.find, marks) if at >= 0), default=None)


def content_logprobs(tokens: Sequence[Token], top: int) -> dict[str, Any]:
    """Log probabilities as chat completions have them."""
    return {
        "content": [
            {**_logprob(token.bytes, token.logprob), "top_logprobs": [_logprob(*one) for one in token.top[:top]]} for token in tokens
        ],
        "refusal": None,
    }


def _logprob(token: bytes, logprob: float) -> dict[str, Any]:
    return {"token": token.decode("utf-8", "replace"), "bytes": list(token), "logprob": logprob}


def text_logprobs(tokens: Sequence[Token], top: int, start: int = 0) -> dict[str, Any]:
    """Log probabilities as the older completions have them; `start` is where in the text they begin."""
    texts = [token.bytes.decode("utf-8", "replace") for token in tokens]
    offsets = [start + sum(map(len, texts[:place])) for place in range(len(texts))]
    likely = [{found.decode("utf-8", "replace"): value for found, value in token.top[:top]} for token in tokens]
    return {
        "tokens": texts,
        "token_logprobs": [token.logprob for token in tokens],
        "top_logprobs": likely,
        "text_offset": offsets,
    }
