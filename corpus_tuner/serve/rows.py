"""An uploaded training file, looked at line by line before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from corpus_tuner.serve.strict import loads

LEAST = 10  # rows of a training file, as OpenAI has it
ROW_BYTES = 256 * 1024  # about 65,536 tokens, the longest example that OpenAI took
ROLES = frozenset({"system", "developer", "user", "assistant"})
KEYS = frozenset({"role", "content", "name", "weight", "refusal"})
ROW_KEYS = {
    "chat": frozenset({"messages", "tools", "functions", "parallel_tool_calls"}),
    "pair": frozenset({"prompt", "completion"}),
    "preference": frozenset({"input", "preferred_output", "non_preferred_output"}),
}


class BadFile(Exception):
    """What is wrong with a file, in one line that names its line; `code` is OpenAI's."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


def check(path: Path, method: str, least: int = 1) -> int:
    """The number of rows of `path`, all of which can be trained on. Raises BadFile at the first that cannot.

    `method` is "supervised" (chat messages, or prompt and completion) or "dpo" (preference rows).
    """
    count, shape = 0, ""
    for number, line in _lines(path):
        row = _parse(number, line)
        found = _shape(number, row, method)
        if shape and found != shape:
            raise BadFile(f"Line {number} is a {found} row, the lines before it are {shape} rows: keep to one of them")
        shape = found
        _CHECKS[found](number, row)
        count += 1
    if count < least:
        raise BadFile(f"The file has {count} example{'s' * (count != 1)}, but must have at least {least}", "invalid_n_examples")
    return count


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(number, line) of each line that is not blank. Never reads more than one row into memory."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(ROW_BYTES + 1):
            number += 1
            if len(line) > ROW_BYTES:
                raise BadFile(f"Line {number} is longer than {ROW_BYTES:,} bytes, the most that one example may have")
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if line.strip():
                yield number, line


def _parse(number: int, line: bytes) -> dict[str, Any]:
    try:
        row = loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadFile(f"Line {number} is not UTF-8 text (byte {error.start + 1}): is this a JSONL file?") from None
    except ValueError as error:
        raise BadFile(f"Line {number} is not valid JSON: {error}") from None
    if not isinstance(row, dict):
        raise BadFile(f"Line {number} is not a JSON object")
    return row


def _shape(number: int, row: Mapping[str, Any], method: str) -> str:
    if method == "dpo":
        shape = "preference"
        missing = ROW_KEYS[shape] - row.keys()
        if missing:
            raise BadFile(f"Line {number}: missing key {sorted(missing)[0]!r}, which a preference row needs")
    else:
        shape = "pair" if "prompt" in row and "messages" not in row else "chat"
        needed = "messages" if shape == "chat" else "completion"
        if needed not in row:
            raise BadFile(f"Line {number}: missing key {needed!r}")
    strange = row.keys() - ROW_KEYS[shape]
    if strange:
        raise BadFile(f"Line {number}: unknown key {sorted(strange)[0]!r}; a {shape} row has {_names(ROW_KEYS[shape])}")
    return shape


def _chat(number: int, row: Mapping[str, Any]) -> None:
    for key in ("tools", "functions"):
        if row.get(key):
            raise BadFile(f"Line {number}: {key!r} are not trained here")
    messages = row["messages"]
    _messages(number, messages, "messages")
    learnt = [m for m in messages if m["role"] == "assistant" and m.get("weight", 1) and m["content"].strip()]
    if not learnt:
        raise BadFile(f"Line {number}: no assistant message to learn")


def _messages(number: int, messages: Any, name: str) -> None:
    if not isinstance(messages, list) or not messages:
        raise BadFile(f"Line {number}: {name!r} must be a list of messages, and not empty")
    for place, message in enumerate(messages, start=1):
        _message(f"Line {number}, {name} {place}", message)


def _message(where: str, message: Any) -> None:
    if not isinstance(message, dict):
        raise BadFile(f"{where}: must be an object with role and content")
    for key in ("role", "content"):
        if key not in message:
            raise BadFile(f"{where}: missing key {key!r}")
    role = message["role"]
    if not isinstance(role, str) or role not in ROLES:
        raise BadFile(f"{where}: unknown role {str(role)[:40]!r}; roles are {_names(ROLES)}")
    for key in ("tool_calls", "function_call"):
        if message.get(key):
            raise BadFile(f"{where}: {key!r} are not trained here")
    strange = {key for key, value in message.items() if value is not None} - KEYS
    if strange:
        raise BadFile(f"{where}: unknown key {sorted(strange)[0]!r}; a message has {_names(KEYS)}")
    if not isinstance(message["content"], str):
        raise BadFile(f"{where}: content must be text")
    if "weight" in message and (role != "assistant" or message["weight"] not in (0, 1)):
        raise BadFile(f"{where}: weight must be 0 or 1, on an assistant message")


def _pair(number: int, row: Mapping[str, Any]) -> None:
    for key in ("prompt", "completion"):
        if not isinstance(row[key], str):
            raise BadFile(f"Line {number}: {key!r} must be text")
    if not row["completion"].strip():
        raise BadFile(f"Line {number}: the completion is empty")


def _preference(number: int, row: Mapping[str, Any]) -> None:
    if not isinstance(row["input"], dict):
        raise BadFile(f"Line {number}: 'input' must be an object with messages")
    if row["input"].get("tools"):
        raise BadFile(f"Line {number}: 'tools' are not trained here")
    _messages(number, row["input"].get("messages"), "messages")
    for key in ("preferred_output", "non_preferred_output"):
        _messages(number, row[key], key)
        if len(row[key]) != 1 or row[key][0]["role"] != "assistant" or not row[key][0]["content"].strip():
            raise BadFile(f"Line {number}: {key!r} must hold one message of the assistant, and not an empty one")
    if row["preferred_output"][0]["content"].strip() == row["non_preferred_output"][0]["content"].strip():
        raise BadFile(f"Line {number}: both outputs are the same: there is nothing to prefer")


def _names(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))


_CHECKS = {"chat": _chat, "pair": _pair, "preference": _preference}
