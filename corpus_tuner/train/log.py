"""`log.jsonl`: one line for each step or pass, each written before the next begins."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corpus_tuner.store import write_text


def add(path: Path, line: Mapping[str, Any]) -> None:
    """Appends one line."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def cut(path: Path, step: int) -> list[dict[str, Any]]:
    """Drops what lies after `step`, where a run that was interrupted goes on, and a torn last line; returns the rest."""
    kept = read(path, step)
    write_text(path, "".join(json.dumps(line) + "\n" for line in kept))
    return kept


def read(path: Path, step: int) -> list[dict[str, Any]]:
    """The lines up to `step`; a torn last line is none."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            break
    return [line for line in found if line["step"] <= step]
