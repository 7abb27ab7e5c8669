"""An answer token by token, with log probabilities: what a server streams."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Protocol

from corpus_tuner.errors import Declined
from corpus_tuner.models.scratch import ScratchModel, _State
from corpus_tuner.records import Message

if TYPE_CHECKING:
    import numpy as np

THOUGHT = ("<think>", "</think>")


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


class Reader(Protocol):
    """A model that reads tokens and foretells the next one."""

    room: int  # tokens that it reads, its answer included
    longest: int  # tokens of an answer whose length nobody bounds
    ends: frozenset[int]  # tokens that end an answer
    thinks: bool  # whether an answer may open with a thought in <think> tags, which is not shown

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """Token ids of the prompt. Raises Declined for messages that the model cannot be given."""
        ...

    def begin(self, length: int) -> Callable[[Sequence[int]], np.ndarray]:
        """A new text of at most `length` tokens: a function that reads on and returns the logits (vocabulary,) of what is next."""
        ...

    def spell(self, token: int) -> bytes:
        """The bytes of a token; a special one has none."""
        ...


def stream(
    reader: Reader,
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
    prompt = reader.encode(messages)
    if len(prompt) >= reader.room:
        raise Declined(f"the prompt has {len(prompt)} tokens; this model reads {reader.room}, the answer included")
    steps = min(max_tokens or reader.longest, reader.room - len(prompt))
    items = _written(reader, prompt, steps, temperature, top_p, seed, top)
    return _without_thought(items) if reader.thinks else items


def _written(
    reader: Reader, prompt: Sequence[int], steps: int, temperature: float, top_p: float, seed: int | None, top: int
) -> Iterator[Token | End]:
    import numpy as np

    chance = np.random.default_rng(seed)
    read, ids = reader.begin(len(prompt) + steps), prompt
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for count in range(steps):
        scores = _log_softmax(read(ids))
        token = _pick(scores, temperature, top_p, chance)
        if token in reader.ends:
            yield End("stop", len(prompt), count + 1)
            return
        likely = np.argsort(-scores)[:top].tolist() if top else []
        found = tuple((reader.spell(one), float(scores[one])) for one in likely)
        spelt = reader.spell(token)
        yield Token(decoder.decode(spelt), spelt, float(scores[token]), found)
        ids = [token]
    yield End("length", len(prompt), steps)


def _without_thought(items: Iterator[Token | End]) -> Iterator[Token | End]:
    """The same, without a thought that opens the answer: its tokens are counted and say nothing."""
    held: list[Token] = []
    text, open_ = "", True
    for item in items:
        if not open_ or isinstance(item, End):
            yield from held
            held = []
            yield item
            continue
        held.append(item)
        text += item.text
        begun = text.lstrip()
        if not begun.startswith(THOUGHT[0]) and not THOUGHT[0].startswith(begun):
            open_ = False
        elif THOUGHT[1] in text:
            said = text.partition(THOUGHT[1])[2]
            held = [*(Token("", b"", one.logprob) for one in held[:-1]), replace(item, text=said, bytes=said.encode())]
            open_ = False
        if not open_:
            yield from held
            held = []


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


class ScratchReader:
    """Reads as an expert of the embedded base does."""

    thinks = False

    def __init__(self, model: ScratchModel) -> None:
        self._model = model
        self.room = self.longest = model.room
        self.ends = frozenset([model.config["eos_token_id"]])
        self.encode = model.encode
        self._bytes = _vocabulary(model)

    def begin(self, length: int) -> Callable[[Sequence[int]], np.ndarray]:
        """Implements Reader."""
        import numpy as np

        state = _State(self._model, 1, length, np.zeros(1, int))
        return lambda ids: state.step(np.asarray([ids]))[0, -1]

    def spell(self, token: int) -> bytes:
        """Implements Reader."""
        return self._bytes[token]


def _vocabulary(model: ScratchModel) -> list[bytes]:
    """The bytes of each token; special ones have none."""
    if not hasattr(model, "_bytes"):
        alphabet, tokenizer = letters(), model._tokenizer
        special = tokenizer.get_added_tokens_decoder()
        names = [tokenizer.id_to_token(number) for number in range(tokenizer.get_vocab_size())]
        model._bytes = [  # type: ignore[attr-defined]
            b"" if number in special else bytes(alphabet[letter] for letter in name) for number, name in enumerate(names)
        ]
    return model._bytes  # type: ignore[attr-defined]


@cache
def letters() -> dict[str, int]:
    """The letter that stands for each byte in a byte-level vocabulary (Radford et al. 2019, GPT-2's encoder.py)."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    found = {chr(byte): byte for byte in plain}
    others = (byte for byte in range(256) if byte not in set(plain))
    return found | {chr(256 + number): byte for number, byte in enumerate(others)}
