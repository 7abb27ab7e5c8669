"""Direct preference optimisation (Rafailov et al. 2023, arXiv:2305.18290): the loss over preference rows.

For a question x with a chosen answer w and a rejected one l it is equation 7 of the paper,

    -log sigmoid(beta * [(log p(w|x) - log p(l|x)) - (log q(w|x) - log q(l|x))]),

where p is the model that is trained and q the reference: the base as it is, with the adapter off. q never changes, so
its part is computed once, before the first step.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from corpus_tuner import hub
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.settings import TrainSettings
from corpus_tuner.train import loop, weights
from corpus_tuner.train.loss import learnt_logits, reading
from corpus_tuner.train.preferences import Pair, encode_pairs, read_preferences
from corpus_tuner.train.world import World

if TYPE_CHECKING:
    from torch import Tensor

    from corpus_tuner.train.batches import Encoded

RATE = 1e-5  # trl's 1e-6 for all weights, times the ten that an adapter wants (Schulman et al. 2025, LoRA Without Regret)
BETA = 0.1  # the paper's, appendix B
FEATURE = "training on preferences"


@dataclass(frozen=True, slots=True)
class Choices:
    """The mean of equation 7; the model is right about a row whose chosen answer has the higher reward."""

    beta: float
    at_once: int  # tokens of one forward pass

    def batches(self, rows: Sequence[Pair], size: int, chance: Random) -> list[list[Pair]]:
        """Implements Objective: in any order."""
        order = chance.sample(rows, len(rows))
        return [order[at : at + size] for at in range(0, len(order), size)]

    def parts(self, rows: Sequence[Pair]) -> list[list[Pair]]:
        """Implements Objective: both answers of a row are read in one pass."""
        size = max(1, self.at_once // (2 * max(max(len(row.chosen[0]), len(row.rejected[0])) for row in rows)))
        return [list(rows[at : at + size]) for at in range(0, len(rows), size)]

    def answers(self, rows: Sequence[Pair]) -> list[Encoded]:
        """Implements Objective."""
        return [row.chosen for row in rows]

    def weight(self, rows: Sequence[Pair]) -> int:
        """Implements Objective: the rows."""
        return len(rows)

    def tokens(self, rows: Sequence[Pair]) -> int:
        """Implements Objective."""
        return sum(len(row.chosen[0]) + len(row.rejected[0]) for row in rows)

    def loss(self, model: Any, rows: Sequence[Pair]) -> tuple[Tensor, Tensor]:
        """Implements Objective."""
        import torch

        margins = self.margins(model, rows)
        return -torch.nn.functional.logsigmoid(margins).sum(), (margins > 0).sum()

    def margins(self, model: Any, rows: Sequence[Pair]) -> Tensor:
        """(rows,) by how much more reward the chosen answer has: what equation 7 puts into the sigmoid."""
        import torch

        reference = torch.tensor([row.reference for row in rows], device=model.device)
        return self.beta * (preferences(model, rows) - reference)


def preferences(model: Any, rows: Sequence[Pair]) -> Tensor:
    """(rows,) log p(chosen) - log p(rejected), each the sum over the tokens of an answer."""
    import torch

    sides = [*(row.chosen for row in rows), *(row.rejected for row in rows)]
    with weights.computing(model):
        logits, goals = learnt_logits(model, sides)
    each = -torch.nn.functional.cross_entropy(logits, goals, reduction="none")
    sums = torch.stack([part.sum() for part in each.split([sum(learnt[1:]) for _, learnt in sides])])
    return sums[: len(rows)] - sums[len(rows) :]


def begin(path: Path, validation: Path | None, tokenizer: Any, settings: TrainSettings, world: World) -> loop.Run:
    """A run over the preference rows of `path` before its first step.

    "auto": 3 epochs below 500 rows, else 1; learning rate 1e-5, a tenth of it for all weights; batches of 8; beta 0.1.
    Raises CorpusTunerError for rows that are no preferences, and for settings that preferences do not go with.
    """
    for name in ("replay", "packing"):
        if getattr(settings, name):
            raise CorpusTunerError(f"train.{name} is for chat rows and does not go with preferences: take it out of [train]")
    (torch,) = hub.require(FEATURE, "torch")
    read = [read_preferences(path), read_preferences(validation) if validation and validation.stat().st_size else []]
    model = weights.prepared(settings, FEATURE)
    longest = weights.longest(model, settings.max_length)
    rows, held_out = (encode_pairs(one, tokenizer, longest) for one in read)
    if not rows:
        raise CorpusTunerError(f"no row has its answers within max_length = {longest} tokens: raise it in [train]")
    objective = Choices(BETA if settings.beta == "auto" else float(settings.beta), settings.tokens_at_once)
    rate = RATE / 10 if settings.full else RATE
    return loop.Run(
        model=model,
        optimiser=torch.optim.AdamW(
            [weight for weight in model.parameters() if weight.requires_grad], lr=rate, weight_decay=0.0, fused=True
        ),
        objective=objective,
        rows=with_reference(model, rows, objective),
        validation=with_reference(model, held_out, objective),
        epochs=(3 if len(rows) < 500 else 1) if settings.epochs == "auto" else int(settings.epochs),
        batch=8 if settings.batch_size == "auto" else int(settings.batch_size),
        rate=rate if settings.learning_rate == "auto" else float(settings.learning_rate),
        seed=settings.seed,
        patience=settings.early_stopping,
        keep=settings.keep_epochs,
        world=world,
    )


def with_reference(model: Any, rows: Sequence[Pair], objective: Choices) -> list[Pair]:
    """`rows` with what the reference makes of them: `model` without its adapter, or before it has learnt anything."""
    if not rows:
        return []
    with reading(model), model.disable_adapter() if hasattr(model, "peft_config") else nullcontext():
        return [
            replace(row, reference=value)
            for part in objective.parts(rows)
            for row, value in zip(part, preferences(model, part).tolist())
        ]
