"""Any Hugging Face causal language model, tuned on chat rows: by LoRA (Hu et al. 2021), or all of its weights.

Here is what a row costs and what becomes of a run; the loop is in loop.py, the loss in loss.py.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar

from corpus_tuner import hub
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.records import Expert, Progress, silent
from corpus_tuner.settings import TrainSettings
from corpus_tuner.store import digest, file_digest, write_json
from corpus_tuner.train import checkpoints, dpo, loop, processes, weights
from corpus_tuner.train.batches import Encoded
from corpus_tuner.train.loss import learnt_logits, packs_right, parts
from corpus_tuner.train.render import encode, ends
from corpus_tuner.train.rows import Conversation, read_rows
from corpus_tuner.train.world import World, launched

if TYPE_CHECKING:
    from torch import Tensor

RATE = 2e-4
FULL_RATE = 2e-5  # a tenth: LoRA wants ten times the rate of full tuning (Schulman et al. 2025, LoRA Without Regret)
A_PASS = {"cpu": 64, "cuda": 2048}  # tokens whose reading costs as much as a forward pass itself
DENSE = 2048  # tokens of a pack at most, where attention knows its rows by a mask of the square of that
FEATURE = "training an adapter"


@dataclass(frozen=True, slots=True)
class Completions:
    """The mean cross-entropy of the assistant's tokens."""

    at_once: int  # tokens of one forward pass
    a_pass: int = 0  # tokens whose reading costs as much as a forward pass itself
    packed: bool = False

    def batches(self, rows: Sequence[Encoded], size: int, chance: Random) -> list[list[Encoded]]:
        """Implements Objective: in any order. Steps of rows of like length would save padding, too, but bend what is learnt:
        each step is a mean over its tokens, so that a token of a long answer would count for less."""
        order = chance.sample(rows, len(rows))
        return [order[at : at + size] for at in range(0, len(order), size)]

    def parts(self, rows: Sequence[Encoded]) -> list[list[Encoded]]:
        """Implements Objective."""
        return parts(rows, self.at_once, self.a_pass, packed=self.packed)

    def answers(self, rows: Sequence[Encoded]) -> Sequence[Encoded]:
        """Implements Objective."""
        return rows

    def weight(self, rows: Sequence[Encoded]) -> int:
        """Implements Objective: the learnt tokens."""
        return sum(sum(learnt[1:]) for _, learnt in rows)

    def tokens(self, rows: Sequence[Encoded]) -> int:
        """Implements Objective."""
        return sum(len(ids) for ids, _ in rows)

    def loss(self, model: Any, rows: Sequence[Encoded]) -> tuple[Tensor, Tensor]:
        """Implements Objective: right are the tokens that the model thinks likeliest."""
        import torch

        with weights.computing(model):
            logits, goals = learnt_logits(model, rows, packed=self.packed)
        right = goals.new_zeros(()) if logits.requires_grad else (logits.argmax(-1) == goals).sum()
        return torch.nn.functional.cross_entropy(logits, goals, reduction="sum"), right


class LoraTrainer:
    """Trains a low-rank adapter on all linear layers, or all weights; the loss counts the assistant's words only."""

    methods: ClassVar = {"supervised": RATE, "dpo": dpo.RATE}

    def train(
        self, train: Path, validation: Path | None, settings: TrainSettings, folder: Path, progress: Progress = silent
    ) -> Expert:
        """Implements Trainer; `folder` receives the adapter (or the model), the tokenizer and the chat template.

        "auto": 6 epochs below 200 rows, 4 below 2,000, else 3; learning rate 2e-4, a tenth of it for all weights;
        batches of 8, from 500 rows of 16. Every random choice follows from the seed, so a run that was interrupted goes on
        from its newest whole checkpoint as if it had not been.
        """
        if launched() > 1:
            raise CorpusTunerError(
                f"{launched()} processes were started by a launcher: set processes = {launched()} in [train] and start one, "
                "which starts the others"
            )
        folder.mkdir(parents=True, exist_ok=True)
        if settings.processes > 1:
            return processes.train(train, validation, settings, folder, progress)
        return train_here(train, validation, settings, folder, progress, World())


