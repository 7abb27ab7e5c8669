"""Markdown to sections: markdown-it-py makes HTML of it, whose reader takes the text; front matter and images out, code whole.

So HTML in Markdown is read as any HTML is: its headings are headings, its tables tables.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

from corpus_tuner.clean.boilerplate import INVISIBLE
from corpus_tuner.clean.html import feed
from corpus_tuner.clean.html_blocks import Blocks
from corpus_tuner.clean.markdown_dialects import add_dialects, without_orders
from corpus_tuner.clean.outline import Outline
from corpus_tuner.clean.part import Part
from corpus_tuner.records import Document, Reason

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

NESTING = 60  # blocks in blocks; markdown-it-py takes some stack for each, and its own default drops text below 20

_FRONT_MATTER = re.compile(r"\ufeff?(---|\+\+\+)[ \t]*\n(?:.*?\n)??(?:\1|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_HIDING = re.compile(rf"<(/?)({'|'.join(sorted(INVISIBLE))}|title|xmp|plaintext)\b[^>]*>?", re.IGNORECASE)
_TOO_DEEP = "too-deep"


def parse(document: Document) -> Iterator[Part]:
    """The lead and one part for each heading, in order; one with blocks nested beyond `NESTING` is too deep to be read whole.

    A first heading of level 1 that is the document's title is no step of the paths: what stands under it is the lead.
    A file `.mdx` is read as MDX (https://mdxjs.com/docs/what-is-mdx/).
    """
    text = document.text.replace("\r\n", "\n")
    front = _FRONT_MATTER.match(text)
    markdown = _reader(in_mdx=document.id.lower().endswith(".mdx"))
    tokens = markdown.parse(text[front.end() :] if front else text)
    blocks = _Rendered()
    feed(markdown.renderer.render(list(_marked(tokens)), markdown.options, {}), blocks)
    lead, *sections = blocks.finish()
    if sections and sections[0].level == 1 and sections[0].title == document.title:
        title = sections.pop(0)
        lead.blocks += title.blocks
        lead.too_deep |= title.too_deep
    outline = Outline()
    for written in (lead, *sections):
        yield Part(outline.enter(written.level, written.title), written.text(), Reason.TOO_DEEP if written.too_deep else None, written.anchor)


@cache
def _reader(*, in_mdx: bool) -> MarkdownIt:
    """CommonMark with tables and strikethrough, and what generators of sites add to it."""
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"maxNesting": NESTING}).enable(["table", "strikethrough"])
    reader.add_render_rule("html_block", lambda _self, tokens, at, *_: _closed(without_orders(tokens[at].content)))
    reader.add_render_rule("html_inline", lambda _self, tokens, at, *_: _closed(tokens[at].content))
    reader.add_render_rule("image", lambda *_: "")
    add_dialects(reader, in_mdx=in_mdx)
    return reader


def _closed(html: str) -> str:
    """A piece of HTML without the tags of hidden elements that it does not close: they would hide all that follows."""
    closings = Counter(match[2].lower() for match in _HIDING.finditer(html) if match[1])

    def kept(tag: re.Match[str]) -> str:
        name = tag[2].lower()
        if not closings[name]:
            return ""
        closings[name] -= bool(tag[1])
        return tag[0]

    return _HIDING.sub(kept, html)


def _marked(tokens: list[Token]) -> Iterator[Token]:
    """The tokens, with a mark where markdown-it-py drops what lies too deep, and each heading's own anchor."""
    from markdown_it.token import Token

    heading = None
    for token in tokens:
        if token.level >= NESTING - 1:
            yield Token("html_block", "", 0, content=f"<{_TOO_DEEP}>")
        if token.type == "heading_open":
            heading = token
        elif heading is not None:
            anchor = next((child.meta["anchor"] for child in token.children or () if "anchor" in child.meta), "")
            if anchor:
                heading.attrSet("id", anchor)
            heading = None
        yield token


class _Rendered(Blocks):
    """Reads the HTML that Markdown became."""

    def _enter(self, tag: str, attributes: Mapping[str, str]) -> None:  # noqa: ARG002
        if tag == _TOO_DEEP:
            self._current.too_deep = True
