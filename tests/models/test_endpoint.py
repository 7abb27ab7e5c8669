"""A Model behind an OpenAI-compatible endpoint: one request, one record, typed failures, and no key anywhere."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from corpus_tuner.errors import CorpusTunerError, Declined, Transient, Unavailable
from corpus_tuner.models import open_model
from corpus_tuner.models.endpoint import Endpoint
from corpus_tuner.records import Expert
from corpus_tuner.store import Calls

KEY = "sk-test-0123456789abcdef"
MESSAGES = [{"role": "user", "content": "Who flew?"}]
Answer = Callable[[dict[str, Any], dict[str, str]], tuple[int, dict[str, str], bytes]]


def completion(text: str | None, finish: str = "stop", **message: Any) -> bytes:
    """A chat completion as a server sends it."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": finish}
    usage = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
    head = {"id": "c", "object": "chat.completion", "created": 0, "model": "m"}
    return json.dumps({**head, "choices": [choice], "usage": usage}).encode()


def problem(message: str, **fields: Any) -> bytes:
    return json.dumps({"error": {"message": message, "type": "invalid_request_error", **fields}}).encode()


class Server:
    """Answers each request by a function of its body and headers, and keeps the bodies."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.bodies: list[dict[str, Any]] = []
        self.peers: set[int] = set()
        self.url = ""

    @contextmanager
    def running(self) -> Iterator[Server]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.bodies.append(body)
                outer.peers.add(self.client_address[1])
                status, headers, content = outer.answer(
                    body, {name.lower(): value for name, value in self.headers.items()}
                )
                self.send_response(status)
                for name, value in {
                    "Content-Type": "application/json",
                    "Content-Length": str(len(content)),
                    **headers,
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: Any) -> None:
                pass

            def handle(self) -> None:
                with suppress(OSError):  # the client had enough
                    super().handle()

        listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        listener.daemon_threads = True
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{listener.server_address[1]}/v1"
        try:
            yield self
        finally:
            listener.shutdown()
            listener.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], Server]]:
    """Starts a server that answers by a function."""
    with ExitStack() as stack:
        yield lambda answer: stack.enter_context(Server(answer).running())


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    monkeypatch.delenv("ABSENT_KEY", raising=False)


def test_a_reply_comes_with_its_usage_and_its_record(serve: Any, tmp_path: Path) -> None:
    """The text, the finish reason, the tokens and the key of the recorded exchange come back."""
    server = serve(lambda body, headers: (200, {}, completion("Borman", "length")))
    calls = Calls(tmp_path / "calls.jsonl")
    reply = Endpoint(server.url, "TEST_KEY", "m", calls).complete(MESSAGES, max_tokens=7)
    assert (reply.text, reply.finish_reason, reply.usage["completion_tokens"]) == ("Borman", "length", 5)
    recorded = calls.get(reply.call)
    assert recorded["request"] == server.bodies[0]
    assert recorded["reply"] == {"text": "Borman", "finish_reason": "length"}


def test_what_is_recorded_is_not_asked_again(serve: Any, tmp_path: Path) -> None:
    """A second process with the same question sends nothing; another sample, attempt or temperature is another question."""
    server = serve(lambda body, headers: (200, {}, completion(f"reply {len(server.bodies)}")))
    first = Endpoint(server.url, "TEST_KEY", "m", Calls(tmp_path / "calls.jsonl")).complete(MESSAGES)
    model = Endpoint(server.url, "TEST_KEY", "m", Calls(tmp_path / "calls.jsonl"))
    assert model.complete(MESSAGES) == first
    assert len(server.bodies) == 1
    others = [model.complete(MESSAGES, **other) for other in ({"sample": 1}, {"attempt": 1}, {"temperature": 0.5})]
    assert len(server.bodies) == 4
    assert len({reply.call for reply in [first, *others]}) == 4


def test_the_key_goes_nowhere_but_to_the_server(serve: Any, tmp_path: Path, caplog: Any) -> None:
    """Not into the record, not into an error, not into a log: not even when the server repeats it."""

    def echo(body: dict[str, Any], headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        said = headers["authorization"]
        assert said == f"Bearer {KEY}"
        if "fail" in body["messages"][0]["content"]:
            return 500, {}, problem(f"you sent {said}")
        if "deny" in body["messages"][0]["content"]:
            return 401, {}, problem(f"wrong key {said}")
        return 200, {}, completion(f"you sent {said}")

    server = serve(echo)
    caplog.set_level(0)
    path = tmp_path / "calls.jsonl"
    model = Endpoint(server.url, "TEST_KEY", "m", Calls(path))
    said = [model.complete(MESSAGES).text]
    for word in ("fail", "deny"):
        with pytest.raises(CorpusTunerError) as caught:
            model.complete([{"role": "user", "content": word}])
        said.append(str(caught.value))
    assert KEY not in path.read_text() + "".join(said) + caplog.text
    assert "$TEST_KEY" in said[2]


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (401, CorpusTunerError, "refused the key in $TEST_KEY"),
        (403, CorpusTunerError, "refused the key in $TEST_KEY"),
        (404, CorpusTunerError, "knows no model 'm'"),
        (402, Unavailable, "wants to be paid"),
        (400, Declined, "declined"),
        (413, Declined, "declined"),
        (429, Transient, "busy"),
        (408, Transient, "failed"),
        (500, Transient, "failed"),
        (503, Transient, "failed"),
    ],
)
def test_each_status_has_its_own_error(serve: Any, status: int, kind: type, words: str) -> None:
    """Who must act differs by status: the user, the caller who asks again, or nobody."""
    server = serve(lambda body, headers: (status, {"Retry-After": "7"}, problem("no")))
    with pytest.raises(kind, match=words.replace("$", r"\$")) as caught:
        Endpoint(server.url, "TEST_KEY", "m").complete(MESSAGES)
    assert type(caught.value) is kind
    assert len(server.bodies) == 1
    if kind is Transient:
        assert caught.value.retry_after == 7
        assert caught.value.refused == (status == 429)


def test_a_spent_quota_is_not_a_busy_server(serve: Any) -> None:
    """A 429 that no waiting mends stops the run."""
    server = serve(lambda body, headers: (429, {}, problem("You exceeded your quota", code="insufficient_quota")))
    with pytest.raises(Unavailable) as caught:
        Endpoint(server.url, "TEST_KEY", "m").complete(MESSAGES)
    assert not isinstance(caught.value, Transient)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [({"Retry-After-Ms": "1500"}, 1.5), ({"Retry-After": "2.5"}, 2.5), ({"Retry-After": "soon"}, None), ({}, None)],
)
def test_the_wait_that_a_server_asks_for_is_read(serve: Any, header: dict[str, str], seconds: float | None) -> None:
    """Milliseconds, seconds, or nothing that can be read."""
    server = serve(lambda body, headers: (429, header, problem("no")))
    with pytest.raises(Transient) as caught:
        Endpoint(server.url, "TEST_KEY", "m").complete(MESSAGES)
    assert caught.value.retry_after == seconds


def test_a_server_without_structured_output_is_asked_without_it_from_then_on(serve: Any, tmp_path: Path) -> None:
    """One 400 that names response_format, then plain requests; the record is found by what was asked for."""

    def old(body: dict[str, Any], headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        if "response_format" in body:
            return 400, {}, problem("response_format is not supported by this model")
        return 200, {}, completion("{}")

    server = serve(old)
    model = Endpoint(server.url, "TEST_KEY", "m", Calls(tmp_path / "calls.jsonl"))
    schema = {"type": "object"}
    model.complete(MESSAGES, schema=schema)
    model.complete(MESSAGES, schema=schema, sample=1)
    assert ["response_format" in body for body in server.bodies] == [True, False, False]
    assert server.bodies[0]["response_format"]["json_schema"]["strict"] is True
    Endpoint(server.url, "TEST_KEY", "m", Calls(tmp_path / "calls.jsonl")).complete(MESSAGES, schema=schema)
    assert len(server.bodies) == 3


def test_a_reasoning_model_gets_the_parameters_that_it_takes(serve: Any) -> None:
    """max_tokens becomes max_completion_tokens, and a temperature that is refused is left out."""

    def reasoning(body: dict[str, Any], headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        if "max_tokens" in body:
            said = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
            return 400, {}, problem(said, param="max_tokens", code="unsupported_parameter")
        if "temperature" in body:
            return 400, {}, problem("Unsupported value: 'temperature' does not support 0.0", param="temperature")
        return 200, {}, completion("yes")

    server = serve(reasoning)
    model = Endpoint(server.url, "TEST_KEY", "m")
    assert model.complete(MESSAGES, max_tokens=9).text == "yes"
    assert model.complete(MESSAGES, max_tokens=9).text == "yes"
    assert len(server.bodies) == 4
    assert server.bodies[3]["max_completion_tokens"] == 9


def test_a_refusal_is_told_from_an_answer(serve: Any) -> None:
    """The `refusal` of structured output is a reply whose finish reason says so."""
    server = serve(lambda body, headers: (200, {}, completion(None, refusal="I will not")))
    reply = Endpoint(server.url, "TEST_KEY", "m").complete(MESSAGES)
    assert (reply.text, reply.finish_reason) == ("I will not", "refusal")


@pytest.mark.parametrize(
    "content",
    [
        b"<html>Sign in to the hotel</html>",
        b"{}",
        b"[]",
        b'{"choices": []}',
        b'{"choices": [{}]}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_what_is_no_completion_is_a_failure_and_not_recorded(serve: Any, tmp_path: Path, content: bytes) -> None:
    """A proxy's page or a broken body may be asked again."""
    server = serve(lambda body, headers: (200, {"Content-Type": "text/html"}, content))
    calls = Calls(tmp_path / "calls.jsonl")
    with pytest.raises(Transient, match="no chat completion"):
        Endpoint(server.url, "TEST_KEY", "m", calls).complete(MESSAGES)
    assert len(calls) == 0


