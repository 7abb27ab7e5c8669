"""A visitor to web sites: it keeps to robots.txt, to a pace and to bounds, and never leaves the place it was sent to."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.fetch import links
from corpus_tuner.fetch.client import Client, Response, is_local
from corpus_tuner.fetch.line import one_line
from corpus_tuner.fetch.robots import Robots
from corpus_tuner.records import Document


class Away(CorpusTunerError):
    """A page that this visit may not have: elsewhere, or closed by robots.txt."""


class Spent(CorpusTunerError):
    """The visit has received all the bytes that it may."""


class Visitor:
    """Fetches pages for one source. `base` is the origin that it stays at, "" before the first answer has told it."""

    def __init__(self, client: Client, delay: float, max_bytes: int) -> None:
        self._client, self._delay, self._left = client, delay, max_bytes
        self._robots: dict[str, Robots] = {}
        self._last = -1e9
        self.base = ""

    def get(self, url: str, known: Document | None = None) -> Response:
        """The answer for `url`, redirects followed; its status is 304 where `known` is still what the server has.

        Raises Away for what robots.txt closes and, once there is a `base`, for another origin; Spent when the bound of
        bytes is reached; and what `Client.once` raises.
        """
        if self._left <= 0:
            raise Spent("the bound of bytes is reached: raise max_megabytes")
        self._permit(url)
        self._pause(url)
        answer = self._client.get(url, headers=_conditions(known), hop=self._hop)
        self._left -= len(answer.body)
        return answer

    def robots(self, base: str) -> Robots:
        """The rules of an origin, asked for once."""
        if base not in self._robots:
            self._robots[base] = Robots(self._client, base)
        return self._robots[base]

    def own_scheme(self, url: str) -> str:
        """`url`; a plain one of a site that we know under https means its encrypted twin."""
        return "https" + url[4:] if url.startswith("http:") and f"https{links.origin(url)[4:]}" == self.base else url

    def _hop(self, _source: str, target: str) -> None:
        url = links.normal(target)
        if not url:
            raise Away(f"redirects to {one_line(target)}, which is no web address")
        self._permit(url)

    def _permit(self, url: str) -> None:
        base = links.origin(url)
        if self.base and base != self.base:
            raise Away(f"leads out of {self.base}, to {base}: not followed")
        if not self.robots(base).allows(url):
            raise Away(f"{base}/robots.txt does not allow {one_line(url)} to be fetched by programs")

    def _pause(self, url: str) -> None:
        """Waits until the next request is due; a server on this very machine is not waited for unless it asks."""
        base = links.origin(url)
        host = base.partition("://")[2].rpartition(":")[0] or base.partition("://")[2]
        pace = max(self.robots(base).delay, 0.0 if is_local(host.strip("[]")) else self._delay)
        time.sleep(max(0.0, self._last + pace - time.monotonic()))
        self._last = time.monotonic()


def validator(answer: Response) -> str:
    """What pins the state of a page: its ETag, or the time of its last change; "" where the server gives neither."""
    return answer.headers.get("ETag", "").strip()[:300] or answer.headers.get("Last-Modified", "").strip()[:60]


def _conditions(known: Document | None) -> Mapping[str, str]:
    """The headers that spare us an unchanged page (RFC 9110, 13.1)."""
    if known is None:
        return {}
    if known.revision.startswith(('"', 'W/"')):
        return {"If-None-Match": known.revision}
    try:
        parsedate_to_datetime(known.revision)
    except ValueError:
        return {}
    return {"If-Modified-Since": known.revision}
