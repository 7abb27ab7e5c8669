"""What clients other than today's Python SDK send, byte for byte where that matters: each was seen on the wire."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import time
from pathlib import Path

import openai
import pytest
from service import Service, pairs, until
from test_serve_wrong import error_of, raw

from corpus_tuner.serve import origin
from corpus_tuner.serve.problem import Problem
from corpus_tuner.serve.strict import loads

ASK = {"model": "scratch", "messages": [{"role": "user", "content": "x"}], "max_tokens": 2}
BODY = json.dumps(ASK).encode()
ROWS = b'{"prompt": "q", "completion": "a"}\n' * 10


def exchange(service: Service, data: bytes) -> bytes:
    """All that the server says to `data`, which asks it to end the connection."""
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(data)
        found = b""
        while piece := connection.recv(65536):
            found += piece
    return found


def head(service: Service, line: str, *more: str) -> bytes:
    """The head of a request to the service."""
    host = service.url.removeprefix("http://")
    return "\r\n".join([line, f"Host: {host}", *more, "", ""]).encode()


def form(boundary: bytes, *parts: tuple[bytes, bytes]) -> bytes:
    """A multipart body of (header lines, content)."""
    return b"".join(b"--" + boundary + b"\r\n" + lines + b"\r\n\r\n" + content + b"\r\n" for lines, content in parts) + b"--" + boundary + b"--\r\n"


PURPOSE = (b'Content-Disposition: form-data; name="purpose"', b"fine-tune")


@pytest.mark.parametrize(
    "lines",
    [
        b'Content-Disposition: form-data; name="file"; filename="file"\r\nContent-Type: application/octet-stream',  # Python SDK 0.28
        b'Content-Disposition: form-data; name="file"; filename="upload"\r\nContent-Type: application/octet-stream',  # of bytes
        b'Content-Disposition: form-data; name="file"; filename="content"',  # JavaScript SDK, of a response
        b'Content-Disposition: form-data; name=file; filename=rows.jsonl',
        b'CONTENT-DISPOSITION: FORM-DATA;FILENAME="C:\\data\\ROWS.JSONL";name="file"',
        'Content-Disposition: form-data; name="file"; filename="%22ligne%22 été 日本.jsonl"'.encode(),
    ],
)  # fmt: skip
@pytest.mark.parametrize("first", ["purpose", "file"])
def test_a_form_is_read_as_clients_write_it(shared: Service, lines: bytes, first: str) -> None:
    """Whatever the file is called, quoted or not, in any order: a name without an ending tells nothing of the format."""
    parts = [PURPOSE, (lines, ROWS)]
    boundary = b"a'()+_,-./:=? b" if first == "file" else b"-" * 70
    kind = f'Multipart/Form-Data; charset=utf-8; Boundary="{boundary.decode()}"'
    found = raw(shared, "POST", "/v1/files", form(boundary, *(parts[::-1] if first == "file" else parts)), Content_Type=kind)
    assert found[0] == 200, found[1]
    file = json.loads(found[1])
    assert file["bytes"] == len(ROWS)
    assert shared.client().files.content(file["id"]).content == ROWS
    shared.client().files.delete(file["id"])


@pytest.mark.parametrize(
    ("boundary", "lines"),
    [
        (b"b" * 71, b'Content-Disposition: form-data; name="file"; filename="a.jsonl"'),
        (b"b", b"Content-Disposition: form-data"),
        (b"b", b"Content-Type: text/plain"),
    ],
)
def test_a_form_that_breaks_the_rules_of_forms_is_refused(shared: Service, boundary: bytes, lines: bytes) -> None:
    """A boundary that is too long, a part without a name: 400, and not a failure of the server."""
    kind = f"multipart/form-data; boundary={boundary.decode()}"
    found = raw(shared, "POST", "/v1/files", form(boundary, PURPOSE, (lines, ROWS)), Content_Type=kind)
    assert (found[0], error_of(found)["code"]) == (400, "invalid_form")


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (BODY, {"Content-Type": "application/x-www-form-urlencoded"}, 415, "unsupported_content_type"),  # curl -d
        (BODY, {"Content-Type": "text/plain"}, 415, "unsupported_content_type"),
        (BODY, {"Content-Type": "application/json", "Content-Encoding": "gzip"}, 415, "unsupported_content_encoding"),
        (BODY.replace(b'"scratch"', b'"\\ud800"'), {"Content-Type": "application/json"}, 400, "invalid_json"),
        (BODY.replace(b'"x"', b'"\xed\xa0\x80"'), {"Content-Type": "application/json"}, 400, "invalid_json"),
        (BODY.replace(b"2", b"NaN"), {"Content-Type": "application/json"}, 400, "invalid_json"),
        (b'{"user": ' + b"[" * 9000 + b"]" * 9000 + b"}", {"Content-Type": "application/json"}, 400, "invalid_json"),
        (BODY.replace(b'"scratch"', b'"' + b"m" * 99_999 + b'"'), {"Content-Type": "application/json"}, 404, "model_not_found"),
        (b"\xef\xbb\xbf" + BODY, {"Content-Type": "application/json; charset=utf-8"}, 200, None),
        (BODY, {"Content-Type": "application/vnd.api+json", "Content-Encoding": "identity"}, 200, None),
        (json.dumps(ASK | {"store": True, "n": 2, "best_of": 2, "user": None}).encode(), {"Content-Type": "application/json"}, 200, None),
    ],
)
def test_a_body_is_json_or_is_refused(shared: Service, body: bytes, headers, status: int, code) -> None:
    """With the reason; half of a character is not one, however it is spelt."""
    found = raw(shared, "POST", "/v1/chat/completions", body, **headers)
    assert found[0] == status, found[1]
    assert code is None or error_of(found)["code"] == code


def test_an_upload_that_is_packed_is_refused(shared: Service) -> None:
    """As every packed body: 415, rather than a form that cannot be read."""
    headers = {"Content-Type": "multipart/form-data; boundary=b", "Content-Encoding": "gzip"}
    found = raw(shared, "POST", "/v1/files", gzip.compress(form(b"b", PURPOSE)), **headers)
    assert (found[0], error_of(found)["code"]) == (415, "unsupported_content_encoding")


@pytest.mark.parametrize("text", ['"\\ud83d"', '{"\\uDC00": 1}', '["\\ude00\\ud83d"]', "[NaN]", "-Infinity", "[" * 99_999 + "]" * 99_999, ""])
def test_what_others_cannot_read_is_not_json(text: str) -> None:
    """Half of a surrogate pair, NaN, depths: ValueError, of a request and of a row alike."""
    with pytest.raises(ValueError, match=r"\w"):
        loads(text)


@pytest.mark.parametrize("text", ['"\\ud83d\\ude00"', '"\\\\ud83d"', '"😀"', "1e999", '{"a": 1, "a": 2}'])
def test_what_others_can_read_is_json(text: str) -> None:
    """A whole pair is one character, an escaped backslash is none of a surrogate; the value is Python's own."""
    assert loads(text) == json.loads(text)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET /v1//models HTTP/1.1", b"200"),
        ("GET /v1/models/ HTTP/1.1", b"200"),
        ("GET //v1/files/ HTTP/1.1", b"200"),
        ("HEAD /health HTTP/1.1", b"200"),
        ("HEAD /v1/files/none HTTP/1.1", b"404"),
        ("GET /v1/models/Qwen%2FQwen3-0.6B HTTP/1.0", b"200"),
        ("OPTIONS /v1/files HTTP/1.1", b"405"),
    ],
)
def test_a_path_is_found_as_clients_join_it(shared: Service, line: str, status: bytes) -> None:
    """Slashes doubled or at its end mean nothing; where GET is answered, HEAD is, without a body."""
    found = exchange(shared, head(shared, line, "Connection: close"))
    assert found.split()[1] == status
    assert line.startswith("HEAD") == found.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("path", "said"),
    [("/v1/fine-tunes", "/v1/fine_tuning/jobs"), ("/v1/engines/scratch/completions", "'model'"), ("/v1/responses", "/v1/chat/completions"), ("/chat/completions", "begin with /v1")],
)
def test_an_old_or_mistaken_path_is_told_the_right_one(shared: Service, path: str, said: str) -> None:
    """404 as ever, and what to ask instead."""
    assert said in error_of(raw(shared, "POST", path, BODY, Content_Type="application/json"))["message"]