def test_a_reply_of_ten_megabytes_is_not_read_to_its_end(serve: Any) -> None:
    """It is a reply that was too long, or a failure that says more than anybody reads; the next request works."""
    server = serve(lambda body, headers: (200, {}, completion("x" * 10_000_000)))
    model = Endpoint(server.url, "TEST_KEY", "m")
    assert model.complete(MESSAGES).finish_reason == "too_long"
    server.answer = lambda body, headers: (500, {}, problem("x" * 10_000_000))
    with pytest.raises(Transient, match="failed"):
        model.complete(MESSAGES)
    server.answer = lambda body, headers: (200, {}, completion("short"))
    assert model.complete(MESSAGES).text == "short"


@pytest.mark.parametrize("where", ["head", "body"])
def test_a_server_that_drips_for_ever_is_cut_off(where: str) -> None:
    """Bytes that keep coming do not keep an exchange alive past its time, neither in the headers nor in the body."""
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.sendall(
            b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: 100000\r\n\r\n" if where == "body" else b"X-Slow: ")
        )
        try:
            while True:
                connection.sendall(b" ")
                time.sleep(0.05)
        except OSError:
            connection.close()

    threading.Thread(target=drip, daemon=True).start()
    model = Endpoint(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", "", "m", timeout=0.7)
    start = time.monotonic()
    with pytest.raises(Transient, match="did not answer within") as caught:
        model.complete(MESSAGES)
    assert time.monotonic() - start < 5
    assert not caught.value.refused
    listener.close()


def test_a_port_where_nobody_listens_costs_nothing() -> None:
    """A refused connection may be tried again without counting as an ask."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Transient, match="cannot be reached") as caught:
        Endpoint(f"http://127.0.0.1:{port}/v1", "", "m").complete(MESSAGES)
    assert caught.value.refused


def test_connections_are_reused(serve: Any) -> None:
    """200 requests of 8 threads open about 8 connections."""
    server = serve(lambda body, headers: (200, {}, completion("x")))
    model = Endpoint(server.url, "TEST_KEY", "m", concurrency=8)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda sample: model.complete(MESSAGES, sample=sample), range(200)))
    assert len(server.peers) <= 16


def test_what_is_missing_is_said_before_anything_is_sent() -> None:
    """No key for a host that wants one, no URL and no model are the user's to mend."""
    with pytest.raises(
        CorpusTunerError, match=r"set the environment variable ABSENT_KEY to your API key for api.example.org"
    ):
        Endpoint("https://api.example.org/v1", "ABSENT_KEY", "m")
    with pytest.raises(CorpusTunerError, match="is not a URL"):
        Endpoint("api.example.org", "TEST_KEY", "m")
    with pytest.raises(CorpusTunerError, match="name the model"):
        Endpoint("https://api.example.org/v1", "TEST_KEY", "")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "127.1.2.3"])
def test_a_server_on_this_machine_needs_no_key(host: str) -> None:
    """A missing variable is no mistake there."""
    assert Endpoint(f"http://{host}:1/v1", "ABSENT_KEY", "m").model == "m"


def test_an_expert_and_its_base_answer_from_the_same_host(serve: Any) -> None:
    """The receipt of a remote job opens as the tuned model, or as what it was tuned from."""
    server = serve(lambda body, headers: (200, {}, completion(body["model"])))
    expert = Expert(
        "ships", "small-base", "endpoint", base_url=server.url, api_key_env="TEST_KEY", model="ft:small:ships"
    )
    assert open_model(expert, Path()).complete(MESSAGES).text == "ft:small:ships"
    base = open_model(expert, Path(), base=True)
    assert (base.name, base.complete(MESSAGES).text) == ("base", "small-base")
