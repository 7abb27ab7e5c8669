"""`/v1/fine_tuning/jobs`."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from corpus_tuner import plugins
from corpus_tuner.serve import body, files, jobs
from corpus_tuner.serve.config import Base, Config
from corpus_tuner.serve.guard import owner_of
from corpus_tuner.serve.problem import Problem, unknown_job
from corpus_tuner.serve.state import State

LOOK = 0.3  # seconds between two looks for new events of a stream

router = APIRouter(prefix="/v1/fine_tuning/jobs")
Owner = Annotated[str, Depends(owner_of)]
Limit = Annotated[int, Query(ge=1, le=1000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Numbers(_Strict):
    """Hyperparameters, each "auto" or a number in OpenAI's range."""

    n_epochs: Literal["auto"] | Annotated[int, Field(ge=1, le=50)] = "auto"
    batch_size: Literal["auto"] | Annotated[int, Field(ge=1, le=256)] | None = "auto"
    learning_rate_multiplier: Literal["auto"] | Annotated[float, Field(gt=0, le=1000)] = "auto"


class PreferenceNumbers(Numbers):
    """The same, for DPO."""

    beta: Literal["auto"] | Annotated[float, Field(gt=0, le=2)] = "auto"


class Supervised(_Strict):
    """`method.supervised`"""

    hyperparameters: Numbers = Field(default_factory=Numbers)


class Preference(_Strict):
    """`method.dpo`"""

    hyperparameters: PreferenceNumbers = Field(default_factory=PreferenceNumbers)


class Method(_Strict):
    """`method`"""

    type: Literal["supervised", "dpo", "reinforcement"]
    supervised: Supervised | None = None
    dpo: Preference | None = None
    reinforcement: dict[str, Any] | None = None


class Create(_Strict):
    """The request for a new job."""

    model: str
    training_file: str
    validation_file: str | None = None
    hyperparameters: Numbers | None = None
    method: Method | None = None
    suffix: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    seed: Annotated[int, Field(ge=0, le=2147483647)] | None = None
    metadata: dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]] | None = None
    integrations: list[Any] | None = None


@router.post("")
def create(request: Request, owner: Owner, asked: Annotated[Create, Depends(body.read(Create))]) -> JSONResponse:
    """Takes on a job."""
    state, config = _parts(request)
    base = config.find(asked.model)
    if base is None:
        said = f"Model {asked.model[:200]} is not available for fine-tuning or does not exist."
        raise Problem(400, said, "model_not_available", "model")
    method = _method(asked, base)
    for param in ("training_file", "validation_file"):
        if getattr(asked, param) is not None:
            _check_file(state, owner, param, getattr(asked, param))
    if asked.integrations:
        raise Problem(400, "This server has no integrations.", "unsupported_value", "integrations")
    if asked.metadata is not None and len(asked.metadata) > 16:
        raise Problem(400, "'metadata' has more than 16 pairs.", "object_above_max_properties", "metadata")
    job = jobs.create(
        state, config.unfinished_jobs, owner=owner, model=asked.model, base=base.base, trainer=base.trainer,
        organization=config.organization, training_file=asked.training_file, validation_file=asked.validation_file,
        method=method, suffix=asked.suffix, seed=asked.seed if asked.seed is not None else 0, metadata=asked.metadata,
    )  # fmt: skip
    request.app.state.supervisor.wake()
    return _answer(state, owner, job)


def _method(asked: Create, base: Base) -> dict[str, Any]:
    """{"type", "hyperparameters"}. Raises Problem for a method that the base's trainer does not know."""
    method = asked.method or Method(type="supervised", supervised=Supervised(hyperparameters=asked.hyperparameters or Numbers()))
    if asked.method is not None and asked.hyperparameters is not None:
        raise Problem(400, "Give hyperparameters inside of 'method' or beside it, not both.", "invalid_value", "hyperparameters")
    for other in ("supervised", "dpo", "reinforcement"):
        if other != method.type and getattr(method, other) is not None:
            raise Problem(400, f"'method.{other}' does not go with type {method.type!r}.", "invalid_value", f"method.{other}")
    known = plugins.methods(base.trainer)
    if method.type not in known:
        said = f"Method {method.type!r} is not available for {asked.model}: {', '.join(known)} is."
        raise Problem(400, said, "unsupported_value", "method.type")
    given = getattr(method, method.type) or (Preference() if method.type == "dpo" else Supervised())
    numbers = given.hyperparameters.model_dump()
    numbers["batch_size"] = numbers["batch_size"] or "auto"
    return {"type": method.type, "hyperparameters": numbers}


