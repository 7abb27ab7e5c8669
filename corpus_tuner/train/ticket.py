"""`job.json` of a remote job: what is asked for, and how far it got."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.settings import TrainSettings
from corpus_tuner.store import file_digest, from_json


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of ours at the host. Its name holds its digest, so that it can be found there by name."""

    name: str
    digest: str
    bytes: int
    id: str = ""
    sent_at: str = ""  # written before it is sent: without an id, it may or may not have arrived


@dataclass(frozen=True, slots=True)
class Ticket:
    """`job.json`: what is asked for, and how far it got."""

    base_url: str
    base: str
    suffix: str
    seed: int
    hyperparameters: Mapping[str, Any]
    training: Upload
    validation: Upload | None = None
    sent_at: str = ""  # written before the create is sent: without a job_id, there may or may not be a job
    others: tuple[str, ...] = ()  # jobs of the same file and suffix that were there before it was sent
    job_id: str = ""
    status: str = ""
    fine_tuned_model: str = ""
    earlier: tuple[str, ...] = ()  # jobs of former settings, and those that failed

    @property
    def plan(self) -> tuple[Any, ...]:
        """What makes two runs the same job."""
        asked = (self.base_url, self.base, self.suffix, self.seed, dict(self.hyperparameters), self.training.digest)
        return (*asked, self.validation and self.validation.digest)


def plan(base_url: str, train: Path, validation: Path | None, settings: TrainSettings) -> Ticket:
    """A ticket of which nothing has been sent. Raises CorpusTunerError if there is nothing to train on."""
    numbers = {
        "n_epochs": settings.epochs, "batch_size": settings.batch_size, "learning_rate_multiplier": settings.learning_rate,
    }  # fmt: skip
    return Ticket(
        base_url=base_url,
        base=settings.base,
        suffix=settings.suffix,
        seed=settings.seed,
        hyperparameters=numbers,
        training=_upload(train, "train", settings.suffix),
        validation=_upload(validation, "validation", settings.suffix) if validation else None,
    )


def _upload(path: Path, role: str, suffix: str) -> Upload:
    digest = file_digest(path)
    if not digest or not path.stat().st_size:
        raise CorpusTunerError(f"{path} is missing or empty: there is nothing to train on")
    parts = [re.sub(r"[^\w.-]", "-", suffix, flags=re.ASCII), role, digest]
    return Upload(name="-".join(part for part in parts if part) + ".jsonl", digest=digest, bytes=path.stat().st_size)


def read(path: Path) -> Ticket | None:
    """The ticket in a file, or None without one. Raises CorpusTunerError if it is damaged: a job may be running."""
    if not path.exists():
        return None
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        uploads = {role: from_json(Upload, value[role]) for role in ("training", "validation") if value[role]}
        known = {key: value[key] for key in (f.name for f in fields(Ticket)) if key in value}
        return from_json(Ticket, {**known, **uploads})
    except (ValueError, TypeError, KeyError) as error:
        raise CorpusTunerError(
            f"{path} cannot be read ({error}): see `corpus-tuner jobs list` for a job that may be running, then delete it"
        ) from None


def now() -> str:
    """The time in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
