"""Rows as other training tools have them, read as chat messages: ShareGPT's conversations, Alpaca's instructions, and
questions with answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from corpus_tuner.dataset.prepare.finding import Finding, Row, Rows, shown

ROLES = {"human": "user", "gpt": "assistant", "model": "assistant", "bot": "assistant"}
"""Speakers of ShareGPT's files; any other stays as it is, for the checks of messages to refuse."""

Values = Mapping[str, Any]  # by name in lower case


@dataclass(frozen=True, slots=True)
class Shape:
    """A sort of rows: those that have all the fields `needed`."""

    name: str
    needed: frozenset[str]
    more: frozenset[str]  # fields that are read, too
    messages: Callable[[Values], Any]


def foreign(rows: Rows) -> Finding | None:
    """That most rows are of another tool's shape, to be turned into chat messages; None where they are not."""
    named = {row.number: {str(name).lower(): value for name, value in row.values.items()} for row in rows}
    shape = next((one for one in SHAPES if sum(one.needed <= values.keys() for values in named.values()) > len(rows) / 2), None)
    if shape is None:
        return None
    left = sorted({name for values in named.values() for name in values} - shape.needed - shape.more)
    said = f"The rows are {shape.name}." + (f" Nothing is made of their other fields: {', '.join(left)}." if left else "")

    def remedy(rows: Rows) -> Rows:
        return [Row(row.number, {"messages": shape.messages(named[row.number])}) for row in rows]

    before, after = (shown(dict(found[0].values)) for found in (rows, remedy(rows[:1])))
    return Finding("shape", "necessary", said, (), before, after, "Turn them into chat messages", remedy)


def _conversation(values: Values) -> Any:
    turns = values.get("conversations")
    return [*_opening(values), *map(_turn, turns)] if isinstance(turns, list) else turns


def _turn(turn: Any) -> Any:
    if not isinstance(turn, dict):
        return turn
    speaker = turn.get("from", turn.get("role"))
    return {"role": ROLES.get(speaker, speaker) if isinstance(speaker, str) else speaker, "content": turn.get("value", turn.get("content"))}


def _instruction(values: Values) -> Any:
    """The instruction, with its input after an empty line; before it the earlier turns."""
    asked = "\n\n".join(str(part) for name in ("instruction", "input") if (part := values.get(name)))
    history = values.get("history")
    turns = [turn for turn in history if isinstance(turn, list)] if isinstance(history, list) else []
    earlier = [message for turn in turns for message in _exchange(*[*turn, "", ""][:2])]
    return [*_opening(values), *earlier, *_exchange(asked, values.get("output"))]


def _question(values: Values) -> Any:
    return _exchange(values.get("question"), values.get("answer"))


def _opening(values: Values) -> list[dict[str, Any]]:
    said = values.get("system")
    return [{"role": "system", "content": said}] if isinstance(said, str) and said.strip() else []


def _exchange(asked: Any, answer: Any) -> list[dict[str, Any]]:
    return [{"role": role, "content": "" if said is None else str(said)} for role, said in (("user", asked), ("assistant", answer))]


SHAPES = (
    Shape("conversations as in ShareGPT", frozenset({"conversations"}), frozenset({"system"}), _conversation),
    Shape("instructions as in Alpaca", frozenset({"instruction", "output"}), frozenset({"input", "system", "history"}), _instruction),
    Shape("questions with answers", frozenset({"question", "answer"}), frozenset(), _question),
)
