"""How a Hugging Face model reads token by token, and how its tokens are spelt."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from corpus_tuner.models.tokens import letters

if TYPE_CHECKING:
    import numpy as np

    from corpus_tuner.models.local import LocalModel

BYTE = re.compile(r"<0x([0-9A-F]{2})>")  # a byte that stands for itself in a SentencePiece vocabulary
LONGEST = 1024


class LocalReader:
    """Reads as a LocalModel does, with a cache of what it has read. Each answer waits for the model a step at a time."""

    thinks = True
    longest = LONGEST

    def __init__(self, model: LocalModel) -> None:
        self._model = model
        self.room, self.ends, self.encode = model.room, frozenset(model.ends), model.encode
        self.spell = model.spell

    def begin(self, length: int) -> Callable[[Sequence[int]], np.ndarray]:  # noqa: ARG002 - the cache grows
        """Implements Reader."""
        import torch

        module, held = self._model.module, None
        plain = module.get_base_model() if hasattr(module, "get_base_model") else module
        options = {"logits_to_keep": 1} if plain._supports_logits_to_keep() else {}

        def read(ids: Sequence[int]) -> np.ndarray:
            nonlocal held
            with self._model.lock, torch.no_grad():
                given = torch.tensor([list(ids)], device=module.device)
                found = module(input_ids=given, past_key_values=held, use_cache=True, **options)
            held = found.past_key_values
            return found.logits[0, -1].float().cpu().numpy()

        return read


def spelling(tokenizer: Any) -> Callable[[int], bytes]:
    """A function that gives the bytes of a token: of a byte-level vocabulary, or of a SentencePiece one with its "▁"."""
    added = tokenizer.added_tokens_decoder
    backend = getattr(tokenizer, "backend_tokenizer", None)
    in_bytes = "ByteLevel" in str(backend.decoder) if backend is not None else "▁" not in tokenizer.get_vocab()
    alphabet = letters()

    def spell(token: int) -> bytes:
        if token in added:
            return b"" if added[token].special else added[token].content.encode()
        name = tokenizer.convert_ids_to_tokens(token) or ""
        if in_bytes and all(letter in alphabet for letter in name):
            return bytes(alphabet[letter] for letter in name)
        byte = BYTE.fullmatch(name)
        return bytes([int(byte[1], 16)]) if byte else name.replace("▁", " ").encode()

    return spell
