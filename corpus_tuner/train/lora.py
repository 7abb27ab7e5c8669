"""LoRA on any Hugging Face causal language model (Hu et al. 2021), by a plain loop.

The loop computes what the loss needs and no more: rows of like length share a batch, and logits are computed from the
first answer token of a batch on. (trl's SFTTrainer was measured at six times the time on small models.)
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from corpus_tuner import hub
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.records import Expert, Progress, silent
from corpus_tuner.settings import TrainSettings
from corpus_tuner.store import digest, file_digest, write_json
from corpus_tuner.train import checkpoints, log
from corpus_tuner.train.batches import Encoded, batches
from corpus_tuner.train.rows import Conversation, is_learnt, read_rows

RATE = 2e-4
WARM_UP = 0.05  # of all steps
TOKENS_AT_ONCE = 8192  # padded tokens of one forward pass; a batch that holds more is accumulated
SECONDS_BETWEEN_CHECKPOINTS = 60.0
FEATURE = "training an adapter"


@dataclass
class Run:
    """A training under way."""

    model: Any
    optimiser: Any
    rows: list[Encoded]
    validation: list[Encoded]
    epochs: int
    batch: int
    rate: float
    seed: int
    step: int = 0

    @property
    def per_epoch(self) -> int:
        """Steps of one epoch."""
        return math.ceil(len(self.rows) / self.batch)

    @property
    def steps(self) -> int:
        """Steps in all."""
        return self.epochs * self.per_epoch


class LoraTrainer:
    """Trains a low-rank adapter on all linear layers; the loss counts the assistant's words only."""

    def train(
        self, train: Path, validation: Path | None, settings: TrainSettings, folder: Path, progress: Progress = silent
    ) -> Expert:
        """Implements Trainer; `folder` receives the adapter, the tokenizer and the chat template.

        "auto": 6 epochs below 200 rows, 4 below 2,000, else 3; learning rate 2e-4; batches of 8, from 500 rows of 16.
        The order of the rows follows from the seed, so a run that was interrupted goes on from its newest whole
        checkpoint as if it had not been.
        """
        rows = read_rows(train)
        held_out = read_rows(validation) if validation and validation.stat().st_size else []
        tokenizer = hub.load_tokenizer(settings.base, FEATURE)
        own_template = tokenizer.chat_template != hub.PLAIN_TEMPLATE
        run = _begin(rows, held_out, tokenizer, settings)
        key = digest(file_digest(train), settings)
        folder.mkdir(parents=True, exist_ok=True)
        losses = _learn(run, folder, key, progress)
        run.model.save_pretrained(folder, safe_serialization=True, save_embedding_layers=False)
        tokenizer.save_pretrained(folder)
        write_json(folder / "generation_config.json", {"eos_token_id": _ends(run.rows, tokenizer)})
        checkpoints.clear(folder)
        return Expert(
            name=folder.name,
            base=settings.base,
            backend="transformers",
            dataset_digest=file_digest(train),
            chat_format="the base's own" if own_template else "plain",
            metrics=losses | {"steps": run.step, "epochs": run.epochs},
        )


def _begin(rows: list[Conversation], held_out: list[Conversation], tokenizer: Any, settings: TrainSettings) -> Run:
    torch, peft = hub.require(FEATURE, "torch", "peft")
    encoded = encode(rows, tokenizer, settings.max_length)
    if not encoded:
        raise CorpusTunerError(f"no row has an answer within max_length = {settings.max_length} tokens: raise it in [train]")
    base = hub.load_base(settings.base, FEATURE)
    torch.manual_seed(settings.seed)
    model = peft.get_peft_model(
        base,
        peft.LoraConfig(
            r=settings.rank, lora_alpha=2 * settings.rank, target_modules="all-linear", task_type="CAUSAL_LM"
        ),
    )
    model.train()
    rate = RATE if settings.learning_rate == "auto" else float(settings.learning_rate)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    return Run(
        model=model,
        optimiser=torch.optim.AdamW(weights, lr=rate, weight_decay=0.0),
        rows=encoded,
        validation=encode(held_out, tokenizer, settings.max_length),
        epochs=_auto_epochs(len(rows)) if settings.epochs == "auto" else int(settings.epochs),
        batch=(16 if len(rows) >= 500 else 8) if settings.batch_size == "auto" else int(settings.batch_size),
        rate=rate,
        seed=settings.seed,
    )


def _auto_epochs(rows: int) -> int:
    return 6 if rows < 200 else 4 if rows < 2000 else 3


def encode(rows: Sequence[Conversation], tokenizer: Any, longest: int) -> list[Encoded]:
    """Tokens of each assistant message after all that came before it, rendered by the tokenizer's chat template.

    A conversation with several makes a row of each, for a template may show an earlier turn otherwise than the last.
    A row is cut at `longest` tokens; one whose answer lies beyond is left out, with a warning that counts them.
    """
    found, cut, lost = [], 0, 0
    for row in rows:
        for place, message in enumerate(row):
            if not is_learnt(message):
                continue
            prompt, answer = _rendered(row[: place + 1], tokenizer)
            ids, learnt = prompt + answer, [False] * len(prompt) + [True] * len(answer)
            cut += len(ids) > longest
            if len(prompt) >= longest:
                lost += 1
                continue
            found.append((ids[:longest], learnt[:longest]))
    if cut:
        logging.getLogger(__name__).warning("%d rows are longer than %d tokens: cut, %d of them lost", cut, longest, lost)
    return found


