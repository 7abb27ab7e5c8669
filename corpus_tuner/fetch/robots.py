"""robots.txt (RFC 9309), read by Protego."""

from __future__ import annotations

import re
from typing import Any

from corpus_tuner.fetch.client import Client, Response

NAME = "corpus-tuner"  # the product token of our User-Agent
MAX_BYTES = 512 << 10  # RFC 9309, 2.5: at least 500 KiB are read
WILDCARDS = 4  # a rule with more is cut at the last allowed: matching many takes a regular expression long
LONGEST_DELAY = 60.0


class Robots:
    """The rules of one origin. Without a robots.txt (4xx) everything is allowed; Unavailable where the server cannot be
    asked, as a crawler may then fetch nothing (2.3.1.4)."""

    def __init__(self, client: Client, origin: str) -> None:
        self._rules = _parsed(_fetched(client, origin))

    def allows(self, url: str) -> bool:
        """Whether the page may be fetched."""
        return bool(self._rules.can_fetch(url, NAME))

    @property
    def delay(self) -> float:
        """The seconds between two requests that the site asks for, at most `LONGEST_DELAY`."""
        delay = self._rules.crawl_delay(NAME) or 0.0
        rate = self._rules.request_rate(NAME)
        return min(max(delay, rate.seconds / rate.requests if rate and rate.requests else 0.0), LONGEST_DELAY)

    @property
    def sitemaps(self) -> list[str]:
        """The sitemaps that it names."""
        return list(self._rules.sitemaps)


def _fetched(client: Client, origin: str) -> bytes:
    answer: Response = client.get(f"{origin}/robots.txt", head=MAX_BYTES)
    return answer.body if answer.status == 200 else b""


def _parsed(body: bytes) -> Any:
    from protego import Protego

    return Protego.parse("\n".join(_tame(line) for line in body.decode("utf-8-sig", "replace").splitlines()))


def _tame(line: str) -> str:
    """A rule with too many wildcards, cut to a wider Disallow; an Allow of that sort is dropped."""
    if line.count("*") <= WILDCARDS:
        return line[:2000]
    if not re.match(r"\s*disallow\s*:", line, re.IGNORECASE):
        return ""
    return "*".join(line.split("*")[:WILDCARDS])
