"""Passes over the rows until the student recalls them: batches, schedule, checkpoints."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from corpus_tuner.records import Progress
from corpus_tuner.store import replacing
from corpus_tuner.train import chat, log, student
from corpus_tuner.train.augment import Rewording
from corpus_tuner.train.batches import Encoded, batches
from corpus_tuner.train.rows import Conversation

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import Tensor

RECALL = 0.98  # share of the trained answers, to the letter, below which `auto` goes on
PASSES, STEPS = 80, 1000  # of the first cycle: at least so many of both
CYCLES = 3  # at most; each after the first is half as long and begins at half the rate
CHECK = 5  # passes between two looks at what is known, each followed by a checkpoint
WARM_UP = 0.05  # of the first cycle
KNOWN = 0.9  # probability from which a token of an answer counts as known
OPENING = 8  # tokens of an answer that are trained in every pass: they lead from the question to the answer
REFRESH = 0.2  # share of the known tokens beyond the opening that a pass trains all the same


@dataclass
class Run:
    """A training under way: what a checkpoint holds, and what that is derived from."""

    rows: list[Conversation]
    tokenizer: Tokenizer
    rewording: Rewording
    config: dict[str, Any]
    weights: dict[str, Tensor]
    optimiser: Any
    seed: int
    rate: float  # at the top of the first cycle
    batch: int
    fixed: int = 0  # passes in all; 0: until recall
    passes: int = 0
    cycle: int = 0
    cycle_start: int = 0
    recall: float = 0.0
    seconds: float = 0.0
    known: list[list[bool]] = field(default_factory=list)  # per row, of the tokens that it teaches

    @property
    def steps_per_pass(self) -> int:
        """Batches of one pass."""
        return math.ceil(len(self.rows) / self.batch)

    @property
    def cycle_length(self) -> int:
        """Passes of this cycle."""
        first = max(PASSES, math.ceil(STEPS / self.steps_per_pass))
        return self.fixed or (first if self.cycle == 0 else first // 2)

    @property
    def last(self) -> int:
        """Passes in all, as far as that is known."""
        return self.cycle_start + self.cycle_length


def learn(run: Run, folder: Path, key: str, progress: Progress) -> None:
    """Trains `run` to its end, from its last checkpoint in `folder` if that was made under the same `key`."""
    restore(run, folder / "checkpoint.safetensors", key)
    turn, clean = student.rotations(run.config), chat.encode(run.tokenizer, run.rows)
    look(run, clean, turn)
    log.cut(folder / "log.jsonl", run.steps_per_pass * run.passes)
    earlier, started = run.seconds, time.perf_counter()
    while run.passes < run.last:
        report = one_pass(run, turn)
        run.passes += 1
        run.seconds = earlier + time.perf_counter() - started
        looks = run.passes % CHECK == 0 or run.passes == run.last
        if looks:
            look(run, clean, turn)
            report["recall"] = round(run.recall, 4)
        log.add(folder / "log.jsonl", {**report, "seconds": round(run.seconds, 2)})
        progress(run.passes, run.last, f"loss {report['loss']:.3f}, recall {run.recall:.0%}")
        if run.passes == run.last and not run.fixed and run.recall < RECALL and run.cycle + 1 < CYCLES:
            run.cycle, run.cycle_start = run.cycle + 1, run.passes
        if looks:
            checkpoint(run, folder / "checkpoint.safetensors", key)


def one_pass(run: Run, turn: tuple[Tensor, Tensor]) -> dict[str, float]:
    """Trains on every row once, its questions put another way by chance; returns what the log shows."""
    import torch
    from torch.nn import functional

    chance = Random(f"{run.seed}:{run.passes}")  # noqa: S311 - not for secrets
    order = batches(_encode(run, chance), run.batch, chance)
    total = tokens = 0
    started = time.perf_counter()
    for number, batch in enumerate(order):
        ids, picked, targets = tensors(batch, run.config["max_position_embeddings"])
        run.optimiser.param_groups[0]["lr"] = rate = rate_at(run, run.passes + number / len(order))
        loss = functional.cross_entropy(student.logits(run.weights, run.config, turn, ids, picked), targets)
        run.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(run.weights.values(), 1.0)
        run.optimiser.step()
        total += float(loss.detach())
        tokens += sum(len(row[0]) for row in batch)
    return {
        "step": (run.passes + 1) * len(order),
        "epoch": run.passes + 1,
        "loss": round(total / len(order), 5),
        "learning_rate": round(rate, 8),
        "tokens_per_second": round(tokens / (time.perf_counter() - started)),
    }


def rate_at(run: Run, at: float) -> float:
    """The learning rate after `at` passes: a short warm-up, then half a cosine down to 5 % in each cycle."""
    part = (at - run.cycle_start) / run.cycle_length
    top = run.rate if run.cycle == 0 else run.rate / 2
    warm = min(1.0, (part + 0.002) / WARM_UP) if run.cycle == 0 else 1.0
    return top * warm * (0.05 + 0.95 * (1 + math.cos(math.pi * part)) / 2)


def look(run: Run, encoded: Sequence[Encoded], turn: tuple[Tensor, Tensor]) -> None:
    """Sets `run.recall` and `run.known` by one forward pass over the rows as they are.

    Greedy decoding gives a trained answer to the letter if, fed with that answer, the likeliest next token is right
    at every position; no decoding is needed to know.
    """
    import torch

    right, known = 0, []
    with torch.no_grad():
        for start in range(0, len(encoded), 64):
            batch = encoded[start : start + 64]
            ids, picked, targets = tensors(batch, run.config["max_position_embeddings"])
            chances = student.logits(run.weights, run.config, turn, ids, picked).softmax(-1)
            places = (picked // ids.shape[1]).tolist()
            right += len(batch) - len({at for at, miss in zip(places, (chances.argmax(-1) != targets).tolist()) if miss})
            rows: list[list[bool]] = [[] for _ in batch]
            for at, sure in zip(places, (chances.gather(1, targets[:, None])[:, 0] > KNOWN).tolist()):
                rows[at].append(sure)
            known.extend(rows)
    run.recall, run.known = right / len(encoded), known


def tensors(batch: Sequence[Encoded], positions: int) -> tuple[Tensor, Tensor, Tensor]:
    """Padded ids (batch, length), the flat positions whose next token is learnt, and those next tokens."""
    import torch

    length = min(positions, max(len(ids) for ids, _ in batch))
    ids = torch.tensor([row[:length] + [0] * (length - len(row)) for row, _ in batch])
    learnt = torch.tensor([flags[1:length] + [False] * (length - len(flags) + 1) for _, flags in batch])
    picked = learnt[:, :length].flatten().nonzero()[:, 0]
    return ids, picked, ids.flatten()[picked + 1]


def _encode(run: Run, chance: Random) -> list[Encoded]:
    """The rows with their questions reworded; of what is known beyond an answer's opening only a part is learnt."""
    encoded = []
    reworded = [run.rewording(number, chance) for number in range(len(run.rows))]
    for (ids, learnt), known in zip(chat.encode(run.tokenizer, reworded), run.known):
        places = [place for place, counts in enumerate(learnt) if counts]
        for place, sure in zip(places[OPENING:], known[OPENING:]):
            if sure and chance.random() >= REFRESH:
                learnt[place] = False
        encoded.append((ids, learnt))
    return encoded


