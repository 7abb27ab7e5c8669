"""Answers of an adapted Hugging Face causal language model, or of the base that it came from."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from corpus_tuner import hub
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.records import Expert, Message, Reply

FEATURE = "answering with a local model"
THOUGHT = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)  # some templates open each answer with an empty one
BATCH = 16  # conversations that are answered together


def open_expert(expert: Expert, root: Path, *, base: bool = False, calls: Any = None) -> LocalModel:  # noqa: ARG001
    """The model of `expert`, whose adapter lies under `root`; `base` opens what the adapter was trained on.

    Both read the tokenizer and the chat template that are stored with the expert.
    """
    folder = root / expert.folder
    for name in ("adapter_config.json", "adapter_model.safetensors", "generation_config.json"):
        if not (folder / name).is_file():
            raise CorpusTunerError(f"{folder} does not hold a whole expert ({name} is missing): train the expert again")
    tokenizer = hub.load_tokenizer(str(folder), FEATURE)
    model = hub.load_base(expert.base, FEATURE)
    if not base:
        (peft,) = hub.require(FEATURE, "peft")
        model = peft.PeftModel.from_pretrained(model, folder)
    ends = json.loads((folder / "generation_config.json").read_text(encoding="utf-8"))["eos_token_id"]
    return LocalModel(model, tokenizer, ends, "base" if base else expert.name)


class LocalModel:
    """A Model over a transformers causal language model and a tokenizer that has a chat template.

    `ends` are the ids of the tokens that end an answer.
    """

    def __init__(self, model: Any, tokenizer: Any, ends: Sequence[int], name: str) -> None:
        self.name = name
        self._model, self._tokenizer, self._ends = model.eval(), tokenizer, list(ends)

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
        """Implements Model; `schema` is not enforced."""
        seed = (sample, attempt)
        return self.complete_many([messages], max_tokens=max_tokens, temperature=temperature, stop=stop, seed=seed)[0]

    def complete_many(
        self,
        batch: Sequence[Sequence[Message]],
        *,
        max_tokens: int = 256,
        temperature: float = 0.0,
        stop: Sequence[str] = (),
        seed: Sequence[int] = (0,),
    ) -> list[Reply]:
        """A reply to each conversation of `batch`, in its order; those of like length are answered together."""
        import torch

        torch.manual_seed(hash(tuple(seed)) & 0xFFFFFFFF)
        prompts = [
            self._tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True)
            for messages in batch
        ]
        order = sorted(range(len(prompts)), key=lambda place: len(prompts[place]))
        replies: dict[int, Reply] = {}
        for at in range(0, len(order), BATCH):
            places = order[at : at + BATCH]
            written = self._write([prompts[place] for place in places], max_tokens, temperature, stop)
            replies |= dict(zip(places, written))
        return [replies[place] for place in range(len(prompts))]

    def _write(self, prompts: list[str], max_tokens: int, temperature: float, stop: Sequence[str]) -> list[Reply]:
        import torch

        read = self._tokenizer(prompts, add_special_tokens=False, padding=True, padding_side="left", return_tensors="pt")
        options: dict[str, Any] = {"max_new_tokens": max_tokens, "eos_token_id": self._ends}
        options["pad_token_id"] = self._tokenizer.pad_token_id
        options |= {"do_sample": True, "temperature": temperature} if temperature > 0 else {"do_sample": False}
        if stop:
            options |= {"stop_strings": list(stop), "tokenizer": self._tokenizer}
        with torch.no_grad():
            tokens = self._model.generate(**read.to(self._model.device), **options)
        new = tokens[:, read["input_ids"].shape[1] :].tolist()
        return [self._reply(int(mask.sum()), ids, stop) for mask, ids in zip(read["attention_mask"], new)]

    def _reply(self, prompt: int, ids: list[int], stop: Sequence[str]) -> Reply:
        end = next((place for place, token in enumerate(ids) if token in self._ends), None)
        text = THOUGHT.sub("", self._tokenizer.decode(ids[:end], skip_special_tokens=True))
        cuts = [at for at in (text.find(mark) for mark in stop if mark) if at >= 0]
        text = text[: min(cuts)] if cuts else text
        reason = "stop" if cuts or end is not None else "length"
        usage = {"prompt_tokens": prompt, "completion_tokens": len(ids) if end is None else end + 1}
        return Reply(text.strip(), reason, usage)
