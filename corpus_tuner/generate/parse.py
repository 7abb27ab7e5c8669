"""From a model's reply to question/answer pairs: a ladder of pure functions that salvage, and never invent.

Strict JSON or JSONL; the fenced or outermost JSON; then object by object (salvage.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from corpus_tuner.generate.salvage import ANSWER, KEY, QUESTION, SURROGATE, objects, pair_objects
from corpus_tuner.records import Reason, Reply

MAX_CHARACTERS = 1_000_000  # of a reply; the longest honest one (128,000 tokens) is about half of it

EVIDENCE = ("evidence", "sentences", "sentence", "source")

_CONTROL = dict.fromkeys((*range(32), 127), " ")
_THINKING = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_FENCE = re.compile(r"```[a-zA-Z]*[ \t]*\r?\n(.*?)(?:```|\Z)", re.DOTALL)
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
    given_up: dict[int, str] = field(default_factory=dict)  # sentences that state nothing, with the model's reason


def parse(reply: Reply) -> Parsed:
    """The pairs of a reply: each question and answer stands in it, whole, after JSON's own unescaping."""
    text = without_thinking(reply.text)
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
        return _parsed([(item, form) for item in pair_objects(values)], cut=reply.finish_reason == "length")
    return _salvaged(text, cut=reply.finish_reason == "length")


def _parsed(items: list[tuple[dict[str, Any], str]], *, cut: bool) -> Parsed:
    pairs, rejects, given_up = [], [], {}
    for item, form in items:
        made = _pair(item, form)
        if isinstance(made, dict):
            given_up |= made
        else:
            (pairs if isinstance(made, Pair) else rejects).append(made)
    return Parsed(tuple(pairs), tuple(rejects), Reason.CUT if cut else None, given_up)


# --------------------------------------------------------------------------------------------- whole replies, strictly


def without_thinking(text: str) -> str:
    """A reply without the thoughts that some models write before it."""
    return _THINKING.sub("", text, count=1).strip("\ufeff \t\r\n")


def json_value(text: str) -> Any:
    """The JSON in a reply that holds nothing else of note: all of it, what is fenced, or from the first bracket to the last."""
    text = without_thinking(text)
    fence = _FENCE.search(text)
    found = (_load(part) for part in (text, *((fence.group(1),) if fence else ()), _from_bracket(text)))
    return next((value for value in found if isinstance(value, dict | list)), None)


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
        if values is not None and any(pair_objects(values)):
            return values
    return None


def _from_bracket(text: str) -> str:
    starts = [at for at in (text.find("{"), text.find("[")) if at >= 0]
    end = max(text.rfind("}"), text.rfind("]"))
    return text[min(starts) : end + 1] if starts else ""


# ------------------------------------------------------------------------------------------------- object by object


def _salvaged(text: str, *, cut: bool) -> Parsed:
    """The pairs of a damaged reply, as far as their objects are closed; a fault if any was lost."""
    flat = text.translate(_CONTROL)  # a raw line break inside of a string is a space; between tokens it is nothing
    items, end = objects(flat)
    parsed = _parsed(items, cut=cut)
    if not items:
        return Parsed(fault=Reason.CUT if cut else _blame(text))
    if cut or "{" in flat[end:] or (flat[0] == "[" and "]" not in flat[end:]):
        return replace(parsed, fault=Reason.CUT)
    lost = len(KEY.findall(flat)) > len(items)
    return replace(parsed, fault=Reason.UNPARSABLE if lost else None)


def _blame(text: str) -> Reason:
    """Why a reply without one readable pair is none."""
    return Reason.REFUSAL if len(text) < 1000 and "{" not in text and _REFUSAL.search(text) else Reason.UNPARSABLE


# ------------------------------------------------------------------------------------------------------------- a pair


def _pair(item: dict[str, Any], form: str) -> Pair | tuple[Reason, str] | dict[int, str]:
    """A pair; or why it is none; or {sentence: reason} of one that asks nothing about a sentence, and says why."""
    fields = {key.lower(): value for key, value in item.items()}
    question, answer = (_text(fields, names) for names in (QUESTION, ANSWER))
    cited = next((fields[name] for name in EVIDENCE if name in fields), ())
    if not question or not answer:
        silent = dict.fromkeys(_numbers(cited), answer)
        return silent if answer and silent and "question" in fields else (Reason.EMPTY_TEXT, f"{question} | {answer}")
    if SURROGATE.search(question + answer) or "\0" in question + answer:
        return Reason.UNPARSABLE, "half a character"
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
