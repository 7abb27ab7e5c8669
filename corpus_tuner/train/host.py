"""A host that speaks OpenAI's files and fine-tuning protocol: its key, and the retries and errors of every request."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

from corpus_tuner.access import NO_KEY, api_key, retry_after, without_key
from corpus_tuner.errors import CorpusTunerError, Unavailable
from corpus_tuner.settings import check_variable

T = TypeVar("T")

ASKS = 8  # of one idempotent request: a minute in all with the waits between them
LONGEST_WAIT = 120.0  # seconds that a host may ask us to wait before we give up instead
ABSENT = (404, 405, 410, 501)  # what hosts answer that lack an object or an endpoint
MOST_PAGES = 100


class Refused(CorpusTunerError):
    """The host understood the request and will not do it; nothing was created there."""

    def __init__(self, line: str, status: int, about: str = "") -> None:
        super().__init__(line)
        self.status = status
        self.about = about  # the parameter and the words of the refusal

    @property
    def absent(self) -> bool:
        """Whether the object, or the endpoint itself, is not there."""
        return self.status in ABSENT


class CutOff(Unavailable):
    """The connection broke, or the server failed, before it answered: what was asked for may have been done."""


@dataclass(frozen=True, slots=True)
class Host:
    """One host with one key. Every request goes through `ask` (safe to repeat) or `once` (never repeated blindly)."""

    client: Any = field(repr=False)  # openai.OpenAI with max_retries=0: the retries are ours to see
    base_url: str
    key: str = field(repr=False)
    key_env: str
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def ask(self, request: Callable[[], T]) -> T:
        """The answer to an idempotent request, asked again while the host is down. Raises Refused, Unavailable."""
        for attempt in range(ASKS):
            try:
                return self._send(request)
            except CutOff as error:
                last, wait = error, min(30.0, 0.5 * 2**attempt)
            except _Later as error:
                last, wait = error, error.wait or min(30.0, 2.0**attempt)
            if attempt + 1 < ASKS:
                self.sleep(wait)
        raise Unavailable(f"{last}; run the same command again to go on")

    def once(self, request: Callable[[], T]) -> T:
        """The answer to a request that must not be done twice. Raises CutOff where that is unknown, Refused, Unavailable."""
        for attempt in range(3):
            try:
                return self._send(request)
            except _Later as error:  # 429: the host has done nothing
                last = error
                self.sleep(error.wait or 5.0 * 2**attempt)
        raise Unavailable(f"{last}; run the same command again to go on")

    def plain(self, text: Any) -> str:
        """Text of the host as one printable line of at most 500 characters, without the key, should it repeat it."""
        line = without_key(str(text or ""), self.key)
        line = "".join(character if character.isprintable() else " " for character in line)
        return " ".join(line.split())[:500]

    def _send(self, request: Callable[[], T]) -> T:
        import openai

        try:
            answer = request()
        except openai.APIStatusError as error:
            problem = self._refusal(error)
        except openai.APIConnectionError as error:
            problem = CutOff(f"no answer from {self.base_url}: {self.plain(error.__cause__ or error)}")
        except (openai.APIError, ValueError) as error:
            problem = Refused(self._stranger(type(error).__name__), 200)
        else:
            if not isinstance(answer, str | bytes):
                return answer
            problem = Refused(self._stranger("its answer is not JSON"), 200)
        raise problem  # outside of the handlers: an error's context would carry the host's words, perhaps with the key

    def _stranger(self, detail: str) -> str:
        return f"{self.base_url} does not speak OpenAI's protocol ({detail}): check base_url, which often ends in /v1"

    def _refusal(self, error: Any) -> CorpusTunerError:
        """An HTTP status as ours: whose fault it is, in one line."""
        status, code = error.status_code, str(getattr(error, "code", None) or "")
        said = self.plain(_message(error))
        if status == 401:
            return Refused(f"{self.base_url} refuses the key in {self.key_env} (401): {said}", status)
        if status == 403 and code == "training_not_available":
            line = (
                f"{self.base_url} trains no longer for this account ({said}): "
                'name another host in train.base_url, or train here with trainer = "lora"'
            )
            return Refused(line, status)
        if status == 429 and code != "insufficient_quota":
            wait = retry_after(error.response.headers) or 0.0
            if wait <= LONGEST_WAIT:
                return _Later(f"{self.base_url} asks us to slow down (429): {said}", wait)
            return Unavailable(f"{self.base_url} asks us to come back in {wait:.0f} seconds (429): {said}")
        if status == 408 or (status >= 500 and status not in ABSENT):
            return CutOff(f"{self.base_url} failed ({status}): {said}")
        return Refused(f"{self.base_url} refused ({status}): {said}", status, f"{error.param or ''} {said}")


class _Later(Unavailable):
    """429: nothing was done; `wait` is what the host asks for in seconds, 0 if it does not say."""

    def __init__(self, line: str, wait: float) -> None:
        super().__init__(line)
        self.wait = wait


def connect(base_url: str, api_key_env: str, sleep: Callable[[float], None] = time.sleep) -> Host:
    """The host at `base_url`, with the key in the environment variable `api_key_env`; a host on loopback may do without.

    Raises CorpusTunerError for an address or a key that cannot be used.
    """
    url = urlsplit(base_url)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise CorpusTunerError(f"base_url = {base_url!r} is not an http(s) address")
    if url.username or url.password:
        raise CorpusTunerError("base_url must not hold a name or password: put the key into the variable of api_key_env")
    check_variable(api_key_env, "api_key_env")
    key = api_key(api_key_env, url.hostname)
    from openai import OpenAI

    client = OpenAI(base_url=base_url, api_key=key or NO_KEY, max_retries=0, timeout=120.0)
    return Host(client, base_url.rstrip("/"), key, api_key_env, sleep)


def pages(host: Host, fetch: Callable[..., Any]) -> Iterator[list[Any]]:
    """The pages of a list, `fetch(after=...)` each, without what an earlier page had.

    The end is `has_more: false`, or a page with nothing new: a host that ignores `after` repeats its first for ever.
    """
    walked: set[str] = set()
    after: dict[str, str] = {}
    for _ in range(MOST_PAGES):
        page = host.ask(lambda after=after: fetch(**after))
        new = [item for item in getattr(page, "data", None) or [] if identity(item) not in walked]
        if not new:
            return
        yield new
        walked.update(identity(item) for item in new)
        last = getattr(new[-1], "id", None)
        if getattr(page, "has_more", None) is False or not last:
            return
        after = {"after": last}


def identity(item: Any) -> str:
    """The id of a listed object, or what else tells it from its neighbours."""
    return str(getattr(item, "id", None) or f"{getattr(item, 'created_at', '')} {getattr(item, 'message', '')}")


def _message(error: Any) -> str:
    body = error.body if isinstance(error.body, dict) else {}
    return str(body.get("message") or body.get("detail") or error.message)
