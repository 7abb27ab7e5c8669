"""What servers of one protocol differ in: how they name a failure, and which parts of a request they understand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corpus_tuner.records import Reply


def said(error: Any) -> str:
    """What the server said about its failure."""
    body = error.body if isinstance(error.body, Mapping) else {}
    found = " ".join(str(body[name]) for name in ("message", "code", "param", "detail") if body.get(name))
    return found or str(error.message)


def reduced(body: dict[str, Any], without: frozenset[str]) -> dict[str, Any]:
    """The request without what the server does not understand."""
    sent = {name: value for name, value in body.items() if name not in without}
    if "max_tokens" in without:
        sent["max_completion_tokens"] = body["max_tokens"]
    return sent


def not_understood(status: int, said: str, sent: Mapping[str, Any]) -> str | None:
    """The part of the request that an error complains about, if it can be left out."""
    if status not in (400, 404, 422, 501):
        return None
    said = said.lower()
    words = {
        "response_format": ("response_format", "json_schema", "structured output", "guided"),
        "max_tokens": ("max_completion_tokens",),
        "temperature": ("temperature",),
        "stop": ("'stop'", "`stop`", '"stop"', "parameter: stop", " stop is"),
    }
    return next((part for part, signs in words.items() if part in sent and any(sign in said for sign in signs)), None)


def answered(found: Mapping[str, Any]) -> Reply:
    """The reply in a chat completion. Raises LookupError, TypeError or AttributeError for what is none."""
    choice = found["choices"][0]
    message = choice["message"]
    refusal = message.get("refusal")
    text = message.get("content") or refusal or ""
    if isinstance(text, list):  # content parts
        text = "".join(part.get("text", "") for part in text)
    reason = "refusal" if refusal and not message.get("content") else choice.get("finish_reason")
    return Reply(str(text), str(reason or "stop"), counted(found.get("usage")))


def counted(usage: Any) -> dict[str, int]:
    """The token counts of a reply; what is named in its details (cached_tokens, reasoning_tokens) beside the sums."""
    flat = dict(usage) if isinstance(usage, Mapping) else {}
    for name in ("prompt_tokens_details", "completion_tokens_details"):
        if isinstance(flat.get(name), Mapping):
            flat = {**flat[name], **flat}
    return {name: n for name, n in flat.items() if isinstance(n, int) and not isinstance(n, bool) and n >= 0}
