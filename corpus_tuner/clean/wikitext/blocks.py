"""Lines to blocks: headings, paragraphs, lists and tables of text that has neither templates nor tags any more."""

from __future__ import annotations

import re

from corpus_tuner.clean.outline import Written
from corpus_tuner.clean.wikitext.strip import ALONE, BLOCK, INLINE, LINE
from corpus_tuner.clean.wikitext.tables import SKIPPED, Table, cell_text, is_column, row_text

_LIST = re.compile(r"([*#:;]+)[ \t]*(.*)")
_OPENS_TABLE = re.compile(r"[ \t:]*\{\|(.*)")


class Reader:
    """Reads the lines of one page."""

    def __init__(self) -> None:
        self.sections = [Written(0, "")]
        self._paragraph: list[str] = []
        self._alone = False  # whether the lines of the paragraph each hold a thumbnail or the like
        self._numbers: list[int] = []
        self._tables: list[Table] = []

    def read(self, text: str) -> list[Written]:
        """The page's sections in order."""
        for line in text.split("\n"):
            if line[:1] == "=" and (level := heading_level(line)):
                self._open_section(level, line.rstrip()[level:-level])
            elif self._tables:
                self._table_line(line)
            else:
                self._line(line)
        self._end_tables()
        self._end_paragraph()
        return self.sections

    def _open_section(self, level: int, title: str) -> None:
        """A heading without words ends what stands before it and opens nothing."""
        self._end_tables()
        self._end_paragraph()
        if title := title.replace(BLOCK, " ").replace(LINE, " ").strip():
            self.sections.append(Written(level, title))

    def _line(self, line: str) -> None:
        """A line outside of tables."""
        first = line[:1]
        if first in "*#:;{ |-\t\x01" or not first:
            if not line.strip():
                self._end_paragraph()
                return
            if first in "{ :" and (table := _OPENS_TABLE.match(line)):
                self._open_table(table[1])
                return
            if first in "*#:;":
                self._item(line)
                return
            if first == "-" and line.startswith("----"):
                self._end_paragraph()
                line = line.lstrip("-")
            elif first == "|":
                line = line[2:] if line.startswith(("|-", "|}", "|+")) else "; ".join(cell.strip() for cell in line[1:].split("||"))
            elif first == " ":
                self._end_paragraph()
                self._emit("line", line.replace(BLOCK, " ").replace(LINE, "\n").strip())
                return
        self._numbers.clear()
        if (ALONE in line) != self._alone:
            self._end_paragraph()
            self._alone = ALONE in line
        self._paragraph.append(line)

    def _emit(self, kind: str, text: str) -> None:
        self.sections[-1].add(kind, text)

    def _end_paragraph(self) -> None:
        self._numbers.clear()
        if self._paragraph:
            text = " ".join(self._paragraph)
            self._paragraph.clear()
            for piece in text.replace(ALONE, "").replace(INLINE, "").split(BLOCK):
                lines = [line.strip() for line in piece.split(LINE)]
                self._emit("paragraph", "\n".join(line for line in lines if line))

    def _item(self, line: str) -> None:
        """A list item, on a line of its own with its bullet or number."""
        if self._paragraph:
            self._end_paragraph()
        prefix, text = _LIST.match(line).groups()
        text = text.replace(BLOCK, " ").replace(LINE, " ").replace(INLINE, "").strip()
        depth, marker = len(prefix), ""
        self._numbers = (self._numbers + [0] * depth)[:depth]
        if prefix[-1] == "#":
            self._numbers[-1] += 1
            marker = f"{self._numbers[-1]}. "
        elif prefix[-1] == "*":
            marker = "- "
        if text:
            indent = max(0, prefix.count("*") + prefix.count("#") - 1)
            self._emit("item", "  " * min(indent, 10) + marker + text)

    def _open_table(self, attributes: str) -> None:
        self._end_paragraph()
        skipped = bool(SKIPPED.search(attributes)) or bool(self._tables and self._tables[-1].skipped)
        self._tables.append(Table(skipped=skipped, layout="wikitable" not in attributes))

    def _table_line(self, line: str) -> None:
        """A line inside of a table."""
        table, text = self._tables[-1], line.lstrip()
        if text.startswith("|}"):
            self._close_table()
            if rest := text[2:].strip():
                self._table_line(rest) if self._tables else self._line(rest)
        elif text.startswith("|-"):
            self._end_row(table)
        elif text.startswith("|+"):
            caption = cell_text([text[2:].rpartition("|")[2]])
            self._emit("row" if not table.skipped else "", caption)
        elif text.startswith(("|", "!")):
            table.add_cells(text)
        elif opening := _OPENS_TABLE.match(line):
            self._open_table(opening[1])
        else:
            table.add_line(line)

    def _end_row(self, table: Table) -> None:
        row, table.row = table.row, []
        if table.skipped or not row:
            return
        if table.layout and is_column(row):
            for cell in row:
                for line in cell.lines:
                    self._line(line)
                self._end_paragraph()
            return
        self._emit("row", row_text(row))

    def _close_table(self) -> None:
        self._end_row(self._tables[-1])
        self._tables.pop()

    def _end_tables(self) -> None:
        while self._tables:
            self._close_table()


def heading_level(line: str) -> int:
    """1 to 6 for a line between equals signs, the fewer of the two sides; 0 for any other (Preprocessor_Hash::preprocessToObj)."""
    line = line.rstrip()
    before, after = len(line) - len(line.lstrip("=")), len(line) - len(line.rstrip("="))
    if before == len(line):
        after = before = (before - 1) // 2
    return min(before, after, 6)
