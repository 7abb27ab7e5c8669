"""The whole service as one ASGI application."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from errno import EDQUOT, ENOSPC
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.serve import chat, files, job_routes, library, page
from corpus_tuner.serve.config import Config
from corpus_tuner.serve.guard import Guard
from corpus_tuner.serve.problem import Problem, full_disk, invalid, unknown_url
from corpus_tuner.serve.state import State
from corpus_tuner.serve.supervisor import Supervisor


def make(state: State, config: Config, root: Path, *, keyed: bool = False) -> Any:
    """The service over `state`; corpora lie in `root`/generated. `keyed`: it has keys, so that others may reach it."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        from anyio import to_thread

        to_thread.current_default_thread_limiter().total_tokens = config.answers + 32
        app.state.supervisor.start()
        yield
        app.state.supervisor.stop()

    app = FastAPI(lifespan=life, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.state, app.state.config, app.state.keyed = state, config, keyed
    app.state.supervisor = Supervisor(state)
    app.state.library = library.Library(state, config, root)
    app.state.answering = threading.BoundedSemaphore(config.answers)
    for part in (files, job_routes, library, chat, page):
        app.include_router(part.router)
    app.add_api_route("/health", _health)
    for kind, handler in _HANDLERS.items():
        app.add_exception_handler(kind, handler)
    return Guard(app, config, keyed)


def _health(request: Request) -> JSONResponse:
    """Whether the service is well, and what it is doing."""
    state: State = request.app.state.state
    counts = {row["status"]: row["count"] for row in state.all("SELECT status, COUNT(*) AS count FROM jobs GROUP BY status")}
    waiting = sum(counts.get(status, 0) for status in ("validating_files", "queued"))
    busy = sorted(request.app.state.supervisor.at_work())
    return JSONResponse({"status": "ok", "version": version("corpus-tuner"), "workers": busy, "queued": waiting, "jobs": counts})


def _answer(problem: Problem) -> JSONResponse:
    return JSONResponse(problem.body, problem.status, dict(problem.headers))


def _problem(_: Request, error: Any) -> JSONResponse:
    return _answer(error)


def _validation(_: Request, error: Any) -> JSONResponse:
    return _answer(invalid(error.errors()))


def _http(request: Request, error: Any) -> JSONResponse:
    if error.status_code == 404:
        return _answer(unknown_url(request.method, request.url.path))
    said = f"Not allowed to {request.method} on {request.url.path[:200]}"
    return JSONResponse(Problem(error.status_code, said, "method_not_allowed").body, error.status_code, error.headers)


def _disk(_: Request, error: Any) -> JSONResponse:
    full = isinstance(error, OSError) and error.errno in (ENOSPC, EDQUOT)
    if full or (isinstance(error, sqlite3.OperationalError) and "full" in str(error)):
        return _answer(full_disk())
    logging.getLogger("corpus_tuner.serve").error("internal error", exc_info=error)  # no header, so no key
    return _answer(Problem(500, "The server had an error while processing your request.", "internal_error"))


def _model(_: Request, error: Any) -> JSONResponse:
    return _answer(Problem(500, str(error), "model_failed", again=False))


_HANDLERS: dict[Any, Any] = {
    Problem: _problem,
    RequestValidationError: _validation,
    HTTPException: _http,
    OSError: _disk,
    sqlite3.Error: _disk,
    CorpusTunerError: _model,
    Exception: _disk,
}