def _ends(rows: Sequence[Encoded], tokenizer: Any) -> list[int]:
    """The tokens that end an answer: the tokenizer's own, and what the chat template puts there."""
    special = _special(tokenizer)
    return sorted({tokenizer.eos_token_id, *(ids[-1] for ids, _ in rows if ids[-1] in special)})


def _special(tokenizer: Any) -> set[int]:
    return set(tokenizer.all_special_ids) | set(tokenizer.added_tokens_decoder)


def _rendered(turns: Conversation, tokenizer: Any) -> tuple[list[int], list[int]]:
    """Tokens of the prompt as a server will send it, and of what the assistant should add, ending in an end token."""
    before = tokenizer.apply_chat_template(list(turns[:-1]), tokenize=False, add_generation_prompt=True)
    whole = tokenizer.apply_chat_template(list(turns), tokenize=False)
    answer = whole[len(before) :] if whole.startswith(before) else turns[-1]["content"]
    prompt, ids = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in (before, answer.rstrip()))
    return prompt, ids if ids and ids[-1] in _special(tokenizer) else [*ids, tokenizer.eos_token_id]


def _learn(run: Run, folder: Path, key: str, progress: Progress) -> dict[str, float]:
    """All steps, from the newest whole checkpoint; returns the last losses."""
    run.step = checkpoints.restore(folder, key, run.model, run.optimiser)
    earlier = log.cut(folder / "log.jsonl", run.step)
    losses = {name: value for report in earlier for name, value in report.items() if name.endswith("loss")}
    saved, order = time.monotonic(), []
    while run.step < run.steps:
        epoch, place = divmod(run.step, run.per_epoch)
        if place == 0 or not order:
            order = batches(run.rows, run.batch, Random(f"{run.seed}:{epoch}"))  # noqa: S311 - not for secrets
        report = _one_step(run, order[place])
        run.step += 1
        if run.step % run.per_epoch == 0 and run.validation:
            report["validation_loss"] = round(_validation_loss(run), 5)
        losses |= {name: value for name, value in report.items() if name.endswith("loss")}
        log.add(folder / "log.jsonl", {"step": run.step, "epoch": round(run.step / run.per_epoch, 3), **report})
        progress(run.step, run.steps, f"loss {report['loss']:.3f}")
        if run.step % run.per_epoch == 0 or time.monotonic() - saved > SECONDS_BETWEEN_CHECKPOINTS:
            checkpoints.save(folder, key, run.step, run.model, run.optimiser)
            saved = time.monotonic()
    return losses


def _one_step(run: Run, batch: Sequence[Encoded]) -> dict[str, float]:
    import torch

    started = time.perf_counter()
    rate = _rate(run)
    for group in run.optimiser.param_groups:
        group["lr"] = rate
    tokens = sum(sum(learnt) for _, learnt in batch)
    total = 0.0
    for part in _parts(batch):
        loss = loss_sum(run.model, part) / tokens
        loss.backward()
        total += float(loss.detach())
    torch.nn.utils.clip_grad_norm_([weight for weight in run.model.parameters() if weight.requires_grad], 1.0)
    run.optimiser.step()
    run.optimiser.zero_grad()
    speed = sum(len(ids) for ids, _ in batch) / (time.perf_counter() - started)
    return {"loss": round(total, 5), "learning_rate": round(rate, 9), "tokens_per_second": round(speed)}


def _rate(run: Run) -> float:
    """Linear warm-up, then half a cosine to nothing."""
    warm = max(1, round(WARM_UP * run.steps))
    if run.step < warm:
        return run.rate * (run.step + 1) / warm
    return run.rate * (1 + math.cos(math.pi * (run.step - warm) / max(1, run.steps - warm))) / 2


def _parts(batch: Sequence[Encoded]) -> list[Sequence[Encoded]]:
    """The batch in parts of at most TOKENS_AT_ONCE padded tokens, or of one row."""
    size = max(1, TOKENS_AT_ONCE // max(len(ids) for ids, _ in batch))
    return [batch[at : at + size] for at in range(0, len(batch), size)]


def loss_sum(model: Any, batch: Sequence[Encoded]) -> Any:
    """Cross-entropy summed over the learnt tokens of `batch`, with logits from the first of them on only."""
    import torch

    length = max(len(ids) for ids, _ in batch)
    first = min(learnt.index(True) for _, learnt in batch)
    pad = [(ids + [0] * (length - len(ids)), [1] * len(ids) + [0] * (length - len(ids))) for ids, _ in batch]
    goals = [
        [token if counts else -100 for token, counts in zip(ids, learnt)][first:] + [-100] * (length - len(ids))
        for ids, learnt in batch
    ]
    ids, mask, goal = (torch.tensor(rows, device=model.device) for rows in ([p[0] for p in pad], [p[1] for p in pad], goals))
    logits = model(input_ids=ids, attention_mask=mask, use_cache=False, logits_to_keep=length - first + 1).logits
    logits = logits[:, -(length - first + 1) : -1].float()
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), goal.flatten(), reduction="sum")


def _validation_loss(run: Run) -> float:
    import torch

    run.model.eval()
    with torch.no_grad():
        parts = (run.validation[at : at + run.batch] for at in range(0, len(run.validation), run.batch))
        total = sum(float(loss_sum(run.model, small)) for part in parts for small in _parts(part))
    run.model.train()
    return total / sum(sum(learnt) for _, learnt in run.validation)
