"""A polite HTTP client: it says who asks, waits when told to, gives up after a while, and bounds what it reads."""

from __future__ import annotations

import ipaddress
import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

import requests
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)
from urllib3 import Retry
from urllib3.exceptions import HTTPError, InvalidHeader

from corpus_tuner.errors import CorpusTunerError, Transient, Unavailable
from corpus_tuner.fetch.line import one_line
from corpus_tuner.fetch.peers import GuardedAdapter

T = TypeVar("T")
Hop = Callable[[str, str], None]
"""Called with the URL that redirects and the one where it leads."""

HOME = "https://pypi.org/project/corpus-tuner/"
BUSY = frozenset((429, 500, 502, 503, 504))
REDIRECTS = 5
CHUNK = 1 << 16
_CAUSES = {
    "NameResolutionError": "no such host, or no network",
    "NewConnectionError": "connection refused",
    "ConnectTimeoutError": "no answer in time",
    "ReadTimeoutError": "no answer in time",
}


@dataclass(frozen=True, slots=True)
class Response:
    """What a server answered, redirects followed."""

    url: str
    status: int
    body: bytes
    retry_after: float | None  # seconds, from Retry-After
    headers: Mapping[str, str] = field(default_factory=dict)  # without regard to case


def user_agent(contact: str) -> str:
    """The User-Agent that https://foundation.wikimedia.org/wiki/Policy:User-Agent_policy asks for: client/version
    (where to read about it; whom to ask). Raises CorpusTunerError for a contact that cannot stand in a header."""
    if not re.fullmatch(r"[\x20-\x7e]*", contact):
        raise CorpusTunerError(f"corpus.contact = {contact!r} must be an e-mail address or a URL in plain ASCII")
    try:
        number = version("corpus-tuner")
    except PackageNotFoundError:
        number = "0"
    return f"corpus-tuner/{number} ({'; '.join(filter(None, (HOME, contact.strip())))})"


