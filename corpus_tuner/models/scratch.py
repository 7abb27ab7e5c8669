"""Answers of a scratch expert with numpy alone: no torch, no transformers, so that one question takes no second.

It computes what transformers' LlamaForCausalLM computes on the same files; a test compares the logits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.records import Expert, Message, Reply

if TYPE_CHECKING:
    import numpy as np

BATCH = 64  # conversations that are decoded together


def open_expert(expert: Expert, root: Path, *, base: bool = False, calls: Any = None) -> ScratchModel:  # noqa: ARG001
    """The model of `expert`, whose folder lies under `root`; `base` opens its untrained beginning instead."""
    folder = root / expert.folder / ("base" if base else "")
    return ScratchModel(folder, "base" if base else expert.name)


class ScratchModel:
    """A small Llama read from a folder in Hugging Face format: config.json, model.safetensors, tokenizer files.

    Raises CorpusTunerError if the folder does not hold a whole model.
    """

    def __init__(self, folder: Path, name: str = "scratch") -> None:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file
        from threadpoolctl import ThreadpoolController
        from tokenizers import Tokenizer

        self.name = name
        try:
            self.config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            self._chat_template: str = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))["chat_template"]
            tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
            self._weights = load_file(folder / "model.safetensors")
        except (OSError, SafetensorError, ValueError, KeyError) as error:
            raise CorpusTunerError(f"{folder} does not hold a whole scratch expert ({error}): train it again") from None
        self._tokenizer = Tokenizer.from_str(json.dumps(tokenizer))
        self._threads = ThreadpoolController()  # on a busy machine a second thread cost 18 times the CPU time
        self.room: int = self.config["max_position_embeddings"]  # tokens that it reads and writes together
        self._turn = _rotations(self.config)
        self._layers = [_layer(self._weights, number) for number in range(self.config["num_hidden_layers"])]

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int = 256,
        temperature: float = 0.0,
        stop: Sequence[str] = (),
        schema: Mapping[str, Any] | None = None,  # noqa: ARG002
        sample: int = 0,
        attempt: int = 0,
    ) -> Reply:
        """Implements Model; `schema` is beyond a student and ignored."""
        return self.complete_many(
            [messages], max_tokens=max_tokens, temperature=temperature, stop=stop, seed=(sample, attempt)
        )[0]

    def complete_many(
        self,
        batch: Sequence[Sequence[Message]],
        *,
        max_tokens: int = 256,
        temperature: float = 0.0,
        stop: Sequence[str] = (),
        seed: Sequence[int] = (0,),
    ) -> list[Reply]:
        """A reply to each conversation of `batch`, in its order; conversations of like length are decoded together."""
        import numpy as np

        chance = np.random.default_rng([number & 0xFFFFFFFF for number in seed])
        prompts = [self.encode(messages) for messages in batch]
        order = sorted(range(len(prompts)), key=lambda place: len(prompts[place]))
        replies: dict[int, Reply] = {}
        with self._threads.limit(limits=1, user_api="blas"):
            for start in range(0, len(order), BATCH):
                places = order[start : start + BATCH]
                written = self._write([prompts[place] for place in places], max_tokens, temperature, chance)
                for place, (tokens, reason) in zip(places, written):
                    replies[place] = self._reply(len(prompts[place]), tokens, reason, stop)
        return [replies[place] for place in range(len(prompts))]

    @cached_property
    def _template(self) -> Any:
        """The compiled chat template. Threads that ask at once may each compile it; all of them get a whole one."""
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        return ImmutableSandboxedEnvironment().from_string(self._chat_template)

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """Token ids of the prompt that the chat template makes of `messages`."""
        text = self._template.render(messages=messages, add_generation_prompt=True)
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def logits(self, ids: Sequence[int]) -> np.ndarray:
        """Next-token logits (length, vocabulary) at each position of `ids`."""
        import numpy as np

        state = _State(self, 1, len(ids), np.zeros(1, int))
        return state.step(np.asarray([ids]), all_positions=True)[0]

    def _write(
        self, prompts: Sequence[Sequence[int]], max_tokens: int, temperature: float, chance: np.random.Generator
    ) -> Iterator[tuple[list[int], str]]:
        """(tokens, finish reason) for each prompt. Shorter prompts are padded on the left and the padding masked."""
        import numpy as np

        prompts = [prompt[-(self.room - 1) :] for prompt in prompts]
        longest = max(map(len, prompts))
        steps = max(1, min(max_tokens, self.room - longest))
        padding = np.asarray([longest - len(prompt) for prompt in prompts])
        state = _State(self, len(prompts), longest + steps, padding)
        ids = np.asarray([[0] * (longest - len(prompt)) + list(prompt) for prompt in prompts])
        end = self.config["eos_token_id"]
        written: list[list[int]] = [[] for _ in prompts]
        open_places = np.arange(len(prompts))
        done = set()
        for _ in range(steps):
            ids = _choose(state.step(ids)[:, -1], temperature, chance)[:, None]
            for place, token in zip(open_places, ids[:, 0].tolist()):
                if token == end:
                    done.add(int(place))
                else:
                    written[place].append(token)
            going = ids[:, 0] != end
            if not going.any():
                break
            if not going.all():
                open_places, ids = open_places[going], ids[going]
                state.keep(going)
        return ((tokens, "stop" if place in done else "length") for place, tokens in enumerate(written))

    def _reply(self, prompt: int, tokens: list[int], reason: str, stop: Sequence[str]) -> Reply:
        text = self._tokenizer.decode(tokens)
        cuts = [at for at in (text.find(mark) for mark in stop if mark) if at >= 0]
        if cuts:
            text, reason = text[: min(cuts)], "stop"
        return Reply(text.strip(), reason, {"prompt_tokens": prompt, "completion_tokens": len(tokens)})


class _State:
    """Keys and values of what a batch has read so far."""

    def __init__(self, model: ScratchModel, batch: int, room: int, padding: np.ndarray) -> None:
        import numpy as np

        heads, size = model.config["num_attention_heads"], model.config["head_dim"]
        self._model, self._padding, self._read = model, padding, 0
        self._cache = np.zeros((len(model._layers), 2, batch, heads, room, size), np.float32)

    def keep(self, which: np.ndarray) -> None:
        """Forgets the rows of the batch that are False in `which`."""
        self._cache, self._padding = self._cache[:, :, which], self._padding[which]

    def step(self, ids: np.ndarray, *, all_positions: bool = False) -> np.ndarray:
        """Reads `ids` (batch, new); logits (batch, 1 or new, vocabulary) after the last or after each of them."""
        import numpy as np

        model, config = self._model, self._model.config
        epsilon = config["rms_norm_eps"]
        start, end = self._read, self._read + ids.shape[1]
        self._read = end
        seen = np.arange(end)[None, None, :] <= np.arange(start, end)[None, :, None]
        seen = seen & (np.arange(end)[None, None, :] >= self._padding[:, None, None])
        mask = np.where(seen, np.float32(0), np.float32(-1e9))[:, None]
        hidden = model._weights["model.embed_tokens.weight"][ids]
        for layer, cache in zip(model._layers, self._cache):
            normed = _norm(hidden, layer["input"], epsilon)
            hidden = hidden + self._attend(normed, layer, cache, mask, start, end)
            normed = _norm(hidden, layer["post"], epsilon)
            gate, up = np.split(normed @ layer["gate_up"], 2, axis=-1)
            hidden = hidden + (gate / (1 + np.exp(-gate)) * up) @ layer["down"]
        hidden = hidden if all_positions else hidden[:, -1:]
        return _norm(hidden, model._weights["model.norm.weight"], epsilon) @ model._weights["model.embed_tokens.weight"].T

    def _attend(
        self, normed: np.ndarray, layer: Mapping[str, np.ndarray], cache: np.ndarray, mask: np.ndarray, start: int, end: int
    ) -> np.ndarray:
        import numpy as np

        batch, new, width = normed.shape
        heads = self._model.config["num_attention_heads"]
        turn = [table[start:end] for table in self._model._turn]
        query, key, value = (
            part.reshape(batch, new, heads, -1).transpose(0, 2, 1, 3) for part in np.split(normed @ layer["qkv"], 3, axis=-1)
        )
        cache[0, :, :, start:end], cache[1, :, :, start:end] = _rotate(key, turn), value
        scores = _rotate(query, turn) @ cache[0, :, :, :end].swapaxes(-1, -2) / np.sqrt(np.float32(query.shape[-1])) + mask
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (scores / scores.sum(-1, keepdims=True)) @ cache[1, :, :, :end]
        return mixed.transpose(0, 2, 1, 3).reshape(batch, new, width) @ layer["o"]


def _layer(weights: Mapping[str, np.ndarray], number: int) -> dict[str, np.ndarray]:
    """The matrices of one layer, transposed and joined so that each is one product."""
    import numpy as np

    prefix = f"model.layers.{number}."
    joined = {"qkv": ("self_attn.q", "self_attn.k", "self_attn.v"), "o": ("self_attn.o",),
              "gate_up": ("mlp.gate", "mlp.up"), "down": ("mlp.down",)}  # fmt: skip
    layer = {
        name: np.ascontiguousarray(np.concatenate([weights[f"{prefix}{part}_proj.weight"] for part in parts]).T)
        for name, parts in joined.items()
    }
    layer["input"] = weights[f"{prefix}input_layernorm.weight"]
    layer["post"] = weights[f"{prefix}post_attention_layernorm.weight"]
    return layer


def _rotations(config: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Cosines and sines (positions, head size) of rotary embeddings, in Llama's half-split order."""
    import numpy as np

    size = config["head_dim"]
    frequencies = config["rope_parameters"]["rope_theta"] ** -(np.arange(0, size, 2) / size)
    angles = np.outer(np.arange(config["max_position_embeddings"]), frequencies)
    angles = np.concatenate((angles, angles), axis=-1)
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


def _rotate(part: np.ndarray, turn: Sequence[np.ndarray]) -> np.ndarray:
    import numpy as np

    first, second = np.split(part, 2, axis=-1)
    return part * turn[0] + np.concatenate((-second, first), axis=-1) * turn[1]


def _norm(hidden: np.ndarray, weight: np.ndarray, epsilon: float) -> np.ndarray:
    import numpy as np

    return hidden / np.sqrt(np.mean(hidden * hidden, axis=-1, keepdims=True) + np.float32(epsilon)) * weight


def _choose(scores: np.ndarray, temperature: float, chance: np.random.Generator) -> np.ndarray:
    """The likeliest token of each row, or at a temperature above 0 one drawn from the softmax (Gumbel's trick)."""
    if temperature > 0:
        scores = scores / temperature + chance.gumbel(size=scores.shape)
    return scores.argmax(-1)
