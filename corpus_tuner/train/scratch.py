"""The embedded trainer: a very small Llama trained from nothing on this corpus alone, on one CPU core."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from corpus_tuner.errors import CorpusTunerError, MissingExtra
from corpus_tuner.records import Expert, Progress, silent
from corpus_tuner.settings import TrainSettings
from corpus_tuner.store import digest, file_digest, replacing, write_json, write_text
from corpus_tuner.train import chat, student
from corpus_tuner.train.augment import Rewording
from corpus_tuner.train.passes import Run, learn
from corpus_tuner.train.rows import Conversation, read_rows

if TYPE_CHECKING:
    from tokenizers import Tokenizer

VOCABULARY, WIDTH, LAYERS = 2048, 128, 1
RATE, BATCH = 2.5e-3, 32
PASSES_PER_EPOCH = 20  # one of `epochs`: a student that starts from nothing needs many passes


class ScratchTrainer:
    """Trains the student until it recalls what it was taught, and saves it in Hugging Face format."""

    methods: ClassVar = {"supervised": RATE}

    def train(
        self,
        train: Path,
        validation: Path | None,  # noqa: ARG002 - the student stops by what it recalls of `train`
        settings: TrainSettings,
        folder: Path,
        progress: Progress = silent,
    ) -> Expert:
        """Implements Trainer. `epochs = "auto"` trains until recall; a number n means 20 n passes.

        Every random choice follows from the seed and the number of the pass, so a run that was interrupted ends with
        the weights of one that was not. The weights before the first step lie in `folder`/base.
        """
        try:
            import torch
        except ImportError:
            raise MissingExtra("training", "local", "torch") from None
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # measured: at this size a second thread only waits at the barrier
        try:
            run = begin(read_rows(train), settings)
            save(folder / "base", run)
            learn(run, folder, digest(file_digest(train), settings), progress)
        finally:
            torch.set_num_threads(threads)
        save(folder, run)
        (folder / "checkpoint.safetensors").unlink(missing_ok=True)
        return Expert(
            name=folder.name,
            base=settings.base,
            backend="scratch",
            dataset_digest=file_digest(train),
            chat_format=chat.CHAT_FORMAT,
            metrics=_metrics(run),
        )


def _metrics(run: Run) -> dict[str, float]:
    return {
        "recall": round(run.recall, 4),
        "rows": len(run.rows),
        "passes": run.passes,
        "seconds": round(run.seconds, 1),
        "parameters": sum(weight.numel() for weight in run.weights.values()),
    }


def begin(rows: list[Conversation], settings: TrainSettings) -> Run:
    """A run over `rows` before its first step."""
    import torch

    tokenizer = chat.train_tokenizer(rows, VOCABULARY)
    rows, longest = _fitting(rows, tokenizer, settings.max_length)
    config = student.configuration(
        tokenizer.get_vocab_size(),
        tokenizer.token_to_id(chat.END),
        width=WIDTH,
        layers=LAYERS,
        positions=max(512, 1 << longest.bit_length()),
    )
    weights = student.initial_weights(config, settings.seed)
    for weight in weights.values():
        weight.requires_grad_()
    rate = RATE if settings.learning_rate == "auto" else float(settings.learning_rate)
    return Run(
        rows=rows,
        tokenizer=tokenizer,
        rewording=Rewording(rows),
        config=config,
        weights=weights,
        optimiser=torch.optim.AdamW(weights.values(), lr=rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True),
        seed=settings.seed,
        rate=rate,
        batch=BATCH if settings.batch_size == "auto" else int(settings.batch_size),
        fixed=0 if settings.epochs == "auto" else PASSES_PER_EPOCH * int(settings.epochs),
    )


def _fitting(rows: list[Conversation], tokenizer: Tokenizer, longest: int) -> tuple[list[Conversation], int]:
    """The rows of at most `longest` tokens, and the length of the longest of them; a warning counts the others."""
    lengths = [len(ids) for ids, _ in chat.encode(tokenizer, rows)]
    fitting = [row for row, length in zip(rows, lengths) if length <= longest]
    if not fitting:
        raise CorpusTunerError(f"no row has at most max_length = {longest} tokens: raise it in [train]")
    if len(fitting) < len(rows):
        lost = len(rows) - len(fitting)
        logging.getLogger(__name__).warning("%d rows of more than %d tokens are not trained on", lost, longest)
    return fitting, max(length for length in lengths if length <= longest)


def save(folder: Path, run: Run) -> None:
    """Writes what transformers, vLLM and our own inference need to answer with the weights of `run`."""
    from safetensors.torch import save_file

    end, positions = run.config["eos_token_id"], run.config["max_position_embeddings"]
    write_json(folder / "config.json", run.config)
    write_json(folder / "generation_config.json", {"do_sample": False, "eos_token_id": end, "pad_token_id": end})
    write_json(folder / "tokenizer_config.json", chat.tokenizer_config(positions))
    write_text(folder / "tokenizer.json", run.tokenizer.to_str())
    with replacing(folder / "model.safetensors") as temporary:
        save_file({name: weight.detach() for name, weight in run.weights.items()}, temporary, metadata={"format": "pt"})
