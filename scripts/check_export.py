"""Loads the exports of a corpus's expert back and compares their greedy answers to the expert's own.

    python scripts/check_export.py NAME [--root .] [--count 100] [--tokens 48]

The questions are the first of its dataset/train.jsonl. The merged export is asked through transformers, the GGUF file
through llama.cpp (pip install llama-cpp-python): programs that share no code with what wrote them. Prints how many
answers are the same, white space around them aside, and those that are not; exits with 1 if there are such.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from corpus_tuner.corpus import Corpus
from corpus_tuner.models import open_model
from corpus_tuner.models.export import export
from corpus_tuner.models.local import ends

Answer = Callable[[list[dict]], str]


def by_transformers(folder: Path, tokens: int) -> Answer:
    """Asks a merged export."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    stops = ends(folder)

    def answer(messages: list[dict]) -> str:
        read = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        written = model.generate(**read, max_new_tokens=tokens, do_sample=False, eos_token_id=stops, pad_token_id=stops[0])
        return tokenizer.decode(written[0, read["input_ids"].shape[1] :], skip_special_tokens=True)

    return answer


def by_llama_cpp(path: Path, tokens: int) -> Answer:
    """Asks a GGUF export, its cache of keys and values in float32."""
    from llama_cpp import Llama

    model = Llama(str(path), n_ctx=1024, verbose=False, type_k=0, type_v=0)
    return lambda messages: model.create_chat_completion(messages, temperature=0, max_tokens=tokens)["choices"][0]["message"]["content"] or ""


def main() -> None:
    """Compares and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("--root", type=Path, default=Path())
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--tokens", type=int, default=48, help="of an answer")
    wanted = parser.parse_args()
    place = Corpus.open(wanted.name, wanted.root).place
    receipt = place.receipt()
    lines = (place.dataset / "train.jsonl").read_text(encoding="utf-8").splitlines()[: wanted.count]
    asked = [[one for one in json.loads(line)["messages"] if one["role"] != "assistant"] for line in lines]
    said = [reply.text for reply in open_model(receipt, place.folder).complete_many(asked, max_tokens=wanted.tokens)]
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for kind, reader in (("merged", by_transformers), ("gguf", by_llama_cpp)):
            answer = reader(export(receipt, place.folder, kind, Path(folder) / kind, "expert"), wanted.tokens)
            started = time.monotonic()
            found = [answer(messages) for messages in asked]
            others = [(one, other) for one, other in zip(said, found) if one.strip() != other.strip()]
            wrong += len(others)
            print(f"{kind:7}{len(said) - len(others):4} of {len(said)} answers the same, {(time.monotonic() - started) / len(said):.3f} s each by {reader.__name__[3:]}")
            for one, other in others[:5]:
                print(f"       expert: {one!r}\n       export: {other!r}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
