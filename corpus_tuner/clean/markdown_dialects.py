"""What generators of sites add to CommonMark, as rules for markdown-it-py: boxes, tabs, components, and orders to themselves.

Boxes between colons (VitePress, Docusaurus, Quarto) and boxes and tabs with an indented text (MkDocs) are read as their
text under their title. The components and imports of MDX, the tags of Liquid and Hugo, lists of attributes (kramdown,
Pandoc, MkDocs) and marks of footnotes are no text; code keeps all of it.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline

LONGEST = 2000  # characters of a component's tag
_INTERRUPTS = {"alt": ["paragraph", "reference", "blockquote", "list"]}
_BRACES = r"\{(?:[^{}]|\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*+\})*+\})*+\})*+\}"
_ATTRIBUTE = rf"(?:[\w:@.-]+(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|{_BRACES}|[^\s\"'=<>`{{}}/]+))?+|{_BRACES})"
_TAG = re.compile(rf"</?(?:[A-Za-z][\w.:-]*+)?(?:\s++{_ATTRIBUTE})*+\s*+/?>")  # as MDX has it
_COMPONENT = re.compile(rf"</?(?:[A-Z](?=[\w.]*[a-z.])[\w.]*+|[a-z][\w.-]*+(?=[^<>]*+\{{))(?:\s++{_ATTRIBUTE})*+\s*+/?>|</?>")
_MODULE = re.compile(
    r"(?:import\s+(?:[\w*{][^'\"\n]*\sfrom\s+)?['\"]|import\s+(?:\w+\s*,\s*)?\{[^}]*\}\s*from\s+['\"]"
    r"|export\s+(?:const|let|var|default|function|async|class|\{|\*))"
)
_COLONS = re.compile(r":{3,}[ \t]*(?:\{?[\w-]+[^}\s]*\}?|\{[^}]*\})?[ \t]*(.*?)[ \t:]*$")
_BANG = re.compile(r"(?:(?:!!!|\?\?\?\+?)[ \t]+[\w-]+[\w \t-]*(?:\"(.*)\")?|===[+!]?[ \t]+\"(.*)\")[ \t]*$")
_FOOTNOTE = re.compile(r"\[\^[^\]\s]{1,60}\]:[ \t]+")
_ORDER = re.compile(
    r"\{/\*.{0,2000}?\*/\}"  # a comment of MDX
    r"|\{%.{0,2000}?%\}|\{\{[<%].{0,2000}?[>%]\}\}|\{\{#\w[^{}]*\}\}"  # Liquid, Hugo, mdBook
    r"|\{:?[ \t]*[#.][A-Za-z][^{}\n]*\}|\{:[ \t]*[\w-]+=[^{}\n]*\}|\{[ \t]*[\w-]+=\"[^{}\n]*\"[ \t]*\}"  # lists of attributes
    r"|\[\^[^\]\s]{1,60}\]|\[![A-Z]+\][+-]?",  # marks of footnotes, and of GitHub's boxes
    re.DOTALL,
)
_ANCHOR = re.compile(r"\{:?[^{}]*?#([\w.:-]+)|\{/\*\s*([\w.:-]+)\s*\*/\}")


def add_dialects(markdown: MarkdownIt, *, in_mdx: bool) -> None:
    """Adds the rules to a parser; `in_mdx` what stands between tags of HTML is Markdown, too, and an indent makes no code."""
    components = partial(_components, pattern=_TAG if in_mdx else _COMPONENT)
    for name, rule in (("boxes", _box), ("components", components), ("modules", _module), ("notes", _footnote)):
        markdown.block.ruler.before("fence", name, rule, _INTERRUPTS if name in ("boxes", "components") else {"alt": []})
    if in_mdx:
        markdown.disable(["code", "html_block"])
    markdown.inline.ruler.before("link", "orders", _order)
    markdown.inline.ruler.before("html_inline", "component", _component)


def without_orders(html: str) -> str:
    """HTML without the orders to a site's generator; what holds code stays as it is."""
    return html if "<pre" in html or "<code" in html else _ORDER.sub("", html)


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]


