"""The adapters of a training's last epochs, each whole enough to answer: an expert that was trained too long has better ones."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from corpus_tuner.train import weights

FOLDER = "epochs"


def keep(folder: Path, step: int, model: Any, count: int) -> None:
    """Saves what `model` has learnt by `step`, the end of an epoch, in `folder`/epochs/STEP; the newest `count` stay.

    It takes its place whole, and shares tokenizer and chat template with the expert in `folder`.
    """
    if not count:
        return
    at = place(folder, step)
    partial = at.with_name(f".{at.name}")
    for old in (partial, at):
        shutil.rmtree(old, ignore_errors=True)
    weights.save(model, partial)
    partial.rename(at)
    for old in sorted(at.parent.glob("[0-9]*"))[:-count]:
        shutil.rmtree(old)


def place(folder: Path, step: int) -> Path:
    """Where the epoch that ended at `step` lies."""
    return folder / FOLDER / f"{step:08d}"


def kept(folder: Path) -> dict[int, Path]:
    """The folder of each kept epoch by its step, the oldest first."""
    return {int(place.name): place for place in sorted((folder / FOLDER).glob("[0-9]*"))}