class Client:
    """GET with retries. `attempts` counts the first; `pause` is the first wait in seconds, doubled with each retry;
    a server that asks for a wait above `longest` is taken at its word and not waited for; `adapter` makes the connections."""

    def __init__(
        self,
        agent: str,
        *,
        attempts: int = 4,
        pause: float = 1.0,
        longest: float = 120.0,
        timeout: tuple[float, float] = (10.0, 60.0),
        max_bytes: int = 16 << 20,
        adapter: GuardedAdapter | None = None,
    ) -> None:
        self._session = requests.Session()
        self._exchange = adapter.seconds if adapter else math.inf
        for scheme in ("http://", "https://") if adapter else ():
            self._session.mount(scheme, adapter)
        self._session.headers["User-Agent"] = agent
        self._attempts, self._longest, self._timeout, self._max_bytes = attempts, longest, timeout, max_bytes
        self._backoff = wait_exponential(multiplier=pause, max=30 * pause) + wait_random(0, pause)

    def get(self, url: str, *, head: int = 0, headers: Mapping[str, str] | None = None, hop: Hop | None = None) -> Response:
        """`once`, patiently; a server that stays busy raises Unavailable."""
        return self.patiently(lambda: self.once(url, head=head, headers=headers, hop=hop))

    def patiently(self, ask: Callable[[], T]) -> T:
        """The result of `ask`, called again while it raises Transient. Raises Unavailable when that does not pass."""
        retrying = Retrying(
            retry=retry_if_exception_type(Transient),
            stop=stop_after_attempt(self._attempts),
            wait=self._wait,
            reraise=True,
        )
        try:
            return retrying(ask)
        except Transient as fault:
            raise Unavailable(f"{fault} (asked {self._attempts} times): run the same command again later") from fault

    def _wait(self, state: RetryCallState) -> float:
        fault = state.outcome.exception() if state.outcome else None
        asked = (fault.retry_after if isinstance(fault, Transient) else None) or 0.0
        if asked > self._longest:
            raise Unavailable(f"{fault} (it asks to wait {asked:.0f} s): run the same command again later") from fault
        return max(asked, self._backoff(state))

    def once(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        *,
        head: int = 0,
        headers: Mapping[str, str] | None = None,
        hop: Hop | None = None,
    ) -> Response:
        """One GET, at most five redirects followed. `head` > 0 reads only so many bytes of the body; `hop` may refuse a
        redirect, by raising, before it is followed.

        Raises Transient for a fault that may pass (429, 5xx, no connection, a cut answer), Unavailable for a broken
        certificate, CorpusTunerError for a URL that cannot be asked, a redirect that is not safe, and an answer
        above `max_bytes`.
        """
        for _ in range(REDIRECTS + 1):
            reply, target = self._ask(url, params, head, headers)
            if reply is not None:
                return reply
            _check_hop(url, target)
            if hop:
                hop(url, target)
            url, params = target, None
        raise CorpusTunerError(f"{one_line(url)}: more than {REDIRECTS} redirects: give the URL where they end")

    def _ask(
        self, url: str, params: Mapping[str, str] | None, head: int, headers: Mapping[str, str] | None
    ) -> tuple[Response | None, str]:
        """(the answer, "") or (None, the absolute URL of a redirect)."""
        host, started = urlsplit(url).netloc, time.monotonic()
        try:
            with self._session.get(
                url, params=params, headers=headers, timeout=self._timeout, allow_redirects=False, stream=True
            ) as reply:
                after = _seconds(reply.headers.get("Retry-After"))
                if reply.status_code in BUSY:
                    raise Transient(f"{host} answers {reply.status_code} {one_line(reply.reason)}", after)
                target = self._session.get_redirect_target(reply)
                if target:
                    return None, urljoin(reply.url, target)
                return Response(reply.url, reply.status_code, self._body(reply, host, head, started), after, reply.headers), ""
        except requests.exceptions.SSLError as error:
            raise Unavailable(f"no safe connection to {host}: {one_line(getattr(error.args[0], 'reason', error))}") from error
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            raise Transient(f"cannot reach {host} ({_cause(error)})") from error
        except (requests.RequestException, UnicodeError, ValueError) as error:
            raise CorpusTunerError(f"{one_line(url)} cannot be fetched: {one_line(error)}") from error

    def _body(self, reply: requests.Response, host: str, head: int, started: float) -> bytes:
        """The body, decompressed; it must arrive whole within twice the read timeout after its first byte, and within
        the time that the adapter gives to an exchange that `started` then."""
        deadline = min(time.monotonic() + 2 * self._timeout[1], started + self._exchange)
        body = bytearray()
        try:
            while piece := reply.raw.read1(CHUNK, decode_content=True):
                body += piece
                if head and len(body) >= head:
                    return bytes(body[:head])
                if len(body) > self._max_bytes:
                    raise CorpusTunerError(f"{host} answers with more than {self._max_bytes >> 20} MiB: too large for a page")
                if time.monotonic() > deadline:
                    break
        except HTTPError as error:
            raise Transient(f"{host} broke off its answer ({_cause(error)})") from error
        if time.monotonic() > deadline:  # an adapter that cut the connection leaves what looks like an end
            raise Transient(f"{host} sends too slowly")
        return bytes(body)


def _seconds(header: str | None) -> float | None:
    """Retry-After in seconds (RFC 9110, 10.2.3: a number or a date); None where absent or unreadable."""
    try:
        return max(0.0, float(Retry().parse_retry_after(header))) if header else None
    except (InvalidHeader, ValueError, OverflowError):
        return None


def _cause(error: BaseException) -> str:
    """The innermost reason of a failed connection in words, or by the name of its class."""
    inner = error.args[0] if error.args else error
    reason = getattr(inner, "reason", None) or (inner if isinstance(inner, BaseException) else error)
    return _CAUSES.get(type(reason).__name__, type(reason).__name__)


def _check_hop(source: str, target: str) -> None:
    """Raises CorpusTunerError for a redirect that leaves HTTP, drops encryption, or leads from outside into this network."""
    start, end = urlsplit(source), urlsplit(target)
    if end.scheme not in ("http", "https") or (start.scheme == "https" and end.scheme == "http"):
        raise CorpusTunerError(f"{start.netloc} redirects to {one_line(target)}, which is not safe to follow")
    if is_local(end.hostname) and not is_local(start.hostname):
        raise CorpusTunerError(f"{start.netloc} redirects to {one_line(target)}, inside your own network: not followed")


def is_local(host: str | None) -> bool:
    """Whether `host` is written as a machine of one's own network: localhost, or an address that is not public."""
    try:
        return not ipaddress.ip_address(host or "").is_global
    except ValueError:
        return (host or "").lower().rstrip(".").endswith("localhost")
