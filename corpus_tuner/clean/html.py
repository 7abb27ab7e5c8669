"""HTML to sections: libxml2's parser as a stream of events, so that neither depth nor size of the markup matters.

lxml's event target was chosen over a tree (which libxml2 cuts off below 2,048 levels) and over html.parser, on which
BeautifulSoup builds as well (100 against 9 MB/s on documentation pages). Navigation, forms, cookie banners and footers
are out; a heading that stands in them is boilerplate, so that every heading of the page is accounted for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from corpus_tuner.clean.boilerplate import is_boilerplate, is_box, is_chapter, is_invisible
from corpus_tuner.clean.outline import Outline, Written, row_line
from corpus_tuner.clean.part import Part
from corpus_tuner.clean.wikitext.names import load_names
from corpus_tuner.records import Document, Reason

_BLOCKS = frozenset(
    """address article blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure footer
    form header hr html legend main menu ol optgroup option p section summary table tbody tfoot thead ul""".split()
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_SPACE = re.compile(r"[ \t\n\r\f\u00a0]+")
_SPACE_RUN = re.compile(r" {2,}")
_PERMALINK = re.compile(r"\s*[¶#§🔗]+$")


def parse(document: Document) -> Iterator[Part]:
    """The lead and one part for each heading with text, in order. On a page of MediaWiki's the appendices are boilerplate."""
    reader = Reader()
    if document.text.strip():
        feed(document.text, reader)
    outline = Outline()
    for written in reader.finish():
        if written.boilerplate:
            yield Part((written.title,), written.text(), Reason.BOILERPLATE)
            continue
        path = outline.enter(written.level, written.title)
        appendix = reader.mediawiki and any(load_names().is_appendix(heading) for heading in path[:2])
        yield Part(path, written.text(), Reason.BOILERPLATE if appendix else None, written.anchor)


def feed(text: str, reader: Reader) -> None:
    """Hands the events of a page to `reader`."""
    from lxml import etree

    parser = etree.HTMLParser(target=reader, encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)
    parser.feed(text.encode("utf-8", "replace").replace(b"\0", b""))
    parser.close()


class _Row:
    """An open table row: the blocks of each cell, until the row turns out to be there for layout."""

    __slots__ = ("cells", "headers", "layout")

    def __init__(self) -> None:
        self.cells: list[list[tuple[str, str]]] = []
        self.headers: list[bool] = []
        self.layout = False


