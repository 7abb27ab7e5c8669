"""Who looks on at the command line: bars where a person watches, plain lines in a log, both on stderr."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping
from typing import Any

EVERY = 10.0
"""Seconds between two lines of one stage in a log."""
BLINK = 0.1
"""Seconds between two pictures of a bar: it is drawn again even where nothing was done, as the note may have changed."""


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def harmless(text: str) -> str:
    """`text` without the characters by which a document, a title or a reply could command a terminal; lines and tabs stay."""
    return _CONTROL.sub("\ufffd", text)


def told(counts: Mapping[str, float]) -> str:
    """The counts of a stage for a person: "1 document, 23 rejects"."""
    return ", ".join(f"{count:,} {what.removesuffix('s') if count == 1 else what}" for what, count in counts.items())


def watcher() -> Lines:
    """Bars on a terminal, lines elsewhere."""
    return Bars() if sys.stderr.isatty() else Lines()


class Lines:
    """A line when a stage begins to take long, and one when it ends."""

    def __init__(self) -> None:
        self._stage, self._said = "", 0.0

    def start(self, stage: str) -> None:
        """A stage begins."""
        self._stage, self._said = stage, time.monotonic()

    def progress(self, done: int, total: int | None, note: str) -> None:
        """Says how far it is, at most every `EVERY` seconds."""
        if time.monotonic() - self._said >= EVERY:
            self._said = time.monotonic()
            self._say(f"{self._stage}: {done:,}{f' of {total:,}' if total else ''} {note}".rstrip())

    def finish(self, stage: str, counts: dict[str, int], seconds: float) -> None:
        """Says what came of it."""
        self._say(f"{stage}: {told(counts)} ({seconds:.1f} s)")

    def abort(self) -> None:
        """Makes room for what others say."""

    def _say(self, line: str) -> None:
        print(harmless(line), file=sys.stderr, flush=True)


class Bars(Lines):
    """A bar while a stage runs."""

    def __init__(self) -> None:
        super().__init__()
        self._bar: Any = None

    def progress(self, done: int, total: int | None, note: str) -> None:
        """Moves the bar."""
        from tqdm import tqdm

        if self._bar is None:
            self._bar = tqdm(total=total, desc=f"{self._stage:9}", leave=False, file=sys.stderr, dynamic_ncols=True)
        self._bar.total, self._bar.n = total, done
        self._bar.set_postfix_str(harmless(note[:100]), refresh=False)
        if time.monotonic() - self._said >= BLINK:
            self._said = time.monotonic()
            self._bar.refresh()

    def finish(self, stage: str, counts: dict[str, int], seconds: float) -> None:
        """Takes the bar away and says what came of it."""
        self.abort()
        super().finish(stage, counts, seconds)

    def abort(self) -> None:
        """Takes the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
