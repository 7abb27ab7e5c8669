"""Answers of a Hugging Face causal language model: an expert, or the base that it came from."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from corpus_tuner import hub
from corpus_tuner.errors import CorpusTunerError, Declined
from corpus_tuner.records import Expert, Message, Reply

FEATURE = "answering with a local model"
THOUGHT = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)  # some templates open each answer with an empty one
UNTHINKING = {"enable_thinking": False}  # to the chat templates of Qwen 3, SmolLM 3 and others; those without it pay no heed
BATCH = 16  # conversations that are answered together
PLAIN = {"repetition_penalty": 1.0, "top_k": 0, "top_p": 1.0}  # a base's own generation settings would bend what is asked for


def open_expert(expert: Expert, root: Path, *, base: bool = False, calls: Any = None) -> LocalModel:  # noqa: ARG001
    """The model of `expert`, whose adapter, or whole weights, lie under `root`; `base` opens what it was trained on.

    Both read the tokenizer and the chat template that are stored with the expert. The expert is asked as it was trained; a base
    whose template knows a switch for it answers without a thought before, which would not fit into the room for an answer.
    """
    folder = root / expert.folder
    check_whole(folder)
    tokenizer = hub.load_tokenizer(str(folder), FEATURE)
    model = hub.load_base(expert.base if base or is_adapter(folder) else str(folder), FEATURE)
    if not base and is_adapter(folder):
        model = with_adapter(model, folder)
    return LocalModel(model, tokenizer, ends(folder), "base" if base else expert.name, UNTHINKING if base else None)


def with_adapter(model: Any, folder: Path) -> Any:
    """The model with the adapter in `folder` on it."""
    import warnings

    (peft,) = hub.require(FEATURE, "peft")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that transformers gives up, which peft still looks at
        return peft.PeftModel.from_pretrained(model, folder)


def is_adapter(folder: Path) -> bool:
    """Whether an expert's folder holds an adapter, and not a whole model."""
    return not (folder / "config.json").is_file()


def check_whole(folder: Path) -> None:
    """Raises CorpusTunerError where an expert's folder lacks one of its files."""
    weights = ("adapter_config.json", "adapter_model.safetensors") if is_adapter(folder) else ()
    for name in (*weights, "generation_config.json"):
        if not (folder / name).is_file():
            raise CorpusTunerError(f"{folder} does not hold a whole expert ({name} is missing): train the expert again")


def ends(folder: Path) -> list[int]:
    """The tokens that end an answer of the expert in `folder`."""
    found = json.loads((folder / "generation_config.json").read_text(encoding="utf-8"))["eos_token_id"]
    return found if isinstance(found, list) else [found]


class LocalModel:
    """A Model over a transformers causal language model and a tokenizer that has a chat template.

    `ends` are the ids of the tokens that end an answer; `told` is what the chat template is told beside the messages.
    """

    def __init__(self, model: Any, tokenizer: Any, ends: Sequence[int], name: str, told: Mapping[str, Any] | None = None) -> None:
        self.name = name
        self._told = told or {}
        self.module, self.tokenizer, self.ends = model.eval(), tokenizer, list(ends)
        self.lock = threading.Lock()  # held for a step at a time: a large model fills its device

    @cached_property
    def room(self) -> int:
        """Tokens that the model reads and writes at most."""
        return getattr(self.module.config, "max_position_embeddings", None) or 1 << 20

    @cached_property
    def spell(self) -> Callable[[int], bytes]:
        """The bytes of a token; a special one has none."""
        from corpus_tuner.models.local_tokens import spelling

        return spelling(self.tokenizer)

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """Token ids of the prompt that the chat template makes of `messages`."""
        return self.tokenizer(self._prompt(messages), add_special_tokens=False)["input_ids"]

    def _prompt(self, messages: Sequence[Message]) -> str:
        from jinja2 import TemplateError

        try:
            return self.tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True, **self._told)
        except TemplateError as error:
            raise Declined(f"the chat template of this model refuses these messages: {error}") from None

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
        prompts = [self._prompt(messages) for messages in batch]
        order = sorted(range(len(prompts)), key=lambda place: len(prompts[place]))
        replies: dict[int, Reply] = {}
        for at in range(0, len(order), BATCH):
            places = order[at : at + BATCH]
            written = self._write([prompts[place] for place in places], max_tokens, temperature, stop)
            replies |= dict(zip(places, written))
        return [replies[place] for place in range(len(prompts))]

    def _write(self, prompts: list[str], max_tokens: int, temperature: float, stop: Sequence[str]) -> list[Reply]:
        import torch

        read = self.tokenizer(prompts, add_special_tokens=False, padding=True, padding_side="left", return_tensors="pt")
        options: dict[str, Any] = PLAIN | {"max_new_tokens": max_tokens, "eos_token_id": self.ends}
        options["pad_token_id"] = self.tokenizer.pad_token_id
        options |= {"do_sample": True, "temperature": temperature} if temperature > 0 else {"do_sample": False}
        if stop:
            options |= {"stop_strings": list(stop), "tokenizer": self.tokenizer}
        with torch.no_grad():
            tokens = self.module.generate(**read.to(self.module.device), **options)
        new = tokens[:, read["input_ids"].shape[1] :].tolist()
        return [self._reply(int(mask.sum()), ids, stop) for mask, ids in zip(read["attention_mask"], new)]

    def _reply(self, prompt: int, ids: list[int], stop: Sequence[str]) -> Reply:
        end = next((place for place, token in enumerate(ids) if token in self.ends), None)
        text = THOUGHT.sub("", self.tokenizer.decode(ids[:end], skip_special_tokens=True))
        cuts = [at for at in (text.find(mark) for mark in stop if mark) if at >= 0]
        text = text[: min(cuts)] if cuts else text
        reason = "stop" if cuts or end is not None else "length"
        usage = {"prompt_tokens": prompt, "completion_tokens": len(ids) if end is None else end + 1}
        return Reply(text.strip(), reason, usage)
