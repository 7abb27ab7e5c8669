"""HTML tags, external links, quotes and switches: inline markup out, blocks marked, HTML tables and lists as wikitext."""

from __future__ import annotations

import re

from corpus_tuner.clean.wikitext.strip import BLOCK, INLINE, LINE, NOTHING

_HIDDEN = re.compile(r"<(span|div|small|sup)\b[^<>]*display:\s*none[^<>]*>[^<]*</\1\s*>", re.IGNORECASE)
_NAMES = (
    "abbr|b|bdi|bdo|big|cite|code|data|del|dfn|em|font|i|ins|kbd|mark|nobr|q|rb|ref|rp|rt|rtc|ruby|"
    "s|samp|small|span|strike|strong|sub|sup|time|tt|u|var|wbr|nowiki|nowrap|references|gallery|imagemap|timeline|math|poem"
)
_INLINE = re.compile(rf"</?(?:{_NAMES}|translate|tvar|languages|includeonly)(?![\w-])[^<>]*>", re.IGNORECASE)
_OLD_VARIABLE = re.compile(r"<tvar\|[^<>]*>([^<>]*)</>")
_TAB = re.compile(r"(?:<tabber\b[^<>]*>|^\|-\|)\s*([^=\n|<>]*)=?[ \t]*", re.IGNORECASE | re.MULTILINE)
_BREAK = re.compile(r"</?br(?![\w-])[^<>]*>", re.IGNORECASE)
_BLOCK = re.compile(
    r"</?(?:address|article|aside|blockquote|center|div|dl|figure|figcaption|footer|header|hr|main|nav|ol|p|pre|section|tabber|ul)(?![\w-])[^<>]*>",
    re.IGNORECASE,
)
_STRUCTURE = re.compile(r"<(/?)(caption|dd|dt|h[1-6]|li|table|tbody|td|tfoot|th|thead|tr)(?![\w-])([^<>]*)>", re.IGNORECASE)
_AS_WIKITEXT = {
    "caption": "\n|+ ", "dd": "\n: ", "dt": "\n; ", "li": "\n* ", "td": "\n| ", "th": "\n! ", "tr": "\n|-\n",
}  # fmt: skip
_ADDRESS = r"(?:(?:https?|ftps?|sftp|ircs?|news|gopher|git|ssh|svn|telnet)://|//|mailto:|tel:)[^\s\[\]<>\"']*+(?:'(?!')[^\s\[\]<>\"']*+)*+"
_LABEL = r"[^\[\]\n]*+(?:\[[^\[\]\n]*+\][^\[\]\n]*+)*+"  # may hold brackets, in pairs
_LABELLED_LINK = re.compile(rf"\[{_ADDRESS}(?:[^\S\n]+|(?=[<\"']))({_LABEL})\]", re.IGNORECASE)
_BARE_LINK = re.compile(rf"\[{_ADDRESS}\]", re.IGNORECASE)
# What leaves no text at the start of a line: the line is not blank, and behind it stand no list, table or heading, nor a space
# that would split the paragraph.
_OPENING = re.compile(rf"\n((?:''++|{NOTHING}|</?(?:{_NAMES})(?![\w-])[^<>]*>|\[{_ADDRESS}\])++)(?=[ *#:;{{|!=\n-])", re.IGNORECASE)
_QUOTES = re.compile("'{2,}")
_BOLD_LINE = re.compile("^.*'''.*$", re.MULTILINE)
_SWITCH = re.compile(r"__[^\s<>\[\]{}|=]+?__")
_IN_ANY_CASE = frozenset({"__NOTOC__", "__TOC__", "__FORCETOC__", "__NOGALLERY__", "__NOEDITSECTION__"})


def _one_letter(before: str) -> bool:
    return len(before) == 2 and before[1] != " " and before[0] == " "


def _longer_word(before: str) -> bool:
    return before[-1:] != " " and before[:1] != " "


def _space_before(before: str) -> bool:
    return before[-1:] == " "


def reduce_tags(text: str, switches: frozenset[str]) -> str:
    """`text` with blocks and line breaks as marks and no other tags, labels of external links, no quotes or switches."""
    text = _OPENING.sub(rf"\n{INLINE}\1", f"\n{text}")[1:]
    if "<" in text:
        text = _HIDDEN.sub("", text)
        if "<tvar|" in text:
            text = _OLD_VARIABLE.sub(r"\1", text)
        if "|-|" in text and "<tabber" in text.lower():
            text = _TAB.sub(r"\n\n\1\n\n", text)
        text = _INLINE.sub("", text)
        text = _BREAK.sub(LINE, text)
        text = _BLOCK.sub(BLOCK, text)
        text = _STRUCTURE.sub(_as_wikitext, text)
    if "[" in text:
        text = _LABELLED_LINK.sub(r"\1", text)
        text = _BARE_LINK.sub("", text)
    if "__" in text:
        text = _SWITCH.sub(lambda word: "" if word.group() in switches or word.group().upper() in _IN_ANY_CASE else word.group(), text)
    if "'''" in text:
        text = _BOLD_LINE.sub(_without_quotes, text)
    return text.replace("''", "").replace(NOTHING, "")


def _without_quotes(line: re.Match[str]) -> str:
    """A line without its bold and italic quotes.

    Where both are left open, MediaWiki reads one bold mark as an apostrophe and an italic one (`l'''avion''`): the
    first behind a word of one letter, else behind a longer word, else behind a space (Parser::doQuotes).
    """
    text = line.group()
    runs = list(_QUOTES.finditer(text))
    widths = [min(len(run.group()), 5) if len(run.group()) != 4 else 3 for run in runs]
    marks = {width: sum(found in (width, 5) for found in widths) for width in (2, 3)}
    if marks[2] % 2 and marks[3] % 2:
        bold = [run.start() + len(run.group()) - 3 for run, width in zip(runs, widths) if width == 3]
        before = [text[max(0, start - 2) : start] for start in bold]
        for test in (_one_letter, _longer_word, _space_before):
            for start, letters in zip(bold, before):
                if test(letters):
                    return _QUOTES.sub(_literal_quotes, text[:start]) + "'" + _QUOTES.sub(_literal_quotes, text[start + 3 :])
    return _QUOTES.sub(_literal_quotes, text)


def _literal_quotes(run: re.Match[str]) -> str:
    """The apostrophes of a run that are no markup."""
    length = len(run.group())
    return "'" * (length - 5 if length > 5 else length == 4)


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
