"""The last touch: character references, spaces, and the holes that dropped templates leave in parentheses."""

from __future__ import annotations

import html
import re

# Each pattern begins at a character that it cannot run over twice, so that all are linear (40,000 spaces, `; ` x 40,000).
# Those that would be tried at every space wait for a quicker one to find something: a third of the time for the same text.
# The first two of each are marks of earlier steps: BLOCK and LINE, ALONE and INLINE.
_SPACE = re.compile("[\x01\x02\t\u00a0\u2002\u2003\u2009\u200a\u202f]")
_SPACES = re.compile("  +")
_INVISIBLE = re.compile("[\x04\x05\u00ad\u200b\u200e\u200f\u2060\ufeff]")
_EMPTY = re.compile(r" ?(?:\([\s;,:]*\)|\[[\s;,]*\]|（[\s;,；，、]*）)")
_HOLLOW = re.compile(r"[(\[（][\s;,:；，、]*[)\]）]")
_REFERENCE = re.compile(r"&#?\w+;")  # without its semicolon it is none: `?a=1&copy=2`
_OPENING = re.compile(r"\(\s*[;,:][\s;,:]*|\( ")
_CLOSING = re.compile(r"(?<![\s;,])[\s;,]+\)")
_LOOSELY_CLOSED = re.compile(r"\)(?<=[\s;,]\))")
_COMMAS = re.compile(r",(?: ,)+")  # what stood between them was dropped
_LOOSE = re.compile(r" (?=[,.](?:[ \n]|$))")
_STRAY = re.compile(r"\{\{|\}\}|\[\[|\]\]|\{\||\|\}")


def unescape(text: str) -> str:
    """`text` with the characters that its references stand for."""
    return _REFERENCE.sub(lambda found: html.unescape(found.group()), text)


def tidy(text: str) -> str:
    """`text` as one would print it. Linear."""
    if "&" in text:
        text = unescape(text.replace("&nbsp;", " "))
    text = _INVISIBLE.sub("", text)
    text = _SPACES.sub(_one_space, _SPACE.sub(" ", text))
    if "(" in text or "[" in text or "（" in text:
        if _HOLLOW.search(text):
            text = _EMPTY.sub("", text)
        text = _OPENING.sub("(", text)
        if _LOOSELY_CLOSED.search(text):
            text = _CLOSING.sub(")", text)
    if "{" in text or "}" in text or "[" in text or "]" in text:
        text = _STRAY.sub("", text)
    if ", ," in text:
        text = _COMMAS.sub(",", text)
    return _LOOSE.sub("", text)


def _one_space(run: re.Match[str]) -> str:
    """One space for several, but not where they indent a line."""
    return run.group() if run.string[run.start() - 1 : run.start()] == "\n" else " "
