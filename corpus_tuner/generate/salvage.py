"""The pairs of a damaged reply: object by object, each read strictly or with json_repair, and only if it is closed.

json_repair sees one object at a time: on a whole reply it takes minutes for some garbage (measured: 49 s for 40 kB) and
turns a cut answer into a valid-looking one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

MAX_FAILURES = 2_000  # places of one reply at which no object could be read
MAX_REPAIRS = 400  # objects of one reply that json_repair sees,
MAX_OBJECT = 8_000  # each at most so long,
MAX_BRACES = 6  # with at most so many opening braces: under 50 ms for the worst garbage tried
CLOSINGS = 4  # braces that are tried as the end of one object; the others may stand in a string

QUESTION, ANSWER = ("question", "q"), ("answer", "a")

_OPENING = re.compile(r"""\{\s*["'“]?\w""")
_CLOSING = re.compile(r"\}(?=\s*(?:[,\]{}]|\Z|```))")
KEY = re.compile(r"""(?<!\\)["'“](?:question|q)["'”]\s*:""", re.IGNORECASE)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_AFTER = re.compile(r"""["'“”]\s*(?:[}\]]|,\s*(?:["'“]?\w+["'”]?\s*:|[}\]]))""")
_BEFORE = re.compile(r"""["'“”]\s*:\s*["'“”]\s*\Z""")
SURROGATE = re.compile("[\ud800-\udfff]")


def pair_objects(values: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Every object with a question or an answer in parsed JSON, in order."""
    if depth > 6:
        return
    if isinstance(values, list):
        for value in values:
            yield from pair_objects(value, depth + 1)
    elif isinstance(values, dict):
        if is_pair(values):
            yield values
        else:
            yield from pair_objects(list(values.values()), depth + 1)


def is_pair(value: dict[str, Any]) -> bool:
    keys = {key.lower() for key in value}
    return not keys.isdisjoint(QUESTION) and not keys.isdisjoint(ANSWER)


def objects(flat: str) -> tuple[list[tuple[dict[str, Any], str]], int]:
    """Every readable object of a pair with the rung that read it, and where the last one ends."""
    decoder = json.JSONDecoder()
    found: list[tuple[dict[str, Any], str]] = []
    at = end = failures = repairs = 0
    while (at := flat.find("{", at)) >= 0 and failures < MAX_FAILURES:
        try:
            value, stop = decoder.raw_decode(flat, at)
        except (ValueError, RecursionError):
            value, stop = None, at + 1
            for closed in _closed(flat, at) if repairs < MAX_REPAIRS else ():
                repairs += 1
                if value := _repaired(closed):
                    stop = at + len(closed)
                    break
            form = "repaired"
        else:
            form = "salvaged"
        pairs = [(item, form) for item in pair_objects(value)]
        failures += not pairs
        found += pairs
        end = stop if pairs else end
        at = stop
    return found, end


def _closed(flat: str, at: int) -> Iterator[str]:
    """What may be the object that opens at `at`: up to each of the next braces that look like its closing one."""
    if _OPENING.match(flat, at):
        for brace in islice(_CLOSING.finditer(flat, at, at + MAX_OBJECT), CLOSINGS):
            closed = flat[at : brace.end()]
            if closed.count("{") <= MAX_BRACES:  # json_repair goes into each one
                yield closed


def _repaired(source: str) -> dict[str, Any] | None:
    """The pair in one closed but malformed object; None unless each of its strings stands whole in `source`."""
    from json_repair import loads

    try:
        value = loads(source)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not is_pair(value):
        return None
    value = {key: _joined(item) if isinstance(item, str) else item for key, item in value.items()}
    plain = _joined(_ESCAPE.sub(_unescape, source))
    whole = all(_stands_whole(item, plain) for item in value.values() if isinstance(item, str))
    return value if whole and len(KEY.findall(source)) == 1 else None


def _unescape(match: re.Match[str]) -> str:
    code = match.group(1)
    return chr(int(code[1:], 16)) if len(code) == 5 else _ESCAPED.get(code, code)


def _joined(text: str) -> str:
    """`text` with each two halves of a character beyond U+FFFF as one."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace") if SURROGATE.search(text) else text


def _stands_whole(text: str, plain: str) -> bool:
    """Whether `text` stands in `plain` between a quotation mark after a colon and one before the next key or the end."""
    at = plain.find(text)
    while at >= 0:
        if _BEFORE.search(plain, max(0, at - 20), at) and _AFTER.match(plain, at + len(text)):
            return True
        at = plain.find(text, at + 1)
    return False