def _box(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """`:::tip Title`, and its end; `!!! note "Title"` or `=== "Tab"`, whose text is indented by four."""
    if state.is_code_block(start):
        return False
    line = _line(state, start)
    colons = _COLONS.match(line) if line.startswith(":::") else None
    bang = _BANG.match(line) if line[:3] in ("!!!", "???", "===") else None
    found = colons or bang
    if not found or silent:
        return bool(found)
    title = next((group for group in found.groups() if group), "").strip().removeprefix("[").removesuffix("]")
    _add_paragraph(state, title, start)
    state.line = start + 1
    if bang:
        _add_indented(state, start + 1, end)
    return True


def _add_paragraph(state: StateBlock, text: str, line: int) -> None:
    if text:
        state.push("paragraph_open", "p", 1)
        inline = state.push("inline", "", 0)
        inline.content, inline.map, inline.children = text, [line, line + 1], []
        state.push("paragraph_close", "p", -1)


def _add_indented(state: StateBlock, start: int, end: int) -> None:
    """Reads the lines that are indented by four more."""
    indent, most = state.blkIndent + 4, state.lineMax
    after = start
    while after < end and (state.isEmpty(after) or state.sCount[after] >= indent):
        after += 1
    state.blkIndent, state.lineMax = indent, after
    state.level += 1
    state.md.block.tokenize(state, start, after)
    state.level -= 1
    state.blkIndent, state.lineMax, state.line = indent - 4, most, after


def _components(state: StateBlock, start: int, end: int, silent: bool, pattern: re.Pattern[str]) -> bool:
    """Lines that hold nothing but tags: those of HTML stay, those of components do not."""
    if state.is_code_block(start) or not _line(state, start).startswith("<"):
        return False
    at = state.bMarks[start] + state.tShift[start]
    limit = state.eMarks[end - 1]
    tags = ""
    while found := pattern.match(state.src, at, min(limit, at + LONGEST)):
        at = found.end()
        tags += found[0] if not _COMPONENT.fullmatch(found[0]) else ""
        while at < limit and state.src[at] in " \t":
            at += 1
        if at >= limit or state.src[at] == "\n":
            if not silent:
                state.push("html_block", "", 0).content = tags
                state.line = next((line for line in range(start, end) if state.eMarks[line] >= at), end - 1) + 1
            return True
    return False


def _component(state: StateInline, silent: bool) -> bool:  # noqa: ARG001  nothing is added either way
    if state.src[state.pos] != "<":
        return False
    found = _COMPONENT.match(state.src, state.pos, min(state.posMax, state.pos + LONGEST))
    if found:
        state.pos = found.end()
    return bool(found)


def _module(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Imports and exports at the margin, to the line where their brackets are closed."""
    if state.level or state.sCount[start] or not _MODULE.match(state.src, state.bMarks[start]):
        return False
    if silent:
        return True
    depth, line = 0, start
    while line < end:
        text = state.src[state.bMarks[line] : state.eMarks[line]]
        depth += sum(text.count(open_) for open_ in "([{") - sum(text.count(close) for close in ")]}")
        line += 1
        if depth <= 0:
            break
    state.line = line
    return True


def _footnote(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: ARG001
    """The text of a footnote is a paragraph where it stands, and no address of a link."""
    if state.is_code_block(start):
        return False
    line = _line(state, start)
    found = _FOOTNOTE.match(line)
    if found and not silent:
        _add_paragraph(state, line[found.end() :], start)
        state.line = start + 1
    return bool(found)


def _order(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] not in "{[":
        return False
    found = _ORDER.match(state.src, state.pos, state.posMax)
    if not found:
        return False
    if found[0].startswith("[") and state.src[found.end() : found.end() + 1] in ("(", "["):  # a link after all
        return False
    anchor = _ANCHOR.match(found[0])
    if not silent:
        token = state.push("text", "", 0)
        token.meta = {"anchor": anchor[1] or anchor[2]} if anchor else {}
    state.pos = found.end()
    return True
