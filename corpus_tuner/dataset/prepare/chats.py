"""Checks of chat messages and preference rows, and of what no training file should hold."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from corpus_tuner.dataset.prepare.finding import Finding, Row, Rows, dropping

LEAST = 10  # rows, as OpenAI and Azure have it
ROLES = frozenset({"system", "developer", "user", "assistant"})
KEYS = frozenset({"role", "content", "name", "weight", "refusal"})
ROW_KEYS = frozenset({"messages", "tools", "functions", "parallel_tool_calls", "input", "preferred_output", "non_preferred_output"})
BYTES_PER_TOKEN = 4.0  # of English; a tokenizer of the model counts exactly

SECRETS = {
    "an API key": re.compile(r"\b(?:sk-[A-Za-z0-9_-]{20,}|gh[pousr]_[A-Za-z0-9]{30,}|hf_[A-Za-z0-9]{30,}|AKIA[0-9A-Z]{16}|AIza[\w-]{35})"),
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"),
    "a password": re.compile(r"\b(?:password|passwd|secret|api[_-]?key)\s*[:=]\s*\S{6,}", re.IGNORECASE),
    "an e-mail address": re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}\b"),
}

Check = Callable[[Rows], Finding | None]


def messages_of(row: Row) -> list[Mapping[str, Any]]:
    """All messages of a row that is well formed, whatever its shape."""
    if row["messages"] is not None:
        return row["messages"]
    if row["input"] is not None:
        return [*row["input"]["messages"], *row["preferred_output"], *row["non_preferred_output"]]
    return [{"role": "user", "content": row["prompt"]}, {"role": "assistant", "content": row["completion"]}]


def count(rows: Rows) -> Finding:
    """How many rows there are, and whether they are enough."""
    said = f"The file holds {len(rows):,} examples."
    if len(rows) < LEAST:
        return Finding("count", "stop", f"{said} At least {LEAST} are needed; 50 to 100 are a good start.")
    return Finding("count", "note", said)


def extra_keys(rows: Rows) -> Finding | None:
    """Fields that no training host knows: a file with one is refused as a whole."""
    names = sorted({name for row in rows for name in row.values if name not in ROW_KEYS})
    if not names:
        return None

    def remedy(rows: Rows) -> Rows:
        return [Row(row.number, {name: value for name, value in row.values.items() if name in ROW_KEYS}) for row in rows]

    said = f"Fields beside the messages: {', '.join(names)}."
    return Finding("extra fields", "necessary", said, action=f"Leave {len(names)} out", remedy=remedy)


def malformed(rows: Rows) -> Iterator[Finding]:
    """Rows from which nothing can be trained, one finding for each sort of fault."""
    faults: dict[str, list[Row]] = {}
    for row in rows:
        fault = next(_faults(row.values), None)
        if fault:
            faults.setdefault(fault, []).append(row)
    for fault, gone in faults.items():
        found = dropping("messages", "necessary", f"{{count}} {{rows}}: {fault}.", gone, "Leave {count} {rows} out")
        if found:
            yield found


def _faults(values: Mapping[str, Any]) -> Iterator[str]:
    if "messages" in values:
        lists, learnt = [values["messages"]], True
        for key in ("tools", "functions"):
            if values.get(key):
                yield f"`{key}` are not trained here"
    else:
        given = values.get("input")
        lists = [given.get("messages") if isinstance(given, dict) else None, values.get("preferred_output"), values.get("non_preferred_output")]
        learnt = False
    for messages in lists:
        if not isinstance(messages, list) or not messages:
            yield "messages are missing, or no list"
            return
        for message in messages:
            yield from _message_faults(message)
    if learnt and not any(m["role"] == "assistant" and m.get("weight", 1) and m["content"].strip() for m in lists[0]):
        yield "no assistant message to learn"


def _message_faults(message: Any) -> Iterator[str]:
    if not isinstance(message, dict):
        yield "a message is no object"
        return
    role, content = message.get("role"), message.get("content")
    if not isinstance(role, str) or role not in ROLES:
        yield f"role {str(role)[:30]!r} is none of {', '.join(sorted(ROLES))}"
    if message.get("tool_calls") or message.get("function_call"):
        yield "tool calls are not trained here"
    if not isinstance(content, str):
        yield "a message without text content"
    if "weight" in message and (role != "assistant" or message["weight"] not in (0, 1)):
        yield "a weight that is not 0 or 1, or not on an assistant message"
    strange = {key for key, value in message.items() if value is not None} - KEYS
    if strange:
        yield f"unknown message key {sorted(strange)[0]!r}"


def duplicates(rows: Rows) -> Finding | None:
    """Rows that stand there twice."""
    seen: set[str] = set()
    gone = []
    for row in rows:
        text = json.dumps(row.values, sort_keys=True, ensure_ascii=False)
        if text in seen:
            gone.append(row)
        seen.add(text)
    return dropping("duplicates", "recommended", "{count} {rows} repeat an earlier one.", gone, "Leave {count} {rows} out")


def system_drift(rows: Rows) -> Finding | None:
    """Some rows begin with another system prompt than most, or with none: what is asked later must match what was trained."""
    starts = {row.number: _system(row) for row in rows}
    most, times = Counter(starts.values()).most_common(1)[0]
    others = tuple(number for number, start in starts.items() if start != most)
    if not others or times <= len(rows) / 2:
        return None
    what = f"the system prompt `{most[:60]}`" if most else "no system prompt"
    odd = next(starts[number] for number in others)
    return Finding("system prompt", "note", f"{times:,} rows begin with {what}, {len(others):,} do not.", others, odd or "(none)", most or "(none)")


def _system(row: Row) -> str:
    first = messages_of(row)[0]
    return first["content"] if first["role"] in ("system", "developer") else ""


def secrets(rows: Rows) -> Iterator[Finding]:
    """Keys, passwords and addresses that a model would learn to say."""
    for what, pattern in SECRETS.items():
        held = [row for row in rows if any(pattern.search(message["content"] or "") for message in messages_of(row))]
        found = dropping("secrets", "optional", f"{{count}} {{rows}} hold what looks like {what}: a model may repeat it to anybody.", held, "Leave {count} {rows} out")
        if found:
            yield Finding(found.check, found.level, found.message, found.rows, "", "", found.action, found.remedy)  # not shown


def too_long(limit: int, tokens: Callable[[str], int]) -> Check:
    """Rows beyond what the chosen model reads."""

    def check(rows: Rows) -> Finding | None:
        gone = [row for row in rows if row_tokens(row, tokens) > limit]
        said = f"{{count}} {{rows}} of more than {limit:,} tokens: what is beyond is cut off."
        return dropping("token limit", "optional", said, gone, "Leave {count} {rows} out")

    return check


def row_tokens(row: Row, tokens: Callable[[str], int]) -> int:
    """Tokens of a row: its texts, and four for the frame of each message (Cookbook, "How to count tokens")."""
    return sum(tokens(message["content"] or "") + 4 for message in messages_of(row))


def estimate(text: str) -> int:
    """Tokens of a text without a tokenizer: its bytes by `BYTES_PER_TOKEN`."""
    return round(len(text.encode("utf-8", "replace")) / BYTES_PER_TOKEN)


def overlap(rows: Rows, validation: Rows) -> Finding | None:
    """Rows of the validation file whose questions are trained: what they measure is memory."""
    trained = {_question(row) for row in rows}
    gone = [row for row in validation if _question(row) in trained]
    return dropping("overlap", "recommended", "{count} {rows} of the validation file ask what is trained.", gone, "Leave {count} {rows} out of the validation file")


def _question(row: Row) -> str:
    asked = [message["content"] or "" for message in messages_of(row) if message["role"] != "assistant"]
    return " ".join(" ".join(asked).split()).lower()
