"""Headings to paths, and blocks to text: what every cleaner does alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Written:
    """A heading and the blocks under it, up to the next heading; the lead has level 0."""

    level: int
    title: str
    anchor: str = ""
    boilerplate: bool = False
    too_deep: bool = False
    blocks: list[tuple[str, str]] = field(default_factory=list)  # (kind, text)

    def add(self, kind: str, text: str) -> None:
        """Adds a block of kind paragraph, item, row, line or code; one without text is none."""
        if text:
            self.blocks.append((kind, text))

    def text(self) -> str:
        """Blocks between blank lines, but items of a list, rows of a table and single lines one under the other."""
        out: list[str] = []
        before = ""
        for kind, text in self.blocks:
            if before:
                out.append("\n" if kind == before and kind not in ("paragraph", "code") else "\n\n")
            out.append(text)
            before = kind
        return "".join(out)


class Outline:
    """The path to the current heading. A skipped level (2, then 4) is no step of its own."""

    def __init__(self, is_appendix: Callable[[str], bool] = lambda _: False) -> None:
        self._steps: list[tuple[int, str, bool]] = []
        self._is_appendix = is_appendix

    def enter(self, level: int, title: str) -> tuple[str, ...]:
        """The path under a heading of `level` from 1; level 0 is the lead, `()`."""
        while self._steps and self._steps[-1][0] >= level:
            self._steps.pop()
        if level:
            appendix = self._steps[-1][2] if self._steps else self._is_appendix(title)
            self._steps.append((level, title, appendix))
        return tuple(title for _, title, _ in self._steps)

    @property
    def in_appendix(self) -> bool:
        """Whether the current heading is an appendix at the top of the outline, or below one."""
        return bool(self._steps) and self._steps[-1][2]


def row_line(cells: list[str], own_header: bool = False) -> str:
    """A table's row as one line, `a; b; c`, or `header: b; c` where the row has a header of its own; "" without text."""
    if not any(cells):
        return ""
    if own_header and cells[0] and any(cells[1:]):
        return f"{cells[0].rstrip(':')}: {row_line(cells[1:])}"
    return "; ".join(cell or "–" for cell in cells)
