"""EPUB to sections: the files of the spine in their order, under the book's own nested table of contents.

Read with zipfile, lxml and the cleaner of HTML (EPUB 3.3, https://www.w3.org/TR/epub-33/, and EPUB 2's NCX); ebooklib
and PyMuPDF, which read it too, are under the AGPL.
"""

from __future__ import annotations

import codecs
import re
from collections import deque
from collections.abc import Iterator, Mapping

from corpus_tuner.archive import Archive, Damaged
from corpus_tuner.clean.epub_book import Book, Entry
from corpus_tuner.clean.html import feed
from corpus_tuner.clean.html_reader import Reader
from corpus_tuner.clean.outline import Outline, Written
from corpus_tuner.clean.part import Part, Unreadable
from corpus_tuner.records import Document, Reason
from corpus_tuner.text import words

_VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
_EMPTY = re.compile(r"<([A-Za-z][\w:-]*)([^<>]*)/>")
STEP = 10  # between two depths of the table of contents; a mere heading lies below its entry, and above none


def parse(_document: Document, content: bytes) -> Iterator[Part]:
    """The lead and one part for each heading and each entry of the table of contents, in reading order; the table itself
    is boilerplate. Raises Unreadable."""
    try:
        archive = Archive(content)
        book = Book(archive)
    except Damaged as fault:
        raise Unreadable(str(fault)) from fault
    outline, levels, label = Outline(), _Levels(), ""
    lead = Written(0, "")
    sections = [lead]
    for name in book.spine:
        if name == book.navigation:
            yield Part((name.rpartition("/")[2],), "\n".join(entry.label for entry in book.contents), Reason.BOILERPLATE)
            continue
        try:
            found = list(_file(archive, name, [entry for entry in book.contents if entry.file == name]))
        except Damaged:  # of one file: the rest of the book is still one
            yield Part((name.rpartition("/")[2],), "", Reason.UNREADABLE)
            continue
        for written, entry in found:
            if not written.title or (not written.level and entry is None):
                sections[-1].blocks += written.blocks  # a file goes on where the one before it ended
            elif entry is None and _names(label, written.title):
                sections[-1].blocks += [("line", written.title), *written.blocks]  # the label in the table of contents names it
            elif written.boilerplate:
                yield Part((written.title,), written.text(), Reason.BOILERPLATE)
            else:
                label = entry.label if entry else ""
                sections.append(Written(levels.enter(written.level, entry), written.title, written.anchor, blocks=written.blocks))
    for written in sections:
        yield Part(outline.enter(written.level, written.title), written.text())


def _file(archive: Archive, name: str, entries: list[Entry]) -> Iterator[tuple[Written, Entry | None]]:
    """The sections of one file, each with the entry of the table of contents that it is."""
    reader = _Marked(entries)
    text = _decoded(archive.read(name))
    if text.strip():
        feed(_EMPTY.sub(_spelled_out, text), reader)
    yield from reader.marked()


def _decoded(content: bytes) -> str:
    """XHTML is UTF-8 or UTF-16 (EPUB 3.3, 3.3); what is neither keeps what can be read of it."""
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if wide else "utf-8-sig", "replace")


def _spelled_out(empty: re.Match[str]) -> str:
    """An empty element of XHTML as HTML writes it: `<a id="x"/>` would stay open there."""
    return empty[0] if empty[1].lower() in _VOID else f"<{empty[1]}{empty[2]}></{empty[1]}>"


class _Marked(Reader):
    """Reads a file, and notes where the targets of the table of contents begin: a section of their own each, or the heading
    that stands at the very place."""

    def __init__(self, entries: list[Entry]) -> None:
        super().__init__()
        self._targets: dict[str, list[Entry]] = {}
        for entry in entries:
            self._targets.setdefault(entry.anchor, []).append(entry)
        self._begins: dict[int, Entry] = {}  # by id() of a section, which the list of sections keeps alive
        self._late: list[Entry] = []  # whose target lies within the open heading
        self._begin(self._targets.pop("", []))

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        entries = self._targets.pop(attributes["id"], []) if "id" in attributes else []
        if self._heading is not None:
            self._late += entries
        elif entries:
            self._flush()
            self._begin(entries)
        page_break = "pagebreak" in attributes.get("epub:type", "") or attributes.get("role") == "doc-pagebreak"
        super().start("template" if page_break else tag, attributes)  # the number of a printed page is no text

    def _begin(self, entries: list[Entry]) -> None:
        for entry in entries:
            self._current = Written(0, entry.label, entry.anchor)
            self._begins[id(self._current)] = entry
            self._sections.append(self._current)

    def end(self, tag: str) -> None:
        """An element ends."""
        count = len(self._sections)
        super().end(tag)
        if self._late and len(self._sections) > count:
            heading, last = self._sections.pop(), self._late.pop()
            self._begin(self._late)
            self._sections.append(heading)
            self._begins[id(heading)], self._current, self._late = last, heading, []

    def marked(self) -> Iterator[tuple[Written, Entry | None]]:
        """The sections; an entry takes the heading that follows at once for its own. Its label goes before that heading's
        words, which stay as a line of the text where the label does not hold them."""
        queue = deque(self.finish())
        while queue:
            section = queue.popleft()
            entry = self._begins.get(id(section))
            if entry is None:
                if section.level or section.blocks:
                    yield section, None
                continue
            while queue and not section.blocks and id(queue[0]) not in self._begins and _continues(section, queue[0], entry):
                section = queue.popleft()
            yield _titled(section, entry), entry


def _continues(section: Written, after: Written, entry: Entry) -> bool:
    """Whether the heading `after` belongs to the entry, too: the first of all, or a further one that its label holds."""
    return not section.level or _names(entry.label, after.title)


def _names(label: str, title: str) -> bool:
    """Whether the words of a heading stand in a label, whole and in their order."""
    return f" {' '.join(words(title))} " in f" {' '.join(words(label))} "


def _titled(section: Written, entry: Entry) -> Written:
    heading = section.title
    if heading and entry.label and not _names(entry.label, heading):
        section.blocks.insert(0, ("line", heading))
    section.title, section.boilerplate = entry.label or heading, False
    return section


class _Levels:
    """One scale for entries of the table of contents and for the headings between them."""

    def __init__(self) -> None:
        self._open: list[tuple[int, int]] = []  # (depth of an entry, level of its heading)

    def enter(self, level: int, entry: Entry | None) -> int:
        """The level of a section: `STEP` times the depth of an entry; a mere heading lies beside the last entry
        whose own heading is of its level, and else below the last one whose heading is above it."""
        if entry is not None:
            while self._open and self._open[-1][0] >= entry.depth:
                self._open.pop()
            self._open.append((entry.depth, level))
            return STEP * entry.depth
        sibling = 0
        while self._open and self._open[-1][1] >= level:
            depth, at = self._open.pop()
            sibling = depth if at == level else 0
        if sibling:
            self._open.append((sibling, level))
            return STEP * sibling
        return STEP * ((self._open[-1][0] if self._open else 0) + 1) + level
