"""The models that answer: bases, experts trained here, and the experts of the corpora beside. `/v1/models`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.models import open_model
from corpus_tuner.records import Expert, Model
from corpus_tuner.serve.config import Config
from corpus_tuner.serve.guard import owner_of
from corpus_tuner.serve.problem import Problem, unknown_model
from corpus_tuner.serve.state import State
from corpus_tuner.store import from_json
from corpus_tuner.train import epochs

LOCAL = ("scratch", "transformers")  # backends that answer here; the experts of other hosts are asked there

router = APIRouter(prefix="/v1/models")
Owner = Annotated[str, Depends(owner_of)]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model lies. `key` changes when what lies there does."""

    name: str
    key: str
    folder: Path
    base: str = ""  # of an untrained one: there is no receipt
    created: int = 0
    owned_by: str = "corpus-tuner"


class Library:
    """Opens models and keeps the last few that were asked; threads share one object."""

    def __init__(self, state: State, config: Config, root: Path) -> None:
        self.state, self.config, self.root = state, config, root
        self._opened: OrderedDict[str, Model] = OrderedDict()
        self._lock = threading.Lock()
        self._opening: dict[str, threading.Lock] = {}

    def places(self, owner: str) -> Iterator[Place]:
        """Every model that `owner` may ask."""
        for name, base in self.config.models.items():
            yield Place(name, f"base {base.base}", self.state.folder / "bases" / "scratch", base.base)
        for row in self.state.all("SELECT * FROM models WHERE owner = ? ORDER BY seq DESC", owner):
            yield self._trained(row)
        yield from self._experts()

    def find(self, owner: str, name: str) -> Place:
        """The model of that name. Raises Problem."""
        row = self.state.one("SELECT * FROM models WHERE owner = ? AND id = ?", owner, name)
        if row is not None:
            return self._trained(row)
        found = self._checkpoint(owner, name)
        if found is not None:
            return found
        base = self.config.find(name)
        if base is not None:
            return Place(name, f"base {base.base}", self.state.folder / "bases" / "scratch", base.base)
        experts = list(self._experts())
        corpus = [place for place in experts if place.folder.parent.parent.name == name]
        found = next((place for place in experts if place.name == name), corpus[0] if len(corpus) == 1 else None)
        if found is None:
            raise unknown_model(name[:200])
        return found

    def open(self, place: Place) -> Model:
        """The Model at `place`. Raises CorpusTunerError for one that is not whole, or needs what is not installed,
        Problem (404) for one that was deleted since it was found."""
        with self._lock:
            if place.key in self._opened:
                self._opened.move_to_end(place.key)
                return self._opened[place.key]
            opening = self._opening.setdefault(place.key, threading.Lock())
        with opening:  # one thread opens a model; the others wait for it
            with self._lock:
                if place.key in self._opened:
                    return self._opened[place.key]
            try:
                model = self._open(place)
            except (OSError, CorpusTunerError):
                if not place.base and not (place.folder / "expert.json").exists():
                    raise unknown_model(place.name) from None  # it was deleted just now
                raise
            finally:
                with self._lock:
                    self._opening.pop(place.key, None)
            with self._lock:
                self._opened[place.key] = model
                while len(self._opened) > self.config.open_models:
                    self._opened.popitem(last=False)
        return model

    def forget(self, place: Place) -> None:
        """Drops a model from memory; answers that are under way still end well."""
        with self._lock:
            for key in [key for key in self._opened if key.split(" ")[0] == place.key]:  # its earlier epochs, too
                del self._opened[key]

    def _open(self, place: Place) -> Model:
        if place.base:
            if place.base == "scratch":
                _make_blank(place.folder)
                return open_model(Expert("scratch", "scratch", "scratch"), place.folder)
            return _open_base(place)
        expert = from_json(Expert, json.loads((place.folder / "expert.json").read_text(encoding="utf-8")))
        if expert.backend == "transformers":
            _use_all_cores()
        return open_model(replace(expert, name=place.name, folder=""), place.folder)

    def _trained(self, row: Any) -> Place:
        folder = self.state.folder / "models" / row["job"]
        return Place(row["id"], row["job"], folder, created=row["created_at"], owned_by=row["owner"] or "corpus-tuner")

    def _checkpoint(self, owner: str, name: str) -> Place | None:
        """An earlier epoch of a model that is still there."""
        asked = (
            "SELECT checkpoints.*, models.owner FROM checkpoints JOIN models ON models.job = checkpoints.job"
            " WHERE checkpoints.model = ? AND models.owner = ?"
        )
        row = self.state.one(asked, name, owner)
        if row is None:
            return None
        expert = self._trained(row)
        return replace(expert, name=name, key=f"{expert.key} {row['step']}", folder=epochs.place(expert.folder, row["step"]))

    def _experts(self) -> Iterator[Place]:
        for receipt in sorted(self.root.glob("generated/*/experts/*/expert.json")):
            folder = receipt.parent
            try:
                base, backend = _receipt(receipt)
                made = receipt.stat().st_mtime
            except (OSError, ValueError, KeyError, TypeError):
                continue  # a build is just replacing it, or it is none
            if backend in LOCAL and not folder.name.startswith("."):
                name = f"ft:{base}:{self.config.organization}:{folder.parent.parent.name}:{folder.name}"
                yield Place(name, f"{folder} {made}", folder, created=int(made))


