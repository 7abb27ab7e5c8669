"""What a trainer says while it works, as events of its job."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path
from typing import Any

from corpus_tuner.serve import jobs
from corpus_tuner.serve.state import State, now

PAUSE = 0.5  # seconds between two writes


class Metrics:
    """Turns a trainer's `log.jsonl` into events of metrics; a step that was told is not told again after a restart."""

    def __init__(self, state: State, job: sqlite3.Row, log: Path) -> None:
        self._state, self._job, self._log = state, job["id"], log
        self._method = jobs.method(job)
        self._step: int = job["step"]
        self._started = self._last = time.monotonic()
        self._first: int | None = None
        self._done, self._total, self._steps = 0, None, 0

    def progress(self, done: int, total: int | None, note: str) -> None:  # noqa: ARG002 - the log says it in numbers
        """The trainer's Progress."""
        self._first = done if self._first is None else self._first
        self._done, self._total = done, total
        if time.monotonic() - self._last >= PAUSE:
            self._last = time.monotonic()
            self.flush()

    def flush(self) -> None:
        """Stores what the log has more than was told."""
        log = read_log(self._log)
        lines = [line for line in log if line["step"] > self._step]
        if log and self._done and self._total:  # its progress may count passes instead of steps
            self._steps = round(log[-1]["step"] * self._total / self._done)
        with self._state.write() as db:
            for line in lines:
                jobs.event(db, self._job, *_said(line, self._steps, self._method))
                self._step = line["step"]
            db.execute(
                "UPDATE jobs SET step = ?, estimated_finish = ? WHERE id = ? AND status = 'running'",
                (self._step, self._finish(), self._job),
            )

    def _finish(self) -> int | None:
        done = self._done - (self._first or 0)
        if not self._total or done < 1:
            return None
        seconds = time.monotonic() - self._started
        return now() + round(seconds / done * max(0, self._total - self._done))


def read_log(path: Path) -> list[dict[str, Any]]:
    """The lines of a trainer's `log.jsonl` that name a step and a loss; a line that is being written is not there yet."""
    if not path.exists():
        return []
    found = []
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and isinstance(line.get("step"), int) and loss(line) is not None:
            found.append(line)
    return found


def loss(line: dict[str, Any]) -> float | None:
    """The training loss of a line of the log."""
    return line.get("loss")


def measured(line: dict[str, Any], method: str) -> dict[str, Any]:
    """A line of the log in the words of OpenAI's metrics; what the trainer did not measure is not there.

    Validation is always of the whole file, so that the two losses are one. Of DPO the accuracy is one of choices, not of
    tokens, and has no word there.
    """
    names = {"valid_loss": "validation_loss", "full_valid_loss": "validation_loss"}
    if method == "supervised":
        names |= {"valid_mean_token_accuracy": "validation_accuracy", "full_valid_mean_token_accuracy": "validation_accuracy"}
    return {"step": line["step"], "train_loss": loss(line)} | {to: line[of] for to, of in names.items() if of in line}


def _said(line: dict[str, Any], total: int, method: str) -> tuple[str, str, dict[str, Any]]:
    total = max(total, line["step"])
    data = measured(line, method) | {"total_steps": total}
    data |= {name: line[name] for name in ("recall", "tokens_per_second", "learning_rate") if name in line}
    more = f", recall={line['recall']:.2f}" if "recall" in line else ""
    more += f", validation loss={line['validation_loss']:.4f}" if "validation_loss" in line else ""
    return f"Step {line['step']}/{total}: training loss={data['train_loss']:.4f}{more}", "info", data