def test_http_1_0_and_offers_of_http_2_are_answered(shared: Service) -> None:
    """Without a host, as HTTP/1.0 may be; in HTTP/1.1 where a Java client would rather upgrade; and the log stays still."""
    assert exchange(shared, b"GET /v1/models HTTP/1.0\r\n\r\n").split()[1] == b"200"
    offer = ("Connection: Upgrade, HTTP2-Settings, close", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA")
    lines = head(shared, "POST /v1/chat/completions HTTP/1.1", *offer, f"Content-Length: {len(BODY)}", "Content-Type: application/json")
    assert exchange(shared, lines + BODY).split()[1] == b"200"
    assert "pgrade" not in (shared.root / "server.log").read_text()


def test_a_connection_serves_on_after_errors(shared: Service) -> None:
    """Refused before, in and after their bodies, requests in one go are answered in their order."""
    json_body = ("Content-Type: application/json", f"Content-Length: {len(BODY)}")
    found = exchange(
        shared,
        head(shared, "POST /v1/chat/completions HTTP/1.1", *json_body[:1], "Content-Length: 1") + b"{"
        + head(shared, "POST /v1/chat/completions HTTP/1.1", *json_body, "Origin: https://evil.example") + BODY
        + head(shared, "POST /v1/nowhere HTTP/1.1", *json_body) + BODY
        + head(shared, "POST /v1/chat/completions HTTP/1.1", *json_body) + BODY
        + head(shared, "GET /health HTTP/1.1", "Connection: close"),
    )  # fmt: skip
    statuses = [piece.split()[0] for piece in found.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"400", b"403", b"404", b"200", b"200"]


def test_who_asks_before_sending_is_told_before_sending(shared: Service) -> None:
    """Expect: 100-continue (curl, of a large file): 413 at once for too much, 100 for the rest."""
    asked = ("Content-Type: application/json", "Expect: 100-continue")
    found = exchange(shared, head(shared, "POST /v1/chat/completions HTTP/1.1", *asked, "Content-Length: 999999999"))
    assert found.split()[1] == b"413"
    found = exchange(shared, head(shared, "POST /v1/chat/completions HTTP/1.1", *asked, "Connection: close", f"Content-Length: {len(BODY)}") + BODY)
    assert b"HTTP/1.1 200 OK" in found


@pytest.mark.parametrize("page", ["http://localhost:3000", "http://127.0.0.1:8080", "https://[::1]"])
def test_pages_of_this_machine_may_ask(shared: Service, page: str) -> None:
    """A browser is told so beforehand, and lets the page read answers and errors, and whether to ask again."""
    asked = {"Origin": page, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type,x-stainless-os"}
    status, body, headers = raw(shared, "OPTIONS", "/v1/chat/completions", **asked)
    assert (status, body) == (204, b"")
    assert headers["Access-Control-Allow-Origin"] == page
    assert headers["Access-Control-Allow-Headers"] == asked["Access-Control-Request-Headers"]
    assert {"GET", "POST", "DELETE"} == set(headers["Access-Control-Allow-Methods"].split(", "))
    for path in ("/v1/models", "/v1/files/none"):
        headers = raw(shared, "GET", path, Origin=page)[2]
        assert headers["Access-Control-Allow-Origin"] == page
        assert headers["Vary"] == "Origin"
        assert "x-should-retry" in headers["Access-Control-Expose-Headers"]
        assert "Access-Control-Allow-Credentials" not in headers


@pytest.mark.parametrize("page", ["https://evil.example", "null", "http://localhost.evil.example", "file://localhost", "http://[", "http://127.0.0.1@evil.example"])
@pytest.mark.parametrize("method", ["OPTIONS", "GET"])
def test_a_page_of_elsewhere_reads_nothing_without_a_key(shared: Service, page: str, method: str) -> None:
    """403, which its browser does not show it; with keys it may ask, and without one it hears only that."""
    found = raw(shared, method, "/v1/models", Origin=page, Access_Control_Request_Method="GET")
    assert (found[0], error_of(found)["code"]) == (403, "forbidden_origin")
    assert "Access-Control-Allow-Origin" not in found[2]
    origin.check({"host": "models.example", "origin": page}, keyed=True)


@pytest.mark.parametrize(("host", "may"), [("localhost:80", True), ("127.0.0.2", True), ("[::1]:8321", True), ("LocalHost.", True),
                                           ("", False), ("10.0.0.1", False), ("localhost.evil.example", False), ("127.0.0.1@evil.example:80", False)])  # fmt: skip
def test_a_server_without_keys_answers_to_loopback_names(host: str, may: bool) -> None:
    """All of them, and no other."""
    if may:
        origin.check({"host": host}, keyed=False)
        return
    with pytest.raises(Problem, match="--new-key"):
        origin.check({"host": host}, keyed=False)


def test_a_client_that_never_gets_to_ask_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """One byte of a head at a time holds no connection; a slow answer and a client that asks again keep theirs."""
    uvicorn = pytest.importorskip("uvicorn")
    from corpus_tuner.serve import connection

    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.1)

    async def app(scope, receive, send) -> None:
        await asyncio.sleep(0.4 if scope["path"] == "/slow" else 0)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async def talk() -> tuple[float, list[bytes]]:
        server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_level="error", http=connection.Connection))
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        (_, dripping), (reading, asking) = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        began, answers = time.monotonic(), []
        for path in (b"/slow", b"/"):
            asking.write(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path)
            answers.append(await reading.readuntil(b"\r\n\r\n"))
        while not dripping.is_closing() and time.monotonic() < began + 5:
            dripping.write(b"G")
            await asyncio.sleep(0.02)
        ended = time.monotonic() - began
        asking.close()
        server.should_exit = True
        await serving
        return ended, answers

    ended, answers = asyncio.run(talk())
    assert ended < 2
    assert [answer.split()[1] for answer in answers] == [b"204", b"204"]


