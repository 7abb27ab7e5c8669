"""The experts that the service trained, for commands that run beside it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.records import Expert
from corpus_tuner.serve.state import State
from corpus_tuner.store import from_json
from corpus_tuner.train import epochs

ASKED = "SELECT job, NULL AS step FROM models WHERE id = ? UNION ALL SELECT job, step FROM checkpoints WHERE model = ?"


def find(root: Path, name: str) -> tuple[Expert, Path]:
    """The expert that the service of `root` answers as `name` (ft:...), and the folder that holds it.

    Whoever can read the folder may: keys are for those who come over the network. Raises CorpusTunerError for a name
    that is not there.
    """
    known = (root / "serve" / "state.sqlite").is_file()
    row = State(root / "serve").one(ASKED, name, name) if known else None
    folder = root / "serve" / "models" / row["job"] if row else root
    folder = epochs.place(folder, row["step"]) if row and row["step"] is not None else folder
    if row is None or not (folder / "expert.json").is_file():
        raise CorpusTunerError(f"the service of {root} has no model {name!r}: its models are in /v1/models")
    expert = from_json(Expert, json.loads((folder / "expert.json").read_text(encoding="utf-8")))
    return replace(expert, name=name, folder=""), folder
