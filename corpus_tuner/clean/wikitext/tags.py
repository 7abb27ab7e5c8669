"""HTML tags, external links, quotes and switches: inline markup out, blocks marked, HTML tables and lists as wikitext."""

from __future__ import annotations

import re

from corpus_tuner.clean.wikitext.strip import BLOCK, LINE, NOTHING

_HIDDEN = re.compile(r"<(span|div|small|sup)\b[^<>]*display:\s*none[^<>]*>[^<]*</\1\s*>", re.IGNORECASE)
_INLINE = re.compile(
    r"</?(?:abbr|b|bdi|bdo|big|cite|code|data|del|dfn|em|font|i|ins|kbd|mark|noinclude|nobr|onlyinclude|q|rb|ref|rp|rt|rtc|ruby|"
    r"s|samp|small|span|strike|strong|sub|sup|time|tt|u|var|wbr|translate|tvar|languages|includeonly|nowiki|nowrap|references|"
    r"gallery|imagemap|timeline|math|poem)(?![\w-])[^<>]*>",
    re.IGNORECASE,
)
_BREAK = re.compile(r"</?br(?![\w-])[^<>]*>", re.IGNORECASE)
_BLOCK = re.compile(
    r"</?(?:address|article|aside|blockquote|center|div|dl|figure|figcaption|footer|header|hr|main|nav|ol|p|pre|section|ul)(?![\w-])[^<>]*>",
    re.IGNORECASE,
)
_STRUCTURE = re.compile(r"<(/?)(caption|dd|dt|h[1-6]|li|table|tbody|td|tfoot|th|thead|tr)(?![\w-])([^<>]*)>", re.IGNORECASE)
_AS_WIKITEXT = {
    "caption": "\n|+ ", "dd": "\n: ", "dt": "\n; ", "li": "\n* ", "td": "\n| ", "th": "\n! ", "tr": "\n|-\n",
}  # fmt: skip
_LABELLED_LINK = re.compile(r"\[(?:(?:https?|ftps?|irc|news|gopher)://|//|mailto:)[^\s\[\]<>\"]*[ \t]+([^\[\]\n]*)\]", re.IGNORECASE)
_BARE_LINK = re.compile(r"\[(?:(?:https?|ftps?|irc|news|gopher)://|//|mailto:)[^\s\[\]<>\"]*\]", re.IGNORECASE)
_SWITCH = re.compile(r"__\w+?__")


def reduce_tags(text: str, switches: frozenset[str]) -> str:
    """`text` with blocks and line breaks as marks and no other tags, labels of external links, no quotes or switches."""
    if "<" in text:
        text = _HIDDEN.sub("", text)
        text = _INLINE.sub("", text)
        text = _BREAK.sub(LINE, text)
        text = _BLOCK.sub(BLOCK, text)
        text = _STRUCTURE.sub(_as_wikitext, text)
    if "[" in text:
        text = _LABELLED_LINK.sub(r"\1", text)
        text = _BARE_LINK.sub("", text)
    if "__" in text:
        text = _SWITCH.sub(lambda found: "" if found.group() in switches else found.group(), text)
    text = text.replace("'''''", "").replace("'''", "").replace("''", "")
    return text.replace(NOTHING, "")


def _as_wikitext(tag: re.Match[str]) -> str:
    """An HTML table, list item or heading in wikitext's own notation, so that one reader reads both."""
    closing, name, attributes = tag[1], tag[2].lower(), tag[3]
    if name == "table":
        return "\n|}\n" if closing else "\n{|" + attributes.replace("\n", " ") + "\n"
    if name in ("tbody", "thead", "tfoot"):
        return ""
    if name[0] == "h":
        equals = "=" * int(name[1])
        return equals + "\n" if closing else "\n" + equals
    if closing:
        return "\n" if name == "li" else ""
    return _AS_WIKITEXT[name]
