"""Input that makes cleaners slow: ten times the input may take about ten times as long, never a hundred."""

from __future__ import annotations

import pytest
from pages import document, growth

from corpus_tuner.clean import html, markdown, plain, wikitext

WIKITEXT = {
    "comments": ("<!-- ", 20_000),
    "references": ("<ref>x ", 10_000),
    "reference tags": ("<ref name=", 10_000),
    "spaces": (" ", 40_000),
    "semicolons": ("; ", 40_000),
    "braces": ("{{", 20_000),
    "triple braces": ("{{{", 20_000),
    "brackets": ("[[", 20_000),
    "piped brackets": ("[[a|", 20_000),
    "images": ("[[File:a|thumb|b ", 10_000),
    "tables": ("{|\n", 5_000),
    "tables with text": ("{|\n|\nx\n", 5_000),
    "bold": ("'''", 20_000),
    "quotes": ("''a'''b ", 8_000),
    "parentheses": ("( ", 20_000),
    "empty parentheses": (" ()", 20_000),
    "commas": (" , ", 20_000),
    "tags": ("<b>", 20_000),
    "open tags": ("<div ", 20_000),
    "nowiki": ("<nowiki>", 10_000),
    "poems": ("<poem>\n", 8_000),
    "links": ("[http://a b ", 10_000),
    "links with brackets": ("[http://a [b] ", 10_000),
    "links with apostrophes": ("[//a'b ''", 10_000),
    "quotes that open lines": ("\n''", 20_000),
    "quotes and tags that open a line": ("''<b>", 10_000),
    "nowiki in preformatted text": ("<pre><nowiki>", 10_000),
    "equals signs": ("=", 40_000),
    "headings": ("== a ==\n", 10_000),
    "tabs": ("<tabber>\n|-|\n", 10_000),
    "equals signs between words": ("== a", 10_000),
    "bullets": ("*", 20_000),
    "ampersands": ("&amp", 20_000),
    "underscores": ("__A", 20_000),
    "templates with arguments": ("{{nowrap|a ", 10_000),
    "functions": ("{{#if:a|b|", 10_000),
    "variants": ("-{", 20_000),
}
HTML = {name: (f"<{name}>x", 10_000) for name in ("div", "span", "table><tr><td", "ul><li", "h2", "pre", "nav", "script", "p")}
MARKDOWN = {name: (name, 10_000) for name in ("[", "> ", "*a ", "`a", "![", "# a\n", "[a](b", "<a ", "a **b_", "{%", "<A {{{{", "<script>", "::: a\n", "!!! a\n    ")}


@pytest.mark.parametrize("unit", ["-{", "-{{{", "-{ {{a}}", "-{zh:a;"])
def test_variants_are_linear(unit: str) -> None:
    """So are the marks that only wikis of several scripts read."""

    def parse(marks: object) -> object:
        return wikitext.parse(document(marks.text, language="zh"))

    seconds, ratio = growth(parse, unit, 10_000)
    assert seconds < 1
    assert ratio < 25


@pytest.mark.parametrize("tail", ["", "x ]] }} |} > ) </ref> -->"])
@pytest.mark.parametrize("name", WIKITEXT)
def test_wikitext_is_linear(name: str, tail: str) -> None:
    """Openings that are never closed, or all at once, cost the same each."""
    seconds, ratio = growth(wikitext.parse, *WIKITEXT[name], tail)
    assert seconds < 1
    assert ratio < 25


@pytest.mark.parametrize(
    ("opening", "closing"),
    [("{{nowrap|a ", "}}"), ("{{unknown|a ", "}}"), ("[[a|b ", "]]"), ("[[File:a|thumb|b ", "]]"), ("{|\n|\na\n", "\n|}"), ("{{#if:a|b ", "}}")],
)
def test_nesting_is_linear(opening: str, closing: str) -> None:
    """Ten thousand levels deep is no different."""

    def parse(deep: object) -> object:
        count = len(deep.text)
        return wikitext.parse(document(opening * count + "x" + closing * count))

    seconds, ratio = growth(parse, "x", 10_000)
    assert seconds < 1
    assert ratio < 25


@pytest.mark.parametrize("name", HTML)
def test_html_is_linear(name: str) -> None:
    """Ten thousand levels of any element are read, none recursively."""
    seconds, ratio = growth(html.parse, *HTML[name])
    assert seconds < 1
    assert ratio < 25


@pytest.mark.parametrize("name", MARKDOWN)
def test_markdown_is_linear(name: str) -> None:
    """The same holds for Markdown's own brackets, quotes and emphasis."""
    seconds, ratio = growth(markdown.parse, *MARKDOWN[name])
    assert seconds < 3
    assert ratio < 25


def test_plain_text_is_linear() -> None:
    """A text of headings alone, or of one line, is read once."""
    assert growth(plain.parse, "a\n==\n\n", 10_000)[1] < 25
    assert growth(plain.parse, "a " * 50, 10_000)[1] < 25


def test_deep_html_keeps_what_is_inside_and_behind() -> None:
    """The text below 10,000 levels, and the sections after them, are there."""
    deep = "<h1>A</h1>" + "<div>" * 10_000 + "inside" + "</div>" * 10_000 + "<h2>B</h2>behind"
    assert [(part.path, part.text) for part in html.parse(document(deep, "html"))] == [((), ""), (("A",), "inside"), (("A", "B"), "behind")]
