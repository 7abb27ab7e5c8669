"""A byte-level BPE tokenizer, with its chat template, in the words of GGUF."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corpus_tuner.errors import CorpusTunerError

LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
SPLITS = {LLAMA3: "llama-bpe", LLAMA3.replace("{1,3}", ""): "qwen2"}
"""How texts are cut into words before pieces are merged, and llama.cpp's name for it (its src/llama-vocab.cpp); "gpt-2" is
the byte-level pre-tokenizer's own."""
NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5  # of llama.cpp's llama_token_type
NO_WAY = "use --format merged and llama.cpp's own converter"


def add_tokenizer(writer: Any, folder: Path, size: int) -> None:
    """Adds the tokenizer of `folder` for a model of `size` embeddings. Raises CorpusTunerError for one of another sort."""
    from tokenizers import Tokenizer

    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    split, spaced = _split(tokenizer)
    tokens, kinds = _tokens(tokenizer, size)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(split)
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([one if isinstance(one, str) else " ".join(one) for one in tokenizer["model"]["merges"]])
    numbers = {token: number for number, token in enumerate(tokens)}
    special = {name: numbers.get(_text(settings.get(f"{name}_token"))) for name in ("bos", "eos", "pad")}
    for name, number in special.items():
        if number is not None:
            getattr(writer, f"add_{name}_token_id")(number)
    ends = [number for number in _ends(folder) if number != special["eos"]]
    if ends:
        writer.add_eot_token_id(ends[0])
    start = Tokenizer.from_str(json.dumps(tokenizer)).encode("a").ids[:1]
    writer.add_add_bos_token(start == [special["bos"]])
    template = _template(folder, settings)
    if template:
        writer.add_chat_template(_with_spaces(template) if spaced else template)


def _split(tokenizer: Mapping[str, Any]) -> tuple[str, bool]:
    """llama.cpp's name of the pre-tokenizer, and whether a text is read as if a space stood before it."""
    model, before = tokenizer["model"], tokenizer.get("pre_tokenizer") or {}
    parts = before.get("pretokenizers", [before])
    *cuts, last = parts
    normalizer = (tokenizer.get("normalizer") or {"type": "NFC"})["type"]
    if model["type"] != "BPE" or last.get("type") != "ByteLevel" or normalizer != "NFC":
        raise CorpusTunerError(f"GGUF is written for byte-level BPE tokenizers, which this model's is not: {NO_WAY}")
    name = "gpt-2" if not cuts and last.get("use_regex", True) else None
    if len(cuts) == 1 and not last.get("use_regex", True) and cuts[0].get("behavior") == "Isolated":
        name = SPLITS.get(cuts[0].get("pattern", {}).get("Regex"))
    if name is None or bool(model.get("ignore_merges")) != (name == "llama-bpe"):
        raise CorpusTunerError(f"this model's tokenizer cuts words in a way that is none of {', '.join(SPLITS.values())}, gpt-2: {NO_WAY}")
    return name, last.get("add_prefix_space", False)


def _tokens(tokenizer: Mapping[str, Any], size: int) -> tuple[list[str], list[int]]:
    """Every token by its number, and its type; numbers that an embedding has and no token are filled."""
    tokens = {number: (text, NORMAL) for text, number in tokenizer["model"]["vocab"].items()}
    for one in tokenizer["added_tokens"]:
        tokens[one["id"]] = (one["content"], CONTROL if one["special"] else USER_DEFINED)
    if max(tokens) >= size:
        raise CorpusTunerError(f"the tokenizer has {max(tokens) + 1} tokens and the model {size} embeddings: this is no whole model")
    filled = [tokens.get(number, (f"[PAD{number}]", UNUSED)) for number in range(size)]
    return [text for text, _ in filled], [kind for _, kind in filled]


def _text(token: Any) -> str | None:
    return token.get("content") if isinstance(token, Mapping) else token


def _ends(folder: Path) -> list[int]:
    found = json.loads((folder / "generation_config.json").read_text(encoding="utf-8")).get("eos_token_id", [])
    return found if isinstance(found, list) else [found]


def _template(folder: Path, settings: Mapping[str, Any]) -> str | None:
    """The chat template, from wherever transformers put it."""
    path = folder / "chat_template.jinja"
    return path.read_text(encoding="utf-8") if path.is_file() else settings.get("chat_template")


def _with_spaces(template: str) -> str:
    """The template with the space that the tokenizer puts before a text behind a special token, and llama.cpp does not."""
    return re.sub(r"(<\|\w+\|>)\{\{", r"\1 {{", template)
