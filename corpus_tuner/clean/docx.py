"""DOCX to sections: headings by the outline levels of their styles, lists with their numbers, tables row by row.

Read with zipfile and lxml (ECMA-376 part 1, 17). python-docx leaves out what stands in content controls, insertions,
text boxes and notes; mammoth builds on minidom, which a deeply nested file breaks.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from corpus_tuner.archive import Archive, Damaged
from corpus_tuner.clean.docx_math import linear
from corpus_tuner.clean.docx_styles import Numbers, Styles
from corpus_tuner.clean.outline import Outline, Written, row_line
from corpus_tuner.clean.part import Part, Unreadable
from corpus_tuner.records import Document, Reason

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_WRAPPERS = frozenset({"sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag", "hyperlink", "fldSimple", "dir", "bdo", "ruby", "rubyBase"})
_BREAKS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "softHyphen": ""}


def parse(document: Document, content: bytes) -> Iterator[Part]:
    """The lead and one part for each heading, in order; a table of contents is boilerplate. Raises Unreadable."""
    try:
        archive = Archive(content)
        reader = _Reader(archive, document.title)
        body = archive.xml(_main_part(archive)).find(f"{W}body")
    except Damaged as fault:
        raise Unreadable(str(fault)) from fault
    reader.blocks(body if body is not None else ())
    outline = Outline()
    for written in reader.sections:
        yield Part(outline.enter(written.level, written.title), written.text())
    if reader.contents:
        yield Part((reader.contents[0],), "\n".join(reader.contents), Reason.BOILERPLATE)


def _main_part(archive: Archive) -> str:
    """The name of the document's text (ECMA-376 part 1, 11.3.10); Word on the web calls it `document2.xml` and the like."""
    relations = archive.xml("_rels/.rels") if "_rels/.rels" in archive.names else ()
    for relation in relations:
        name = posixpath.normpath(relation.get("Target", "").lstrip("/"))
        if relation.get("Type", "").endswith("/officeDocument") and name in archive.names:
            return name
    return "word/document.xml"


class _Reader:
    """Walks the blocks of a document."""

    def __init__(self, archive: Archive, title: str) -> None:
        self.sections = [Written(0, "")]
        self.contents: list[str] = []
        self._title = title
        self._styles = Styles(_optional(archive, "word/styles.xml"))
        self._numbers = Numbers(_optional(archive, "word/numbering.xml"))
        self._notes = dict(_notes(archive))

    def blocks(self, parent: Any) -> None:
        """Adds the paragraphs and tables in an element."""
        for element in parent:
            name = _name(element)
            if name == "p":
                self._paragraph(element)
            elif name == "tbl":
                self._table(element)
            elif name in _WRAPPERS:
                self.blocks(element)

    def _paragraph(self, element: Any) -> None:
        text, boxes, notes = _inline(element)
        style = self._styles.of(element)
        level = self._styles.level(element, style)
        line = " ".join(text.split())
        if level and line:
            self.sections.append(Written(level, line))
        elif style.name.startswith("toc ") or style.name == "toc heading":
            self.contents += [line] * bool(line)
        elif style.is_code:
            self._code(text)
        elif line and not (style.name == "title" and line == self._title):
            self._text(element, style.number, text)
        for note in notes:
            if note in self._notes:
                inner = " ".join(" ".join(_inline(p)[0].split()) for p in self._notes[note].iter(f"{W}p"))
                self.sections[-1].add("paragraph", inner.strip())
        for box in boxes:
            self.blocks(box)

    def _text(self, element: Any, of_style: tuple[str, int] | None, text: str) -> None:
        lines = "\n".join(line for line in (" ".join(line.split()) for line in text.split("\n")) if line)
        marker = self._numbers.marker(element, of_style)
        if marker is None:
            self.sections[-1].add("paragraph", lines)
        else:
            self.sections[-1].add("item", marker + lines.replace("\n", " "))

    def _code(self, text: str) -> None:
        """One block for the lines of code that follow one another, each a paragraph in Word."""
        blocks = self.sections[-1].blocks
        if blocks and blocks[-1][0] == "code":
            blocks[-1] = ("code", f"{blocks[-1][1]}\n{text.rstrip()}")
        else:
            self.sections[-1].add("code", text.rstrip())

    def _table(self, table: Any) -> None:
        """Each row as one line. A table of a single column is there for its frame: its blocks stand for themselves."""
        rows = [list(_cells(row)) for row in table.iter(f"{W}tr") if next(row.iterancestors(f"{W}tbl")) is table]
        if all(len(row) <= 1 for row in rows):
            for cell in (cell for row in rows for cell in row):
                self.blocks(cell)
            return
        for row in rows:
            self.sections[-1].add("row", row_line([_cell_text(cell) for cell in row]))


def _cells(row: Any) -> Iterator[Any]:
    for element in row:
        if _name(element) == "tc":
            yield element
        elif _name(element) in _WRAPPERS:
            yield from _cells(element)


def _cell_text(cell: Any) -> str:
    """The words of a cell; "" for one that goes on from the row above."""
    merge = cell.find(f"{W}tcPr/{W}vMerge")
    if merge is not None and merge.get(f"{W}val") != "restart":
        return ""
    return " ".join(part for part in (" ".join(_inline(p)[0].split()) for p in cell.iter(f"{W}p")) if part)


def _inline(paragraph: Any) -> tuple[str, list[Any], list[str]]:
    """(text, text boxes, keys of notes) of a paragraph. What was deleted, hidden, or is a field's code is none of it."""
    text: list[str] = []
    boxes: list[Any] = []
    notes: list[str] = []

    def walk(element: Any) -> None:
        for child in element:
            name = _name(child)
            if name == "oMath":
                text.append(linear(child))
            elif name == "t":
                text.append(child.text or "")
            elif name in _BREAKS:
                text.append("" if name == "br" and child.get(f"{W}type") else _BREAKS[name])
            elif name in ("footnoteReference", "endnoteReference"):
                notes.append(f"{name.removesuffix('Reference')}:{child.get(f'{W}id')}")
            elif name == "txbxContent":
                boxes.append(child)
            elif name not in ("del", "moveFrom", "Fallback", "pPr", "rPr", "rt") and not _is_hidden(child, name):
                walk(child)

    walk(paragraph)
    return "".join(text), boxes, notes


def _is_hidden(run: Any, name: str) -> bool:
    vanish = run.find(f"{W}rPr/{W}vanish") if name == "r" else None
    return vanish is not None and vanish.get(f"{W}val", "1") not in ("0", "false", "off")


def _name(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _notes(archive: Archive) -> Iterator[tuple[str, Any]]:
    """(key, element) of each footnote and endnote; separators have a type."""
    for kind in ("footnote", "endnote"):
        root = _optional(archive, f"word/{kind}s.xml")
        for note in root if root is not None else ():
            if note.get(f"{W}type") is None:
                yield f"{kind}:{note.get(f'{W}id')}", note


def _optional(archive: Archive, name: str) -> Any:
    return archive.xml(name) if name in archive.names else None
