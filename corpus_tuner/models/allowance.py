"""What a server said it will still take: the rate-limit headers of OpenAI's protocol, which most hosts repeat."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


@dataclass(slots=True)
class _Room:
    """How much is left, until when, and how much there is again after that; None where nothing was said."""

    left: float | None = None
    until: float = 0.0
    whole: float | None = None

    def missing(self, needed: float, now: float) -> float:
        """Seconds until `needed` fits."""
        if self.left is not None and now >= self.until:
            self.left = self.whole
        return max(0.0, self.until - now) if self.left is not None and self.left < needed else 0.0


class Allowance:
    """Requests and tokens that one server still takes. Not safe for threads by itself: its owner holds a lock.

    A header speaks of the moment when the server took its request on, so what was sent after that is taken off. Tokens
    of a request to come are taken to be the mean of those before.
    """

    def __init__(self) -> None:
        self._requests, self._tokens = _Room(), _Room()
        self._sent = self._replies = self._used = 0

    def sent(self) -> int:
        """Notes a request about to be sent; returns its number."""
        self._sent += 1
        for room, needed in self._needs():
            if room.left is not None:
                room.left -= needed
        return self._sent

    def missing(self) -> float:
        """Seconds until a further request fits, by what the server said last; 0: now."""
        now = time.monotonic()
        return max(room.missing(needed, now) for room, needed in self._needs())

    def note(self, number: int, headers: Mapping[str, str], tokens: int) -> None:
        """Reads the headers of the answer to request `number`, which used `tokens`."""
        self._replies += tokens > 0
        self._used += tokens
        now, since = time.monotonic(), self._sent - number
        for name, (room, needed) in zip(("requests", "tokens"), self._needs()):
            left, reset = (_amount(headers.get(f"x-ratelimit-{part}-{name}", "")) for part in ("remaining", "reset"))
            if left is not None and reset is not None:
                room.left, room.until = left - since * needed, now + reset
                room.whole = _amount(headers.get(f"x-ratelimit-limit-{name}", ""))

    def _needs(self) -> tuple[tuple[_Room, float], tuple[_Room, float]]:
        return (self._requests, 1.0), (self._tokens, self._used / self._replies if self._replies else 1.0)


def _amount(said: str) -> float | None:
    """A number, or seconds of a duration such as `6m0s`, `1.5s`, `20ms`; None for anything else."""
    said = said.strip().lower()
    parts = _DURATION.findall(said)
    if parts and "".join(number + unit for number, unit in parts) == said:
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    return float(said) if re.fullmatch(r"\d{1,15}(?:\.\d{1,9})?", said) else None
