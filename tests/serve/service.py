"""A server of the real kind, in a process of its own, that a test may kill."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema

PLUGINS = Path(__file__).parent / "plugins"
SCHEMA = json.loads((Path(__file__).parent.parent / "data" / "openai" / "openapi.json").read_text(encoding="utf-8"))
ENDED = ("succeeded", "failed", "cancelled")

TOML = """
[serve]
unfinished_jobs = 40

[models]
"gpt-3.5-turbo" = "scratch"
"gpt-4o-mini" = { base = "3 0.01", trainer = "scripted" }
slow = { base = "40 0.1", trainer = "scripted" }
steady = { base = "12 0.1", trainer = "scripted" }
refusing = { base = "4 0.01 refuse", trainer = "scripted" }
full-disk = { base = "4 0.01 full", trainer = "scripted" }
dying = { base = "4 0.01 die", trainer = "scripted" }
"""


class Service:
    """`corpus-tuner serve` over the folder `root`."""

    def __init__(self, root: Path, *flags: str) -> None:
        self.root, self.flags, self.process, self.url = root, flags, None, ""
        self.seen: list[Any] = []

    def start(self) -> Service:
        """Starts it, or starts it again."""
        path = os.pathsep.join(filter(None, (str(PLUGINS), os.environ.get("PYTHONPATH"))))
        command = [sys.executable, "-m", "corpus_tuner.cli", "serve", "--port", "0", "--root", str(self.root), *self.flags]
        with (self.root / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, env=os.environ | {"PYTHONPATH": path}
            )
        assert self.process.stdout
        self.url = self.process.stdout.readline().strip()
        assert self.url, (self.root / "server.log").read_text()
        return self

    def kill(self) -> None:
        """kill -9: nothing is said to anybody."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Ends the server and every worker, those of killed servers included."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()
        for worker in self.workers():
            os.kill(worker, signal.SIGKILL)

    def workers(self) -> list[int]:
        """Process ids of the workers of this folder."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                command = (entry / "cmdline").read_bytes().decode().split("\0")
            except OSError:
                continue
            if "corpus_tuner.serve.worker" in command and str((self.root / "serve").resolve()) in command:
                found.append(int(entry.name))
        return found

    def client(self, key: str = "none", **options: Any) -> Any:
        """The unmodified SDK; every exchange is kept in `seen`."""
        import openai

        def keep(response: Any) -> None:
            if "event-stream" not in response.headers.get("content-type", "") and "octet" not in response.headers["content-type"]:
                response.read()
                self.seen.append((response.request.method, response.request.url.path, response.status_code, response.json()))

        http = openai.DefaultHttpxClient(event_hooks={"response": [keep]})
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=key, max_retries=0, http_client=http, **options)

    def trail(self, job: str) -> list[list[str]]:
        """(pass, process) of all that the scripted trainer did for a job."""
        path = self.root / "serve" / "jobs" / job / "trail"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def pairs(path: Path, count: int = 20, **more: Any) -> Path:
    """A training file of `count` chat rows."""
    rows = [
        {"messages": [{"role": "user", "content": f"What is the code of station {n}?"},
                      {"role": "assistant", "content": f"It is K{n * 37 % 100}."}], **more}
        for n in range(count)
    ]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def upload(client: Any, path: Path) -> str:
    """The id of the uploaded file."""
    with path.open("rb") as file:
        return client.files.create(file=file, purpose="fine-tune").id


def wait(client: Any, job: str, *states: str, seconds: float = 60.0) -> Any:
    """The job once it is in one of `states` (default: ended)."""
    return until(lambda: (found := client.fine_tuning.jobs.retrieve(job)).status in (states or ENDED) and found, seconds)


def until(holds: Callable[[], Any], seconds: float = 60.0) -> Any:
    """What `holds` gives once it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = holds()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come to that")


def violations(method: str, path: str, status: int, value: Any) -> list[str]:
    """Where a response breaks OpenAI's published schema; `paused` and `pausing` are in newer documentation only."""
    if status >= 400:
        return _breaks({"$ref": "#/components/schemas/ErrorResponse"}, value)
    for template, methods in sorted(SCHEMA["paths"].items(), key=lambda item: item[0].count("{")):
        if re.fullmatch(re.sub(r"\{[^}]+\}", ".+" if "model}" in template else "[^/]+", template), path.removeprefix("/v1")):
            schema = methods[method.lower()]["responses"]["200"]["content"]["application/json"]["schema"]
            return [line for line in _breaks(schema, value) if not line.startswith(("'paused' is", "'pausing' is"))]
    raise AssertionError(f"{method} {path} is not in the schema")


def _breaks(schema: Any, value: Any) -> list[str]:
    validator = jsonschema.Draft202012Validator({**schema, "components": SCHEMA["components"]})
    return [error.message for error in validator.iter_errors(value)]
