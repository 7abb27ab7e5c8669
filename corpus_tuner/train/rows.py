"""The rows of a training file, checked before anything is trained."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.records import Message

ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
Conversation = tuple[Message, ...]
Row = TypeVar("Row")


def read_rows(path: Path) -> list[Conversation]:
    """The conversations of a JSONL file of {"messages": [...]} or {"prompt": ..., "completion": ...} rows.

    A prompt/completion row becomes a user and an assistant message. Raises CorpusTunerError, naming file and line,
    for a row that is neither, or from which nothing can be learnt.
    """
    return each_row(path, _conversation)


def each_row(path: Path, understood: Callable[[Any, str], Row]) -> list[Row]:
    """What `understood` makes of each line's JSON value and its place, "FILE:LINE"; empty lines are passed over.

    Raises CorpusTunerError for a file that cannot be read or has no rows, and for a line that is not JSON.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusTunerError(f"cannot read the training file {path}: {error}") from None
    rows = []
    for where, line in ((f"{path}:{number}", line) for number, line in enumerate(lines, start=1) if line.strip()):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise CorpusTunerError(f"{where} is not JSON: {error}") from None
        rows.append(understood(value, where))
    if not rows:
        raise CorpusTunerError(f"{path} has no rows: there is nothing to train on")
    return rows


def is_learnt(message: Message) -> bool:
    """Whether the loss counts this message: the assistant's, unless its `weight` is 0 (as OpenAI's format has it)."""
    return message["role"] == "assistant" and message.get("weight", 1) != 0


def _conversation(row: Any, where: str) -> Conversation:
    if isinstance(row, Mapping) and isinstance(row.get("prompt"), str) and isinstance(row.get("completion"), str):
        row = {
            "messages": [
                {"role": "user", "content": row["prompt"]},
                {"role": "assistant", "content": row["completion"]},
            ]
        }
    messages = row.get("messages") if isinstance(row, Mapping) else None
    if not isinstance(messages, list):
        raise CorpusTunerError(f'{where}: a row is {{"messages": [...]}} or {{"prompt": "...", "completion": "..."}}')
    found = tuple(_message(message, where) for message in messages)
    if not any(is_learnt(message) and message["content"].strip() for message in found):
        raise CorpusTunerError(f"{where} has no assistant message to learn")
    return found


def _message(message: Any, where: str) -> Message:
    if not isinstance(message, Mapping) or not isinstance(message.get("role"), str) or message["role"] not in ROLES:
        raise CorpusTunerError(f"{where}: a message needs a role, one of {', '.join(sorted(ROLES))}")
    if not isinstance(message.get("content"), str):
        raise CorpusTunerError(f"{where}: the content of a {message['role']} message must be text")
    return message
