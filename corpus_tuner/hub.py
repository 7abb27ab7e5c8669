"""Causal language models of the Hugging Face hub, or of a local folder: safetensors only, and no code but our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from corpus_tuner.errors import CorpusTunerError, MissingExtra

PLAIN_TEMPLATE = (
    "{%- if bos_token -%}{{ bos_token }}{%- endif -%}"
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'assistant' -%}Assistant: {{ message['content'] }}{{ eos_token }}\n"
    "{%- else -%}{{ message['role'] | capitalize }}: {{ message['content'] }}\n{% endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}Assistant:{%- endif -%}"
)
"""For a base that has no chat template: `User: ...`, a line break, `Assistant: ...` and the end-of-text token."""


def load_base(base: str, feature: str, *, dtype: Any = None, quantization: Any = None) -> Any:
    """The causal language model of a hub id or folder, on the best device at hand; bfloat16 where a GPU has it.

    `dtype` asks for other numbers, `quantization` (transformers' configuration of one) for fewer bits.
    Raises MissingExtra, naming `feature`, without the packages; CorpusTunerError if it cannot be had.
    """
    transformers, torch = require(feature, "transformers", "torch")
    gpu = torch.cuda.is_available()
    device = "cuda" if gpu else "mps" if torch.backends.mps.is_available() else "cpu"
    kind = dtype or (torch.bfloat16 if gpu and torch.cuda.is_bf16_supported() else torch.float32)
    how = {} if quantization is None else {"quantization_config": quantization, "device_map": {"": torch.cuda.current_device() if gpu else device}}
    transformers.utils.logging.disable_progress_bar()
    try:
        model = transformers.AutoModelForCausalLM.from_pretrained(
            base, dtype=kind, use_safetensors=True, trust_remote_code=False, **how
        )
    except (OSError, ValueError) as error:
        raise CorpusTunerError(_explained(base, error)) from None
    return model.to(device) if quantization is None else model


def dtype_of(base: str) -> Any:
    """The numbers in which the weights of a hub id or folder are stored, as its configuration says (float32 if it does not)."""
    import torch
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(base, trust_remote_code=False).dtype or torch.float32


def load_tokenizer(base: str, feature: str) -> Any:
    """The tokenizer of a hub id or folder, with a padding token and a chat template (PLAIN_TEMPLATE if it has none)."""
    (transformers,) = require(feature, "transformers")
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(base, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise CorpusTunerError(_explained(base, error)) from None
    if tokenizer.eos_token is None:
        raise CorpusTunerError(f"the tokenizer of {base} has no end-of-text token: choose another base")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if not tokenizer.chat_template:
        tokenizer.chat_template = PLAIN_TEMPLATE
    return tokenizer


def load_encoder(name: str, feature: str) -> tuple[Any, Any]:
    """The encoder of a hub id or folder and its tokenizer, on the best device at hand. Raises as `load_base` does."""
    transformers, torch = require(feature, "transformers", "torch")
    device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    transformers.utils.logging.disable_progress_bar()
    try:
        model = transformers.AutoModel.from_pretrained(name, use_safetensors=True, trust_remote_code=False)
        return model.to(device).eval(), transformers.AutoTokenizer.from_pretrained(name, trust_remote_code=False)
    except (OSError, ValueError) as error:
        kind = "no encoder in safetensors" if Path(name).is_dir() else "no folder, and the Hugging Face hub does not give it"
        raise CorpusTunerError(f"the encoder {name!r} is {kind}: {_first_line(error)}") from None


def require(feature: str, *packages: str) -> tuple[Any, ...]:
    """The imported packages; raises MissingExtra, naming `feature`, if one is not installed."""
    from importlib import import_module

    found = []
    for package in packages:
        try:
            found.append(import_module(package))
        except ModuleNotFoundError as error:
            raise MissingExtra(feature, "local", error.name or package) from None
    return tuple(found)


def _explained(base: str, error: Exception) -> str:
    if Path(base).is_dir():
        return f"{base} is no causal language model in safetensors that runs without code of its own: {_first_line(error)}"
    return f"cannot get the base model {base!r} from the Hugging Face hub: {_first_line(error)}; check the name, or give a folder"


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".:")
