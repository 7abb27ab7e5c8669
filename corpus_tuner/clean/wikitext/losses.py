"""What was dropped, and how much of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

TOLD = 20  # templates that one document's line names; the rest are added up
REST = "others"
_ENTRY = re.compile(r"(.+?) \((\d+) uses?, (\d+) characters\)(?:; |$)")


class Losses:
    """Templates and tags that were dropped: how often, and how many characters of wikitext went with them."""

    __slots__ = ("characters", "uses")

    def __init__(self) -> None:
        self.uses: Counter[str] = Counter()
        self.characters: Counter[str] = Counter()

    def add(self, name: str, characters: int, uses: int = 1) -> None:
        """Counts one use, or several."""
        self.uses[name] += uses
        self.characters[name] += characters

    def costliest(self) -> dict[str, tuple[int, int]]:
        """(uses, characters) by template or `<tag>`, those first with which the most text went."""
        return {name: (self.uses[name], size) for name, size in self.characters.most_common()}

    def told(self) -> str:
        """One line that names the costliest, as `read_losses` reads it; "" where nothing was dropped."""
        found = list(self.costliest().items())
        shown, rest = found[:TOLD], found[TOLD:]
        if rest:
            shown.append((REST, (sum(uses for _, (uses, _) in rest), sum(size for _, (_, size) in rest))))
        return "; ".join(f"{name} ({uses} use{'s' if uses > 1 else ''}, {size} characters)" for name, (uses, size) in shown)


def read_losses(lines: Iterable[str]) -> dict[str, tuple[int, int]]:
    """What the lines of many documents tell, added up: the `costliest` of them all."""
    losses = Losses()
    for line in lines:
        for name, uses, characters in _ENTRY.findall(line):
            losses.add(name, int(characters), int(uses))
    return losses.costliest()
