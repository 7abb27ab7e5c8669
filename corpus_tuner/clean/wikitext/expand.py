"""Templates and links, in one pass with a stack, as MediaWiki's preprocessor pairs their braces and brackets.

Inner ones are resolved first, so each character is read once. Pieces of a frame alternate: text as written (even
places, where `|` and `=` separate arguments) and results of inner templates and links (odd places, opaque).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from corpus_tuner.clean.wikitext.definitions import Words
from corpus_tuner.clean.wikitext.names import Names
from corpus_tuner.clean.wikitext.strip import BLOCK

DEPTH = 100  # MediaWiki expands no deeper ($wgMaxPPExpandDepth); what lies deeper is dropped, and counted as lost

_TOKEN = re.compile(r"\{\{+|\}\}+|\[\[|\]\]")
_PLAIN_LINK = re.compile(r"\[\[(?:[^\[\]{}|\n:<>]*\|)?([^\[\]{}|\n:=<>]+)\]\]")
_FUNCTION = re.compile(r"\s*(#?[\w-]+|#[^:|]*)\s*:\s*(.*)", re.DOTALL)
_STARTS_LINE = ("*", "#", ":", ";", "{|")


class Frame:
    """An open `{{` or `[[` with what has been read since."""

    __slots__ = ("braces", "pieces", "start")

    def __init__(self, start: int, braces: int) -> None:
        self.start = start
        self.braces = braces  # how many `{` are still open; 0 for a link
        self.pieces: list[str] = []


class Expander:
    """Replaces the templates of one page by the words that they carry, and links by their text."""

    def __init__(self, names: Names, definitions: Mapping[str, Words], title: str, lost: Counter[str], used: Counter[str]) -> None:
        self._names = names
        self._definitions = definitions
        self._variables = {"pagename": title, "fullpagename": title, "!": "|", "=": "="}
        self._prefixes = names.template | {"subst", "safesubst", ""}
        self._lost = lost  # characters by template name
        self._used = used

    def expand(self, text: str) -> str:
        """`text` without templates and links; what never closes stays, without its braces."""
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
        return "".join([*rest, text[position:]])

    def _close(self, text: str, token: re.Match[str], frames: list[Frame]) -> int:
        """Closes what `token` closes; returns the position behind it."""
        if token.group() == "]]":
            frame = frames.pop()
            end = token.end()
            result = self._link(frame, text, end) if len(frames) <= DEPTH else ""
            if text.startswith("]", end) and result.count("[") > result.count("]"):
                result, end = result + "]", end + 1
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
        return "".join(frame.pieces).partition("|")[2]

    def _template(self, frame: Frame, size: int, too_deep: bool) -> str:
        head, bar, _ = frame.pieces[0].partition("|")
        name = self._name(head if bar or len(frame.pieces) == 1 else "".join(frame.pieces).partition("|")[0])
        words = self._definitions.get(name)
        if words is None and name in self._variables:
            return self._variables[name]
        if words is not None and not too_deep:
            return words(arguments(frame.pieces))
        if function := _FUNCTION.match(name):
            known = call(function[1], frame.pieces)
            if known is not None:
                return known
            name = function[1] + ":"
        self._used[name] += 1
        self._lost[name] += size
        return ""

    def _name(self, written: str) -> str:
        """A template's name as the tables have it."""
        name = " ".join(written.replace("_", " ").split()).lower()
        prefix, colon, rest = name.partition(":")
        if colon and prefix.rstrip() in self._prefixes:
            return self._name(rest)
        return name

    def _link(self, frame: Frame, text: str, end: int) -> str:
        target, bar, label = "".join(frame.pieces).partition("|")
        if "\n" in target:
            return target + bar + label
        prefix, colon, rest = target.partition(":")
        kind = " ".join(prefix.replace("_", " ").split()).lower() if colon else ""
        if kind in self._names.file:
            options = {option.partition("=")[0].strip().lower() for option in label.split("|")}
            return BLOCK if options & self._names.floating else ""
        if kind in self._names.category or kind in self._names.interlanguage:
            return ""
        return label if bar and label else target.removeprefix(":")


def fields(pieces: list[str]) -> list[list[str]]:
    """The pieces of a call between its pipes; each field alternates as the frame did."""
    found: list[list[str]] = [[]]
    for place, piece in enumerate(pieces):
        if place % 2:
            found[-1].append(piece)
        else:
            first, *rest = piece.split("|")
            found[-1].append(first)
            found += [[part] for part in rest]
    return found


def arguments(pieces: list[str]) -> dict[str, str]:
    """A call's arguments by name; those without one are numbered from 1 and keep their spaces."""
    found: dict[str, str] = {}
    number = 0
    for field in fields(pieces)[1:]:
        for place in range(0, len(field), 2):
            before, equals, after = field[place].partition("=")
            if equals:
                found["".join([*field[:place], before]).strip()] = "".join([after, *field[place + 1 :]]).strip()
                break
        else:
            number += 1
            found[str(number)] = "".join(field)
    return found


def call(function: str, pieces: list[str]) -> str | None:
    """The result of a parser function that pages themselves use; None for any other."""
    values = ["".join(field).strip() for field in fields(pieces)]
    first, rest = values[0].partition(":")[2].strip(), [*values[1:], "", "", ""]
    if function in ("lc", "uc", "formatnum"):
        return {"lc": first.lower(), "uc": first.upper(), "formatnum": first}[function]
    if function in ("ucfirst", "lcfirst"):
        return (first[:1].upper() if function == "ucfirst" else first[:1].lower()) + first[1:]
    if function == "#if":
        return rest[0] if first else rest[1]
    if function == "#ifeq":
        return rest[1] if first == rest[0] else rest[2]
    return None
