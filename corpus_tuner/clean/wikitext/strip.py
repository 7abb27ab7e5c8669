"""Comments and extension tags: what MediaWiki takes out of a page before it looks at anything else."""

from __future__ import annotations

import re
from collections.abc import Mapping

from corpus_tuner.clean.wikitext.definitions import Words
from corpus_tuner.clean.wikitext.losses import Losses
from corpus_tuner.clean.wikitext.tidy import unescape

BLOCK = "\x01"  # a block begins or ends here: the paragraph around it is split
ALONE = "\x04"  # beside BLOCK: its line stays out of the paragraphs around it (MediaWiki's BlockLevelPass::execute)
INLINE = "\x05"  # something stood here that leaves no text: its line is not blank, and does not begin with the space behind it
LINE = "\x02"  # a line break within a paragraph
NOTHING = "\x03"  # keeps its two sides apart until markup is read
SAVED = re.compile("\x7f(\\d+)\x7f")  # a stretch of text that no later step may read as markup

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff]")
_DROPPED = (
    "ref|references|gallery|timeline|score|imagemap|templatestyles|inputbox|hiero|categorytree|section|mapframe|maplink|"
    "graph|indicator|templatedata|includeonly|math|chem|ce|charinsert|dynamicpagelist|rss|langconvert|categorylist|"
    "pages|pagelist|pagequality|youtube|seo|poll|slideshow|googlemap"
)
_TRANSCLUSION = "noinclude|onlyinclude"
_TAG = re.compile(rf"<(?:!--|(/?)({_DROPPED}|nowiki|pre|syntaxhighlight|source|poem|{_TRANSCLUSION})(?![\w-])([^<>]*)>)", re.IGNORECASE)
_INLINE = frozenset({"ref", "math", "chem", "ce", "hiero", "score"})
_TAGS_ALONE = frozenset(_TRANSCLUSION.split("|"))  # of these the tags go, even inside of other tags, and the content stays
_CODE = frozenset({"pre", "syntaxhighlight", "source"})
_NOWIKI_IN_PRE = re.compile(r"<nowiki>((?:[^<]|<(?!/?nowiki>))*)</nowiki>", re.IGNORECASE)
_VERSE_END = re.compile(r"(?<!\n)\n(?!\n)")
_INDENTED_VERSE = re.compile(r"^[ :]+(?=[^ :\n])", re.MULTILINE)
_BLANK_LINE_END = re.compile(r"[ \t]*\n")


class Stripper:
    """Takes comments and extension tags out of one page; `saved` keeps the literal text for the end."""

    def __init__(self, definitions: Mapping[str, Words], losses: Losses) -> None:
        self.saved: list[str] = []
        self._definitions = definitions
        self._losses = losses
        self._unclosed: set[str] = set()

    def strip(self, text: str) -> str:
        """`text` without comments, references, galleries and the like; literal text as `SAVED` marks. Linear."""
        out: list[str] = []
        position = 0
        while found := _TAG.search(text, position):
            if found.start() > position:
                out.append(text[position : found.start()])
            if found[2] is None:
                position = self._comment(text, found.start(), out)
            elif found[2].lower() in _TAGS_ALONE:
                position = found.end()
            elif found[1] or found[3].endswith("/"):
                position = found.end()
                if found[2].lower() == "nowiki":
                    out.append(NOTHING)
                elif not found[1]:
                    self._hold_line(found[2].lower(), out)
            else:
                position = self._element(text, found, out)
        out.append(text[position:])
        return "".join(out)

    def _comment(self, text: str, start: int, out: list[str]) -> int:
        """Position behind a comment; one that fills its line takes the line along, one without end takes the rest."""
        end = text.find("-->", start + 4)
        if end < 0:
            return len(text)
        end += 3
        before = out[-1][-80:].rstrip(" \t") if out else "\n"
        rest = _BLANK_LINE_END.match(text, end)
        return rest.end() if rest and before.endswith("\n") else end

    def _element(self, text: str, opening: re.Match[str], out: list[str]) -> int:
        name = opening[2].lower()
        if name in self._unclosed:
            return opening.end()
        closing = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(text, opening.end())
        if closing is None:
            self._unclosed.add(name)
            return opening.end()
        inner = text[opening.end() : closing.start()]
        if name == "nowiki":
            out.append(self.save(unescape(inner)))
        elif name in _CODE:
            block = "inline" not in opening[3]
            inner = _NOWIKI_IN_PRE.sub(r"\1", inner) if name == "pre" else inner
            literal = self.save(unescape(inner).strip("\n"))
            out.append(f"{BLOCK}{literal}{BLOCK}" if block else literal)
        elif name == "poem":
            unclosed, self._unclosed = self._unclosed, {"poem"}
            verses = _INDENTED_VERSE.sub(INLINE, self.strip(inner).strip("\n"))
            out.append(BLOCK + _VERSE_END.sub(f"{LINE}\n", verses) + BLOCK)
            self._unclosed = unclosed
        elif words := self._definitions.get(f"<{name}>"):
            out.append(self.save(words({"1": inner.strip()})))
        elif name not in ("ref", "references"):
            self._losses.add(f"<{name}>", closing.end() - opening.start())
        self._hold_line(name, out)
        return closing.end()

    def _hold_line(self, name: str, out: list[str]) -> None:
        """Marks the place of an inline element that opens a line."""
        if name in _INLINE and (not out or out[-1].endswith("\n")):
            out.append(INLINE)

    def save(self, literal: str) -> str:
        """A mark that stands for `literal`."""
        self.saved.append(literal)
        return f"\x7f{len(self.saved) - 1}\x7f"

    def restore(self, text: str) -> str:
        """`text` with its marks replaced by what they stand for."""
        return SAVED.sub(lambda mark: self.saved[int(mark[1])], text) if "\x7f" in text else text


def without_control(text: str) -> str:
    """`text` with line feeds alone, and without the control characters that serve as marks."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