def train_here(
    train: Path, validation: Path | None, settings: TrainSettings, folder: Path, progress: Progress, world: World
) -> Expert:
    """The training in this process, one of `world`, whose first one writes into `folder`."""
    tokenizer = hub.load_tokenizer(settings.base, FEATURE)
    own_template = tokenizer.chat_template != hub.PLAIN_TEMPLATE
    run = (dpo.begin if settings.preferences else begin)(train, validation, tokenizer, settings, world)
    if run.patience and not run.validation:
        raise CorpusTunerError("early_stopping needs validation rows: set dataset.validation above 0, or early_stopping = 0")
    key = digest([file_digest(Path(path)) for path in (train, validation, settings.replay) if path], settings)
    metrics = loop.learn(run, folder, key, progress)
    if world.first:
        if run.patience:
            shutil.copytree(folder / loop.BEST, folder, dirs_exist_ok=True)
        else:
            weights.save(run.model, folder)
        tokenizer.save_pretrained(folder)
        write_json(folder / "generation_config.json", {"eos_token_id": ends(run.objective.answers(run.rows), tokenizer)})
        checkpoints.clear(folder)
        shutil.rmtree(folder / loop.BEST, ignore_errors=True)
    return Expert(
        name=folder.name,
        base=settings.base,
        backend="transformers",
        dataset_digest=file_digest(train),
        chat_format="the base's own" if own_template else "plain",
        metrics=metrics,
    )


def begin(path: Path, validation: Path | None, tokenizer: Any, settings: TrainSettings, world: World) -> loop.Run:
    """A run over the chat rows of `path` before its first step."""
    (torch,) = hub.require(FEATURE, "torch")
    rows, general = read_rows(path), _general(settings)
    held_out = read_rows(validation) if validation and validation.stat().st_size else []
    model = weights.prepared(settings, FEATURE)
    longest = weights.longest(model, settings.max_length)
    encoded = encode(rows, tokenizer, longest)
    if not encoded:
        raise CorpusTunerError(f"no row has an answer within max_length = {longest} tokens: raise it in [train]")
    replay = encode(general, tokenizer, longest)
    share = settings.replay_share if replay else 0.0
    rate = FULL_RATE if settings.full else RATE
    packed = settings.packing and _packs(model, encoded)
    dense = packed and not str(model.config._attn_implementation).startswith("flash")
    return loop.Run(
        model=model,
        optimiser=torch.optim.AdamW(
            [weight for weight in model.parameters() if weight.requires_grad], lr=rate, weight_decay=0.0, fused=True
        ),
        objective=Completions(
            min(settings.tokens_at_once, DENSE) if dense else settings.tokens_at_once,
            A_PASS.get(model.device.type, A_PASS["cuda"]),
            packed,
        ),
        rows=encoded,
        validation=encode(held_out, tokenizer, longest),
        epochs=_auto_epochs(len(rows)) if settings.epochs == "auto" else int(settings.epochs),
        batch=(16 if len(rows) >= 500 else 8) if settings.batch_size == "auto" else int(settings.batch_size),
        rate=rate if settings.learning_rate == "auto" else float(settings.learning_rate),
        seed=settings.seed,
        replay=replay,
        replayed=round(len(encoded) * share / (1 - share)),
        patience=settings.early_stopping,
        keep=settings.keep_epochs,
        world=world,
    )


def _general(settings: TrainSettings) -> list[Conversation]:
    """The rows of train.replay; none without it. Raises CorpusTunerError, naming the key, for a file that has none."""
    try:
        return read_rows(Path(settings.replay)) if settings.replay else []
    except CorpusTunerError as error:
        raise CorpusTunerError(f"train.replay: {error}") from None


def _auto_epochs(rows: int) -> int:
    return 6 if rows < 200 else 4 if rows < 2000 else 3


def _packs(model: Any, rows: Sequence[Encoded]) -> bool:
    if packs_right(model, rows):
        return True
    logging.getLogger(__name__).warning("packing is off: this model lets packed rows see each other; rows lie side by side")
    return False
