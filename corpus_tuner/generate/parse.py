"""From a model's reply to question/answer pairs: a ladder of pure functions that salvage, and never invent.

Strict JSON or JSONL; the fenced or outermost JSON; then object by object, each read strictly or with json_repair.
json_repair sees one closed object of a pair at a time: on a whole reply it takes minutes for some garbage (measured:
49 s for 40 kB) and turns a cut answer into a valid-looking one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from corpus_tuner.records import Reason, Reply

MAX_CHARACTERS = 1_000_000  # of a reply; the longest honest one (128,000 tokens) is about half of it
MAX_FAILURES = 2_000  # places of one reply at which no object could be read
MAX_REPAIRS = 400  # objects of one reply that json_repair sees,
MAX_OBJECT = 8_000  # each at most so long: under 50 ms for the worst garbage tried

QUESTION, ANSWER, EVIDENCE = ("question", "q"), ("answer", "a"), ("evidence", "sentences", "sentence", "source")

_CONTROL = dict.fromkeys((*range(32), 127), " ")
_THINKING = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_FENCE = re.compile(r"```[a-zA-Z]*[ \t]*\r?\n(.*?)(?:```|\Z)", re.DOTALL)
_OBJECT = re.compile(
    r"""\{\s*["'“]?\w[^{}]*(?:[{}][^{}]*){0,12}?\}(?=\s*(?:[,\]{}]|\Z|```))"""
)  # closed, few braces in its strings
_KEY = re.compile(r"""(?<!\\)["'“](?:question|q)["'”]\s*:""", re.IGNORECASE)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_AFTER = re.compile(r"""["'“”]\s*(?:[}\]]|,\s*(?:["'“]?\w+["'”]?\s*:|[}\]]))""")
_BEFORE = re.compile(r"""["'“”]\s*:\s*["'“”]\s*\Z""")
_SURROGATE = re.compile("[\ud800-\udfff]")
_REFUSAL = re.compile(
    r"\b(?:sorry|apologi[sz]e|can(?:'|’|no)?t|unable|won['’]t|lo siento|no puedo|désolé|je ne peux pas|tut mir leid"
    r"|kann (?:ich )?nicht|не могу|извините|к сожалению)\b|抱歉|无法|不能|申し訳",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Pair:
    """One pair as the reply gave it; `evidence` are the sentence numbers it cites, unchecked."""

    question: str
    answer: str
    evidence: tuple[int, ...]
    form: str  # strict, fenced, repaired, salvaged


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a reply held. `fault` says why something is missing from it, so that asking again makes sense."""

    pairs: tuple[Pair, ...] = ()
    rejects: tuple[tuple[Reason, str], ...] = ()
    fault: Reason | None = None


def parse(reply: Reply) -> Parsed:
    """The pairs of a reply: each question and answer stands in it, whole, after JSON's own unescaping."""
    text = _THINKING.sub("", reply.text, count=1).strip("\ufeff \t\r\n")
    if reply.finish_reason == "too_long" or len(text) > MAX_CHARACTERS:
        return Parsed(fault=Reason.TOO_LONG)
    if reply.finish_reason in ("refusal", "content_filter"):
        return Parsed(fault=Reason.REFUSAL)
    if not text:
        return Parsed(fault=Reason.EMPTY_REPLY)
    values, form = _strict(text), "strict"
    if values is None:
        values, form = _outermost(text), "fenced"
    if values is not None:
        return _parsed([(item, form) for item in _items(values)], cut=reply.finish_reason == "length")
    return _salvaged(text, cut=reply.finish_reason == "length")


def _parsed(items: list[tuple[dict[str, Any], str]], *, cut: bool) -> Parsed:
    pairs, rejects = [], []
    for item, form in items:
        made = _pair(item, form)
        (pairs if isinstance(made, Pair) else rejects).append(made)
    return Parsed(tuple(pairs), tuple(rejects), Reason.CUT if cut else None)


# --------------------------------------------------------------------------------------------- whole replies, strictly


def _load(text: str) -> Any:
    """The JSON value of `text`, or None."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _strict(text: str) -> list[Any] | None:
    """The values of a reply that is JSON, or JSONL, and nothing else."""
    whole = _load(text)
    if whole is not None:
        return [whole] if isinstance(whole, dict | list) else None
    lines = [line for line in text.splitlines() if line.strip()]
    if not all(line.strip()[0] in "{[" and line.strip()[-1] in "}]" for line in lines):
        return None
    values = [_load(line) for line in lines]
    return values if all(isinstance(value, dict | list) for value in values) else None


def _outermost(text: str) -> list[Any] | None:
    """The values of the fenced part, or from the first bracket to the last, if that is JSON or JSONL."""
    fence = _FENCE.search(text)
    for part in ((fence.group(1),) if fence else ()) + (_from_bracket(text),):
        values = _strict(part.strip()) if part.strip() else None
        if values is not None and any(_items(values)):
            return values
    return None


def _from_bracket(text: str) -> str:
    starts = [at for at in (text.find("{"), text.find("[")) if at >= 0]
    end = max(text.rfind("}"), text.rfind("]"))
    return text[min(starts) : end + 1] if starts else ""


def _items(values: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Every object with a question or an answer in parsed JSON, in order."""
    if depth > 6:
        return
    if isinstance(values, list):
        for value in values:
            yield from _items(value, depth + 1)
    elif isinstance(values, dict):
        if _is_pair(values):
            yield values
        else:
            yield from _items(list(values.values()), depth + 1)


def _is_pair(value: dict[str, Any]) -> bool:
    keys = {key.lower() for key in value}
    return not keys.isdisjoint(QUESTION) and not keys.isdisjoint(ANSWER)


# ------------------------------------------------------------------------------------------------- object by object


def _salvaged(text: str, *, cut: bool) -> Parsed:
    """The pairs of a damaged reply, as far as their objects are closed; a fault if any was lost."""
    flat = text.translate(_CONTROL)  # a raw line break inside of a string is a space; between tokens it is nothing
    items, end = _objects(flat)
    parsed = _parsed(items, cut=cut)
    if not items:
        return Parsed(fault=Reason.CUT if cut else _blame(text))
    if cut or "{" in flat[end:] or (flat[0] == "[" and "]" not in flat[end:]):
        return Parsed(parsed.pairs, parsed.rejects, Reason.CUT)
    lost = len(_KEY.findall(flat)) > len(items)
    return Parsed(parsed.pairs, parsed.rejects, Reason.UNPARSABLE if lost else None)


def _blame(text: str) -> Reason:
    """Why a reply without one readable pair is none."""
    return Reason.REFUSAL if len(text) < 1000 and "{" not in text and _REFUSAL.search(text) else Reason.UNPARSABLE


def _objects(flat: str) -> tuple[list[tuple[dict[str, Any], str]], int]:
    """Every readable object of a pair with the rung that read it, and where the last one ends."""
    decoder = json.JSONDecoder()
    found: list[tuple[dict[str, Any], str]] = []
    at = end = failures = repairs = 0
    while (at := flat.find("{", at)) >= 0 and failures < MAX_FAILURES:
        try:
            value, stop = decoder.raw_decode(flat, at)
        except (ValueError, RecursionError):
            value, stop = None, at + 1
            closed = _OBJECT.match(flat, at, at + MAX_OBJECT) if repairs < MAX_REPAIRS else None
            if closed:
                repairs += 1
                value = _repaired(closed.group())
                stop = closed.end() if value else stop
            form = "repaired"
        else:
            form = "salvaged"
        items = [(item, form) for item in _items(value)]
        failures += not items
        found += items
        end = stop if items else end
        at = stop
    return found, end


def _repaired(source: str) -> dict[str, Any] | None:
    """The pair in one closed but malformed object; None unless each of its strings stands whole in `source`."""
    from json_repair import loads

    try:
        value = loads(source)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not _is_pair(value):
        return None
    value = {key: _joined(item) if isinstance(item, str) else item for key, item in value.items()}
    plain = _joined(_ESCAPE.sub(_unescape, source))
    whole = all(_stands_whole(item, plain) for item in value.values() if isinstance(item, str))
    return value if whole and len(_KEY.findall(source)) == 1 else None


def _unescape(match: re.Match[str]) -> str:
    code = match.group(1)
    return chr(int(code[1:], 16)) if len(code) == 5 else _ESCAPED.get(code, code)


def _joined(text: str) -> str:
    """`text` with each two halves of a character beyond U+FFFF as one."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace") if _SURROGATE.search(text) else text


def _stands_whole(text: str, plain: str) -> bool:
    """Whether `text` stands in `plain` between a quotation mark after a colon and one before the next key or the end."""
    at = plain.find(text)
    while at >= 0:
        if _BEFORE.search(plain, max(0, at - 20), at) and _AFTER.match(plain, at + len(text)):
            return True
        at = plain.find(text, at + 1)
    return False


# ------------------------------------------------------------------------------------------------------------- a pair


def _pair(item: dict[str, Any], form: str) -> Pair | tuple[Reason, str]:
    fields = {key.lower(): value for key, value in item.items()}
    question, answer = (_text(fields, names) for names in (QUESTION, ANSWER))
    if not question or not answer:
        return Reason.EMPTY_TEXT, f"{question} | {answer}"
    if _SURROGATE.search(question + answer) or "\0" in question + answer:
        return Reason.UNPARSABLE, "half a character"
    cited = next((fields[name] for name in EVIDENCE if name in fields), ())
    return Pair(" ".join(question.split()), answer, tuple(dict.fromkeys(_numbers(cited))), form)


def _text(fields: dict[str, Any], names: tuple[str, ...]) -> str:
    value = next((fields[name] for name in names if name in fields), "")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else ""


def _numbers(cited: Any) -> Iterator[int]:
    """The numbers that a pair cites: [12, 13], 12, "12", "[12] [13]"."""
    if isinstance(cited, list):
        for item in cited[:50]:
            yield from _numbers(item) if not isinstance(item, list) else ()
    elif isinstance(cited, str):
        yield from (int(number) for number in re.findall(r"\d{1,6}", cited)[:50])
    elif isinstance(cited, int) and not isinstance(cited, bool):
        yield cited
