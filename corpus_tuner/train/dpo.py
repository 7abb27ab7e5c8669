"""Direct preference optimisation of an adapter (Rafailov et al. 2023, arXiv:2305.18290).

For a question x with a chosen answer w and a rejected one l the loss is equation 7 of the paper,

    -log sigmoid(beta * [(log p(w|x) - log p(l|x)) - (log q(w|x) - log q(l|x))]),

where p is the model that is trained and q the reference: the base with the adapter off. q never changes, so its part is
computed once, before the first step.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from corpus_tuner import hub
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.records import Expert, Progress
from corpus_tuner.settings import TrainSettings
from corpus_tuner.store import digest, file_digest, write_json
from corpus_tuner.train import checkpoints, epochs, log
from corpus_tuner.train.loss import learnt_logits
from corpus_tuner.train.preferences import Pair, encode_pairs, read_preferences
from corpus_tuner.train.render import ends

if TYPE_CHECKING:
    from torch import Tensor

RATE = 1e-5  # trl's 1e-6 for all weights, times the ten that an adapter wants (Schulman et al. 2025, LoRA Without Regret)
BETA = 0.1  # the paper's, appendix B
WARM_UP = 0.1  # of all steps
TOKENS_AT_ONCE = 4096  # padded tokens of one forward pass, at least one pair
SECONDS_BETWEEN_CHECKPOINTS = 60.0
FEATURE = "training on preferences"


@dataclass
class Run:
    """A training under way."""

    model: Any
    optimiser: Any
    pairs: list[Pair]
    validation: list[Pair]
    beta: float
    epochs: int
    batch: int
    rate: float
    seed: int
    kept: int  # epochs whose adapters stay
    step: int = 0

    @property
    def per_epoch(self) -> int:
        """Steps of one epoch."""
        return math.ceil(len(self.pairs) / self.batch)

    @property
    def steps(self) -> int:
        """Steps in all."""
        return self.epochs * self.per_epoch


def train(path: Path, validation: Path | None, settings: TrainSettings, folder: Path, progress: Progress) -> Expert:
    """Trains an adapter on the preference rows of `path`; `folder` receives what the lora trainer leaves there.

    "auto": 3 epochs below 500 rows, else 1; learning rate 1e-5; batches of 8. Interrupted, the same call goes on from
    its newest whole checkpoint. Raises CorpusTunerError for rows that are no preferences.
    """
    rows = read_preferences(path)
    held_out = read_preferences(validation) if validation and validation.stat().st_size else []
    tokenizer = hub.load_tokenizer(settings.base, FEATURE)
    own_template = tokenizer.chat_template != hub.PLAIN_TEMPLATE
    run = _begin(encode_pairs(rows, tokenizer, settings.max_length), encode_pairs(held_out, tokenizer, settings.max_length), settings)
    folder.mkdir(parents=True, exist_ok=True)
    last = _learn(run, folder, digest(file_digest(path), settings), progress)
    run.model.save_pretrained(folder, safe_serialization=True, save_embedding_layers=False)
    tokenizer.save_pretrained(folder)
    write_json(folder / "generation_config.json", {"eos_token_id": ends([pair.chosen for pair in run.pairs], tokenizer)})
    checkpoints.clear(folder)
    return Expert(
        name=folder.name,
        base=settings.base,
        backend="transformers",
        dataset_digest=file_digest(path),
        chat_format="the base's own" if own_template else "plain",
        metrics=last | {"steps": run.step, "epochs": run.epochs, "method": "dpo"},
    )


def _begin(pairs: list[Pair], held_out: list[Pair], settings: TrainSettings) -> Run:
    torch, peft = hub.require(FEATURE, "torch", "peft")
    if not pairs:
        raise CorpusTunerError(f"no row has its answers within max_length = {settings.max_length} tokens: raise it in [train]")
    torch.manual_seed(settings.seed)
    adapter = peft.LoraConfig(r=settings.rank, lora_alpha=2 * settings.rank, target_modules="all-linear", task_type="CAUSAL_LM")
    model = peft.get_peft_model(hub.load_base(settings.base, FEATURE), adapter)
    rate = RATE if settings.learning_rate == "auto" else float(settings.learning_rate)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    return Run(
        model=model,
        optimiser=torch.optim.AdamW(weights, lr=rate, weight_decay=0.0),
        pairs=with_reference(model, pairs),
        validation=with_reference(model, held_out),
        beta=BETA if settings.beta == "auto" else float(settings.beta),
        epochs=(3 if len(pairs) < 500 else 1) if settings.epochs == "auto" else int(settings.epochs),
        batch=8 if settings.batch_size == "auto" else int(settings.batch_size),
        rate=rate,
        seed=settings.seed,
        kept=settings.keep_epochs,
    )


def with_reference(model: Any, pairs: Sequence[Pair]) -> list[Pair]:
    """`pairs` with what the reference, which is `model` without its adapter, thinks of them."""
    import torch

    found: list[Pair] = []
    model.eval()
    with torch.no_grad(), model.disable_adapter():
        for part in _parts(pairs):
            differences = preferences(model, part).tolist()
            found += [replace(pair, reference=difference) for pair, difference in zip(part, differences)]
    return found


def preferences(model: Any, pairs: Sequence[Pair]) -> Tensor:
    """(pairs,) log p(chosen) - log p(rejected), each the sum over an answer's tokens."""
    import torch

    rows = [*(pair.chosen for pair in pairs), *(pair.rejected for pair in pairs)]
    logits, goals = learnt_logits(model, rows)
    each = logits.log_softmax(-1).gather(1, goals[:, None])[:, 0].split([sum(learnt[1:]) for _, learnt in rows])
    sums = torch.stack([part.sum() for part in each])
    return sums[: len(pairs)] - sums[len(pairs) :]


