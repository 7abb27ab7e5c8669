"""A model in Hugging Face format as one GGUF file, for llama.cpp and what is built on it.

For the architectures in `ARCHITECTURES` with a byte-level BPE tokenizer, as Llama 3, Qwen 2 and 3 and this project's
own students have; anything else is refused in one line, never converted into a file that answers wrongly. Numbers stay
as they are (float32, float16 or bfloat16), so that nothing is lost: llama.cpp's `llama-quantize` makes a file small.
Names and layouts follow llama.cpp's convert_hf_to_gguf.py.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus_tuner.errors import CorpusTunerError, MissingExtra
from corpus_tuner.models.gguf_tokens import add_tokenizer
from corpus_tuner.store import replacing

if TYPE_CHECKING:
    import numpy as np

ARCHITECTURES = {"LlamaForCausalLM": "llama", "Qwen2ForCausalLM": "qwen2", "Qwen3ForCausalLM": "qwen3"}
FILE_TYPES = {"F32": 0, "F16": 1, "BF16": 32}  # of llama.cpp's llama_ftype


def convert(folder: Path, path: Path, name: str) -> None:
    """Writes the model of `folder` into `path`, whole or not at all.

    Raises CorpusTunerError for an architecture, a tokenizer or positions that are not among those that are known.
    """
    try:
        import gguf
    except ModuleNotFoundError:
        raise MissingExtra("a GGUF export", "gguf", "gguf") from None
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    found = (config.get("architectures") or ["?"])[0]
    if found not in ARCHITECTURES:
        raise CorpusTunerError(f"GGUF is written for {', '.join(ARCHITECTURES)}, not for {found}: use --format merged and llama.cpp's own converter")
    kind = _numbers(folder)
    with replacing(path) as temporary:
        writer = gguf.GGUFWriter(temporary, ARCHITECTURES[found])
        writer.add_type(gguf.GGUFType.MODEL)
        writer.add_name(name)
        writer.add_file_type(FILE_TYPES[kind])
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
        _add_shape(writer, config)
        add_tokenizer(writer, folder, config["vocab_size"])
        for tensor, values, stored in _tensors(folder, config, kind):
            writer.add_tensor(tensor, values, raw_dtype=stored)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()


def _add_shape(writer: Any, config: Mapping[str, Any]) -> None:
    """The sizes of the model, under llama.cpp's names."""
    if config.get("use_sliding_window"):
        raise CorpusTunerError("a model with a sliding window is not written as GGUF: use --format merged")
    size = _head_size(config)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(_heads(config)[1])
    writer.add_key_length(size)
    writer.add_value_length(size)
    writer.add_rope_dimension_count(size)
    writer.add_rope_freq_base(float(_positions(config)["rope_theta"]))
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])


def _head_size(config: Mapping[str, Any]) -> int:
    return config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]


def _heads(config: Mapping[str, Any]) -> tuple[int, int]:
    """Heads of the queries, and of the keys."""
    heads = config["num_attention_heads"]
    return heads, config.get("num_key_value_heads") or heads


def _positions(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """How positions turn the heads: rope_theta, rope_type (default or llama3) and its numbers."""
    older = {"rope_theta": config.get("rope_theta", 10000.0)} | (config.get("rope_scaling") or {})
    found = older | (config.get("rope_parameters") or {})
    kind = found.get("rope_type", found.get("type", "default"))
    if kind not in ("default", "llama3"):
        raise CorpusTunerError(f"positions of the type {kind!r} are not written as GGUF: use --format merged")
    return found | {"rope_type": kind}


def _numbers(folder: Path) -> str:
    """F32, F16 or BF16: as most of the weights are stored."""
    sizes: dict[str, int] = {}
    for file in _files(folder):
        for name in file.keys():  # noqa: SIM118 - safetensors' own, not a dictionary's
            part = file.get_slice(name)
            sizes[part.get_dtype()] = sizes.get(part.get_dtype(), 0) + math.prod(part.get_shape())
    kind = max(sizes, key=lambda kind: sizes[kind])
    if kind not in FILE_TYPES:
        raise CorpusTunerError(f"weights of the type {kind} are not written as GGUF: use --format merged")
    return kind


def _files(folder: Path) -> Iterator[Any]:
    from safetensors import safe_open

    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            yield file


def _tensors(folder: Path, config: Mapping[str, Any], kind: str) -> Iterator[tuple[str, np.ndarray, Any]]:
    """(name, values, how they are stored) of every tensor; vectors are float32, as llama.cpp computes with them."""
    import gguf

    architecture = ARCHITECTURES[config["architectures"][0]]
    number = next(one for one, name in gguf.MODEL_ARCH_NAMES.items() if name == architecture)
    names = gguf.get_tensor_name_map(number, config["num_hidden_layers"])
    matrices = gguf.GGMLQuantizationType[kind]
    for file in _files(folder):
        for name in file.keys():  # noqa: SIM118
            if name == "lm_head.weight" and config.get("tie_word_embeddings"):
                continue
            known = names.get_name(name, try_suffixes=(".weight", ".bias"))
            if known is None:
                raise CorpusTunerError(f"the tensor {name} has no place in GGUF's {architecture}: use --format merged")
            values = file.get_tensor(name).float().numpy()
            if architecture == "llama" and ".self_attn." in name:
                values = _interleaved(values, name, config)
            stored = matrices if values.ndim > 1 else gguf.GGMLQuantizationType.F32
            yield known, gguf.quants.quantize(values, stored), stored
    positions = _positions(config)
    if positions["rope_type"] == "llama3":
        yield "rope_freqs.weight", _llama3(positions, _head_size(config)), gguf.GGMLQuantizationType.F32


def _interleaved(values: np.ndarray, name: str, config: Mapping[str, Any]) -> np.ndarray:
    """Llama's queries and keys in the order that GGUF has: each pair that a position turns lies side by side, while
    Hugging Face keeps the halves of a head apart."""
    heads = {"q_proj": _heads(config)[0], "k_proj": _heads(config)[1]}.get(name.split(".")[-2])
    if heads is None:
        return values
    halves = values.reshape(heads, 2, len(values) // heads // 2, *values.shape[1:])
    return halves.swapaxes(1, 2).reshape(values.shape)


def _llama3(positions: Mapping[str, Any], size: int) -> np.ndarray:
    """What each frequency is divided by, for the longer context of Llama 3.1 and later (transformers' modeling_rope_utils,
    `_compute_llama3_parameters`)."""
    import numpy as np

    low, high, factor = (positions[name] for name in ("low_freq_factor", "high_freq_factor", "factor"))
    context = positions["original_max_position_embeddings"]
    wave = 2 * math.pi * positions["rope_theta"] ** (np.arange(0, size, 2) / size)
    smooth = np.clip((context / wave - low) / (high - low), 0, 1)
    return (1 / ((1 - smooth) / factor + smooth)).astype(np.float32)
