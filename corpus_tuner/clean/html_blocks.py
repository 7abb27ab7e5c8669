"""The elements of HTML to headings with their blocks: paragraphs, items of lists, rows of tables, code."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping

from corpus_tuner.clean.boilerplate import is_invisible, is_listing
from corpus_tuner.clean.outline import Written, row_line

_BLOCKS = frozenset(
    """address article blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure footer
    form header hr html legend li main menu ol optgroup option p pre section summary table tbody td tfoot th thead tr ul""".split()
)
_LISTS = frozenset("ul ol menu dir".split())
_LARGE = frozenset("ul ol dl table pre".split())
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_SPACE = re.compile(r"[ \t\n\r\f\u00a0]+")
_SPACE_RUN = re.compile(r" {2,}")
_PERMALINK = re.compile(r"[\s¶#§🔗]*")
_PILCROW = re.compile(r"\s*[¶🔗]+$")


class _Row:
    """An open table row of `section`: the blocks of each cell, until the row turns out to be there for layout."""

    __slots__ = ("cells", "headers", "layout", "section")

    def __init__(self, section: Written) -> None:
        self.cells: list[list[tuple[str, str]]] = []
        self.headers: list[bool] = []
        self.layout = False
        self.section = section


class Blocks:
    """lxml calls start, end and data; `finish` gives the sections: the lead, then one for each heading.

    A subclass may put another section in place of `_current` when an element begins (`_enter`) or ends (`_leave`).
    """

    def __init__(self) -> None:
        self._sections = [Written(0, "")]
        self._current = self._sections[0]
        self._inline: list[str] = []
        self._depth = 0
        self._invisible = 0  # the depth at which an invisible element began; 0 outside
        self._heading: tuple[int, str] | None = None  # level and anchor of the open heading
        self._link = 0  # where in `_inline` the last link of the open heading begins
        self._listing = 0  # the depth of the open code block; 0 outside
        self._power = 0  # where in `_inline` what is raised after a digit begins; 0: nowhere
        self._lists: list[int] = []  # the next number of each open list; 0 where it has bullets
        self._marker = ""
        self._rows: list[_Row] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        self._depth += 1
        if self._invisible:
            return
        if is_invisible(tag, attributes):
            self._invisible = self._depth
            return
        self._enter(tag, attributes)
        if self._heading and (tag in _HEADINGS or tag in _LARGE):
            self._end_heading()  # it was left open: no heading holds these
        if tag in _HEADINGS:
            self._flush()
            self._heading = (_HEADINGS[tag], attributes.get("id", ""))
        elif self._heading:
            if not self._heading[1]:
                self._heading = (self._heading[0], attributes.get("id") or attributes.get("name", ""))
            self._link = len(self._inline) if tag == "a" else self._link
            self._inline.append(" " if tag == "br" or tag in _BLOCKS else "")
        elif self._listing:
            self._end_line(tag)
        else:
            self._start_block(tag, attributes)

    def _enter(self, tag: str, attributes: Mapping[str, str]) -> None:
        """A visible element begins."""

    def _leave(self) -> None:
        """A visible element ends, at `_depth + 1`."""

    def _start_block(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "br":
            self._inline.append("\n")
        elif tag == "sup":
            self._power = len(self._inline) if "".join(self._inline[-1:])[-1:].isdecimal() else 0
        elif tag in _BLOCKS:
            self._flush()
        if tag == "pre" or (tag == "div" and is_listing(attributes)):
            self._listing = self._depth
        elif tag in _LISTS:
            start = attributes.get("start", "")
            self._lists.append((int(start) if start.isdecimal() and len(start) < 9 else 1) if tag == "ol" else 0)
        elif tag == "li":
            self._start_item()
        elif tag in ("table", "tr", "td", "th"):
            self._start_table(tag)

    def _start_item(self) -> None:
        number = self._lists[-1] if self._lists else 0
        self._marker = f"{number}. " if number else "- "
        if number:
            self._lists[-1] += 1

    def _start_table(self, tag: str) -> None:
        if tag == "table":
            self._open_layout()
        elif tag == "tr":
            self._rows.append(_Row(self._current))
        elif self._rows:
            self._rows[-1].cells.append([])
            self._rows[-1].headers.append(tag == "th")

    def end(self, tag: str) -> None:
        """An element ends."""
        depth, self._depth = self._depth, self._depth - 1
        if self._invisible:
            if depth == self._invisible:
                self._invisible = 0
            return
        if tag in _HEADINGS and self._heading:
            self._end_heading()
        elif self._heading:
            self._end_in_heading(tag)
        elif self._listing:
            if depth == self._listing:
                self._end_listing(tag)
            elif tag != "br":
                self._end_line(tag)
        else:
            self._end_block(tag)
        self._leave()

    def _end_in_heading(self, tag: str) -> None:
        """A link of a heading that holds nothing but a sign is the heading's address, and no word of it."""
        if tag == "a" and _PERMALINK.fullmatch("".join(self._inline[self._link :])):
            del self._inline[self._link :]
        self._inline.append(" " if tag in _BLOCKS else "")

    def _end_heading(self) -> None:
        level, anchor = self._heading
        title = _PILCROW.sub("", _SPACE.sub(" ", "".join(self._inline)).strip())
        self._inline.clear()
        self._heading = None
        self._marker = ""
        if title:
            self._open_layout()
            self._open_section(Written(level, title, anchor))

    def _open_section(self, written: Written) -> None:
        self._current = written
        self._sections.append(written)

    def _end_line(self, tag: str) -> None:
        """Within code a block is a line, as pages write them that number or colour each."""
        if tag == "br" or (tag in _BLOCKS and tag not in ("td", "th") and not "".join(self._inline[-1:]).endswith("\n")):
            self._inline.append("\n")

    def _end_listing(self, tag: str) -> None:
        code = "".join(self._inline).replace("\r\n", "\n").strip("\n").rstrip()
        self._inline.clear()
        self._listing = 0
        self._add("code", (textwrap.dedent(code) if tag == "div" else code) if code.strip() else "")

    def _end_block(self, tag: str) -> None:
        if tag == "sup":
            if self._power and "".join(self._inline[self._power :]).strip().lstrip("-−").isdecimal():
                self._inline.insert(self._power, "^")  # two to the 48th is not 248
        elif tag in _BLOCKS:
            self._flush()
        if tag in _LISTS and self._lists:
            self._lists.pop()
        elif tag == "li":
            self._marker = ""
        elif tag == "tr" and self._rows:
            self._end_row(self._rows.pop())

    def data(self, text: str) -> None:
        """Text between tags."""
        if not self._invisible:
            self._inline.append(text.replace("\u00a0", " ") if self._listing else _SPACE.sub(" ", text))

    def close(self) -> None:
        """The document ends."""
        self._flush()
        while self._rows:
            self._end_row(self._rows.pop())

    def finish(self) -> list[Written]:
        """All sections: the lead, then one for each heading."""
        return self._sections

    def _flush(self) -> None:
        """Ends the paragraph that is being read."""
        if not self._inline:
            return
        text = _SPACE_RUN.sub(" ", "".join(self._inline))
        self._inline.clear()
        text = "\n".join(line for line in (line.strip() for line in text.split("\n")) if line)
        if text and self._lists:
            text, self._marker = "  " * min(len(self._lists) - 1, 10) + (self._marker or "  ") + text, ""
            self._add("item", text)
        else:
            self._add("paragraph", text)

    def _add(self, kind: str, text: str) -> None:
        row = self._rows[-1] if self._rows else None
        if row and row.cells and not row.layout and row.section is self._current:
            if text:
                row.cells[-1].append((kind, text))
        else:
            self._current.add(kind, text)

    def _open_layout(self) -> None:
        """A table or heading within a row: the row is there for layout, and its blocks stand for themselves."""
        row = self._rows[-1] if self._rows else None
        if row and not row.layout:
            row.layout = True
            self._hand_on(row)

    def _hand_on(self, row: _Row) -> None:
        for kind, text in (block for cell in row.cells for block in cell):
            row.section.add(kind, text)
        row.cells = []

    def _end_row(self, row: _Row) -> None:
        if any(len(cell) > 1 or (cell and cell[0][0] == "code") for cell in row.cells):
            self._hand_on(row)
            return
        texts = [cell[0][1].replace("\n", " ").strip() if cell else "" for cell in row.cells]
        own_header = len(texts) > 1 and row.headers[:1] == [True] and not row.headers[-1]
        row.section.add("row", row_line(texts, own_header))
