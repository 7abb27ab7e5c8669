"""Fine-tuning jobs at a remote host: list them, follow one to its end, cancel, delete what they left."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from corpus_tuner.errors import CorpusTunerError, Detached
from corpus_tuner.records import Progress
from corpus_tuner.train.host import Host, Refused, connect, identity, pages

SUCCEEDED = ("succeeded", "success", "completed")
FAILED = ("failed", "error")
CANCELLED = ("cancelled", "canceled")
FIRST_WAIT, LAST_WAIT = 0.5, 30.0  # seconds between two looks at a job, growing by half each time
DEFAULT_URL, DEFAULT_KEY_ENV = "https://api.openai.com/v1", "OPENAI_API_KEY"  # of the command line


@dataclass(frozen=True, slots=True)
class JobLine:
    """A job as its host tells it; what the host does not tell is empty."""

    id: str
    status: str = ""
    model: str = ""
    fine_tuned_model: str = ""
    created_at: int = 0  # seconds since 1970, UTC
    suffix: str = ""
    training_file: str = ""
    trained_tokens: int = 0
    error: str = ""
    error_code: str = ""

    @property
    def ended(self) -> bool:
        """Whether it will change no more."""
        return self.status in SUCCEEDED + FAILED + CANCELLED


@dataclass(frozen=True, slots=True)
class Event:
    """A line of a job's log."""

    id: str
    message: str
    level: str = ""
    created_at: int = 0
    data: Mapping[str, Any] = field(default_factory=dict)


def list_jobs(base_url: str, api_key_env: str, limit: int = 20) -> list[JobLine]:
    """The jobs of the account in the host's order (OpenAI: newest first), at most `limit`."""
    host = connect(base_url, api_key_env)
    found: list[JobLine] = []
    for page in pages(host, lambda **after: host.client.fine_tuning.jobs.list(limit=min(limit, 100), **after)):
        found += [job_line(host, job) for job in page]
        if len(found) >= limit:
            break
    return found[:limit]


