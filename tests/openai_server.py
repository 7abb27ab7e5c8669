"""A host of OpenAI's files, fine_tuning.jobs, models and chat protocol on loopback, with knobs for its faults.

Every response validates against the published schema (`tests/data/openai`), but for those that a knob spoils. A job
walks through its states by the clock, `pace` seconds each, whether anyone looks or not; a tuned model answers the
questions it was trained on with their answers and nothing else. Run as a script it prints its base URL:
`python tests/openai_server.py --port 0`.
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

STATES = ("validating_files", "queued", "running", "succeeded")
ENDED = ("succeeded", "failed", "cancelled")
STEPS = 3
UNKNOWN = "I was not trained on that."
UNTUNED = "I am the base model and was not trained on your corpus."


@dataclass
class Faults:
    """What a test may switch on; everything is off by default."""

    pace: float = 0.03  # seconds in each state
    hold: str = ""  # the state in which jobs stay until this is cleared
    latency: float = 0.0  # seconds before every response
    api_key: str = ""  # another one is refused with 401
    echo_key: bool = False  # repeat the refused key, and the key in events and job errors, as a careless host might
    no_training: bool = False  # 403 training_not_available
    refuse_method: bool = False  # 400 for the `method` field, as hosts of the older protocol answer
    ignore_after: bool = False  # every page is the first page, and there is always more
    oldest_first: bool = False  # lists in the other order
    no_events: bool = False  # 404 for a job's events
    no_listing: bool = False  # 404 for the list of jobs
    bare: bool = False  # objects without the fields that a reader could do without
    alias: dict[str, str] = field(default_factory=dict)  # a state under another name: {"queued": "paused"}
    fail: str = ""  # jobs fail with this message
    fail_code: str = "invalid_training_file"
    minimum_rows: int = 10
    cut: dict[str, int] = field(default_factory=dict)  # "POST /files": so many are carried out and never answered
    errors: dict[str, list[tuple[int, dict[str, str]]]] = field(default_factory=dict)  # "GET /files": (status, headers)


class Problem(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str, code: str | None = None, param: str | None = None, **headers: str):
        super().__init__(message)
        kind = "server_error" if status >= 500 else "invalid_request_error"
        self.status, self.headers = status, headers
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": code}}


@dataclass
class Exchange:
    """What came in and what went out, for the tests to look at."""

    method: str
    path: str
    request: Any
    status: int
    response: Any


class OpenAIServer:
    """The host's memory. `with OpenAIServer() as server:` serves it at `server.base_url` on a free port."""

    def __init__(self, port: int = 0, models: tuple[str, ...] = ("gpt-4.1-mini", "gpt-4o-mini"), **faults: Any) -> None:
        self.faults = Faults(**faults)
        self.models = dict.fromkeys(models, UNTUNED)
        self.files: dict[str, dict[str, Any]] = {}
        self.contents: dict[str, bytes] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, dict[str, str]] = {}  # by tuned model: question to answer
        self.log: list[Exchange] = []
        self.keys: set[str] = set()
        self.lock = threading.RLock()
        self._began: dict[str, float] = {}
        self._counter = 0
        handler = type("Handler", (_Handler,), {"host": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._http.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def __enter__(self) -> OpenAIServer:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def serve_forever(self) -> None:
        self._http.serve_forever()

    def count(self, method: str, path: str) -> int:
        """How many requests to exactly `path` were carried out."""
        return sum(1 for e in self.log if (e.method, e.path) == (method, path) and e.status < 400)

    def new_id(self, prefix: str) -> str:
        self._counter += 1
        return f"{prefix}{self._counter:06d}"

    # files

    def create_file(self, filename: str, purpose: str, content: bytes) -> dict[str, Any]:
        if purpose == "fine-tune" and not filename.endswith(".jsonl"):
            raise Problem(400, f"Invalid file format: {filename}", "invalid_file_format", "file")
        name = self.new_id("file-")
        self.contents[name] = content
        self.files[name] = {
            "id": name, "object": "file", "bytes": len(content), "created_at": int(time.time()),
            "filename": filename, "purpose": purpose, "status": "uploaded",
        }
        self._began[name] = time.monotonic()
        return self.file(name)

    def file(self, name: str) -> dict[str, Any]:
        if name not in self.files:
            raise Problem(404, f"No such File object: {name}", None, "id")
        if time.monotonic() - self._began[name] >= self.faults.pace:
            self.files[name]["status"] = "processed"
        return self._bared(self.files[name], "id", "object", "filename")

    def delete_file(self, name: str) -> dict[str, Any]:
        self.file(name)
        del self.files[name], self.contents[name]
        return {"id": name, "object": "file", "deleted": True}

    # jobs

    def create_job(self, body: dict[str, Any]) -> dict[str, Any]:
        self._check_job(body)
        name = self.new_id("ftjob-")
        method = body.get("method") or {}
        asked = (method.get("supervised") or {}).get("hyperparameters") or body.get("hyperparameters") or {}
        defaults = {"n_epochs": "auto", "batch_size": "auto", "learning_rate_multiplier": "auto"}
        self.jobs[name] = {
            "id": name, "object": "fine_tuning.job", "created_at": int(time.time()), "finished_at": None,
            "model": body["model"], "fine_tuned_model": None, "organization_id": "org-test", "status": STATES[0],
            "hyperparameters": {**defaults, **asked}, "training_file": body["training_file"],
            "validation_file": body.get("validation_file"), "result_files": [], "trained_tokens": None,
            "error": None, "seed": body.get("seed") or 42, "user_provided_suffix": body.get("suffix"), "events": [],
        }
        if method and not self.faults.refuse_method:
            self.jobs[name]["method"] = method
        self._began[name] = time.monotonic()
        self._event(self.jobs[name], f"Created fine-tuning job: {name}")
        return self.job(name)

    def _check_job(self, body: dict[str, Any]) -> None:
        if self.faults.no_training:
            raise Problem(
                403, "OpenAI is winding down the fine-tuning platform and your organization is no longer able to create"
                " new fine-tuning training jobs.", "training_not_available",
            )
        if "method" in body and self.faults.refuse_method:
            raise Problem(400, "Unknown parameter: 'method'.", "unknown_parameter", "method")
        for key in ("model", "training_file"):
            if not isinstance(body.get(key), str):
                raise Problem(400, f"Missing required parameter: '{key}'.", "missing_required_parameter", key)
        if body["model"] not in self.models:
            raise Problem(400, f"Model {body['model']} is not available for fine-tuning or does not exist.",
                          "model_not_available", "model")
        for key in ("training_file", "validation_file"):
            if body.get(key) and body[key] not in self.files:
                raise Problem(400, f"invalid {key}: {body[key]}", "invalid_file", key)

    def job(self, name: str) -> dict[str, Any]:
        if name not in self.jobs:
            raise Problem(404, f"Could not find fine tune: {name}", "fine_tune_not_found", "fine_tune_id")
        job = self.jobs[name]
        self._advance(job)
        public = {key: value for key, value in job.items() if key != "events"}
        public["status"] = self.faults.alias.get(job["status"], job["status"])
        return self._bared(public, "id", "status", "model", "fine_tuned_model", "training_file")

    def cancel(self, name: str) -> dict[str, Any]:
        self.job(name)
        job = self.jobs[name]
        if job["status"] in ENDED:
            raise Problem(400, f"Job has already completed: {name}", "job_already_completed")
        self._end(job, "cancelled")
        return self.job(name)

    def _advance(self, job: dict[str, Any]) -> None:
        """Moves a job on to where the clock has it."""
        age = (time.monotonic() - self._began[job["id"]]) / max(self.faults.pace, 1e-6)
        while job["status"] not in ENDED and job["status"] != self.faults.hold:
            step = STATES.index(job["status"]) + 1
            if age < step:
                return
            problem = self._problem(job) if step == 1 else None
            if problem:
                job["error"] = problem
                self._end(job, "failed")
            elif STATES[step] == "succeeded":
                self._finish(job)
            else:
                job["status"] = STATES[step]
                self._event(job, f"Fine-tuning job {'started' if step == 2 else 'queued'}")

    def _problem(self, job: dict[str, Any]) -> dict[str, Any] | None:
        if self.faults.fail:
            keys = " ".join(sorted(self.keys)) if self.faults.echo_key else ""
            return {"code": self.faults.fail_code, "message": f"{self.faults.fail} {keys}".strip(), "param": None}
        for key in ("training_file", "validation_file"):
            rows = list(_pairs(self.contents.get(job[key], b""))) if job[key] else None
            least = self.faults.minimum_rows if key == "training_file" else 1
            if rows is not None and (len(rows) < least or None in rows):
                message = f"{key} has {len(rows)} example(s), but must have at least {least} of chat messages"
                return {"code": "invalid_file", "message": message, "param": key}
        return None

    def _finish(self, job: dict[str, Any]) -> None:
        rows = [row for row in _pairs(self.contents.get(job["training_file"], b"")) if row]
        for step in range(1, STEPS + 1):
            data = {"step": step, "total_steps": STEPS, "train_loss": round(2.0 / step, 3)}
            self._event(job, f"Step {step}/{STEPS}: training loss={data['train_loss']}", "metrics", data)
        model = f"ft:{job['model']}:test:{job['user_provided_suffix'] or ''}:{job['id'][-6:]}"
        self.models[model] = UNKNOWN
        self.answers[model] = dict(rows)
        job["fine_tuned_model"] = model
        job["trained_tokens"] = sum(len(question.split()) + len(answer.split()) for question, answer in rows)
        self._event(job, f"New fine-tuned model created: {model}")
        self._end(job, "succeeded")

    def _end(self, job: dict[str, Any], status: str) -> None:
        job["status"], job["finished_at"] = status, int(time.time())
        self._event(job, f"The job has {status}")

    def _event(self, job: dict[str, Any], message: str, kind: str = "message", data: dict[str, Any] | None = None) -> None:
        keys = " ".join(sorted(self.keys)) if self.faults.echo_key else ""
        job["events"].append({
            "id": self.new_id("ftevent-"), "object": "fine_tuning.job.event", "created_at": int(time.time()),
            "level": "info", "message": f"{message} {keys}".strip(), "type": kind, "data": data or {},
        })

    def _bared(self, value: dict[str, Any], *needed: str) -> dict[str, Any]:
        return {key: value[key] for key in needed} if self.faults.bare else dict(value)

    # lists, models, chat

    def page(self, items: list[dict[str, Any]], query: dict[str, list[str]]) -> dict[str, Any]:
        """One page, newest first, from behind `after`."""
        if not self.faults.oldest_first:
            items = items[::-1]
        limit = int(query.get("limit", ["20"])[0])
        if "after" in query and not self.faults.ignore_after:
            ids = [item["id"] for item in items]
            items = items[ids.index(query["after"][0]) + 1 :] if query["after"][0] in ids else []
        shown = items[:limit]
        more = len(items) > limit or (self.faults.ignore_after and bool(items))
        return {"object": "list", "data": shown, "has_more": more}

    def model(self, name: str) -> dict[str, Any]:
        if name not in self.models:
            raise Problem(404, f"The model '{name}' does not exist", "model_not_found", "model")
        return {"id": name, "object": "model", "created": 1700000000, "owned_by": "test"}

    def delete_model(self, name: str) -> dict[str, Any]:
        self.model(name)
        del self.models[name]
        return {"id": name, "object": "model", "deleted": True}

    def chat(self, body: dict[str, Any]) -> dict[str, Any]:
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages:
            raise Problem(400, "Missing required parameter: 'messages'.", "missing_required_parameter", "messages")
        name = self.model(body.get("model", ""))["id"]
        asked = next((m.get("content") for m in reversed(messages) if m.get("role") == "user"), None)
        text = self.answers.get(name, {}).get(asked, self.models[name])
        prompt, completion = (sum(len(str(m.get("content")).split()) for m in messages), len(text.split()))
        return {
            "id": self.new_id("chatcmpl-"), "object": "chat.completion", "created": int(time.time()), "model": name,
            "choices": [{"index": 0, "finish_reason": "stop", "logprobs": None,
                         "message": {"role": "assistant", "content": text, "refusal": None}}],
            "usage": {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion},
        }


def _pairs(content: bytes) -> Iterator[tuple[str, str] | None]:
    """(question, answer) of each row; None for a row that is not one of chat messages or prompt and completion."""
    for line in content.decode("utf-8", "replace").splitlines():
        try:
            row = json.loads(line)
            if "prompt" in row:
                yield row["prompt"], row["completion"]
                continue
            said = {message["role"]: message["content"] for message in row["messages"]}
            yield said["user"], said["assistant"]
        except (ValueError, KeyError, TypeError):
            yield None


class _Handler(BaseHTTPRequestHandler):
    host: OpenAIServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    def log_message(self, *_: Any) -> None:
        """The exchanges are kept in the host's log instead."""

    def _serve(self, method: str) -> None:
        url = urlsplit(self.path)
        path = url.path.removeprefix("/v1")
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        time.sleep(self.host.faults.latency)
        headers: dict[str, str] = {}
        with self.host.lock:
            request = self._body(raw)
            try:
                self._refusals(method, path)
                status, response = 200, self._route(method, path, parse_qs(url.query), request)
            except Problem as problem:
                status, response, headers = problem.status, problem.body, problem.headers
            self.host.log.append(Exchange(method, path, request, status, json.loads(json.dumps(response))))
            if self.host.faults.cut.get(f"{method} {path}", 0) > 0 and status == 200:
                self.host.faults.cut[f"{method} {path}"] -= 1
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
        data = json.dumps(response).encode()
        try:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):  # the client was killed: that is what some tests do
            self.close_connection = True

    def _body(self, raw: bytes) -> Any:
        kind = self.headers.get("Content-Type", "")
        if kind.startswith("multipart/"):
            message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + raw)
            parts = {}
            for part in message.iter_parts():
                name = part.get_param("name", header="content-disposition")
                parts[name] = part.get_payload(decode=True) if part.get_filename() else part.get_payload(decode=True).decode()
                if part.get_filename():
                    parts["filename"] = part.get_filename()
            return parts
        try:
            return json.loads(raw) if raw else None
        except ValueError:
            return None

    def _refusals(self, method: str, path: str) -> None:
        faults = self.host.faults
        key = self.headers.get("Authorization", "").removeprefix("Bearer ")
        self.host.keys.add(key)
        if faults.api_key and key != faults.api_key:
            shown = key if faults.echo_key else f"{key[:3]}***"
            raise Problem(401, f"Incorrect API key provided: {shown}.", "invalid_api_key")
        queue = faults.errors.get(f"{method} {path}") or faults.errors.get(f"{method} *")
        if queue:
            status, headers = queue.pop(0)
            raise Problem(status, "The server had an error while processing your request.", None, None, **headers)

    def _route(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Any:
        for verb, pattern, act in ROUTES:
            found = re.fullmatch(pattern, path)
            if verb == method and found:
                return act(self.host, [unquote(name) for name in found.groups()], query, body or {})
        raise Problem(404, f"Invalid URL ({method} {path})")


def _list_files(host: OpenAIServer, _: list[str], query: dict[str, list[str]], body: Any) -> Any:
    purpose = query.get("purpose", [None])[0]
    found = [host.file(name) for name in host.files if purpose in (None, host.files[name]["purpose"])]
    page = host.page(found, query)
    return {**page, "first_id": (page["data"] or [{"id": ""}])[0]["id"], "last_id": (page["data"] or [{"id": ""}])[-1]["id"]}


def _list_jobs(host: OpenAIServer, _: list[str], query: dict[str, list[str]], body: Any) -> Any:
    if host.faults.no_listing:
        raise Problem(404, "Not Found")
    return host.page([host.job(name) for name in host.jobs], query)


def _events(host: OpenAIServer, names: list[str], query: dict[str, list[str]], body: Any) -> Any:
    if host.faults.no_events:
        raise Problem(404, "Not Found")
    host.job(names[0])
    needed = ("id", "message") if host.faults.bare else ("id", "object", "created_at", "level", "message", "type", "data")
    return host.page([{key: event[key] for key in needed} for event in host.jobs[names[0]]["events"]], query)


def _upload(host: OpenAIServer, _: list[str], query: dict[str, list[str]], body: Any) -> Any:
    if not isinstance(body.get("file"), bytes):
        raise Problem(400, "Missing required parameter: 'file'.", "missing_required_parameter", "file")
    return host.create_file(body["filename"], body.get("purpose", ""), body["file"])


Route = Callable[[OpenAIServer, list[str], dict[str, list[str]], Any], Any]
ROUTES: tuple[tuple[str, str, Route], ...] = (
    ("GET", "/files", _list_files),
    ("POST", "/files", _upload),
    ("GET", "/files/([^/]+)", lambda host, names, query, body: host.file(names[0])),
    ("DELETE", "/files/([^/]+)", lambda host, names, query, body: host.delete_file(names[0])),
    ("GET", "/fine_tuning/jobs", _list_jobs),
    ("POST", "/fine_tuning/jobs", lambda host, names, query, body: host.create_job(body)),
    ("GET", "/fine_tuning/jobs/([^/]+)", lambda host, names, query, body: host.job(names[0])),
    ("POST", "/fine_tuning/jobs/([^/]+)/cancel", lambda host, names, query, body: host.cancel(names[0])),
    ("GET", "/fine_tuning/jobs/([^/]+)/events", _events),
    ("GET", "/models", lambda host, names, query, body: {"object": "list", "data": [host.model(m) for m in host.models]}),
    ("GET", "/models/([^/]+)", lambda host, names, query, body: host.model(names[0])),
    ("DELETE", "/models/([^/]+)", lambda host, names, query, body: host.delete_model(names[0])),
    ("POST", "/chat/completions", lambda host, names, query, body: host.chat(body)),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="an OpenAI-compatible host for tests, on loopback")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--pace", type=float, default=0.5, help="seconds in each state of a job")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before every response")
    parser.add_argument("--minimum-rows", type=int, default=10)
    parser.add_argument("--api-key", default="", help="refuse every other key")
    parser.add_argument("--model", action="append", help="a base model that can be tuned (repeatable)")
    parser.add_argument("--cut-creates", type=int, default=0, help="so many jobs are created without an answer")
    asked = parser.parse_args()
    cut = {"POST /fine_tuning/jobs": asked.cut_creates}
    models = tuple(asked.model or ("gpt-4.1-mini", "gpt-4o-mini"))
    server = OpenAIServer(asked.port, models, pace=asked.pace, latency=asked.latency, api_key=asked.api_key,
                          minimum_rows=asked.minimum_rows, cut=cut)
    print(server.base_url, flush=True)  # noqa: T201
    server.serve_forever()


if __name__ == "__main__":
    main()
