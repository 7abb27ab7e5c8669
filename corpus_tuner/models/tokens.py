"""A scratch expert's answer token by token, with log probabilities: what a server streams."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from corpus_tuner.errors import Declined
from corpus_tuner.models.scratch import ScratchModel, _State
from corpus_tuner.records import Message

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Token:
    """One token of an answer. `text` is what the answer grows by: "" while a character is not whole yet."""

    text: str
    bytes: bytes
    logprob: float  # natural logarithm, before temperature
    top: tuple[tuple[bytes, float], ...] = ()  # the likeliest tokens at its place


@dataclass(frozen=True, slots=True)
class End:
    """The end of an answer."""

    finish_reason: str  # stop or length
    prompt_tokens: int
    completion_tokens: int


def stream(
    model: ScratchModel,
    messages: Sequence[Message],
    *,
    max_tokens: int | None = None,
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int | None = None,
    top: int = 0,
) -> Iterator[Token | End]:
    """The tokens of an answer, then its End. Raises Declined for a prompt that leaves no room for an answer.

    Temperature 0 always takes the likeliest token; above it, equal seeds give equal answers.
    """
    import numpy as np

    prompt = model.encode(messages)
    room = model.config["max_position_embeddings"]
    if len(prompt) >= room:
        raise Declined(f"the prompt has {len(prompt)} tokens; this model reads {room}, the answer included")
    chance = np.random.default_rng(seed)
    steps = min(max_tokens or room, room - len(prompt))
    state = _State(model, 1, len(prompt) + steps, np.zeros(1, int))
    ids, end = np.asarray([prompt]), model.config["eos_token_id"]
    decoder, vocabulary = codecs.getincrementaldecoder("utf-8")("replace"), _vocabulary(model)
    for count in range(steps):
        scores = _log_softmax(state.step(ids)[0, -1])
        token = _pick(scores, temperature, top_p, chance)
        if token == end:
            yield End("stop", len(prompt), count + 1)
            return
        likely = np.argsort(-scores)[:top].tolist() if top else []
        found = tuple((vocabulary[one], float(scores[one])) for one in likely)
        yield Token(decoder.decode(vocabulary[token]), vocabulary[token], float(scores[token]), found)
        ids = np.asarray([[token]])
    yield End("length", len(prompt), steps)


def _log_softmax(scores: np.ndarray) -> np.ndarray:
    import numpy as np

    shifted = scores.astype(np.float64) - scores.max()
    return shifted - np.log(np.exp(shifted).sum())


def _pick(scores: np.ndarray, temperature: float, top_p: float, chance: np.random.Generator) -> int:
    """The likeliest token, or one drawn from those that hold `top_p` of the probability at `temperature`."""
    import numpy as np

    if temperature <= 0:
        return int(scores.argmax())
    heated = _log_softmax(scores / temperature)
    if top_p < 1:
        order = np.argsort(-heated)
        held = np.cumsum(np.exp(heated[order]))
        heated[order[1:][held[:-1] >= top_p]] = -np.inf
    return int((heated + chance.gumbel(size=heated.shape)).argmax())


def _vocabulary(model: ScratchModel) -> list[bytes]:
    """The bytes of each token; special ones have none."""
    if not hasattr(model, "_bytes"):
        letters, tokenizer = _letters(), model._tokenizer
        special = tokenizer.get_added_tokens_decoder()
        names = [tokenizer.id_to_token(number) for number in range(tokenizer.get_vocab_size())]
        model._bytes = [  # type: ignore[attr-defined]
            b"" if number in special else bytes(letters[letter] for letter in name) for number, name in enumerate(names)
        ]
    return model._bytes  # type: ignore[attr-defined]


@cache
def _letters() -> dict[str, int]:
    """The letter that stands for each byte in a byte-level vocabulary (Radford et al. 2019, GPT-2's encoder.py)."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    found = {chr(byte): byte for byte in plain}
    others = (byte for byte in range(256) if byte not in set(plain))
    return found | {chr(256 + number): byte for number, byte in enumerate(others)}
