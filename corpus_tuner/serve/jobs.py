"""Fine-tuning jobs as the database holds them: their states, every change of state, and what a client sees."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from corpus_tuner.serve.problem import Problem
from corpus_tuner.serve.state import State, new_id, now

ENDED = ("succeeded", "failed", "cancelled")
GOING = ("validating_files", "queued", "running", "pausing", "paused")
TRAIN, VALIDATION = "train.jsonl", "validation.jsonl"  # in a job's folder


def folder(state: State, job_id: str) -> Path:
    """Where a job's files lie; `job_id` comes from the database."""
    return state.folder / "jobs" / job_id


def create(state: State, most: int, **values: Any) -> str:
    """Stores a new job and its own copies of its files; its id. Raises Problem where `most` are unfinished already.

    A file may be deleted afterwards: the job keeps what it was given.
    """
    job = new_id("ftjob-")
    place = folder(state, job)
    place.mkdir()
    files = [(role, name) for role, name in (("training_file", TRAIN), ("validation_file", VALIDATION)) if values[role]]
    values |= {"id": job, "created_at": now(), "status": "validating_files", "method": json.dumps(values["method"])}
    values["metadata"] = json.dumps(values["metadata"]) if values["metadata"] is not None else None
    try:
        for role, name in files:
            _own(state.folder / "files" / values[role], place / name, role)
        with state.write() as db:
            waiting = db.execute(f"SELECT COUNT(*) FROM jobs WHERE status IN {GOING}").fetchone()[0]  # noqa: S608 - ours
            _check_room(waiting, most)
            names = ", ".join(values)
            db.execute(f"INSERT INTO jobs ({names}) VALUES ({', '.join('?' * len(values))})", tuple(values.values()))  # noqa: S608
            event(db, job, f"Created fine-tuning job: {job}")
            event(db, job, f"Validating training file: {values['training_file']}")
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    return job


def _check_room(waiting: int, most: int) -> None:
    if waiting >= most:
        said = f"{waiting} jobs are unfinished, as many as this server takes on: wait for one to end, or cancel one."
        raise Problem(429, said, "job_queue_full", again=False)


def _own(source: Path, target: Path, role: str) -> None:
    try:
        link(source, target)
    except FileNotFoundError:  # it was deleted since it was found
        raise Problem(400, f"invalid {role}: {source.name}", "invalid_file", role) from None


def link(source: Path, target: Path) -> None:
    """Gives `source` a second name, or copies it on a file system without hard links."""
    try:
        os.link(source, target)
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError:
        shutil.copyfile(source, target)


def event(
    db: sqlite3.Connection, job: str, message: str, level: str = "info", data: Mapping[str, Any] | None = None
) -> None:
    """Adds a line to a job's log, in the caller's transaction; with `data` one of metrics."""
    kind = "message" if data is None else "metrics"
    values = (new_id("ftevent-"), job, now(), level, message, kind, json.dumps(data or {}))
    db.execute("INSERT INTO events (id, job, created_at, level, message, type, data) VALUES (?, ?, ?, ?, ?, ?, ?)", values)


def move(
    db: sqlite3.Connection, job: str, to: str, only_from: Sequence[str], message: str, level: str = "info", **fields: Any
) -> bool:
    """Changes a job's state if it is in one of `only_from`, with an event; whether it was.

    Every change of state goes through here, in a transaction: two processes that want to change the same job cannot
    both find it as it was.
    """
    if to in ENDED:
        fields |= {"finished_at": now(), "estimated_finish": None}
    names = "".join(f", {name} = ?" for name in fields)
    marks = ", ".join("?" * len(only_from))
    changed = db.execute(
        f"UPDATE jobs SET status = ?{names} WHERE id = ? AND status IN ({marks})",  # noqa: S608 - ours
        (to, *fields.values(), job, *only_from),
    ).rowcount
    if changed:
        event(db, job, message, level)
    return bool(changed)