def _parts(pairs: Sequence[Pair]) -> list[Sequence[Pair]]:
    """The pairs in parts of at most TOKENS_AT_ONCE padded tokens, or of one pair."""
    longest = max((max(len(pair.chosen[0]), len(pair.rejected[0])) for pair in pairs), default=1)
    size = max(1, TOKENS_AT_ONCE // (2 * longest))
    return [pairs[at : at + size] for at in range(0, len(pairs), size)]


def _learn(run: Run, folder: Path, key: str, progress: Progress) -> dict[str, float]:
    """All steps, from the newest whole checkpoint; returns the last measurements."""
    run.step = checkpoints.restore(folder, key, run.model, run.optimiser)
    last = _measured(log.cut(folder / "log.jsonl", run.step)[-1:])
    saved, order = time.monotonic(), []
    while run.step < run.steps:
        epoch, place = divmod(run.step, run.per_epoch)
        if place == 0 or not order:
            order = list(run.pairs)
            Random(f"{run.seed}:{epoch}").shuffle(order)  # noqa: S311 - not for secrets
        report = _one_step(run, order[place * run.batch : (place + 1) * run.batch])
        run.step += 1
        ended = run.step % run.per_epoch == 0
        if ended and run.validation:
            report |= _validate(run)
        last |= _measured([report])
        log.add(folder / "log.jsonl", {"step": run.step, "epoch": round(run.step / run.per_epoch, 3), **report})
        progress(run.step, run.steps, f"loss {report['loss']:.3f}, margin {report['reward_margin']:.2f}")
        if ended:
            epochs.keep(folder, run.step, run.model, run.kept)
        if ended or time.monotonic() - saved > SECONDS_BETWEEN_CHECKPOINTS:
            checkpoints.save(folder, key, run.step, run.model, run.optimiser)
            saved = time.monotonic()
    return last


def _measured(lines: Sequence[dict[str, Any]]) -> dict[str, float]:
    names = ("loss", "reward_margin", "reward_accuracy", "validation_loss", "validation_reward_accuracy")
    return {name: line[name] for line in lines for name in names if name in line}


def _one_step(run: Run, batch: Sequence[Pair]) -> dict[str, float]:
    import torch

    started, margins, total = time.perf_counter(), [], 0.0
    rate = _rate(run)
    for group in run.optimiser.param_groups:
        group["lr"] = rate
    run.model.train()
    for part in _parts(batch):
        margin = margins_of(run.model, part, run.beta)
        loss = -torch.nn.functional.logsigmoid(margin).sum() / len(batch)
        loss.backward()
        total += float(loss.detach())
        margins += margin.detach().tolist()
    torch.nn.utils.clip_grad_norm_([weight for weight in run.model.parameters() if weight.requires_grad], 1.0)
    run.optimiser.step()
    run.optimiser.zero_grad()
    speed = sum(map(len, batch)) / (time.perf_counter() - started)
    return {"loss": round(total, 5), **_summary(margins), "learning_rate": round(rate, 9), "tokens_per_second": round(speed)}


def margins_of(model: Any, pairs: Sequence[Pair], beta: float) -> Tensor:
    """(pairs,) by how much more reward a chosen answer has than the rejected one: what the loss puts into the sigmoid."""
    import torch

    reference = torch.tensor([pair.reference for pair in pairs], device=model.device)
    return beta * (preferences(model, pairs) - reference)


def _summary(margins: Sequence[float]) -> dict[str, float]:
    """The mean margin, and the share of pairs whose chosen answer has the higher reward."""
    right = sum(margin > 0 for margin in margins)
    return {"reward_margin": round(sum(margins) / len(margins), 4), "reward_accuracy": round(right / len(margins), 4)}


def _validate(run: Run) -> dict[str, float]:
    import torch

    run.model.eval()
    with torch.no_grad():
        margins = torch.cat([margins_of(run.model, part, run.beta) for part in _parts(run.validation)])
    loss = -torch.nn.functional.logsigmoid(margins).mean()
    accuracy = _summary(margins.tolist())["reward_accuracy"]
    return {"validation_loss": round(float(loss), 5), "validation_reward_accuracy": accuracy}


def _rate(run: Run) -> float:
    """Linear warm-up, then linearly to nothing: trl's default schedule for DPO."""
    warm = max(1, round(WARM_UP * run.steps))
    if run.step < warm:
        return run.rate * (run.step + 1) / warm
    return run.rate * (run.steps - run.step) / max(1, run.steps - warm)