def follow(
    base_url: str,
    api_key_env: str,
    job_id: str,
    emit: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> JobLine:
    """The job once it has ended; each event and change of state goes to `emit` as a line.

    Raises Detached on Ctrl-C: the job goes on.
    """
    host = connect(base_url, api_key_env, sleep)
    try:
        return watch(host, _job_id(job_id), lambda done, total, note: emit(note))[0]  # noqa: ARG005
    except KeyboardInterrupt:
        again = f"corpus-tuner jobs follow {job_id}{options(host)}"
        raise Detached(f"job {job_id} goes on; `{again}` comes back, {cancelling(host, job_id)}") from None


def cancel(base_url: str, api_key_env: str, job_id: str) -> JobLine:
    """Cancels a job. Raises CorpusTunerError with the host's reason where it cannot be (ended, unknown)."""
    host = connect(base_url, api_key_env)
    return job_line(host, host.once(lambda: host.client.fine_tuning.jobs.cancel(_job_id(job_id))))


def delete(base_url: str, api_key_env: str, name: str) -> None:
    """Deletes a tuned model (`ft:...`) or an uploaded file (`file-...`) at the host; nothing else is ever deleted."""
    host = connect(base_url, api_key_env)
    if re.fullmatch(r"ft:[^\s/]+", name):
        answer = host.once(lambda: host.client.models.delete(name))
    elif re.fullmatch(r"file-[\w-]+", name):
        answer = host.once(lambda: host.client.files.delete(name))
    else:
        raise CorpusTunerError(f"{name!r} is not deleted: name a fine-tuned model (ft:...) or an uploaded file (file-...)")
    if getattr(answer, "deleted", True) is False:
        raise CorpusTunerError(f"{host.base_url} did not delete {name}")


def watch(host: Host, job_id: str, progress: Progress) -> tuple[JobLine, list[Event]]:
    """Looks at a job until it has ended; the job and all its events, oldest first. A status that we do not know goes on."""
    seen: dict[str, Event] = {}
    status, wait, tries = "", FIRST_WAIT, 0
    done: tuple[int, int | None] = (0, None)
    while True:
        job = job_line(host, host.ask(lambda: host.client.fine_tuning.jobs.retrieve(job_id)))
        for event in _news(host, job_id, seen):
            done = _steps(event, done)
            progress(*done, event.message)
        if job.status != status:
            status = job.status
            progress(*done, f"{job_id}: {status}")
        nameless = job.status in SUCCEEDED and not job.fine_tuned_model  # some hosts name the model a little later
        tries += nameless
        if job.ended and (not nameless or tries > 5):
            return job, list(seen.values())
        host.sleep(wait)
        wait = min(LAST_WAIT, wait * 1.5)


def options(host: Host) -> str:
    """The options that a `jobs` command needs to find this host again."""
    url = "" if host.base_url == DEFAULT_URL else f" --base-url {host.base_url}"
    return url if host.key_env == DEFAULT_KEY_ENV else f"{url} --api-key-env {host.key_env}"


def cancelling(host: Host, job_id: str) -> str:
    """How to stop a job, for the end of a line."""
    return f"`corpus-tuner jobs cancel {job_id}{options(host)}` stops it"


def job_line(host: Host, job: Any) -> JobLine:
    """A job object of the SDK, of which any field may be missing, as a record. Raises Refused if it has no id."""
    name = getattr(job, "id", None)
    if not isinstance(name, str) or not name:
        raise Refused(f"{host.base_url} answered with a job that has no id: check base_url", 200)
    error = getattr(job, "error", None)
    told = {key: getattr(job, key, None) for key in ("model", "fine_tuned_model", "training_file")}
    return JobLine(
        id=name,
        status=_status(job),
        **{key: value for key, value in told.items() if isinstance(value, str)},
        created_at=_whole(getattr(job, "created_at", None)),
        suffix=_suffix(job),
        trained_tokens=_whole(getattr(job, "trained_tokens", None)),
        error=host.plain(getattr(error, "message", None)),
        error_code=host.plain(getattr(error, "code", None)),
    )


def _status(job: Any) -> str:
    status = str(getattr(job, "status", None) or "").lower()
    return status or ("succeeded" if getattr(job, "fine_tuned_model", None) else "")


def _suffix(job: Any) -> str:
    """The suffix where a host tells it: as a field of its own, or inside of the tuned model's name."""
    for key in ("suffix", "user_provided_suffix"):
        if isinstance(getattr(job, key, None), str):
            return str(getattr(job, key))
    parts = str(getattr(job, "fine_tuned_model", None) or "").split(":")
    return parts[3] if len(parts) == 5 and parts[0] == "ft" else ""


def _job_id(name: str) -> str:
    if not re.fullmatch(r"[\w.:-]+", name):
        raise CorpusTunerError(f"{name!r} is not the id of a job: `corpus-tuner jobs list` shows them")
    return name


def _news(host: Host, job_id: str, seen: dict[str, Event]) -> list[Event]:
    """The events that are not yet in `seen`, oldest first; they are put there. None where a host keeps no events."""
    found: list[Any] = []
    ascending = False
    try:
        for page in pages(host, lambda **after: host.client.fine_tuning.jobs.list_events(job_id, limit=100, **after)):
            fresh = [item for item in page if identity(item) not in seen]
            first, last = (_whole(getattr(item, "created_at", None)) for item in (page[0], page[-1]))
            ascending = ascending or first < last
            found += fresh
            if len(fresh) < len(page) and first > last:  # newest first: what follows is known
                break
    except Refused as refusal:
        if not refusal.absent:
            raise
    events = [_event(host, item) for item in (found if ascending else found[::-1])]
    events.sort(key=lambda event: event.created_at)
    seen.update((event.id, event) for event in events)
    return events


def _event(host: Host, item: Any) -> Event:
    data = getattr(item, "data", None)
    return Event(
        id=identity(item),
        message=host.plain(getattr(item, "message", None)),
        level=str(getattr(item, "level", None) or ""),
        created_at=_whole(getattr(item, "created_at", None)),
        data={
            str(key): value for key, value in data.items() if isinstance(value, int | float)
        } if isinstance(data, Mapping) else {},
    )


def _steps(event: Event, done: tuple[int, int | None]) -> tuple[int, int | None]:
    step, total = event.data.get("step"), event.data.get("total_steps")
    if not isinstance(step, int):
        return done
    return max(step, done[0]), total if isinstance(total, int) else done[1]


def _whole(value: Any) -> int:
    return int(value) if isinstance(value, int | float) else 0
