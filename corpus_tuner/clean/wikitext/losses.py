"""What was dropped, and how much of it."""

from __future__ import annotations

from collections import Counter


class Losses:
    """Templates and tags that were dropped: how often, and how many characters of wikitext went with them."""

    __slots__ = ("characters", "uses")

    def __init__(self) -> None:
        self.uses: Counter[str] = Counter()
        self.characters: Counter[str] = Counter()

    def add(self, name: str, characters: int) -> None:
        """Counts one use."""
        self.uses[name] += 1
        self.characters[name] += characters
