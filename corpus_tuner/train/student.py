"""The student: a small Llama, written out so that training computes only what the loss needs.

The weights carry the names of transformers' LlamaForCausalLM and are saved as such; a test compares the logits of
the two. Functions here import torch when they are called.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    Weights = dict[str, Tensor]


def configuration(vocabulary: int, end: int, *, width: int, layers: int, positions: int) -> dict[str, Any]:
    """The config.json of a student; `end` is the id of the token that ends an answer."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": width * 5 // 2,
        "num_hidden_layers": layers,
        "num_attention_heads": width // 32,
        "num_key_value_heads": width // 32,
        "head_dim": 32,
        "hidden_act": "silu",
        "max_position_embeddings": positions,
        "rms_norm_eps": 1e-6,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
        "rope_theta": 10000.0,
        "tie_word_embeddings": True,
        "attention_bias": False,
        "mlp_bias": False,
        "initializer_range": 0.02,
        "bos_token_id": None,
        "eos_token_id": end,
        "pad_token_id": end,
        "torch_dtype": "float32",
    }


def initial_weights(config: Mapping[str, Any], seed: int) -> Weights:
    """Weights drawn as LlamaForCausalLM draws them: normal, standard deviation `initializer_range`; norms are 1."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    width, inner = config["hidden_size"], config["intermediate_size"]
    shapes = {"model.embed_tokens.weight": (config["vocab_size"], width)}
    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}."
        shapes |= {f"{prefix}self_attn.{name}_proj.weight": (width, width) for name in "qkvo"}
        shapes |= {f"{prefix}mlp.{name}_proj.weight": (inner, width) for name in ("gate", "up")}
        shapes[f"{prefix}mlp.down_proj.weight"] = (width, inner)
        shapes |= {f"{prefix}{name}_layernorm.weight": (width,) for name in ("input", "post_attention")}
    shapes["model.norm.weight"] = (width,)
    spread = config["initializer_range"]
    return {
        name: torch.ones(shape) if len(shape) == 1 else torch.empty(shape).normal_(0.0, spread, generator=generator)
        for name, shape in shapes.items()
    }


def rotations(config: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    """Cosines and sines (positions, head size) of rotary embeddings in the half-split order that Llama uses."""
    import torch

    size = config["head_dim"]
    frequencies = config["rope_theta"] ** -(torch.arange(0, size, 2).float() / size)
    angles = torch.outer(torch.arange(config["max_position_embeddings"]).float(), frequencies)
    angles = torch.cat((angles, angles), dim=-1)
    return angles.cos(), angles.sin()


def logits(weights: Weights, config: Mapping[str, Any], turn: tuple[Tensor, Tensor], ids: Tensor, picked: Tensor) -> Tensor:
    """Next-token logits (n, vocabulary) at the n flat positions `picked` of right-padded `ids` (batch, length).

    The last layer's output projection and MLP, and the head, are computed at `picked` only: a question is several
    times as long as its answer, and only the answer has a loss.
    """
    from torch.nn import functional

    width, epsilon = config["hidden_size"], config["rms_norm_eps"]
    hidden = functional.embedding(ids, weights["model.embed_tokens.weight"])
    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}."
        normed = functional.rms_norm(hidden, (width,), weights[f"{prefix}input_layernorm.weight"], epsilon)
        mixed = _attention(weights, prefix, config["num_attention_heads"], turn, normed)
        if layer == config["num_hidden_layers"] - 1:
            hidden, mixed = (part.reshape(-1, width)[picked] for part in (hidden, mixed))
        hidden = hidden + mixed @ weights[f"{prefix}self_attn.o_proj.weight"].T
        normed = functional.rms_norm(hidden, (width,), weights[f"{prefix}post_attention_layernorm.weight"], epsilon)
        gate = functional.silu(normed @ weights[f"{prefix}mlp.gate_proj.weight"].T)
        inner = gate * (normed @ weights[f"{prefix}mlp.up_proj.weight"].T)
        hidden = hidden + inner @ weights[f"{prefix}mlp.down_proj.weight"].T
    hidden = functional.rms_norm(hidden, (width,), weights["model.norm.weight"], epsilon)
    return hidden @ weights["model.embed_tokens.weight"].T


def _attention(weights: Weights, prefix: str, heads: int, turn: tuple[Tensor, Tensor], normed: Tensor) -> Tensor:
    from torch.nn import functional

    batch, length, width = normed.shape
    parts = [
        (normed @ weights[f"{prefix}self_attn.{name}_proj.weight"].T).view(batch, length, heads, -1).transpose(1, 2)
        for name in "qkv"
    ]
    query, key = (_rotate(part, turn) for part in parts[:2])
    mixed = functional.scaled_dot_product_attention(query, key, parts[2], is_causal=True)
    return mixed.transpose(1, 2).reshape(batch, length, width)


def _rotate(part: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    import torch

    cosine, sine = (table[: part.shape[2]] for table in turn)
    first, second = part.chunk(2, dim=-1)
    return part * cosine + torch.cat((-second, first), dim=-1) * sine
