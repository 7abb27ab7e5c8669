"""Markdown to text."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pages import document, page

from corpus_tuner.clean.markdown import NESTING, parse
from corpus_tuner.records import Reason

CASES = {
    "paragraphs": ("a *b* **c**\nd\n\ne  \nf", "a b c d\n\ne\nf"),
    "links and images": ("[a](b) ![c](d) <https://e.org> [f][g]\n\n[g]: h", "a https://e.org f"),
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
    "breaks in a cell": ("| A |\n|---|\n| b<br>c |", "A\nb c"),
    "a table in HTML": ("<table>\n<tr><td>a</td><td>b</td></tr>\n</table>", "a; b"),
    "code in HTML": ("<pre>\na\n  b\n</pre>\nc", "a\n  b\n\nc"),
    "scripts and styles": ("<script setup>\na\n\nb\n</script>\n\n<style>c</style>\n\nd", "d"),
    "a hidden element that is only named": ("Use the <template> tag.\n\nA <script> is one.\n\na", "Use the tag.\n\nA is one.\n\na"),
    "details": ("<details>\n<summary>a</summary>\n\n- b\n\n</details>\n\nc", "a\n\n- b\n\nc"),
    "boxes between colons": ("a\n:::tip B *c*\nd\n:::\n::: {.note}\ne\n:::", "a\n\nB c\n\nd\n\ne"),
    "boxes with an indented text": ('!!! note "A"\n\n    b\n\n    ```\n    c\n    ```\n\n??? tip\n    d\n\ne', "A\n\nb\n\nc\n\nd\n\ne"),
    "tabs": ('=== "A"\n\n    - b\n\n=== "C"\n\n    d', "A\n\n- b\n\nC\n\nd"),
    "components": ("<Tabs a={{b: [1]}} c>\n<Tab.Item>\n\na <B c/> **d**\n\n</Tab.Item>\n</Tabs>\n<BR>e", "a d\n\ne"),
    "modules": ("import A, { B } from './a'\nexport const c = {\n\n  d: 1,\n}\n\nimport this one", "import this one"),
    "orders to a generator": ('{% note %}\na {{< ref "b" >}} `{% c %}`{:.d}\n\n[e](f){ .g }[^1]\n\n[^1]: h', "a {% c %}\n\ne\n\nh"),
    "a box of GitHub's": ("> [!NOTE]\n> a [!N](b)", "a !N"),
    "comments of MDX": ("a {/* b\nc */}d", "a d"),
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


def test_headings_in_html_are_headings() -> None:
    """A heading written as HTML, as many do to centre it, is in the tree as any other."""
    markdown = '<h1 align="center">\n  A\n</h1>\n\nb\n\n## C\n\n<h3 id="d">D</h3> e'
    assert [(part.path, part.text, part.anchor) for part in parse(document(markdown, "markdown"))] == [
        ((), "", ""), (("A",), "b", ""), (("A", "C"), "", ""), (("A", "C", "D"), "e", "d")
    ]  # fmt: skip


def test_the_anchor_of_a_heading_is_no_word_of_it() -> None:
    """VitePress, Pandoc, kramdown and React's documentation write it behind the words; other braces are words."""
    markdown = "# A {#a-1}\n## B {: #b .c}\n## C {/*c-d*/}\n## `{#d}` {e}\n## F { .g }"
    assert [(part.path[-1], part.anchor) for part in parse(document(markdown, "markdown")) if part.path] == [
        ("A", "a-1"), ("B", "b"), ("C", "c-d"), ("{#d} {e}", ""), ("F", "")
    ]  # fmt: skip


def test_in_mdx_an_indent_makes_no_code_and_tags_hold_markdown() -> None:
    """What stands between the tags of a component or of HTML is read as Markdown, however it is indented."""
    markdown = "<Steps>\n    <p className={a}>\n    ## B\n    *c*\n    </p>\n</Steps>\n<details>\n```\nd\n```\n</details>"
    page = replace(document(markdown, "markdown"), id="a.mdx")
    assert [(part.path, part.text) for part in parse(page)] == [((), ""), (("B",), "c\n\nd")]


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
