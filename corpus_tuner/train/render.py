"""Conversations as tokens: what the base's chat template shows, and which tokens of it are learnt."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.train.batches import Encoded
from corpus_tuner.train.rows import Conversation, is_learnt


def encode(rows: Sequence[Conversation], tokenizer: Any, longest: int) -> list[Encoded]:
    """Tokens of each row, rendered by the tokenizer's chat template; the loss counts the assistant's messages alone.

    An assistant message is what a server will be asked to add to all that came before it. Where a template shows
    an earlier turn as it showed it when it was the last, the turns of a conversation share one row; where it does not
    (some drop earlier thoughts), each turn is a row of its own. An assistant message without text teaches nothing.
    A row is cut at `longest` tokens; one whose answers all lie beyond is left out, with a warning that counts them.
    Raises CorpusTunerError where the template refuses a row, as some do a system message.
    """
    found, cut, lost = [], 0, 0
    for number, row in enumerate(rows, start=1):
        for ids, learnt in _joined(_turns(row, tokenizer, number)):
            cut += len(ids) > longest
            if any(learnt[:longest]):
                found.append((ids[:longest], learnt[:longest]))
            else:
                lost += 1
    if cut:
        logging.getLogger(__name__).warning("%d rows are longer than %d tokens: cut, %d of them lost", cut, longest, lost)
    return found


def ends(rows: Sequence[Encoded], tokenizer: Any) -> list[int]:
    """The tokens that end an answer: the tokenizer's own, and the one that the chat template puts there.

    That is the commonest of the special tokens at the ends: a row that was cut may end in any other.
    """
    special = _special(tokenizer)
    last = Counter(ids[-1] for ids, learnt in rows if learnt[-1] and ids[-1] in special)
    return sorted({tokenizer.eos_token_id, *(token for token, _ in last.most_common(1))})


def _turns(row: Conversation, tokenizer: Any, number: int) -> Iterator[Encoded]:
    """Each learnt message of a conversation after all that came before it."""
    from jinja2 import TemplateError

    for place, message in enumerate(row):
        if not is_learnt(message) or not message["content"].strip():
            continue
        try:
            prompt, answer = _rendered(row[: place + 1], tokenizer)
        except TemplateError as error:
            raise CorpusTunerError(f"the base's chat template refuses row {number} of the training data: {error}") from None
        yield prompt + answer, [False] * len(prompt) + [True] * len(answer)


def _joined(turns: Iterator[Encoded]) -> Iterator[Encoded]:
    """The same, a turn that begins with the very tokens of the one before it joined to that."""
    ids: list[int] = []
    learnt: list[bool] = []
    for more, counts in turns:
        if ids and more[: len(ids)] != ids:
            yield ids, learnt
            learnt = []
        ids, learnt = more, learnt + counts[len(learnt) :]
    if ids:
        yield ids, learnt


def _rendered(turns: Conversation, tokenizer: Any) -> tuple[list[int], list[int]]:
    """Tokens of the prompt as a server will send it, and of what the assistant should add, ending in an end token."""
    before = tokenizer.apply_chat_template(list(turns[:-1]), tokenize=False, add_generation_prompt=True)
    whole = tokenizer.apply_chat_template(list(turns), tokenize=False)
    answer = whole[len(before) :] if whole.startswith(before) else turns[-1]["content"]
    prompt, ids = (
        tokenizer(text.encode("utf-8", "replace").decode(), add_special_tokens=False)["input_ids"]  # no lone surrogates
        for text in (before, answer.rstrip())
    )
    return prompt, ids if ids and ids[-1] in _special(tokenizer) else [*ids, tokenizer.eos_token_id]


def _special(tokenizer: Any) -> set[int]:
    return set(tokenizer.all_special_ids) | set(tokenizer.added_tokens_decoder)
