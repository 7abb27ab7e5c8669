"""Prepared rows on disk, and what to do with them next."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from corpus_tuner.dataset.prepare import Prepared, chats, lines, pairs
from corpus_tuner.dataset.prepare.finding import Row
from corpus_tuner.store import digest, write_jsonl

LEAST_TRAIN, MOST_VALID = 0.8, 1000  # of a split: n - 1000, or 0.8 n, whichever is more, as the old tool had it
SCRATCH = (10.8, 300)  # seconds for pairs, from upload to succeeded: scripts/bench_serve.py on 2 cores
PREFERRED = "Qwen/Qwen3-0.6B"  # what a preference file trains where no model is named


@dataclass(frozen=True, slots=True)
class Written:
    """The files that were written; `valid` is None without a split."""

    train: Path
    valid: Path | None = None


def split(rows: tuple[Row, ...], share: float | None) -> tuple[list[Row], list[Row]]:
    """(train, valid): `share` of the rows to train, None for the old tool's bound. By digest of the row, so that a row
    falls on the same side whatever else the file holds."""
    keep = max(len(rows) - MOST_VALID, int(LEAST_TRAIN * len(rows))) if share is None else int(share * len(rows))
    order = sorted(range(len(rows)), key=lambda place: hashlib.sha256(digest(dict(rows[place].values)).encode()).hexdigest())
    kept = set(order[:keep])
    return [row for place, row in enumerate(rows) if place in kept], [row for place, row in enumerate(rows) if place not in kept]


def write(path: Path, prepared: Prepared, train_share: float | None, is_split: bool) -> Written:
    """Writes `STEM_prepared.jsonl`, or `_prepared_train` and `_prepared_valid`, beside the user's file; no file is overwritten."""
    if is_split:
        parts = dict(zip(("train", "valid"), split(prepared.rows, train_share)))
    else:
        parts = {"": list(prepared.rows)} | ({"valid": list(prepared.validation)} if prepared.validation else {})
    number = 0
    while any(_name(path, part, number).exists() for part in parts):
        number += 1
    written = {part: _name(path, part, number) for part in parts}
    for part, rows in parts.items():
        write_jsonl(written[part], lines(tuple(rows)))
    return Written(written.get("train") or written[""], written.get("valid"))


def _name(path: Path, part: str, number: int) -> Path:
    more = f"_prepared{f'_{part}' if part else ''}{f' ({number})' if number else ''}"
    return path.with_name(f"{path.stem}{more}.jsonl")


def model_for(prepared: Prepared, model: str) -> str:
    """`model`, or one that can be trained on preferences, which the embedded base cannot."""
    return PREFERRED if prepared.shape == "preference" and model == "scratch" else model


def next_command(prepared: Prepared, written: Written, model: str, base_url: str) -> str:
    """One command for a shell that uploads the files and creates the job, with the openai SDK alone."""
    method = ', method={"type": "dpo"}' if prepared.shape == "preference" else ""
    files = [("training_file", written.train)] + ([("validation_file", written.valid)] if written.valid else [])
    given = ", ".join(f"{name}=up({json.dumps(str(path))})" for name, path in files)
    code = (
        f'from openai import OpenAI; c = OpenAI(base_url={json.dumps(base_url)}, api_key="none"); '
        'up = lambda p: c.files.create(file=open(p, "rb"), purpose="fine-tune").id; '
        f"print(c.fine_tuning.jobs.create(model={json.dumps(model)}, {given}{method}).id)"
    )
    return f"python -c {shlex.quote(code)}"


def advice(prepared: Prepared) -> list[str]:
    """How to ask the model that is trained on these rows."""
    if prepared.shape != "pairs":
        return []
    found = []
    suffix = pairs.common_suffix([row["prompt"] for row in prepared.rows])
    if suffix:
        found.append(f"End every prompt with {suffix!r} when you ask.")
    ending = pairs.common_suffix([row["completion"] for row in prepared.rows])
    if ending and prepared.task == "conditional generation":
        found.append(f"Give stop=[{ending!r}] when you ask.")
    if prepared.task == "classification":
        classes = Counter(row["completion"].strip() for row in prepared.rows)
        named = ", ".join(f"{name!r} ({count})" for name, count in classes.most_common(5))
        found.append(f"{len(classes)} classes: {named}. max_tokens=1 or few, temperature=0 when you ask.")
    return found


def tokens(prepared: Prepared, counter: object) -> int:
    """Tokens of all rows that would be trained once."""
    return sum(chats.row_tokens(row, counter) for row in prepared.rows)  # type: ignore[arg-type]


def seconds(rows: int) -> float:
    """Time to train the embedded base, by what was measured; its start and its least number of passes bound it below."""
    measured, count = SCRATCH
    return max(8.0, measured * rows / count)