class Reader:
    """lxml calls start, end and data; `finish` gives the sections."""

    def __init__(self) -> None:
        self.mediawiki = False
        self._sections = [Written(0, "")]
        self._current = self._sections[0]
        self._inline: list[str] = []
        self._depth = 0
        self._invisible = 0  # the depth at which an invisible element began; 0 outside
        self._site: tuple[int, Written] | None = None  # the same for boilerplate, with the section that it interrupts
        self._heading: tuple[int, str] | None = None  # level and anchor of the open heading
        self._pre = 0
        self._power = 0  # where in `_inline` what is raised after a digit begins; 0: nowhere
        self._lists: list[int] = []  # the next number of each open list; 0 where it has bullets
        self._marker = ""
        self._rows: list[_Row] = []
        self._chapters: list[int] = []  # the depths of the open parts of a book

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        self._depth += 1
        if self._invisible:
            return
        if attributes and attributes.get("id") in ("mw-content-text", "firstHeading"):
            self.mediawiki = True
        if attributes and is_chapter(attributes):
            self._chapters.append(self._depth)
        if is_invisible(tag, attributes):
            self._invisible = self._depth
        elif self._site is None and is_boilerplate(tag, attributes) and not self._is_box(attributes):
            self._flush()
            self._site = (self._depth, self._current)
            self._current = Written(0, "", boilerplate=True)
        elif tag in _HEADINGS:
            self._flush()
            self._heading = (_HEADINGS[tag], attributes.get("id", ""))
        elif self._heading:
            if not self._heading[1]:
                self._heading = (self._heading[0], attributes.get("id") or attributes.get("name", ""))
            self._inline.append(" " if tag == "br" or tag in _BLOCKS else "")
        else:
            self._start_block(tag, attributes)

    def _is_box(self, attributes: Mapping[str, str]) -> bool:
        return is_box(attributes) and self._chapters[-1:] == [self._depth - 1]

    def _start_block(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "br":
            self._inline.append("\n")
        elif tag == "sup":
            self._power = len(self._inline) if "".join(self._inline[-1:])[-1:].isdecimal() and not self._pre else 0
        elif tag == "pre":
            self._flush()
            self._pre += 1
        elif tag in ("ul", "ol", "menu", "dir"):
            self._flush()
            start = attributes.get("start", "")
            self._lists.append((int(start) if start.isdecimal() and len(start) < 9 else 1) if tag == "ol" else 0)
        elif tag == "li":
            self._flush()
            self._start_item()
        elif tag in ("table", "tr", "td", "th"):
            self._flush()
            self._start_table(tag)
        elif tag in _BLOCKS:
            self._flush()

    def _start_item(self) -> None:
        number = self._lists[-1] if self._lists else 0
        self._marker = f"{number}. " if number else "- "
        if number:
            self._lists[-1] += 1

    def _start_table(self, tag: str) -> None:
        if tag == "table":
            self._open_layout()
        elif tag == "tr":
            self._rows.append(_Row())
        elif self._rows:
            self._rows[-1].cells.append([])
            self._rows[-1].headers.append(tag == "th")

    def end(self, tag: str) -> None:
        """An element ends."""
        depth, self._depth = self._depth, self._depth - 1
        if self._chapters and self._chapters[-1] == depth:
            self._chapters.pop()
        if self._invisible:
            if depth == self._invisible:
                self._invisible = 0
            return
        if tag in _HEADINGS and self._heading:
            self._end_heading()
        elif self._heading:
            self._inline.append(" " if tag in _BLOCKS else "")
        else:
            self._end_block(tag)
        if self._site and depth == self._site[0]:
            self._flush()
            self._current, self._site = self._site[1], None

    def _end_heading(self) -> None:
        level, anchor = self._heading
        title = _PERMALINK.sub("", _SPACE.sub(" ", "".join(self._inline)).strip())
        self._inline.clear()
        self._heading = None
        self._marker = ""
        if title:
            self._open_layout()
            self._current = Written(level, title, anchor, boilerplate=self._site is not None)
            self._sections.append(self._current)

    def _end_block(self, tag: str) -> None:
        if tag == "pre":
            code = "".join(self._inline).replace("\r\n", "\n").strip("\n").rstrip()
            self._inline.clear()
            self._pre = max(0, self._pre - 1)
            self._add("code", code if code.strip() else "")
        elif tag == "sup":
            if self._power and "".join(self._inline[self._power :]).strip().lstrip("-−").isdecimal():
                self._inline.insert(self._power, "^")  # two to the 48th is not 248
        elif tag in _BLOCKS or tag in ("li", "td", "th", "tr"):
            self._flush()
        if tag in ("ul", "ol", "menu", "dir") and self._lists:
            self._lists.pop()
        elif tag == "li":
            self._marker = ""
        elif tag == "tr" and self._rows:
            self._end_row(self._rows.pop())

    def data(self, text: str) -> None:
        """Text between tags."""
        if not self._invisible:
            self._inline.append(text if self._pre else _SPACE.sub(" ", text))

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
        text = "".join(self._inline)
        self._inline.clear()
        lines = (text if self._pre else _SPACE_RUN.sub(" ", text)).split("\n")
        text = "\n".join(line for line in (line.strip() for line in lines) if line)
        if text and self._lists:
            text, self._marker = "  " * min(len(self._lists) - 1, 10) + (self._marker or "  ") + text, ""
            self._add("item", text)
        else:
            self._add("paragraph", text)

    def _add(self, kind: str, text: str) -> None:
        row = self._rows[-1] if self._rows else None
        if row and row.cells and not row.layout:
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
            self._current.add(kind, text)
        row.cells = []

    def _end_row(self, row: _Row) -> None:
        if any(len(cell) > 1 or (cell and cell[0][0] == "code") for cell in row.cells):
            self._hand_on(row)
            return
        texts = [cell[0][1].replace("\n", " ").strip() if cell else "" for cell in row.cells]
        own_header = len(texts) > 1 and row.headers[:1] == [True] and not row.headers[-1]
        self._current.add("row", row_line(texts, own_header))
