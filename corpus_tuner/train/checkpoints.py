"""Where an interrupted training goes on: two checkpoints are kept, and one that is not whole is passed over."""

from __future__ import annotations

import json
import logging
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

from corpus_tuner.store import file_digest, write_json

KEPT = 2


def save(folder: Path, key: str, step: int, model: Any, optimiser: Any) -> None:
    """Writes the trained weights and the optimiser's moments; the receipt with their digest is the last write.

    `key` names what is trained on what: a checkpoint of another training is not gone on from.
    """
    from safetensors.torch import save_file

    place = folder / "checkpoints" / f"{step:08d}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    held = {}
    for name, weight in _trained(model):
        held[name] = weight.detach().contiguous()
        held |= {f"{name}::{moment}": value.contiguous() for moment, value in optimiser.state[weight].items()}
    save_file(held, place / "state.safetensors")
    write_json(place / "receipt.json", {"key": key, "step": step, "digest": file_digest(place / "state.safetensors")})
    there = sorted(place.parent.iterdir())
    here = there.index(place) + 1  # what lies beyond is damaged, or of another training
    for old in [*there[: max(0, here - KEPT)], *there[here:]]:
        shutil.rmtree(old)


def restore(folder: Path, key: str, model: Any, optimiser: Any) -> int:
    """Goes on from the newest whole checkpoint of this very training; returns its step, or 0."""
    import torch
    from safetensors.torch import load_file

    for place in sorted((folder / "checkpoints").glob("*"), reverse=True):
        step = _whole(place, key)
        if not step:
            logging.getLogger(__name__).warning("checkpoint %s is damaged or of another training: passed over", place.name)
            continue
        moments: dict[str, dict[str, Any]] = defaultdict(dict)
        held = load_file(place / "state.safetensors", device=str(model.device))
        for name, value in held.items():
            weight, found, moment = name.rpartition("::")
            if found:
                moments[weight][moment] = value
        with torch.no_grad():
            for name, weight in _trained(model):
                weight.copy_(held[name])
                optimiser.state[weight] = moments[name]
                if not optimiser.defaults["fused"]:  # which alone counts its steps on the device
                    moments[name]["step"] = moments[name]["step"].cpu()
        return step
    return 0


def clear(folder: Path) -> None:
    """Removes all checkpoints."""
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)


def _whole(place: Path, key: str) -> int:
    """The step of a checkpoint that is whole and of this training, else 0."""
    try:
        receipt = json.loads((place / "receipt.json").read_text(encoding="utf-8"))
        right = receipt["key"] == key and receipt["digest"] == file_digest(place / "state.safetensors")
        return int(receipt["step"]) if right else 0
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _trained(model: Any) -> list[tuple[str, Any]]:
    return [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
