"""Who answers: each backend opens the experts that its trainer made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from corpus_tuner.plugins import load
from corpus_tuner.records import Expert, Model


def open_model(expert: Expert, root: Path, *, base: bool = False, calls: Any = None) -> Model:
    """The Model of `expert`, whose folder lies under `root`; `base` is what it was before it was trained.

    `calls` (store.Calls) records the exchanges of a backend that is paid for. Raises CorpusTunerError for an unknown
    backend, or files that are not whole.
    """
    return load("models", expert.backend)(expert, root, base=base, calls=calls)
