"""The embedded trainer: a very small Llama trained from nothing on this corpus alone, on one CPU core."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from corpus_tuner.errors import CorpusTunerError, MissingExtra
from corpus_tuner.records import Expert, Message, Progress, silent
from corpus_tuner.settings import TrainSettings
from corpus_tuner.store import digest, file_digest, replacing, write_json, write_text
from corpus_tuner.train import augment, chat, student
from corpus_tuner.train.rows import Conversation, read_rows

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import Tensor

VOCABULARY, WIDTH, LAYERS = 2048, 128, 1
RATE, BATCH = 2e-3, 32
PASSES_PER_EPOCH = 20  # one of `epochs`: a student that starts from nothing needs many passes
RECALL = 0.98  # of the trained answers: where `auto` begins to end
LEAST, MOST = 40, 120  # passes of `auto` before the learning rate falls
FALL = 0.3  # share of the passes so far that the fall takes
CHECK = 5  # passes between two checks of recall, each followed by a checkpoint

Encoded = tuple[list[int], list[bool]]


@dataclass
class Run:
    """A training under way: all that a checkpoint holds, and what it is derived from."""

    rows: list[Conversation]
    tokenizer: Tokenizer
    config: dict[str, Any]
    weights: dict[str, Tensor]
    turn: tuple[Tensor, Tensor]
    optimiser: Any
    seed: int
    rate: float
    batch: int
    limit: int  # passes before the learning rate falls, at most
    least: int
    passes: int = 0
    falls_from: int = 0  # the pass from which the learning rate falls; 0: not yet known
    recall: float = 0.0
    seconds: float = 0.0
    noise: list[str] = field(default_factory=list)

    @property
    def last(self) -> int:
        """The number of passes in all, as far as it is known."""
        start = self.falls_from or self.limit
        return start + max(1, round(start * FALL))


class ScratchTrainer:
    """Trains the student until it recalls what it was taught, and saves it in Hugging Face format."""

    def train(
        self, train: Path, validation: Path | None, settings: TrainSettings, folder: Path, progress: Progress = silent
    ) -> Expert:
        """Implements Trainer. `epochs = "auto"` trains until recall; a number n means 20 n passes.

        `validation` is not read: the student stops by what it recalls of `train`. Every random choice follows from
        the seed and the number of the pass, so a run that was interrupted ends with the weights of one that was not.
        """
        try:
            import torch
        except ImportError:
            raise MissingExtra("training", "local", "torch") from None
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # measured: at this size a second thread mostly waits
        try:
            run = _begin(read_rows(train), settings)
            _save(folder / "base", run)
            _learn(run, folder, digest(file_digest(train), settings), progress)
        finally:
            torch.set_num_threads(threads)
        _save(folder, run)
        (folder / "checkpoint.safetensors").unlink(missing_ok=True)
        metrics = {
            "recall": round(run.recall, 4),
            "passes": run.passes,
            "seconds": round(run.seconds, 1),
            "parameters": sum(weight.numel() for weight in run.weights.values()),
        }
        return Expert(
            name=folder.name,
            base=settings.base,
            backend="scratch",
            dataset_digest=file_digest(train),
            chat_format=chat.CHAT_FORMAT,
            metrics=metrics,
        )


def _begin(rows: list[Conversation], settings: TrainSettings) -> Run:
    import torch

    tokenizer = chat.train_tokenizer(rows, VOCABULARY)
    end = tokenizer.token_to_id(chat.END)
    vocabulary = tokenizer.get_vocab_size()
    longest = max(len(tokens) for tokens, _ in chat.encode(tokenizer, rows))
    positions = max(512, 1 << (min(longest, settings.max_length) - 1).bit_length())
    config = student.configuration(vocabulary, end, width=WIDTH, layers=LAYERS, positions=positions)
    weights = student.initial_weights(config, settings.seed)
    rate = RATE if settings.learning_rate == "auto" else float(settings.learning_rate)
    for weight in weights.values():
        weight.requires_grad_()
    optimiser = torch.optim.AdamW(weights.values(), lr=rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    auto = settings.epochs == "auto"
    fixed = 0 if auto else max(1, round(int(settings.epochs) * PASSES_PER_EPOCH / (1 + FALL)))
    return Run(
        rows=rows,
        tokenizer=tokenizer,
        config=config,
        weights=weights,
        turn=student.rotations(config),
        optimiser=optimiser,
        seed=settings.seed,
        rate=rate,
        batch=BATCH if settings.batch_size == "auto" else int(settings.batch_size),
        limit=MOST if auto else fixed,
        least=LEAST if auto else fixed,
        noise=sorted({word for row in rows for message in row if message["role"] == "user" for word in message["content"].split()}),
    )


def _learn(run: Run, folder: Path, key: str, progress: Progress) -> None:
    """Passes over the rows until the learning rate has fallen to nothing."""
    clean = chat.encode(run.tokenizer, run.rows)
    _restore(run, folder / "checkpoint.safetensors", key)
    log = _continued_log(folder / "log.jsonl", run.passes)
    started = time.perf_counter() - run.seconds
    while run.passes < run.last:
        report = _one_pass(run)
        run.passes += 1
        if run.passes % CHECK == 0 or run.passes == run.last:
            run.recall = report["recall"] = recall(run, clean)
            if not run.falls_from and run.passes >= run.least and (run.recall >= RECALL or run.passes >= run.limit):
                run.falls_from = run.passes
        run.seconds = time.perf_counter() - started
        log.append({"pass": run.passes, **report, "seconds": round(run.seconds, 2)})
        if "recall" in report:
            write_text(folder / "log.jsonl", "".join(json.dumps(line) + "\n" for line in log))
            _checkpoint(run, folder / "checkpoint.safetensors", key)
        progress(run.passes, run.last, f"loss {report['loss']:.3f}, recall {run.recall:.0%}")


def _one_pass(run: Run) -> dict[str, float]:
    import torch
    from torch.nn import functional

    chance = Random(f"{run.seed}:{run.passes}")  # noqa: S311 - not for secrets
    encoded = chat.encode(run.tokenizer, [_reworded(row, run, chance) for row in run.rows])
    batches = list(_batches(encoded, run.batch, chance))
    total = tokens = 0
    started = time.perf_counter()
    for number, batch in enumerate(batches):
        ids, picked, targets = _tensors(batch, run.config["max_position_embeddings"])
        for group in run.optimiser.param_groups:
            group["lr"] = _rate(run, run.passes + number / len(batches))
        loss = functional.cross_entropy(student.logits(run.weights, run.config, run.turn, ids, picked), targets)
        run.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(run.weights.values(), 1.0)
        run.optimiser.step()
        total += float(loss.detach())
        tokens += sum(len(ids) for ids, _ in batch)
    return {
        "step": (run.passes + 1) * len(batches),
        "epoch": round((run.passes + 1) / PASSES_PER_EPOCH, 3),
        "loss": round(total / len(batches), 5),
        "learning_rate": run.optimiser.param_groups[0]["lr"],
        "tokens_per_second": round(tokens / (time.perf_counter() - started)),
    }


def _rate(run: Run, at: float) -> float:
    """Warm-up over two passes, level, then a straight fall to nothing once the end is known."""
    if not run.falls_from and at >= run.limit:
        return 0.0
    fall = (run.last - at) / (run.last - run.falls_from) if run.falls_from and at >= run.falls_from else 1.0
    return run.rate * min(1.0, (at + 0.05) / 2) * max(0.0, fall)


def _reworded(row: Conversation, run: Run, chance: Random) -> list[Message]:
    return [
        {**message, "content": augment.reword(message["content"], chance, run.noise)} if message["role"] == "user" else message
        for message in row
    ]


def _batches(encoded: Sequence[Encoded], size: int, chance: Random) -> Iterator[list[Encoded]]:
    """Batches of rows of like length, in random order: little padding, and no order that could be learnt."""
    shuffled = sorted(encoded, key=lambda row: len(row[0]) + 8 * chance.random())
    batches = [shuffled[at : at + size] for at in range(0, len(shuffled), size)]
    chance.shuffle(batches)
    yield from batches


def _tensors(batch: Sequence[Encoded], positions: int) -> tuple[Tensor, Tensor, Tensor]:
    """Padded ids (batch, length), the flat positions whose next token is learnt, and those next tokens."""
    import torch

    length = min(positions, max(len(ids) for ids, _ in batch))
    ids = torch.zeros((len(batch), length), dtype=torch.long)
    picked, targets = [], []
    for place, (tokens, learnt) in enumerate(batch):
        cut = tokens[:length]
        ids[place, : len(cut)] = torch.tensor(cut)
        for at in range(1, len(cut)):
            if learnt[at]:
                picked.append(place * length + at - 1)
                targets.append(cut[at])
    return ids, torch.tensor(picked), torch.tensor(targets)


def recall(run: Run, encoded: Sequence[Encoded]) -> float:
    """Share of rows that greedy decoding would answer to the letter.

    One forward pass tells: greedy decoding gives the trained answer exactly if, fed with that answer, the likeliest
    next token is right at every position.
    """
    import torch

    right = 0
    with torch.no_grad():
        for start in range(0, len(encoded), 64):
            batch = encoded[start : start + 64]
            ids, picked, targets = _tensors(batch, run.config["max_position_embeddings"])
            best = student.logits(run.weights, run.config, run.turn, ids, picked).argmax(-1)
            wrong = set((picked[best != targets] // ids.shape[1]).tolist())
            right += len(batch) - len(wrong)
    return right / len(encoded)


def _continued_log(path: Path, passes: int) -> list[dict[str, Any]]:
    if not passes or not path.exists():
        return []
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line["pass"] <= passes]


def _checkpoint(run: Run, path: Path, key: str) -> None:
    from safetensors.torch import save_file

    tensors = {name: weight.detach() for name, weight in run.weights.items()}
    for name, weight in run.weights.items():
        tensors |= {f"{name}.{part}": run.optimiser.state[weight][part] for part in ("exp_avg", "exp_avg_sq", "step")}
    state = {"key": key, "passes": run.passes, "falls_from": run.falls_from, "recall": run.recall, "seconds": run.seconds}
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata={"state": json.dumps(state)})


def _restore(run: Run, path: Path, key: str) -> None:
    """Goes on from the checkpoint, if there is one of this very training."""
    import torch
    from safetensors import SafetensorError, safe_open

    if not path.exists():
        return
    try:
        with safe_open(path, "pt") as file:
            state = json.loads(file.metadata()["state"])
            if state.pop("key") != key:
                return
            for name, weight in run.weights.items():
                with torch.no_grad():
                    weight.copy_(file.get_tensor(name))
                run.optimiser.state[weight] = {
                    part: file.get_tensor(f"{name}.{part}").clone() for part in ("exp_avg", "exp_avg_sq", "step")
                }
    except SafetensorError:
        return  # written whole or not at all; something else damaged it, and the passes are run again
    for name, value in state.items():
        setattr(run, name, value)


def _save(folder: Path, run: Run) -> None:
    """Everything that transformers, vLLM and our own inference need to answer with these weights."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    positions = run.config["max_position_embeddings"]
    write_json(folder / "config.json", run.config)
    write_json(folder / "tokenizer_config.json", chat.tokenizer_config(positions))
    write_json(folder / "generation_config.json", {"do_sample": False, "eos_token_id": run.config["eos_token_id"], "pad_token_id": run.config["pad_token_id"]})
    write_text(folder / "tokenizer.json", run.tokenizer.to_str())
    with replacing(folder / "model.safetensors") as temporary:
        save_file({name: weight.detach() for name, weight in run.weights.items()}, temporary, metadata={"format": "pt"})
