"""A process that checks or trains one job: `python -m corpus_tuner.serve.worker FOLDER check|train JOB`.

It may be killed at any moment. What it found out is in the database, what it trained in the trainer's own checkpoint;
run again, it goes on. A lock that it was born with (see supervisor.py) is freed by the system when it dies.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
import time
from pathlib import Path

from corpus_tuner import plugins
from corpus_tuner.errors import CorpusTunerError, MissingExtra, Unavailable
from corpus_tuner.records import Expert
from corpus_tuner.serve import jobs, outcome, rows
from corpus_tuner.serve.metrics import Metrics
from corpus_tuner.serve.state import State
from corpus_tuner.settings import TrainSettings
from corpus_tuner.store import to_json, write_json

LOOK = 0.3  # seconds between two looks at what the owner wants
EPOCHS_KEPT = 3  # that a job's checkpoints name, as OpenAI has it


def check(state: State, job: sqlite3.Row) -> None:
    """Looks at a job's files: it is queued, or failed with a reason that names the line."""
    place = jobs.folder(state, job["id"])
    files = [("training_file", jobs.TRAIN, rows.LEAST)]
    if job["validation_file"]:
        files.append(("validation_file", jobs.VALIDATION, 1))
    for param, name, least in files:
        try:
            rows.check(place / name, jobs.method(job), least)
        except rows.BadFile as bad:
            with state.write() as db:
                jobs.fail(db, job["id"], bad.code or f"invalid_{param}", f"{param.replace('_', ' ')}: {bad}", param)
            return
    with state.write() as db:
        said = "Files validated, moving job to queued state"
        jobs.move(db, job["id"], "queued", ("validating_files",), said, checked=1)


def train(state: State, job: sqlite3.Row) -> None:
    """Trains a job to its end, from wherever its last worker was stopped."""
    name = job["id"]
    with state.write() as db:
        again = job["status"] == "running"
        said = "Training goes on from its last checkpoint" if again or job["step"] else "Fine-tuning job started"
        if not jobs.move(db, name, "running", ("queued", "running"), said):
            return
        if not again and not job["step"]:
            _explain(db, job)
    threading.Thread(target=_watch, args=(state, name), daemon=True).start()
    if not outcome.is_published(state, name):
        try:
            _train(state, job)
        except CorpusTunerError as error:
            with state.write() as db:
                jobs.fail(db, name, _code(error), str(error))
            return
    outcome.finish(state, job)


def _explain(db: sqlite3.Connection, job: sqlite3.Row) -> None:
    """Says what the hyperparameters mean to the embedded base, which differs from OpenAI's."""
    if job["trainer"] != "scratch":
        return
    from corpus_tuner.train.passes import PASSES, RECALL, STEPS
    from corpus_tuner.train.scratch import PASSES_PER_EPOCH

    epochs = jobs.numbers(job)["n_epochs"]
    if epochs == "auto":
        said = (
            f"n_epochs = auto: the embedded base trains for at least {PASSES} passes and {STEPS:,} steps, which its grasp of other"
            f" wordings needs, and then until it recalls {RECALL:.0%} of its answers"
        )
    else:
        said = f"n_epochs = {epochs}: {epochs * PASSES_PER_EPOCH} passes, {PASSES_PER_EPOCH} each, for the embedded base starts from nothing"
    jobs.event(db, job["id"], said)


def _train(state: State, job: sqlite3.Row) -> None:
    place = jobs.folder(state, job["id"])
    partial = place / "expert"
    partial.mkdir(exist_ok=True)
    validation = place / jobs.VALIDATION
    metrics = Metrics(state, job, partial / "log.jsonl")
    trainer = plugins.load("trainers", job["trainer"])()
    expert: Expert = trainer.train(
        place / jobs.TRAIN, validation if validation.exists() else None, _settings(job), partial, metrics.progress
    )
    metrics.flush()
    write_json(partial / "expert.json", to_json(expert))
    outcome.publish(state, job["id"], partial)


def _settings(job: sqlite3.Row) -> TrainSettings:
    method, numbers = jobs.method(job), jobs.numbers(job)
    rate = numbers["learning_rate_multiplier"]
    if rate != "auto":
        rate = float(rate) * standard_rate(job["trainer"], method)
    return TrainSettings(
        trainer=job["trainer"],
        base=job["base"],
        epochs=numbers["n_epochs"],
        batch_size=numbers["batch_size"],
        learning_rate=rate,
        seed=job["seed"],
        keep_epochs=EPOCHS_KEPT,
        preferences=jobs.TRAIN if method == "dpo" else "",
        beta=numbers.get("beta", "auto"),
    )


def standard_rate(trainer: str, method: str) -> float:
    """The learning rate that a multiplier multiplies. Raises CorpusTunerError for a trainer that names none."""
    rate = plugins.methods(trainer)[method]
    if not rate:
        raise CorpusTunerError(f"the {trainer} trainer has no standard learning rate to multiply: use learning_rate_multiplier auto")
    return rate


def _code(error: CorpusTunerError) -> str:
    if isinstance(error, MissingExtra):
        return "training_not_available"
    return "server_error" if isinstance(error, Unavailable) else "invalid_training_file"


def _watch(state: State, job: str) -> None:
    """Ends this process when the job is to run no longer. That is safe at any moment, and reaches any trainer."""
    while True:
        time.sleep(LOOK)
        row = state.one("SELECT status FROM jobs WHERE id = ?", job)
        if row is None or row["status"] in ("cancelled", "failed"):
            os._exit(0)
        if row["status"] == "pausing":
            with state.write() as db:
                jobs.move(db, job, "paused", ("pausing",), "The job is paused; its last checkpoint is kept")
            os._exit(0)


def main(folder: str, lane: str, name: str) -> None:
    """Does one lane's work for one job, at a low priority: answers come first."""
    os.nice(10)
    state = State(Path(folder))
    job = state.one("SELECT * FROM jobs WHERE id = ?", name)
    if job is None:
        return
    if lane == "check" and job["status"] == "validating_files":
        check(state, job)
    if lane == "train" and job["status"] in ("queued", "running"):
        train(state, job)


if __name__ == "__main__":
    main(*sys.argv[1:])