def test_an_answer_that_nobody_waits_for_is_not_written_on(shared: Service) -> None:
    """A client that gives up, and asks again, leaves no work behind: not even of an answer that is no stream."""
    exchange(shared, head(shared, "POST /v1/chat/completions HTTP/1.0", "Content-Type: application/json", f"Content-Length: {len(BODY)}") + BODY)
    long = json.dumps(ASK | {"max_tokens": 1000, "n": 128}).encode()
    host, port = shared.url.removeprefix("http://").split(":")
    spent = lambda: sum(map(int, Path(f"/proc/{shared.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]))  # noqa: E731
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head(shared, "POST /v1/chat/completions HTTP/1.1", "Content-Type: application/json", f"Content-Length: {len(long)}") + long)
        before = spent()
        until(lambda: spent() > before + 10, 10)  # hundredths of a second of work: it answers

    def rests() -> bool:
        before = spent()
        time.sleep(0.3)
        return spent() < before + 5

    assert until(rests, 3)


def test_a_nameless_training_file_is_trained(shared: Service, tmp_path) -> None:
    """What the tutorials of 2023 upload, bytes without a name, becomes a job."""
    client = shared.client()
    file = client.files.create(file=pairs(tmp_path / "a.jsonl").read_bytes(), purpose="fine-tune")
    job = client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=file.id)
    assert job.training_file == file.id
    client.fine_tuning.jobs.cancel(job.id)
    with pytest.raises(openai.BadRequestError):
        client.files.create(file=("a.csv", b"x"), purpose="fine-tune")
