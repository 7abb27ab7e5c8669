"""PDF to sections: headings by the document's outline or else by their fonts, paragraphs put together again.

PDFium reads the file, in a process of its own (see pdf_pages), so that a file that breaks it breaks no build. Of the
libraries whose licences let users ship it alone tells which hyphens only break a word; pypdf and pdfminer.six do not.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from corpus_tuner.clean.outline import Outline, Written
from corpus_tuner.clean.part import Part, Unreadable
from corpus_tuner.clean.pdf_headings import Heading, by_fonts, by_outline
from corpus_tuner.clean.pdf_layout import Line, Page, in_order, take_contents, take_running, take_unmapped
from corpus_tuner.clean.pdf_paragraphs import paragraphs
from corpus_tuner.errors import MissingExtra
from corpus_tuner.records import Document, Reason

SECONDS = 330.0


def parse(document: Document, content: bytes, *, with_outline: bool = True) -> Iterator[Part]:
    """The lead and one part for each heading, in order; running heads, page numbers and lines of a printed table of
    contents are boilerplate. `with_outline = False`
    reads the headings from the fonts though the document may name them: so their reading can be scored. Raises Unreadable
    for a file that is damaged, encrypted, without text or takes too long, MissingExtra without pypdfium2."""
    bookmarks, pages = _read(content)
    if not any(page.lines for page in pages):
        raise Unreadable("has no text: a scan must go through OCR first (ocrmypdf writes one with text)")
    unmapped = take_unmapped(pages)
    running, contents = take_running(pages), take_contents(pages)
    lines = [line for page in pages for line in in_order(page.lines)]
    headings = by_outline(lines, bookmarks if with_outline else []) or by_fonts(lines, document.title)
    outline = Outline()
    for written in _sections(lines, headings):
        yield Part(outline.enter(written.level, written.title), written.text())
    if unmapped:
        yield Part(("Text without a character map",), "", Reason.UNREADABLE, detail=f"{document.title}: {unmapped:,} lines are in fonts that do not say which letters they show: OCR reads them (ocrmypdf --force-ocr)")
    for title, taken in (("Running heads and page numbers", running), ("Table of contents", contents)):
        if taken:
            yield Part((title,), "\n".join(dict.fromkeys(line.text for line in taken)), Reason.BOILERPLATE)


def _sections(lines: list[Line], headings: dict[int, Heading]) -> list[Written]:
    """The headings, by the number of the line at which each begins, with the paragraphs between them."""
    sections = [Written(0, "")]
    words = {word for line in lines for word in line.text.lower().split()}
    block: list[Line] = []
    number = 0
    while number <= len(lines):
        heading = headings.get(number)
        if heading or number == len(lines):
            for kind, text in paragraphs(block, words):
                sections[-1].add(kind, text)
            block = []
        if heading:
            sections.append(Written(heading.level, heading.title))
        if heading and heading.lines:
            number += heading.lines
        else:
            block += lines[number : number + 1]  # none behind the last line, where a bookmark may still point
            number += 1
    return sections


def _read(content: bytes) -> tuple[list[list[Any]], list[Page]]:
    """(bookmarks, pages) as pdf_pages writes them."""
    if find_spec("pypdfium2") is None:
        raise MissingExtra("reading PDF", "pdf", "pypdfium2")
    command = [sys.executable, "-P", str(Path(__file__).with_name("pdf_pages.py"))]
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise Unreadable(f"takes more than {SECONDS:.0f} s to read") from None
    if done.returncode:
        said = {3: "is damaged, or not a PDF", 4: "is encrypted: save a copy without a password"}
        raise Unreadable(said.get(done.returncode, "breaks the reader, or takes too much memory or time"))
    first, *rest = done.stdout.decode("ascii").splitlines()
    pages = []
    for number, found in enumerate(map(json.loads, rest)):
        lines = [Line(number, *line) for line in found["lines"] if line[-1]]
        pages.append(Page(found["height"], lines))
    return json.loads(first)["outline"], pages
