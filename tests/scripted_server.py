"""A real HTTP server on loopback that answers what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    path: str  # with its query
    headers: dict[str, str]
    at: float  # seconds, of time.monotonic


@dataclass(frozen=True)
class Told:
    """One answer: `body` is sent as it is, whatever the headers say of its length."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    pace: float = 0.0  # seconds between single bytes; 0: all at once


@dataclass
class ScriptedServer:
    """`answer(path)` is called for each request, in the order of their arrival."""

    url: str
    asked: list[Asked]
    answer: Callable[[str], Told]

    def script(self, *answers: Told) -> None:
        """Answers in this order, whatever is asked; the last one again and again."""
        queue = list(answers)
        self.answer = lambda path: queue.pop(0) if len(queue) > 1 else queue[0]


@contextmanager
def serving() -> Iterator[ScriptedServer]:
    """A server on a free port of loopback, ended with the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append(Asked(self.path, dict(self.headers), time.monotonic()))
            told = server.answer(self.path)
            self.send_response(told.status)
            headers = {"Content-Length": str(len(told.body)), "Connection": "close"} | told.headers
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            for piece in [told.body] if not told.pace else [told.body[i : i + 1] for i in range(len(told.body))]:
                try:
                    self.wfile.write(piece)
                    self.wfile.flush()
                except OSError:
                    return  # the client has had enough
                time.sleep(told.pace)
            self.close_connection = True

        def log_message(self, *args: Any) -> None:
            pass

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.daemon_threads = True
    server = ScriptedServer(f"http://127.0.0.1:{listener.server_address[1]}", [], lambda path: Told(404))
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()
