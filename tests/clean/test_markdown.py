"""Markdown to text."""

from __future__ import annotations

import pytest
from pages import document, page

from corpus_tuner.clean.markdown import NESTING, parse
from corpus_tuner.records import Reason

CASES = {
    "paragraphs": ("a *b* **c**\nd\n\ne  \nf", "a b c d\n\ne\nf"),
    "links and images": ("[a](b) ![c](d) <https://e.org> [f][g]\n\n[g]: h", "a  https://e.org f"),
    "code": ("`a` b\n\n```c\nif x:\n    y\n\nz\n```\n\n    d\n", "a b\n\nif x:\n    y\n\nz\n\nd"),
    "lists": ("- a\n  - b\n- c\n\n3. d\n4. e", "- a\n  - b\n- c\n3. d\n4. e"),
    "an item with paragraphs": ("- a\n\n  b\n- c", "- a\n  b\n- c"),
    "quotations": ("> a\n> b\n\nc", "a b\n\nc"),
    "a table": ("| A | B |\n|---|---|\n| c | `d` |\n| | e |", "A; B\nc; d\n–; e"),
    "HTML": ("a <b>b</b>\n\n<div>\n  <p>c &amp; d</p>\n</div>\n\n<!-- e -->", "a b\n\nc & d"),
    "YAML front matter": ("---\ntitle: a\n---\n\nb", "b"),
    "TOML front matter": ('+++\ntitle = "a"\n+++\nb', "b"),
    "a rule is no front matter": ("a\n\n---\n\nb", "a\n\nb"),
    "strikethrough": ("~~a~~ b", "a b"),
}


@pytest.mark.parametrize("name", CASES)
def test_cases(name: str) -> None:
    """Each kind of markup becomes what a reader would see of it."""
    markdown, expected = CASES[name]
    [part] = parse(document(markdown, "markdown"))
    assert part.text == expected


def test_headings_make_a_tree() -> None:
    """Both notations of headings, with markup in them and skipped levels; a `#` in code is none."""
    markdown = "# A `b`\n\n```\n# no\n```\n\n### C [d](e)\n\nF\n-\n\ng"
    assert [part.path for part in parse(document(markdown, "markdown"))] == [(), ("A b",), ("A b", "C d"), ("A b", "F")]


def test_what_is_nested_too_deep_is_rejected_by_name() -> None:
    """A section whose blocks the parser cannot follow is said to be too deep; the others are not touched."""
    parts = list(parse(document("# A\n\n" + "> " * (NESTING + 20) + "b\n\n# C\n\nd", "markdown")))
    assert [part.reason for part in parts] == [None, Reason.TOO_DEEP, None]


def test_a_real_page() -> None:
    """A post of the Rust blog keeps its headings, its code and its lists."""
    parts = {part.path: part.text for part in parse(page("rust-1.75.0.md"))}
    assert ("What's in 1.75.0 stable", "Pointer byte offset APIs") in parts
    assert "$ rustup update stable" in parts[()]
    assert "+++" not in parts[()]
