"""The steps of a training: batches, schedule, accumulation, validation, checkpoints, and when to stop.

What a row is and what it costs is the affair of an `Objective`; the loop knows weights and numbers.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.records import Progress
from corpus_tuner.train import checkpoints, epochs, log, weights
from corpus_tuner.train.loss import reading
from corpus_tuner.train.world import World

if TYPE_CHECKING:
    from torch import Tensor

    from corpus_tuner.train.batches import Encoded

WARM_UP = 0.05  # of all steps
CLIP = 1.0  # of the gradient's norm
SECONDS_BETWEEN_CHECKPOINTS = 60.0
BEST = "best"  # the folder of the best expert so far


class Objective(Protocol):
    """What is minimised over rows of one kind."""

    def batches(self, rows: Sequence[Any], size: int, chance: Random) -> list[list[Any]]:
        """The rows of an epoch in steps of `size`; as many steps whatever the chance."""
        ...

    def parts(self, rows: Sequence[Any]) -> list[list[Any]]:
        """Rows of a step in parts that one forward pass holds."""
        ...

    def answers(self, rows: Sequence[Any]) -> Sequence[Encoded]:
        """What of `rows` the model is to write, as tokens: by them it is told how an answer ends."""
        ...

    def weight(self, rows: Sequence[Any]) -> int:
        """What the summed loss of `rows` is divided by: their learnt tokens, say."""
        ...

    def tokens(self, rows: Sequence[Any]) -> int:
        """Tokens that a pass over `rows` reads, padding not counted."""
        ...

    def loss(self, model: Any, rows: Sequence[Any]) -> tuple[Tensor, Tensor]:
        """The loss summed over `rows`, and, where no gradient is wanted, for how much of their weight the model is right."""
        ...


@dataclass
class Run:
    """A training under way."""

    model: Any
    optimiser: Any
    objective: Objective
    rows: list[Any]
    validation: list[Any]
    epochs: int
    batch: int
    rate: float
    seed: int
    replay: list[Any] = field(default_factory=list)  # general rows, of which each epoch gets `replayed`
    replayed: int = 0
    patience: int = 0  # epochs without a lower validation loss that are borne; 0: all
    keep: int = 0  # epochs whose expert stays
    world: World = field(default_factory=World)
    step: int = 0

    @property
    def per_epoch(self) -> int:
        """Steps of one epoch."""
        return math.ceil((len(self.rows) + self.replayed) / self.batch)

    @property
    def steps(self) -> int:
        """Steps in all."""
        return self.epochs * self.per_epoch

    @property
    def weights(self) -> list[Any]:
        """The tensors that are trained."""
        return [weight for weight in self.model.parameters() if weight.requires_grad]


def learn(run: Run, folder: Path, key: str, progress: Progress) -> dict[str, float]:
    """All steps, from the newest whole checkpoint in `folder` that was made under the same `key`; returns what was measured.

    Every random choice follows from the seed and the number of the step, so that a run that was interrupted ends as
    one that was not. Of the processes of a world the first one writes. With `run.patience` the expert with the lowest
    validation loss lies in `folder`/BEST.
    """
    path = folder / "log.jsonl"
    run.step = checkpoints.restore(folder, key, run.model, run.optimiser)
    lines = log.read(path, run.step)
    run.world.wait()
    if run.world.first:
        log.cut(path, run.step)
    clock, saved, order = _Clock(run.step), time.monotonic(), []
    while run.step < run.steps and not _stalled(lines, run.patience):
        epoch, place = divmod(run.step, run.per_epoch)
        if place == 0 or not order:
            order = _epoch(run, epoch)
        report = _one_step(run, order[place])
        run.step += 1
        ended = run.step % run.per_epoch == 0
        report |= _validated(run) if ended else {}
        lines.append({"step": run.step, "epoch": round(run.step / run.per_epoch, 3), **report})
        if not run.world.first:
            continue
        log.add(path, lines[-1])
        progress(run.step, run.steps, clock.note(run, report))
        if ended:
            _keep(run, folder, lines)
        if ended or time.monotonic() - saved > SECONDS_BETWEEN_CHECKPOINTS:
            checkpoints.save(folder, key, run.step, run.model, run.optimiser)
            saved = time.monotonic()
    run.world.wait()
    return _measured(run, lines)


def _keep(run: Run, folder: Path, lines: list[dict[str, Any]]) -> None:
    """At the end of an epoch: the expert as it is now, if it is to stay or is the best so far."""
    epochs.keep(folder, run.step, run.model, run.keep)
    if run.patience and _best(lines) is lines[-1]:
        partial = folder / f".{BEST}"
        shutil.rmtree(partial, ignore_errors=True)
        weights.save(run.model, partial)
        shutil.rmtree(folder / BEST, ignore_errors=True)
        partial.rename(folder / BEST)


def _best(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """The line of the epoch with the lowest validation loss, the first of equals."""
    return min((line for line in lines if "validation_loss" in line), key=lambda line: line["validation_loss"])


def _stalled(lines: list[dict[str, Any]], patience: int) -> bool:
    """Whether the last `patience` epochs brought no lower validation loss; never where that is 0."""
    validated = [line for line in lines if "validation_loss" in line]
    return bool(patience and validated) and len(validated) - 1 - validated.index(_best(validated)) >= patience


def _measured(run: Run, lines: list[dict[str, Any]]) -> dict[str, float]:
    """The last losses, or with early stopping those of the best epoch, and how long it took to get there."""
    names = ("loss", "validation_loss", "validation_accuracy")
    if run.patience:
        lines = lines[: lines.index(_best(lines)) + 1]
    found = {name: line[name] for line in lines for name in names if name in line}
    more = {"best_epoch": round(lines[-1]["epoch"])} if run.patience else {}
    return found | {"steps": run.step, "epochs": run.step // run.per_epoch} | more


def _epoch(run: Run, epoch: int) -> list[list[Any]]:
    """The batches of an epoch: all rows, and as many general ones, drawn anew each time."""
    chance = Random(f"{run.seed}:{epoch}")  # noqa: S311 - not for secrets
    whole, rest = divmod(run.replayed, len(run.replay) or 1)
    general = run.replay * whole + chance.sample(run.replay, rest) if run.replayed else []
    return run.objective.batches([*run.rows, *general], run.batch, chance)


def _one_step(run: Run, batch: Sequence[Any]) -> dict[str, float]:
    """One step of the optimiser; the loss is the mean over all that `batch` teaches, however it is parted and shared."""
    import torch

    started = time.perf_counter()
    torch.manual_seed(Random(f"{run.seed}:{run.step}:{run.world.rank}").getrandbits(63))  # noqa: S311 - of dropout
    rate = _rate(run)
    for group in run.optimiser.param_groups:
        group["lr"] = rate
    weight = run.objective.weight(batch)
    total = torch.zeros(1, device=run.model.device)
    for part in _mine(run, batch):
        share = run.objective.loss(run.model, part)[0] / weight
        share.backward()
        total += share.detach()
    weights = run.weights
    if run.world.size > 1:
        for one in weights:  # a process may have had no row
            one.grad = torch.zeros_like(one) if one.grad is None else one.grad
        run.world.add_up([*(one.grad for one in weights), total])
    loss = float(total)
    if not math.isfinite(loss):
        raise CorpusTunerError(f"the loss of step {run.step + 1} is no number: lower learning_rate, which is {run.rate:g}")
    torch.nn.utils.clip_grad_norm_(weights, CLIP)
    run.optimiser.step()
    run.optimiser.zero_grad()
    speed = run.objective.tokens(batch) / (time.perf_counter() - started)
    return {"loss": round(loss, 5), "learning_rate": round(rate, 9), "tokens_per_second": round(speed)}


def _mine(run: Run, batch: Sequence[Any]) -> list[list[Any]]:
    mine = run.world.share(batch)
    return run.objective.parts(mine) if mine else []


def _rate(run: Run) -> float:
    """Linear warm-up, then half a cosine to nothing."""
    warm = max(1, round(WARM_UP * run.steps))
    if run.step < warm:
        return run.rate * (run.step + 1) / warm
    return run.rate * (1 + math.cos(math.pi * (run.step - warm) / max(1, run.steps - warm))) / 2


def _validated(run: Run) -> dict[str, float]:
    """The mean loss of the validation rows, and the share of what they ask for that is foretold rightly."""
    import torch

    if not run.validation:
        return {}
    sums = torch.zeros(2, device=run.model.device, dtype=torch.float64 if run.model.device.type != "mps" else torch.float32)
    with reading(run.model):
        for at in range(0, len(run.validation), run.batch * run.world.size):
            for part in _mine(run, run.validation[at : at + run.batch * run.world.size]):
                sums += torch.stack(run.objective.loss(run.model, part)).to(sums)
    run.world.add_up([sums])
    loss, right = (sums / run.objective.weight(run.validation)).tolist()
    return {"validation_loss": round(loss, 5), "validation_accuracy": round(right, 4)}


class _Clock:
    """How fast it goes and how long it will take, by the steps of this process."""

    def __init__(self, step: int) -> None:
        self._first, self._started = step, time.monotonic()

    def note(self, run: Run, report: dict[str, float]) -> str:
        """`loss 1.234, 5,120 tokens/s, 3 min left`"""
        seconds = (time.monotonic() - self._started) / (run.step - self._first) * (run.steps - run.step)
        left = f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
        return f"loss {report['loss']:.3f}, {report['tokens_per_second']:,} tokens/s, {left} left"
