"""Preference rows: a conversation and two answers to it, of which the first is the better."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.train.batches import Encoded
from corpus_tuner.train.render import encode
from corpus_tuner.train.rows import ROLES, Conversation, each_row


@dataclass(frozen=True, slots=True)
class Preference:
    """One row: both conversations are the same up to their last message, the answer."""

    chosen: Conversation
    rejected: Conversation


@dataclass(frozen=True, slots=True)
class Pair:
    """A preference row as tokens, and by how much the reference prefers the chosen answer (a difference of logarithms)."""

    chosen: Encoded
    rejected: Encoded
    reference: float = 0.0

    def __len__(self) -> int:
        return len(self.chosen[0]) + len(self.rejected[0])


def read_preferences(path: Path) -> list[Preference]:
    """The rows of a JSONL file of {"input": {"messages": [...]}, "preferred_output": [...], "non_preferred_output": [...]},
    OpenAI's format for DPO.

    Of the input no message is learnt. Raises CorpusTunerError, naming file and line, for a row that is not so.
    """
    return each_row(path, _preference)


def encode_pairs(rows: Sequence[Preference], tokenizer: Any, longest: int) -> list[Pair]:
    """Rows as tokens, cut at `longest`. A row with an answer that lies beyond is left out; a warning counts them."""
    sides = [encode(side, tokenizer, sys.maxsize) for side in ([row.chosen for row in rows], [row.rejected for row in rows])]
    pairs = [Pair(*((ids[:longest], learnt[:longest]) for ids, learnt in both)) for both in zip(*sides)]
    whole = [pair for pair in pairs if any(pair.chosen[1]) and any(pair.rejected[1])]
    if len(whole) < len(rows):
        lost = len(rows) - len(whole)
        logging.getLogger(__name__).warning("%d rows have an answer beyond %d tokens: not trained on", lost, longest)
    return whole


def _preference(row: Any, where: str) -> Preference:
    given = row.get("input") if isinstance(row, Mapping) else None
    if not isinstance(given, Mapping):
        raise CorpusTunerError(
            f'{where}: a preference row is {{"input": {{"messages": [...]}}, "preferred_output": [...], "non_preferred_output": [...]}}'
        )
    messages = tuple(dict(one) | {"weight": 0} for one in _messages(given.get("messages"), f"{where}: input.messages"))
    answers = []
    for name in ("preferred_output", "non_preferred_output"):
        found = _messages(row.get(name), f"{where}: {name}")
        if len(found) != 1 or found[0]["role"] != "assistant" or not found[0]["content"].strip():
            raise CorpusTunerError(f"{where}: {name} must be one assistant message, and not empty")
        answers.append(dict(found[0]) | {"weight": 1})
    if answers[0]["content"].strip() == answers[1]["content"].strip():
        raise CorpusTunerError(f"{where}: both outputs are the same: there is nothing to prefer")
    return Preference((*messages, answers[0]), (*messages, answers[1]))


def _messages(value: Any, where: str) -> list[Mapping[str, str]]:
    if not isinstance(value, list) or not value:
        raise CorpusTunerError(f"{where} must be a list of messages, and not empty")
    for message in value:
        if not isinstance(message, Mapping) or message.get("role") not in ROLES or not isinstance(message.get("content"), str):
            raise CorpusTunerError(f"{where}: a message needs a role, one of {', '.join(sorted(ROLES))}, and text as its content")
    return value
