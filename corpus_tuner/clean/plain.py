"""Plain text: paragraphs, and headings that are underlined beyond doubt."""

from __future__ import annotations

import re
from collections.abc import Iterator

from corpus_tuner.clean.outline import Outline, Written
from corpus_tuner.clean.part import Part
from corpus_tuner.records import Document

_UNDERLINE = re.compile(r"([=~^*+#\"-])\1{2,}\s*$")
_LIST_ITEM = re.compile(r"\s*(?:[-*•–]|\d{1,3}[.)])\s")
_WRAPPED = range(50, 101)  # columns at which people wrap running text


def parse(document: Document) -> Iterator[Part]:
    """The lead and one part for each underlined heading; a text without any is all lead.

    A heading is one line of at most 100 characters behind a blank line, and under it a line of one repeated character,
    as long as the heading or up to three longer. Their levels are in the order in which the characters appear.
    """
    outline = Outline()
    for written in _sections(document.text.replace("\r\n", "\n").replace("\r", "\n").expandtabs(4).split("\n")):
        yield Part(outline.enter(written.level, written.title), written.text())


def _sections(lines: list[str]) -> list[Written]:
    sections = [Written(0, "")]
    characters: list[str] = []
    block: list[str] = []
    skip = False
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if skip:
            skip = False
        elif not block and _is_heading(line, below):
            if below[0] not in characters:
                characters.append(below[0])
            sections.append(Written(characters.index(below[0]) + 1, line.strip()))
            skip = True
        elif line.strip():
            block.append(line)
        else:
            _add_block(sections[-1], block)
            block = []
    _add_block(sections[-1], block)
    return sections


def _is_heading(line: str, below: str) -> bool:
    title = line.rstrip()
    if not title or title[0].isspace() or len(title) > 100 or _UNDERLINE.match(title) or not _UNDERLINE.match(below):
        return False
    return len(title) <= len(below.rstrip()) <= len(title) + 3


def _add_block(section: Written, lines: list[str]) -> None:
    """Adds one paragraph: a hard-wrapped one as a single line, anything else line by line."""
    if not lines:
        return
    wrapped = all(len(line.rstrip()) in _WRAPPED for line in lines[:-1]) and len(lines[-1].rstrip()) <= _WRAPPED[-1]
    if wrapped and not any(_LIST_ITEM.match(line) for line in lines) and not any(line[0] == " " for line in lines[1:]):
        section.add("paragraph", " ".join(line.strip() for line in lines))
    else:
        section.add("paragraph", "\n".join(line.rstrip() for line in lines))