def _check_file(state: State, owner: str, param: str, name: str) -> None:
    try:
        row = files.find(state, owner, name)
    except Problem:
        raise Problem(400, f"invalid {param}: {name[:100]}", "invalid_file", param) from None
    if row["purpose"] != "fine-tune":
        said = f"File '{name}' has purpose {row['purpose']!r}; a {param} needs 'fine-tune'."
        raise Problem(400, said, "invalid_file_purpose", param)


@router.get("")
def list_jobs(request: Request, owner: Owner, after: str | None = None, limit: Limit = 20) -> JSONResponse:
    """A page of the owner's jobs, the newest first; `metadata[key]=value` chooses."""
    where, values = "owner = ?", [owner]
    for name, value in request.query_params.items():
        if name.startswith("metadata[") and name.endswith("]"):
            where += " AND EXISTS (SELECT 1 FROM json_each(jobs.metadata) WHERE json_each.key = ? AND json_each.value = ?)"
            values += [name[9:-1], value]
    if request.query_params.get("metadata") == "null":
        where += " AND metadata IS NULL"
    rows, more = _parts(request)[0].page("jobs", where, values, after=after, limit=limit)
    return JSONResponse({"object": "list", "data": [jobs.as_object(row) for row in rows], "has_more": more})


@router.get("/{name}")
def retrieve(request: Request, owner: Owner, name: str) -> JSONResponse:
    """One job."""
    return _answer(_parts(request)[0], owner, name)


@router.post("/{name}/{act}")
def change(request: Request, owner: Owner, name: str, act: Literal["cancel", "pause", "resume"]) -> JSONResponse:
    """Cancels, pauses or resumes a job."""
    state = _parts(request)[0]
    find(state, owner, name)
    {"cancel": jobs.cancel, "pause": jobs.pause, "resume": jobs.resume}[act](state, name)
    request.app.state.supervisor.wake()
    return _answer(state, owner, name)


@router.get("/{name}/events", response_model=None)
def events(
    request: Request, owner: Owner, name: str, after: str | None = None, limit: Limit = 20, stream: bool = False
) -> JSONResponse | StreamingResponse:
    """A page of a job's events, the newest first; with `stream=true` all of them as they come, the oldest first."""
    state = _parts(request)[0]
    find(state, owner, name)
    if stream:
        return StreamingResponse(_stream(state, name), media_type="text/event-stream")
    rows, more = state.page("events", "job = ?", [name], after=after, limit=limit)
    return JSONResponse({"object": "list", "data": [jobs.event_object(row) for row in rows], "has_more": more})


async def _stream(state: State, job: str) -> AsyncIterator[str]:
    """Server-sent events until the job has ended and all was told."""
    from anyio import to_thread

    seen = 0
    while True:
        row, rows = await to_thread.run_sync(_news, state, job, seen)
        for event in rows:
            seen = event["seq"]
            yield f"data: {json.dumps(jobs.event_object(event))}\n\n"
        if not rows and (row is None or row["status"] in jobs.ENDED):
            yield "data: [DONE]\n\n"
            return
        if not rows:
            await asyncio.sleep(LOOK)


def _news(state: State, job: str, seen: int) -> tuple[sqlite3.Row | None, list[sqlite3.Row]]:
    """The job, then its events behind `seen`: in this order none is missed at the end."""
    row = state.one("SELECT status FROM jobs WHERE id = ?", job)
    return row, state.all("SELECT * FROM events WHERE job = ? AND seq > ? ORDER BY seq LIMIT 500", job, seen)


@router.get("/{name}/checkpoints")
def checkpoints(request: Request, owner: Owner, name: str, after: str | None = None, limit: Limit = 10) -> JSONResponse:
    """A page of the checkpoints of a job that can be asked: here its finished model."""
    state = _parts(request)[0]
    find(state, owner, name)
    rows, more = state.page("checkpoints", "job = ?", [name], after=after, limit=limit)
    data = [jobs.checkpoint_object(row) for row in rows]
    first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    return JSONResponse({"object": "list", "data": data, "first_id": first, "last_id": last, "has_more": more})


def find(state: State, owner: str, name: str) -> sqlite3.Row:
    """The owner's job of that id. Raises Problem."""
    row = state.one("SELECT * FROM jobs WHERE id = ? AND owner = ?", name, owner)
    if row is None:
        raise unknown_job(name)
    return row


def _answer(state: State, owner: str, name: str) -> JSONResponse:
    return JSONResponse(jobs.as_object(find(state, owner, name)))


def _parts(request: Request) -> tuple[State, Config]:
    return request.app.state.state, request.app.state.config