MOMENTS = ("exp_avg", "exp_avg_sq", "step")  # what AdamW keeps of each weight
STATE = ("passes", "cycle", "cycle_start", "seconds")


def checkpoint(run: Run, path: Path, key: str) -> None:
    """Writes the run's state, whole or not at all."""
    from safetensors.torch import save_file

    held = {name: weight.detach() for name, weight in run.weights.items()}
    for name, weight in run.weights.items():
        held |= {f"{name}.{moment}": run.optimiser.state[weight][moment] for moment in MOMENTS}
    state = {"key": key} | {name: getattr(run, name) for name in STATE}
    with replacing(path) as temporary:
        save_file(held, temporary, metadata={"state": json.dumps(state)})


def restore(run: Run, path: Path, key: str) -> None:
    """Goes on from the checkpoint at `path`, if there is one, it is whole, and it is of this very training."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        content = path.read_bytes()
        held = load(content)
        size = int.from_bytes(content[:8], "little")
        state = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["state"])
    except (FileNotFoundError, SafetensorError):
        return
    if state.pop("key") != key:
        return
    for name, weight in run.weights.items():
        with torch.no_grad():
            weight.copy_(held[name])
        run.optimiser.state[weight] = {moment: held[f"{name}.{moment}"] for moment in MOMENTS}
    for name, value in state.items():
        setattr(run, name, value)
