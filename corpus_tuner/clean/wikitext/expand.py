"""Templates and links, in one pass with a stack, as MediaWiki's preprocessor pairs their braces and brackets.

Inner ones are resolved first, so each character is read once. Pieces of a frame alternate: text as written (even
places, where `|` and `=` separate arguments) and results of inner templates and links (odd places, opaque).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from corpus_tuner.clean.wikitext.definitions import Words
from corpus_tuner.clean.wikitext.functions import PLAIN_NUMBERS, arguments, call, fields
from corpus_tuner.clean.wikitext.losses import Losses
from corpus_tuner.clean.wikitext.names import Names
from corpus_tuner.clean.wikitext.strip import ALONE, BLOCK, INLINE, NOTHING

DEPTH = 100  # MediaWiki expands no deeper ($wgMaxPPExpandDepth); what lies deeper is dropped, and counted as lost

VARIANT_LANGUAGES = frozenset({"zh", "gan", "sr", "kk", "ku", "shi", "uz", "tg", "iu", "crh"})  # with a LanguageConverter

_TOKEN = re.compile(r"\{\{+|\}\}+|\[\[|\]\]")
_PLAIN_LINK = re.compile(r"\[\[(?:[^\[\]{}|\n:<>]*\|)?([^\[\]{}|\n:=<>*#;][^\[\]{}|\n:=<>]*)\]\]")
_FUNCTION = re.compile(r"\s*(#?[\w-]+|#[^:|]*)\s*:\s*(.*)", re.DOTALL)
_HEADING_START = re.compile(r"(?:\n|\A)={1,6} *\Z")
_HEADING_END = re.compile(r"[ \t]*=+[ \t]*(?:\n|\Z)")
_PREFIX = re.compile(r"\w+[-/]")
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".svg")  # GitHub's wikis show them by their address
_STARTS_LINE = ("*", "#", ":", ";", "{|")


_VARIANT = re.compile(r"-\{([^{}]*)\}-")
_TEMPLATES_IN_VARIANT = re.compile(r"-\{([^{}]*+(?:\{\{[^{}]*+\}\}[^{}]*+)+)\}-")  # `-{{{a}}}-` is no parameter
_RULE = re.compile(r"(?:^|;)\s*([a-z]{2,3}(?:-[a-z]+)*)\s*:([^;]*)", re.IGNORECASE)


class Frame:
    """An open `{{` or `[[` with what has been read since."""

    __slots__ = ("braces", "pieces", "start")

    def __init__(self, start: int, braces: int) -> None:
        self.start = start
        self.braces = braces  # how many `{` are still open; 0 for a link
        self.pieces: list[str] = []


class Expander:
    """Replaces the templates of one page by the words that they carry, and links by their text."""

    def __init__(self, names: Names, definitions: Mapping[str, Words], title: str, language: str, losses: Losses) -> None:
        self._names = names
        self._numbers = names.numbers.get(language, PLAIN_NUMBERS)
        self._variants = language in VARIANT_LANGUAGES
        self._definitions = definitions
        self._variables = {"pagename": title, "fullpagename": title, "!": "|", "=": "="}
        self._prefixes = names.template | {"subst", "safesubst", ""}
        self._losses = losses

    def expand(self, text: str) -> str:
        """`text` without templates and links; what never closes stays, without its braces."""
        if self._variants and "-{" in text:
            text = choose_variants(_TEMPLATES_IN_VARIANT.sub(rf"-{{{NOTHING}\1{NOTHING}}}-", text))
        text = _PLAIN_LINK.sub(r"\1", text)
        frames = [Frame(0, 0)]
        position = 0
        for token in _TOKEN.finditer(text):
            run, start = token.group(), token.start()
            if run[0] in "{[":
                frames[-1].pieces.append(text[position:start])
                frames.append(Frame(start, len(run) if run[0] == "{" else 0))
                position = token.end()
            elif len(frames) > 1 and (run[0] == "}") == bool(frames[-1].braces):
                frames[-1].pieces.append(text[position:start])
                position = self._close(text, token, frames)
        rest = [piece for frame in frames for piece in frame.pieces]
        expanded = "".join([*rest, text[position:]])
        return choose_variants(expanded) if self._variants and "-{" in expanded else expanded

    def _close(self, text: str, token: re.Match[str], frames: list[Frame]) -> int:
        """Closes what `token` closes; returns the position behind it."""
        if token.group() == "]]":
            frame = frames.pop()
            end = token.end()
            result = self._link(frame) if len(frames) <= DEPTH else ""
            if text.startswith("]", end) and result.count("[") > result.count("]"):
                result, end = result + "]", end + 1
            elif not result and text[max(0, frame.start - 1)] in "\n[":  # a category takes its line along, or holds it
                result, end = ("", end + 1) if text.startswith("\n", end) else (INLINE, end)
            frames[-1].pieces.append(result)
            return end
        position = token.start()
        while token.end() - position >= 2 and frames[-1].braces:
            if position > token.start():
                frames[-1].pieces.append("")
            position += self._close_braces(text, position, token.end() - position, frames)
        return position

    def _close_braces(self, text: str, position: int, left: int, frames: list[Frame]) -> int:
        """Closes two or three of the open braces; returns how many."""
        frame = frames[-1]
        width = 3 if left >= 3 and frame.braces >= 3 else 2
        frame.braces -= width
        if width == 3:
            result = self._parameter(frame)
        else:
            result = self._template(frame, position + 2 - frame.start, len(frames) > DEPTH)
            if not result and _is_heading(text, frame.start, position + 2):
                result = heading_words(frame.pieces)
            if result.startswith(_STARTS_LINE) and frame.start and text[frame.start - 1] != "\n":
                result = "\n" + result
        if frame.braces >= 2:
            frame.pieces = ["", result]
        else:
            frames.pop()
            frames[-1].pieces.append("{" * frame.braces + result)
        return width

    def _parameter(self, frame: Frame) -> str:
        """A template's parameter on a page that is no template: its default."""
        _, *defaults = fields(frame.pieces)
        return "".join(defaults[0]) if defaults else ""

    def _template(self, frame: Frame, size: int, too_deep: bool) -> str:
        head, bar, _ = frame.pieces[0].partition("|")
        name = self._name(head if bar or len(frame.pieces) == 1 else "".join(frame.pieces).partition("|")[0])
        words = self._definitions.get(name) or self._by_prefix(name)
        if words is None and name in self._variables:
            return self._variables[name]
        if words is not None and not too_deep:
            return words(arguments(frame.pieces))
        if function := _FUNCTION.match(name):
            known = call(function[1], frame.pieces, self._numbers)
            if known is not None:
                return known
            name = function[1] + ":"
        self._losses.add(name, size)
        return ""

    def _by_prefix(self, name: str) -> Words | None:
        """The definition of `lang-*` or `script/*` for a name that has none of its own."""
        found = _PREFIX.match(name)
        return self._definitions.get(f"{found.group()}*") if found else None

    def _name(self, written: str) -> str:
        """A template's name as the tables have it."""
        name = " ".join(written.replace("_", " ").split()).lower()
        prefix, colon, rest = name.partition(":")
        if colon and prefix.rstrip() in self._prefixes:
            return self._name(rest)
        return name

    def _link(self, frame: Frame) -> str:
        target, bar, label = "".join(frame.pieces).partition("|")
        if "\n" in target:
            return target + bar + label
        prefix, colon, _ = target.partition(":")
        kind = " ".join(prefix.replace("_", " ").split()).lower() if colon else ""
        hidden = kind in self._names.file or kind in self._names.category or kind in self._names.interlanguage
        if hidden and "\n\n" in label:  # it was never closed, and what closed it stands far below: only its line goes
            return BLOCK + "\n" + label.partition("\n")[2]
        if kind in self._names.file:
            options = {option.partition("=")[0].strip().lower() for option in label.split("|")}
            return ALONE + BLOCK if options & self._names.floating else INLINE
        if hidden:
            return ""
        if target.startswith(("http://", "https://", "//")):
            return target.partition(" ")[2] or ("" if target.lower().endswith(_PICTURES) else label)
        words = label.rstrip("|") or target.removeprefix(":")
        if "|" in words and "\n" not in words:  # over several lines it was never closed
            words = words.replace("|", "&#124;")  # ends no cell
        return INLINE + words if words.startswith(_STARTS_LINE) else words


def _is_heading(text: str, start: int, end: int) -> bool:
    """Whether text[start:end] is all that a heading holds."""
    return bool(_HEADING_START.search(text, max(0, start - 9), start) and _HEADING_END.match(text, end))


def heading_words(pieces: list[str]) -> str:
    """What names a section whose heading is an unknown template (`== {{langue|fr}} ==`): its arguments, else its name."""
    name, *values = ["".join(field).strip() for field in fields(pieces)]
    return " ".join(value for value in values if value and "=" not in value) or name


def choose_variants(text: str) -> str:
    """Text of `-{...}-` marks in one script: the first of zh-hans, zh-cn, zh, or else the first one named."""
    return _VARIANT.sub(_choose, text)


def _choose(mark: re.Match[str]) -> str:
    flags, bar, rules = mark[1].replace(NOTHING, "").rpartition("|")
    if bar and {flag.strip() for flag in flags.split(";")} & {"H", "T", "-", "N"}:
        return ""
    named = {code.lower(): words for code, words in _RULE.findall(rules)}
    if not named:
        return rules
    return next((named[code] for code in ("zh-hans", "zh-cn", "zh", *named) if code in named), "").strip()
