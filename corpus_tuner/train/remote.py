"""Trains at a remote host of OpenAI's protocol; `job.json` remembers what was sent, so that nothing is paid twice.

Whatever costs money is written to `job.json` before it is sent. A process killed at any moment, and run again, finds
there the files that the host has and the job that it may have created, and goes on from them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from corpus_tuner.errors import CorpusTunerError, Detached, Unavailable
from corpus_tuner.records import Expert, Progress, silent
from corpus_tuner.settings import TrainSettings
from corpus_tuner.store import to_json, write_json, write_jsonl
from corpus_tuner.train import uploads
from corpus_tuner.train.host import CutOff, Host, Refused, connect, pages
from corpus_tuner.train.jobs import CANCELLED, FAILED, SUCCEEDED, Event, JobLine, cancelling, job_line, watch
from corpus_tuner.train.ticket import Ticket, Upload, now, plan, read

LOOKS = 4  # for a job whose creation was cut off, before this run gives up


class RemoteTrainer:
    """The Trainer behind `trainer = "remote"`. Safe to run again at any time: it goes on where the last run stopped."""

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep

    def train(
        self, train: Path, validation: Path | None, settings: TrainSettings, folder: Path, progress: Progress = silent
    ) -> Expert:
        """Uploads the files, creates the job and follows it; the host's events go to `progress`.

        `settings.learning_rate` is the host's `learning_rate_multiplier`. Raises Detached on Ctrl-C (the job goes on),
        CorpusTunerError where the host refuses or the job fails, Unavailable where the host stays down.
        """
        host = connect(settings.base_url, settings.api_key_env, self._sleep)
        run = _Run(host, folder / "job.json", progress)
        try:
            ticket = run.begin(plan(host.base_url, train, validation, settings))
            ticket = run.upload(ticket, train, validation)
            ticket = run.create(ticket)
            job, events = run.watch(ticket)
        except KeyboardInterrupt:
            raise Detached(_detached(host, read(folder / "job.json"))) from None
        write_jsonl(folder / "log.jsonl", events)
        return _expert(folder.name, ticket, job, events, settings.api_key_env)


@dataclass(frozen=True, slots=True)
class _Run:
    """One run's steps; each takes the ticket as it stands, saves what it learns, and returns the new one."""

    host: Host
    path: Path
    progress: Progress

    def save(self, ticket: Ticket) -> Ticket:
        write_json(self.path, to_json(ticket))
        return ticket

    def begin(self, plan: Ticket) -> Ticket:
        """The ticket of the last run if it asked for the same and has not failed; else a new one that keeps the files."""
        old = read(self.path)
        if old is None:
            return plan
        if old.plan == plan.plan and old.status not in FAILED + CANCELLED:
            return old
        earlier = self._leave(old, plan)
        if old.base_url != plan.base_url:
            return replace(plan, earlier=earlier)
        known = {upload.name: upload for upload in (old.training, old.validation) if upload}
        return replace(
            plan,
            training=known.get(plan.training.name, plan.training),
            validation=plan.validation and known.get(plan.validation.name, plan.validation),
            earlier=earlier,
        )

    def _leave(self, old: Ticket, plan: Ticket) -> tuple[str, ...]:
        """The jobs that a new plan leaves behind; tells of one that goes on with nobody watching."""
        left = old.job_id
        if old.sent_at and not left and old.base_url == plan.base_url:  # its create was cut off
            lost = self._find_job(old)
            left = lost.id if lost else ""
        if old.sent_at and not old.status:
            job = f"job {left or 'of unknown id'} at {old.base_url}"
            self.progress(0, None, f"the settings have changed: {job} may go on; `corpus-tuner jobs cancel ID` stops it")
        return (*old.earlier, left) if left else old.earlier

    def upload(self, ticket: Ticket, train: Path, validation: Path | None) -> Ticket:
        """The ticket with the ids of the files at the host."""
        if ticket.job_id or ticket.sent_at:
            return ticket
        ticket = self._uploaded(ticket, "training", train)
        return self._uploaded(ticket, "validation", validation) if validation else ticket

    def _uploaded(self, ticket: Ticket, role: str, path: Path) -> Ticket:
        upload: Upload = getattr(ticket, role)
        if upload.id and uploads.ready(self.host, upload):
            return ticket
        found = uploads.find(self.host, upload) if upload.sent_at and not upload.id else ""
        if not found:
            upload = replace(upload, id="", sent_at=now())
            self.save(replace(ticket, **{role: upload}))
            self.progress(0, None, f"uploading {upload.name}, {upload.bytes:,} bytes")
            found = uploads.send(self.host, upload, path)
        upload = replace(upload, id=found)
        ticket = self.save(replace(ticket, **{role: upload}))
        if not uploads.ready(self.host, upload):
            raise CorpusTunerError(f"{self.host.base_url} could not process {upload.name}; the same command sends it again")
        return ticket

    def create(self, ticket: Ticket) -> Ticket:
        """The ticket with the id of its job: the one that an earlier, cut-off create made, or a new one."""
        if ticket.job_id:
            return ticket
        if ticket.sent_at:
            job = self._find_job(ticket)
            if job:
                self.progress(0, None, f"found job {job.id}, whose creation had been cut off")
                return self.save(replace(ticket, job_id=job.id))
        else:
            ticket = replace(ticket, others=tuple(job.id for job in self._jobs_of(ticket)))
        ticket = self.save(replace(ticket, sent_at=now()))
        try:
            job = self._send_create(ticket)
        except (Refused, Unavailable) as error:
            if not isinstance(error, CutOff):
                self.save(replace(ticket, sent_at=""))  # the host said no: there is no job to look for
            raise
        self.progress(0, None, f"created job {job.id}; {cancelling(self.host, job.id)}")
        return self.save(replace(ticket, job_id=job.id))

    def _send_create(self, ticket: Ticket) -> JobLine:
        asked = {"model": ticket.base, "training_file": ticket.training.id, "seed": ticket.seed}
        if ticket.suffix:
            asked["suffix"] = ticket.suffix
        if ticket.validation:
            asked["validation_file"] = ticket.validation.id
        numbers = dict(ticket.hyperparameters)
        method = {"type": "supervised", "supervised": {"hyperparameters": numbers}}
        create = self.host.client.fine_tuning.jobs.create
        try:
            try:
                job = self.host.once(lambda: create(**asked, method=method))
            except Refused as refusal:
                if refusal.status not in (400, 422) or "method" not in refusal.about:
                    raise
                job = self.host.once(lambda: create(**asked, hyperparameters=numbers))  # hosts of the older protocol
            return job_line(self.host, job)
        except CutOff as cut:
            return self._after_cut(ticket, cut)

    def _after_cut(self, ticket: Ticket, cut: CutOff) -> JobLine:
        """The job that a create without an answer made, once it shows. Raises CutOff if none does."""
        for look in range(LOOKS):
            job = self._find_job(ticket)
            if job:
                return job
            self.host.sleep(1.0 * 2**look)
        raise CutOff(f"{cut}; no job shows there yet: run the same command again, it takes up the job if there is one")

    def _find_job(self, ticket: Ticket) -> JobLine | None:
        """The job that this ticket's create made, if it made one."""
        try:
            made = [job for job in self._jobs_of(ticket, listed=True) if job.id not in ticket.others + ticket.earlier]
        except Refused as refusal:
            if not refusal.absent:
                raise
            raise CorpusTunerError(
                f"{self.host.base_url} cannot list its jobs, and whether it created one is unknown: look there; then write "
                f'its id as "job_id" into {self.path}, or delete that file to create a new one'
            ) from None
        return min(made, key=lambda job: job.created_at, default=None)

    def _jobs_of(self, ticket: Ticket, listed: bool = False) -> list[JobLine]:
        """The jobs at the host of the same training file and, where it tells them, the same suffix.

        A host without a list has none, or raises Refused if they must be `listed`.
        """
        found: list[JobLine] = []
        jobs = self.host.client.fine_tuning.jobs
        try:
            for page in pages(self.host, lambda **after: jobs.list(limit=100, **after)):
                found += [job_line(self.host, job) for job in page]
        except Refused as refusal:
            if listed or not refusal.absent:
                raise
        return [job for job in found if job.training_file == ticket.training.id and job.suffix in ("", ticket.suffix)]

    def watch(self, ticket: Ticket) -> tuple[JobLine, list[Event]]:
        """The succeeded job and its events. Raises CorpusTunerError for one that failed; the next run starts a new one."""
        try:
            job, events = watch(self.host, ticket.job_id, self.progress)
        except Refused as refusal:
            if not refusal.absent:
                raise
            raise CorpusTunerError(
                f"{self.host.base_url} no longer knows job {ticket.job_id} (is {self.host.key_env} the key of the account "
                f"that made it?): delete {self.path} to train again"
            ) from None
        self.save(replace(ticket, status=job.status, fine_tuned_model=job.fine_tuned_model))
        if job.status in CANCELLED:
            raise CorpusTunerError(f"job {job.id} was cancelled; the same command starts a new one")
        if job.status not in SUCCEEDED:
            line = f"job {job.id} failed at {self.host.base_url}: {job.error or 'no reason given'}"
            raise _failure(job)(f"{line}; the same command starts a new one")
        if not job.fine_tuned_model:
            raise Unavailable(f"job {job.id} succeeded but {self.host.base_url} names no model: try again later")
        return job, events


def _failure(job: JobLine) -> type[CorpusTunerError]:
    return Unavailable if re.match(r"(server|internal)", job.error_code) else CorpusTunerError


def _expert(name: str, ticket: Ticket, job: JobLine, events: list[Event], api_key_env: str) -> Expert:
    losses = [event.data["train_loss"] for event in events if "train_loss" in event.data]
    metrics = {"job": job.id, "trained_tokens": job.trained_tokens, **({"train_loss": losses[-1]} if losses else {})}
    return Expert(
        name=name, base=ticket.base, backend="endpoint", base_url=ticket.base_url, api_key_env=api_key_env,
        model=job.fine_tuned_model, dataset_digest=ticket.training.digest, metrics=metrics,
    )  # fmt: skip


def _detached(host: Host, ticket: Ticket | None) -> str:
    if ticket and ticket.job_id:
        return f"job {ticket.job_id} goes on; the same command comes back to it, {cancelling(host, ticket.job_id)}"
    if ticket and ticket.sent_at:
        return f"stopped while {host.base_url} was creating the job; the same command takes it up if there is one"
    return "stopped before a job was created; the same command goes on"
