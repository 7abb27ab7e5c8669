"""The end of a training: the expert takes its place, then one transaction makes it known."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from corpus_tuner.records import Expert
from corpus_tuner.serve import jobs
from corpus_tuner.serve.metrics import measured, read_log
from corpus_tuner.serve.state import State, new_id, now
from corpus_tuner.store import from_json, write_text
from corpus_tuner.train import epochs

COLUMNS = ("step", "train_loss", "train_accuracy", "valid_loss", "valid_mean_token_accuracy")  # of OpenAI's result file


def is_published(state: State, job: str) -> bool:
    """Whether the job's expert stands in its place already, and only the telling was cut off."""
    return (state.folder / "models" / job / "expert.json").is_file()


def publish(state: State, job: str, partial: Path) -> None:
    """Moves a whole expert to where it answers from, its kept epochs with it, each a whole expert, too."""
    shared = [path for path in partial.iterdir() if path.is_file() and path.suffix != ".safetensors" and path.name != "log.jsonl"]
    for epoch in epochs.kept(partial).values():
        for path in shared:
            with suppress(FileExistsError):
                jobs.link(path, epoch / path.name)
    partial.rename(state.folder / "models" / job)


def finish(state: State, job: sqlite3.Row) -> None:
    """Makes the model, its result file and the job's success known, all at once, unless the job is to run no longer."""
    place = state.folder / "models" / job["id"]
    expert = from_json(Expert, json.loads((place / "expert.json").read_text(encoding="utf-8")))
    method = jobs.method(job)
    log = [measured(line, method) for line in read_log(place / "log.jsonl")]
    result = new_id("file-")
    size = _write_result(state.folder / "files" / result, log)
    tokens = count_tokens(place / "tokenizer.json", jobs.folder(state, job["id"]) / jobs.TRAIN)
    passes = expert.metrics.get("passes") or expert.metrics.get("epochs") or 1
    model = job["fine_tuned_model"] or model_name(job)
    with state.write() as db:
        if not jobs.move(
            db, job["id"], "succeeded", ("running",), f"New fine-tuned model created: {model}",
            fine_tuned_model=model, result_files=json.dumps([result]), trained_tokens=round(tokens * passes),
        ):  # fmt: skip
            return
        jobs.event(db, job["id"], "The job has successfully completed")
        db.execute(
            "INSERT INTO models (id, owner, created_at, job, base) VALUES (?, ?, ?, ?, ?)",
            (model, job["owner"], now(), job["id"], job["model"]),
        )
        db.execute(
            "INSERT INTO files (id, owner, bytes, created_at, filename, purpose) VALUES (?, ?, ?, ?, ?, ?)",
            (result, job["owner"], size, now(), "step_metrics.csv", "fine-tune-results"),
        )
        for name, line in checkpoints(place, model, log):
            db.execute(
                "INSERT INTO checkpoints (id, job, created_at, model, step, metrics) VALUES (?, ?, ?, ?, ?, ?)",
                (new_id("ftckpt_"), job["id"], now(), name, line["step"], json.dumps(line)),
            )


def model_name(job: sqlite3.Row) -> str:
    """`ft:BASE:ORGANIZATION:SUFFIX:ID`; the id is the job's, so that a job that is finished twice has one name."""
    suffix = "".join(sign if sign.isalnum() or sign in "-_." else "-" for sign in job["suffix"] or "")
    return f"ft:{job['model']}:{job['organization']}:{suffix}:{job['id'][-8:]}"


def checkpoints(place: Path, model: str, log: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name of a model that answers, its metrics) of each kept epoch, the oldest first: the last is the model itself."""
    last = log[-1] if log else {"step": 0}
    for line in log:
        if line["step"] in epochs.kept(place) and line is not last:
            yield f"{model}:ckpt-step-{line['step']}", line
    yield model, last


def _write_result(path: Path, log: list[dict[str, Any]]) -> int:
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n", extrasaction="ignore")
    table.writeheader()
    for line in log:
        table.writerow(line)
    write_text(path, text.getvalue())
    return path.stat().st_size


def count_tokens(tokenizer: Path, rows: Path) -> int:
    """Tokens of all texts in a file, as the model itself counts them; 0 where it has no such tokenizer."""
    if not tokenizer.is_file():
        return 0
    from tokenizers import Tokenizer

    counter, total = Tokenizer.from_file(str(tokenizer)), 0
    with rows.open(encoding="utf-8-sig") as file:
        for line in file:
            texts = _texts(json.loads(line)) if line.strip() else []
            total += sum(len(one.ids) for one in counter.encode_batch_fast(texts, add_special_tokens=False))
    return total


def _texts(row: dict[str, Any]) -> list[str]:
    if "messages" in row:
        return [message["content"] for message in row["messages"]]
    if "prompt" in row:
        return [row["prompt"], row["completion"]]
    parts = (row["input"]["messages"], row["preferred_output"], row["non_preferred_output"])
    return [message["content"] for part in parts for message in part]
