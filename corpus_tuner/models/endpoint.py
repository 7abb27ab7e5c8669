"""A Model behind any OpenAI-compatible endpoint, or several equal ones, through the openai SDK.

It knows how to ask once, and how to say what went wrong; when to ask again is its caller's business.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from corpus_tuner.access import NO_KEY, api_key, is_loopback, without_key
from corpus_tuner.errors import CorpusTunerError, Declined, Transient
from corpus_tuner.models.dialect import answered, not_understood, reduced, said
from corpus_tuner.models.failures import failure, unreachable
from corpus_tuner.models.hosts import Host, Hosts, Ticket, urls_of
from corpus_tuner.models.prices import Meter
from corpus_tuner.models.wire import Bounds, TooLong, package_of
from corpus_tuner.records import Expert, Message, Model, Reply
from corpus_tuner.store import Calls, digest


class Endpoint:
    """A Model at `base_url`: one URL, or those of several servers of the same model, which share the requests.

    The key is read from the variable `api_key_env`; it never leaves this object. `calls` records every answered exchange, and one that is
    recorded is not paid again: that of several servers under the first one's URL, whoever answered, and found under any of
    them, so that their order may change and their number grow. `concurrency` is the number of threads that will call
    `complete` at once; `meter` counts what is paid, and is asked before; `timeout` bounds one exchange from its first byte to
    its last, in seconds. Raises CorpusTunerError where the URL, the model or the key is missing.
    """

    def __init__(
        self,
        base_url: str | Sequence[str],
        api_key_env: str,
        model: str,
        calls: Calls | None = None,
        timeout: float = 120.0,
        name: str | None = None,
        *,
        concurrency: int = 64,
        meter: Meter | None = None,
    ) -> None:
        self.urls = urls_of(base_url)
        names = [urlsplit(url).hostname or "" for url in self.urls]
        if not model:
            raise CorpusTunerError(f"name the model that {names[0]} shall run")
        self.model = model
        self.name = name or model
        self.calls = calls
        self.timeout = timeout
        self.concurrency = concurrency
        self._meter = meter
        self._key_env = api_key_env
        self._key = api_key(api_key_env, next((name for name in names if not is_loopback(name)), names[0]))
        self._hosts = Hosts(self.urls)
        self._lock = threading.Lock()
        self._made: Any = None
        self._bounds = Bounds()
        self._without: frozenset[str] = frozenset()  # what the server turned out not to understand

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int = 256,
        temperature: float = 0.0,
        stop: Sequence[str] = (),
        schema: Mapping[str, Any] | None = None,
        sample: int = 0,
        attempt: int = 0,
    ) -> Reply:
        """The recorded reply, or one request's.

        The key of an exchange is the digest of what was asked for, whatever of it the server understood: what a
        server lacks is found out again in the next process, and old replies must be found before that.
        Raises Transient (ask again), Declined (this request never), CorpusTunerError (none, until the user acts).
        """
        body: dict[str, Any] = {"model": self.model, "messages": [dict(message) for message in messages]}
        body |= {"max_tokens": max_tokens, "temperature": temperature}
        if stop:
            body["stop"] = list(stop)
        if schema is not None:
            format_ = {"name": "reply", "strict": True, "schema": dict(schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": format_}
        return self._recorded(body, sample, attempt)

    def _recorded(self, body: dict[str, Any], sample: int = 0, attempt: int = 0) -> Reply:
        """What `complete` says of one request."""
        keys = [digest(url, body, sample, attempt) for url in self.urls]
        for key in keys if self.calls is not None else ():
            recorded = self.calls.get(key)
            if recorded:
                return Reply(**recorded["reply"], usage=recorded["usage"], call=key)
        told = {"sample": sample, "attempt": attempt}

        def exchange(body: dict[str, Any]) -> tuple[dict[str, Any], Reply]:
            sent, reply = self._exchange(body)
            self._record(keys[0], sent, reply, told)  # before anything else: it is paid
            return sent, reply

        _, reply = exchange(body) if self._meter is None else self._meter.pay(body, exchange)
        return replace(reply, call=keys[0])

    def _record(self, key: str, sent: dict[str, Any], reply: Reply, told: dict[str, int]) -> None:
        if self.calls is not None:
            said = {"text": reply.text, "finish_reason": reply.finish_reason}
            exchange = {"request": sent, "reply": said, "usage": dict(reply.usage), **told, "time": _now()}
            self.calls.add(key, **self._without_key({"base_url": self.urls[0], **exchange}))

    def close(self) -> None:
        """Closes the connections; an exchange under way ends as one that broke."""
        self._bounds.cut()
        with self._lock:
            if self._made is not None:
                self._made.close()
                self._made = None
                for host in self._hosts.all:
                    host.client = None

    # ---------------------------------------------------------------------------------------------------- one exchange

    def _exchange(self, body: dict[str, Any]) -> tuple[dict[str, Any], Reply]:
        """Asks one server; where it does not take the request on, or fails without charging it, each other that is up."""
        tried: list[Host] = []
        while True:
            try:
                with self._hosts.at(tried) as ticket:
                    tried.append(ticket.host)
                    return self._ask(ticket, body)
            except Transient as error:
                if not (error.refused or error.status) or not self._hosts.others(tried):
                    raise

    def _ask(self, ticket: Ticket, body: dict[str, Any]) -> tuple[dict[str, Any], Reply]:
        """Asks, and where the server does not understand a part of the request, once more without that part."""
        import openai

        host = ticket.host.name
        for _ in range(5):
            without = self._without
            sent = reduced(body, without)
            try:
                return sent, self._send(ticket, sent)
            except openai.APIStatusError as error:
                ticket.headers = error.response.headers
                missing = not_understood(error.status_code, said(error), sent)
                if missing is None or missing in without:
                    text = self._clean(said(error))[:300]
                    raise failure(error, text, ticket.host, self.model, self._key_env) from None
                self._without |= {missing}
            except openai.APITimeoutError:
                raise Transient(f"{host} did not answer within {self.timeout:g} s") from None
            except openai.APIConnectionError as error:
                raise unreachable(error, self._clean(str(error.__cause__ or error)), host) from None
            except TooLong as error:
                if error.status != 200:
                    raise Transient(f"{host} failed ({error.status}) at great length") from None
                return sent, Reply("", "too_long")
        raise Declined(f"{host} did not accept the request in any form")

    def _send(self, ticket: Ticket, body: dict[str, Any]) -> Reply:
        with self._bounds.watching(self.timeout):
            raw = self._resource(self._client(ticket.host)).with_raw_response.create(**body)
            content = raw.http_response.content
        ticket.headers = raw.http_response.headers
        try:
            found = json.loads(content)
            if "error" in found and not {"choices", "data"} & found.keys():
                raise Transient(self._clean(f"{ticket.host.name} answered with an error: {found['error']}"[:500]))
            reply = self._reply(found)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            kind = ticket.headers.get("content-type", "something")[:80]
            raise Transient(
                f"{ticket.host.name} answered with {kind} that is no {self._sort}: is {ticket.host.url} right?"
            ) from None
        ticket.tokens = sum(reply.usage.get(name, 0) for name in ("prompt_tokens", "completion_tokens"))
        return replace(reply, text=self._clean(reply.text))

    _sort = "chat completion"

    def _resource(self, client: Any) -> Any:
        """What of the SDK's client is asked, and in `_reply` what its answer says: another sort of model differs in these."""
        return client.chat.completions

    def _reply(self, found: Mapping[str, Any]) -> Reply:
        return answered(found)

    def _clean(self, text: str) -> str:
        return without_key(text, self._key)

    def _without_key(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._clean(value)
        if isinstance(value, Mapping):
            return {self._clean(name): self._without_key(item) for name, item in value.items()}
        return [self._without_key(item) for item in value] if isinstance(value, list) else value

    # ------------------------------------------------------------------------------------------------------- the client

    def _client(self, host: Host) -> Any:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            if host.client is None:
                host.client = self._made if host is self._hosts.all[0] else self._made.with_options(base_url=host.url)
            return host.client

    def _make(self) -> Any:
        import openai

        limits = package_of(openai.DefaultHttpxClient).Limits
        most = self.concurrency + 8
        pool = limits(max_connections=most, max_keepalive_connections=most, keepalive_expiry=60)
        http = openai.DefaultHttpxClient(limits=pool, headers={"Accept-Encoding": "identity"})
        self._bounds.guard(http)
        client = openai.OpenAI(
            api_key=self._key or NO_KEY, base_url=self.urls[0], max_retries=0, timeout=self.timeout, http_client=http
        )
        client.chat.completions  # noqa: B018  (imported on first use)
        return client


def open_expert(expert: Expert, root: Path, *, base: bool = False, calls: Calls | None = None) -> Model:  # noqa: ARG001
    """The tuned model of `expert` at its host; with `base` the model that it was tuned from, at the same host."""
    model = expert.base if base else expert.model
    return Endpoint(expert.base_url, expert.api_key_env, model, calls, name="base" if base else expert.name)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