def _open_base(place: Place) -> Model:
    """A model of the Hugging Face hub, or of the operator's own folder, as it is."""
    from corpus_tuner import hub
    from corpus_tuner.models.local import FEATURE, LocalModel

    _use_all_cores()
    tokenizer, model = hub.load_tokenizer(place.base, FEATURE), hub.load_base(place.base, FEATURE)
    ends = model.generation_config.eos_token_id
    ends = [tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends] if ends is not None else [])]
    return LocalModel(model, tokenizer, sorted(set(ends)), place.name)


def _use_all_cores() -> None:
    """The server holds numpy to one thread; a large model on a processor is to have them all."""
    try:
        import torch
    except ImportError:
        return  # opening it says what is missing
    torch.set_num_threads(os.cpu_count() or 1)


def _receipt(path: Path) -> tuple[str, str]:
    value = json.loads(path.read_text(encoding="utf-8"))
    return str(value["base"]), str(value["backend"])


def _make_blank(folder: Path) -> None:
    """The embedded base before any training, made once: it answers, and knows nothing."""
    if (folder / "model.safetensors").is_file():
        return
    made = subprocess.run(  # noqa: S603 - no word of it is a client's
        [sys.executable, "-m", "corpus_tuner.serve.blank", str(folder)], capture_output=True, text=True, timeout=120, check=False
    )
    if made.returncode:
        raise CorpusTunerError(f"the embedded base could not be made: {(made.stderr.splitlines() or ['no reason given'])[-1]}")


@router.get("")
def list_models(request: Request, owner: Owner) -> JSONResponse:
    """Every model that can be asked."""
    library: Library = request.app.state.library
    return JSONResponse({"object": "list", "data": [as_object(place) for place in library.places(owner)]})


@router.get("/{name:path}")
def retrieve(request: Request, owner: Owner, name: str) -> JSONResponse:
    """One model."""
    library: Library = request.app.state.library
    return JSONResponse(as_object(library.find(owner, name)))


@router.delete("/{name:path}")
def delete(request: Request, owner: Owner, name: str) -> JSONResponse:
    """Removes a model that was trained here."""
    library: Library = request.app.state.library
    place = library.find(owner, name)
    with library.state.write() as db:
        if not db.execute("DELETE FROM models WHERE id = ? AND owner = ?", (place.name, owner)).rowcount:
            raise Problem(403, f"The model '{name[:200]}' is not yours to delete.", "insufficient_permissions", "model")
    (place.folder / "expert.json").unlink(missing_ok=True)  # first: from now on nobody takes it for a whole model
    shutil.rmtree(place.folder, ignore_errors=True)
    library.forget(place)
    return JSONResponse({"id": place.name, "object": "model", "deleted": True})


def as_object(place: Place) -> dict[str, Any]:
    """The model in OpenAI's shape."""
    return {"id": place.name, "object": "model", "created": place.created, "owned_by": place.owned_by}
