"""Markdown to sections through markdown-it-py: CommonMark with tables; front matter and images out, code whole."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from corpus_tuner.clean.outline import Outline, Written
from corpus_tuner.clean.part import Part
from corpus_tuner.records import Document, Reason

if TYPE_CHECKING:
    from markdown_it.token import Token

NESTING = 60  # blocks in blocks; markdown-it-py takes some stack for each, and its own default drops text below 20

_FRONT_MATTER = re.compile(r"\ufeff?(---|\+\+\+)[ \t]*\n(?:.*?\n)??(?:\1|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_ELEMENT = re.compile(r"</?[a-zA-Z][^<>]*>")


def parse(document: Document) -> Iterator[Part]:
    """The lead and one part for each heading, in order; one with blocks nested beyond `NESTING` is too deep to be read whole.

    A first heading of level 1 that is the document's title is no step of the paths: what stands under it is the lead.
    """
    from markdown_it import MarkdownIt

    text = document.text.replace("\r\n", "\n")
    front = _FRONT_MATTER.match(text)
    reader = MarkdownIt("commonmark", {"maxNesting": NESTING}).enable(["table", "strikethrough"])
    outline = Outline()
    for written in _Walk(document.title).sections(reader.parse(text[front.end() :] if front else text)):
        reason = Reason.TOO_DEEP if written.too_deep else None
        yield Part(outline.enter(written.level, written.title), written.text(), reason)


class _Walk:
    """Reads the flat list of tokens."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._sections = [Written(0, "")]
        self._heading = 0
        self._lists: list[int] = []  # the next number of each open list; 0 where it has bullets
        self._marker = ""
        self._row: list[str] = []

    def sections(self, tokens: list[Token]) -> list[Written]:
        """The document's headings with their blocks."""
        for token in tokens:
            if token.level >= NESTING - 1:  # markdown-it-py drops what lies below
                self._sections[-1].too_deep = True
            if handler := getattr(self, f"_{token.type}", None):
                handler(token)
        return self._sections

    def _add(self, kind: str, text: str) -> None:
        if kind == "paragraph" and self._lists and text:
            indent = "  " * (len(self._lists) - 1)
            kind, text, self._marker = "item", indent + (self._marker or "  ") + text, ""
        self._sections[-1].add(kind, text)

    def _heading_open(self, token: Token) -> None:
        self._heading = int(token.tag[1])

    def _inline(self, token: Token) -> None:
        text = inline_text(token)
        if self._heading:
            title = " ".join(text.split())
            if not (self._heading == 1 and len(self._sections) == 1 and title == self._title):
                self._sections.append(Written(self._heading, title))
            self._heading = 0
        elif self._row:
            self._row[-1] += text.replace("\n", " ")
        else:
            self._add("paragraph", text)

    def _fence(self, token: Token) -> None:
        self._sections[-1].add("code", token.content.rstrip("\n"))

    _code_block = _fence

    def _html_block(self, token: Token) -> None:
        text = html.unescape(_ELEMENT.sub(" ", _COMMENT.sub("", token.content)))
        self._add("paragraph", "\n".join(line for line in (" ".join(line.split()) for line in text.split("\n")) if line))

    def _bullet_list_open(self, _token: Token) -> None:
        self._lists.append(0)

    def _ordered_list_open(self, token: Token) -> None:
        self._lists.append(int(token.attrs.get("start", 1) or 0) or 1)

    def _bullet_list_close(self, _token: Token) -> None:
        self._lists.pop()

    _ordered_list_close = _bullet_list_close

    def _list_item_open(self, _token: Token) -> None:
        number = self._lists[-1]
        self._marker = f"{number}. " if number else "- "
        if number:
            self._lists[-1] += 1

    def _tr_open(self, _token: Token) -> None:
        self._row = []

    def _th_open(self, _token: Token) -> None:
        self._row.append("")

    _td_open = _th_open

    def _tr_close(self, _token: Token) -> None:
        row, self._row = self._row, []
        if any(row):
            self._sections[-1].add("row", "; ".join(cell or "–" for cell in row))


def inline_text(token: Token) -> str:
    """The words of an inline token: links as their text, code as it stands, images and tags not at all."""
    words = {"softbreak": " ", "hardbreak": "\n"}
    pieces = (words.get(child.type) or (child.content if child.type in ("text", "code_inline") else "") for child in token.children or ())
    return "".join(pieces).strip()
