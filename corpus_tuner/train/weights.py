"""The weights that are trained: an adapter on a base, or all of a base's own; how they are loaded, computed with and saved."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

from corpus_tuner import hub
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.settings import TrainSettings
from corpus_tuner.store import write_json


def prepared(settings: TrainSettings, feature: str) -> Any:
    """The base of `settings` with what is to be trained on it, which alone asks for gradients; in training mode.

    An adapter's own weights are float32, whatever the base's; so are all weights where all are trained, because
    bfloat16 loses an update smaller than a 256th of its weight.
    """
    (torch,) = hub.require(feature, "torch")
    if settings.four_bit:
        model = _in_four_bits(settings.base, feature)
    else:
        model = hub.load_base(settings.base, feature, dtype=torch.float32 if settings.full else None)
    torch.manual_seed(settings.seed)
    if not settings.full:
        (peft,) = hub.require(feature, "peft")
        adapter = peft.LoraConfig(
            r=settings.rank, lora_alpha=2 * settings.rank, target_modules="all-linear", task_type="CAUSAL_LM"
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of names that transformers gives up, and of what peft sets right by itself
            model = peft.get_peft_model(model, adapter)
    if settings.gradient_checkpointing:
        enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
        enable({"use_reentrant": False})
    return model.train()


def _in_four_bits(base: str, feature: str) -> Any:
    """The base in NF4 (Dettmers et al. 2023, QLoRA), what is left of it in float32."""
    from importlib.util import find_spec

    if find_spec("bitsandbytes") is None:
        raise CorpusTunerError("four_bit = true needs bitsandbytes: pip install bitsandbytes, or take the line out")
    transformers, torch, peft = hub.require(feature, "transformers", "torch", "peft")
    kind = torch.bfloat16 if _has_bfloat16() else torch.float32
    wanted = transformers.BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=kind
    )
    model = hub.load_base(base, feature, quantization=wanted)
    return peft.prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)


def computing(model: Any) -> Any:
    """A context in which a GPU that has bfloat16 multiplies matrices in it; elsewhere one that changes nothing."""
    import torch

    return torch.autocast(model.device.type, torch.bfloat16, enabled=model.device.type == "cuda" and _has_bfloat16())


def _has_bfloat16() -> bool:
    import torch

    return torch.cuda.is_available() and torch.cuda.is_bf16_supported()


def longest(model: Any, wanted: int) -> int:
    """`wanted` tokens, or as many as the model has positions for if those are fewer."""
    return min(wanted, getattr(model.config, "max_position_embeddings", None) or wanted)


def save(model: Any, folder: Path) -> None:
    """Writes what was trained in safetensors: the adapter, or the whole model in the numbers that its base is stored in."""
    if hasattr(model, "peft_config"):
        model.save_pretrained(folder, safe_serialization=True, save_embedding_layers=False)
        return
    kind = hub.dtype_of(model.name_or_path)
    cast = {value.data_ptr(): value.to(kind) for value in model.state_dict().values()}  # tied weights stay tied
    model.save_pretrained(folder, state_dict={name: cast[value.data_ptr()] for name, value in model.state_dict().items()})
    configuration = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    write_json(folder / "config.json", configuration | {"dtype": str(kind).removeprefix("torch.")})
