"""What clients may ask of `/v1/chat/completions` and `/v1/completions`; the rest is refused by name, never ignored."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from corpus_tuner.serve.answers import Ask
from corpus_tuner.serve.problem import Problem

Text = Annotated[str, Field(max_length=4_000_000)]

HARMLESS = {  # accepted and without effect: they change nothing in the answer that a client could see
    "user", "metadata", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "service_tier", "store",
}  # fmt: skip
NEUTRAL: dict[str, tuple[Any, ...]] = {  # what this server cannot do, and the values that ask for nothing
    "frequency_penalty": (0,), "presence_penalty": (0,), "logit_bias": ({},), "modalities": (["text"],), "tools": ([],),
    "functions": ([],), "tool_choice": ("none", "auto"), "function_call": ("none", "auto"), "response_format": ({"type": "text"},),
    "parallel_tool_calls": (True, False), "echo": (False,), "suffix": ("",),
    "audio": (), "prediction": (), "web_search_options": (), "reasoning_effort": ("none",), "verbosity": ("medium",),
    "moderation": (),
}  # fmt: skip


class Asked(BaseModel):
    """What both kinds of request have in common. Strict: a number is a number."""

    model_config = ConfigDict(extra="allow", strict=True)

    model: str
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    n: Annotated[int, Field(ge=1, le=128)] | None = None
    stop: str | Annotated[list[str], Field(max_length=4)] | None = None
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None

    def ask(self) -> Ask:
        """The request without its messages. Raises Problem for what is not supported, rather than leave it out silently."""
        neutral = NEUTRAL | {"best_of": (self.n or 1,)}
        for name, value in (self.model_extra or {}).items():
            if name in HARMLESS or value is None or (name in neutral and value in neutral[name]):
                continue
            if name in neutral:
                raise Problem(400, f"Unsupported parameter: '{name}' is not supported with this model.", "unsupported_parameter", name)
            raise Problem(400, f"Unrecognized request argument supplied: {name[:64]}", "unknown_parameter", name[:64])
        if self.stream_options is not None and not self.stream:
            raise Problem(400, "'stream_options' goes with 'stream' only.", "invalid_value", "stream_options")
        stop = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        return Ask(
            messages=(),
            max_tokens=self.max_tokens,
            temperature=self.temperature or 0.0,
            top_p=1.0 if self.top_p is None else self.top_p,
            stop=tuple(mark for mark in stop if mark),
            seed=None if self.seed is None else self.seed & 0xFFFFFFFF,
        )

    @property
    def tells_usage(self) -> bool:
        """Whether a stream ends with what was used."""
        return bool((self.stream_options or {}).get("include_usage"))


class Part(BaseModel):
    """A part of a message."""

    model_config = ConfigDict(strict=True)
    type: str
    text: Text = ""


class Message(BaseModel):
    """One message."""

    model_config = ConfigDict(strict=True)
    role: Literal["system", "developer", "user", "assistant"]
    content: Text | list[Part] | None = None

    def plain(self, place: int) -> dict[str, str]:
        """The message as text alone. Raises Problem for one that has other parts."""
        if isinstance(self.content, list):
            for part in self.content:
                if part.type != "text":
                    said = f"Only text is understood, not {part.type[:40]!r}."
                    raise Problem(400, said, "unsupported_value", f"messages[{place}].content")
            return {"role": self.role, "content": "".join(part.text for part in self.content)}
        if self.content is None and self.role != "assistant":
            raise Problem(400, "Expected a string, got null.", "invalid_type", f"messages[{place}].content")
        return {"role": self.role, "content": self.content or ""}


class Chat(Asked):
    """`/v1/chat/completions`"""

    messages: Annotated[list[Message], Field(min_length=1, max_length=2048)]
    max_completion_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None

    def ask(self) -> Ask:
        """The whole request."""
        if self.top_logprobs is not None and not self.logprobs:
            raise Problem(400, "'top_logprobs' needs 'logprobs' to be true.", "invalid_value", "top_logprobs")
        messages = tuple(message.plain(place) for place, message in enumerate(self.messages))
        if not any(message["content"].strip() for message in messages):
            raise Problem(400, "All messages are empty.", "invalid_value", "messages")
        most = self.max_completion_tokens or self.max_tokens
        return replace(super().ask(), messages=messages, max_tokens=most, top=(self.top_logprobs or 0) if self.logprobs else None)


class Complete(Asked):
    """`/v1/completions`"""

    prompt: Text | Annotated[list[Text], Field(min_length=1, max_length=128)]
    logprobs: Annotated[int, Field(ge=0, le=5)] | None = None

    def asks(self) -> list[Ask]:
        """One request for each prompt: it is read as what a user says, as prompts of a training file are."""
        prompts = [self.prompt] if isinstance(self.prompt, str) else self.prompt
        asked = replace(super().ask(), top=self.logprobs, max_tokens=self.max_tokens or 16)  # OpenAI's default
        return [replace(asked, messages=({"role": "user", "content": prompt},)) for prompt in prompts]