def fail(db: sqlite3.Connection, job: str, code: str, message: str, param: str | None = None) -> bool:
    """Ends a job with a reason, unless it has ended."""
    error = json.dumps({"code": code, "message": message, "param": param})
    return move(db, job, "failed", GOING, f"The job failed: {message}", "error", error=error)


def cancel(state: State, job: str) -> None:
    """Ends a job now; its worker, if it has one, notices. Raises Problem for one that has ended."""
    with state.write() as db:
        done = move(db, job, "cancelled", GOING, "The job was cancelled by its owner")
    if not done:
        raise Problem(400, f"Job has already completed: {job}", "job_already_completed", "fine_tune_id")


def pause(state: State, job: str) -> None:
    """Stops a job where it can go on. Raises Problem for one that has ended."""
    with state.write() as db:
        done = (
            move(db, job, "paused", ("validating_files", "queued"), "The job is paused")
            or move(db, job, "pausing", ("running",), "The job is being paused")
            or db.execute("SELECT 1 FROM jobs WHERE id = ? AND status IN ('pausing', 'paused')", (job,)).fetchone()
        )
    if not done:
        raise Problem(400, f"Job has already completed: {job}", "job_already_completed", "fine_tune_id")


def resume(state: State, job: str) -> None:
    """Lets a paused job go on. Raises Problem for one that is not paused."""
    with state.write() as db:
        row = db.execute("SELECT status, checked FROM jobs WHERE id = ?", (job,)).fetchone()
        to = "queued" if row["checked"] else "validating_files"
        if not move(db, job, to, ("paused",), "The job goes on"):
            said = "is still being paused" if row["status"] == "pausing" else f"is {row['status']}"
            raise Problem(400, f"Only a paused job can be resumed: {job} {said}", "job_not_paused", "fine_tune_id")


def method(row: sqlite3.Row) -> str:
    """How a job trains: "supervised" or "dpo"."""
    return json.loads(row["method"])["type"]


def numbers(row: sqlite3.Row) -> dict[str, Any]:
    """A job's hyperparameters, each "auto" or a number."""
    return json.loads(row["method"])["hyperparameters"]


def as_object(row: sqlite3.Row) -> dict[str, Any]:
    """The job in OpenAI's shape."""
    method = json.loads(row["method"])
    return {
        "object": "fine_tuning.job",
        "id": row["id"],
        "created_at": row["created_at"],
        "finished_at": row["finished_at"],
        "estimated_finish": row["estimated_finish"],
        "model": row["model"],
        "fine_tuned_model": row["fine_tuned_model"],
        "organization_id": f"org-{row['organization']}",
        "status": row["status"],
        "training_file": row["training_file"],
        "validation_file": row["validation_file"],
        "hyperparameters": {key: value for key, value in method["hyperparameters"].items() if key != "beta"},
        "method": {"type": method["type"], method["type"]: {"hyperparameters": method["hyperparameters"]}},
        "result_files": json.loads(row["result_files"]),
        "trained_tokens": row["trained_tokens"],
        "error": json.loads(row["error"]) if row["error"] else None,
        "seed": row["seed"],
        "user_provided_suffix": row["suffix"],
        "integrations": [],
        "metadata": json.loads(row["metadata"]) if row["metadata"] else None,
    }


def event_object(row: sqlite3.Row) -> dict[str, Any]:
    """An event in OpenAI's shape."""
    found = {key: row[key] for key in ("id", "created_at", "level", "message", "type")}
    return {"object": "fine_tuning.job.event", **found, "data": json.loads(row["data"])}


def checkpoint_object(row: sqlite3.Row) -> dict[str, Any]:
    """A checkpoint in OpenAI's shape."""
    return {
        "object": "fine_tuning.job.checkpoint",
        "id": row["id"],
        "created_at": row["created_at"],
        "fine_tuning_job_id": row["job"],
        "fine_tuned_model_checkpoint": row["model"],
        "step_number": row["step"],
        "metrics": json.loads(row["metrics"]),
    }
