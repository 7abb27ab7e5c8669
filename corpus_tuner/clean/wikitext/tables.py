"""Tables as readable rows: one line a row, its cells between semicolons, a row's own header before a colon."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from corpus_tuner.clean.outline import row_line
from corpus_tuner.clean.wikitext.strip import ALONE, BLOCK, INLINE, LINE

SKIPPED = re.compile(r"infobox|navbox|navbar|vcard|metadata|ambox|mbox|sidebar|succession|noprint|stub", re.IGNORECASE)
_LIST = re.compile(r"[*#:;]+[ \t]*")
_MARKS = re.compile(f"[{ALONE}{BLOCK}{INLINE}{LINE}]+")


@dataclass(slots=True)
class Cell:
    """A cell with its lines as they stand."""

    header: bool
    lines: list[str]


@dataclass(slots=True)
class Table:
    """An open table; rows that are complete are handed on at once."""

    skipped: bool = False
    layout: bool = True  # no header and no data class: it may be there to set columns of running text
    caption: str = ""
    row: list[Cell] = field(default_factory=list)

    def add_cells(self, line: str) -> None:
        """Reads a line that begins with `|` or `!`."""
        header = line[0] == "!"
        if header:
            self.layout = False
        for written in (line[1:].replace("!!", "||") if header else line[1:]).split("||"):
            _, bar, content = written.partition("|")
            self.row.append(Cell(header, [content if bar else written]))

    def add_line(self, line: str) -> None:
        """Reads a line that goes on with the last cell."""
        if not self.row:
            if not line.strip():
                return
            self.row.append(Cell(False, []))
        self.row[-1].lines.append(line)


def is_column(cells: list[Cell]) -> bool:
    """Whether a row of a table without headers holds columns of lists or paragraphs, not data."""
    return any(
        sum(line.startswith(("*", "#")) for line in cell.lines) > 1 or "" in [line.strip() for line in cell.lines[1:-1]]
        for cell in cells
    )


def row_text(cells: list[Cell]) -> str:
    """One row as a line; "" for a row without text."""
    own_header = len(cells) > 1 and cells[0].header and not cells[-1].header
    return row_line([cell_text(cell.lines) for cell in cells], own_header)


def cell_text(lines: list[str]) -> str:
    """A cell's lines as one; list items stand between commas."""
    out = ""
    for line in lines:
        item = _LIST.match(line)
        text = _MARKS.sub(" ", line[item.end() :] if item else line).strip()
        if text:
            out += (", " if item and out else " ") + text
    return out.strip()
