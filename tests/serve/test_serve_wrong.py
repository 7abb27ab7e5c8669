"""Bad input: OpenAI-shaped errors with the right codes, and nothing lost."""

from __future__ import annotations

import http.client
import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from service import Service, pairs, until, upload, violations, wait

from corpus_tuner.serve.config import Config
from corpus_tuner.serve.library import Library, Place
from corpus_tuner.serve.problem import Problem
from corpus_tuner.serve.state import State


def raw(service: Service, method: str, path: str, body: bytes | Iterator[bytes] = b"", **headers: str):
    """(status, body, headers) of a request that no SDK would send."""
    host = service.url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=60)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    found = response.status, response.read(), response.headers
    connection.close()
    return found


def error_of(found) -> dict:
    """The error of a raw response, checked against the schema."""
    status, body, _ = found
    assert status >= 400
    assert violations("GET", "", status, json.loads(body)) == []
    return json.loads(body)["error"]


def failed(service: Service, path: Path, model: str = "gpt-4o-mini", validation: Path | None = None):
    """The error of the job that trains on `path`."""
    client = service.client()
    more = {"validation_file": upload(client, validation)} if validation else {}
    job = client.fine_tuning.jobs.create(model=model, training_file=upload(client, path), **more)
    done = wait(client, job.id)
    assert done.status == "failed"
    assert done.finished_at
    return done.error


def spoilt(path: Path, line: str | bytes, at: int = 7) -> Path:
    """A good file of which one line is `line`."""
    lines = pairs(path).read_bytes().splitlines()
    lines[at - 1] = line if isinstance(line, bytes) else line.encode()
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def test_an_upload_beyond_the_bound_is_refused_and_leaves_nothing(shared: Service) -> None:
    """600 MB: 413 whether the length was announced or not, and the disk is as before."""
    piece = b"x" * (1 << 20)
    form = b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n'

    def body() -> Iterator[bytes]:
        yield form
        for _ in range(600):
            yield piece
        yield b"\r\n--b--\r\n"

    kind = "multipart/form-data; boundary=b"
    announced = str(len(form) + 600 * len(piece) + 9)
    for headers in ({"Content_Length": announced}, {"Transfer_Encoding": "chunked"}):
        pieces = body() if "Content_Length" in headers else (b"%x\r\n%s\r\n" % (len(part), part) for part in (*body(), b""))
        found = raw(shared, "POST", "/v1/files", pieces, Content_Type=kind, **headers)
        assert found[0] == 413
        assert error_of(found)["code"] == "content_too_large"
    assert list((shared.root / "serve" / "incoming").iterdir()) == []


def test_a_request_that_is_no_upload_has_a_smaller_bound(shared: Service) -> None:
    """9 MB of JSON: 413."""
    found = raw(shared, "POST", "/v1/chat/completions", b" " * (9 << 20), Content_Type="application/json")
    assert (found[0], error_of(found)["code"]) == (413, "content_too_large")


def test_a_file_of_one_row_is_too_short(shared: Service, tmp_path) -> None:
    """The job fails; the message counts."""
    error = failed(shared, pairs(tmp_path / "a.jsonl", 1))
    assert (error.code, error.param) == ("invalid_n_examples", "training_file")
    assert "has 1 example, but must have at least 10" in error.message


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"messages": [{"role": "user", "content": "q"}, {"role": "robot", "content": "a"}]}', "unknown role 'robot'"),
        ('{"messages": [{"role": "user", "content": "q"}]}', "no assistant message"),
        ('{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": null}]}', "content must be text"),
        ('{"messages": [{"role": "user"}, {"role": "assistant", "content": "a"}]}', "missing key 'content'"),
        ('{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "weight": 2}]}', "weight"),
        ('{"messages": [{"role": "user", "content": "q", "colour": 1}, {"role": "assistant", "content": "a"}]}', "'colour'"),
        ('{"messages": []}', "not empty"),
        ('{"text": "a"}', "missing key 'messages'"),
        ('{"prompt": "q", "completion": "a"}', "keep to one"),
        ('{"prompt": "q", "completion": 1, "x": 2}', "unknown key 'x'"),
        ("[1, 2]", "not a JSON object"),
        ('{"messages": [', "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        (b"\xff\xfe\x00binary", "not UTF-8"),
        ('{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "\\ud83d"}]}', "surrogate"),
        ('{"messages": "%s"}' % ("x" * 1_000_000), "longer than"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named(shared: Service, tmp_path, line, said: str) -> None:
    """The job fails before anything is trained, and says which line and why."""
    error = failed(shared, spoilt(tmp_path / "a.jsonl", line))
    assert error.code == "invalid_training_file"
    assert "ine 7" in error.message
    assert said in error.message


def test_a_bad_validation_file_is_named_as_such(shared: Service, tmp_path) -> None:
    """code and param tell the two files apart."""
    error = failed(shared, pairs(tmp_path / "a.jsonl"), validation=spoilt(tmp_path / "b.jsonl", "{}", 3))
    assert (error.code, error.param) == ("invalid_validation_file", "validation_file")
    assert "Line 3" in error.message


def test_a_binary_file_named_jsonl_fails_its_job(shared: Service, tmp_path) -> None:
    """Not UTF-8, line 1."""
    (tmp_path / "a.jsonl").write_bytes(os.urandom(4096))
    assert "Line 1" in failed(shared, tmp_path / "a.jsonl").message


@pytest.mark.parametrize(
    ("form", "code", "param"),
    [
        ({"file": ("a.txt", b"{}"), "purpose": "fine-tune"}, "invalid_file_format", "file"),
        ({"file": ("a.jsonl", b""), "purpose": "fine-tune"}, "empty_file", "file"),
        ({"file": ("a.jsonl", b"{}"), "purpose": "dancing"}, "invalid_value", "purpose"),
    ],
)
def test_a_form_that_is_not_as_it_should_be_is_refused(shared: Service, form, code: str, param: str) -> None:
    """400 with the parameter's name."""
    with pytest.raises(openai.BadRequestError) as error:
        shared.client().files.create(**form)
    assert (error.value.code, error.value.param) == (code, param)


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"model": "gpt-17"}, "model_not_available", "model"),
        ({"model": "../../etc/passwd"}, "model_not_available", "model"),
        ({"training_file": "file-none"}, "invalid_file", "training_file"),
        ({"training_file": "../state.sqlite"}, "invalid_file", "training_file"),
        ({"suffix": "x" * 70}, "string_above_max_length", "suffix"),
        ({"suffix": ""}, "string_below_min_length", "suffix"),
        ({"hyperparameters": {"n_epochs": 0}}, "integer_below_min_value", "hyperparameters.n_epochs"),
        ({"hyperparameters": {"n_epochs": 51}}, "integer_above_max_value", "hyperparameters.n_epochs"),
        ({"hyperparameters": {"n_epochs": 1.5}}, "invalid_type", "hyperparameters.n_epochs"),
        ({"hyperparameters": {"learning_rate_multiplier": 0}}, "decimal_below_min_value", "hyperparameters.learning_rate_multiplier"),
        ({"hyperparameters": {"n_epoch": 1}}, "unknown_parameter", "hyperparameters.n_epoch"),
        ({"seed": -1}, "integer_below_min_value", "seed"),
        ({"method": {"type": "reinforcement"}}, "unsupported_value", "method.type"),
        ({"integrations": [{"type": "wandb", "wandb": {"project": "p"}}]}, "unsupported_value", "integrations"),
        ({"extra_body": {"trainingType": "Standard"}}, "unknown_parameter", "trainingType"),
    ],
)  # fmt: skip
def test_a_job_that_cannot_be_is_refused_at_once(shared: Service, tmp_path, change, code: str, param: str) -> None:
    """400, OpenAI's code, the parameter; and no job was made."""
    client = shared.client()
    before = len(client.fine_tuning.jobs.list(limit=1000).data)
    asked = {"model": "scratch", "training_file": upload(client, pairs(tmp_path / "a.jsonl"))} | change
    with pytest.raises(openai.BadRequestError) as error:
        client.fine_tuning.jobs.create(**asked)
    assert (error.value.code, error.value.param) == (code, param)
    assert len(client.fine_tuning.jobs.list(limit=1000).data) == before


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"messages": []}, "array_below_min_length", "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "invalid_value", "messages[0].role"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}, "unsupported_value", "messages[0].content"),
        ({"temperature": 3}, "decimal_above_max_value", "temperature"),
        ({"max_tokens": 0}, "integer_below_min_value", "max_tokens"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "unsupported_parameter", "tools"),
        ({"response_format": {"type": "json_object"}}, "unsupported_parameter", "response_format"),
        ({"presence_penalty": 1}, "unsupported_parameter", "presence_penalty"),
        ({"extra_body": {"colour": "red"}}, "unknown_parameter", "colour"),
        ({"messages": [{"role": "user", "content": "word " * 3000}]}, "context_length_exceeded", "messages"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
def test_a_question_that_cannot_be_answered_is_refused(shared: Service, change, code: str, param: str, stream: bool) -> None:
    """400 with the code, whether an answer or a stream was asked for."""
    asked = {"model": "scratch", "messages": [{"role": "user", "content": "x"}], "stream": stream, "max_tokens": 4} | change
    with pytest.raises(openai.BadRequestError) as error:
        shared.client().chat.completions.create(**asked)
    assert (error.value.code, error.value.param) == (code, param)


def test_what_has_ended_is_not_cancelled(shared: Service, tmp_path) -> None:
    """400 job_already_completed, for pause as for cancel; an unknown job is a 404."""
    client = shared.client()
    job = client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=upload(client, pairs(tmp_path / "a.jsonl")))
    wait(client, job.id)
    for act in (client.fine_tuning.jobs.cancel, client.fine_tuning.jobs.pause):
        with pytest.raises(openai.BadRequestError) as error:
            act(job.id)
        assert error.value.code == "job_already_completed"
        with pytest.raises(openai.NotFoundError) as missing:
            act("ftjob-none")
        assert missing.value.code == "fine_tune_not_found"


def test_a_cancelled_job_stops_and_leaves_no_model(shared: Service, tmp_path) -> None:
    """Its worker ends soon, the next job is trained."""
    client = shared.client()
    file = upload(client, pairs(tmp_path / "a.jsonl"))
    job = client.fine_tuning.jobs.create(model="slow", training_file=file)
    wait(client, job.id, "running")
    assert client.fine_tuning.jobs.cancel(job.id).status == "cancelled"
    following = client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=file)
    assert wait(client, following.id, seconds=20).status == "succeeded"
    assert client.fine_tuning.jobs.retrieve(job.id).fine_tuned_model is None


@pytest.mark.parametrize(("model", "said"), [("refusing", "cannot be trained"), ("dying", "signal 9"), ("full-disk", "No space left")])
def test_a_training_that_cannot_go_on_fails_with_its_reason(shared: Service, tmp_path, model: str, said: str) -> None:
    """A refusal at once, a death or a full disk after the fifth time; the checkpoint's passes were run once."""
    client = shared.client()
    job = client.fine_tuning.jobs.create(model=model, training_file=upload(client, pairs(tmp_path / "a.jsonl")))
    done = wait(client, job.id)
    assert done.status == "failed"
    assert said in done.error.message
    assert [number for number, _ in shared.trail(job.id)] == ["1"]
    tries = [e for e in client.fine_tuning.jobs.list_events(job.id, limit=100).data if "was lost" in e.message]
    assert len(tries) == (0 if model == "refusing" else 4)


def test_a_model_that_is_deleted_while_it_answers_ends_its_answer(shared: Service, tmp_path) -> None:
    """The stream ends well; the next question is a 404."""
    client = shared.client()
    file = upload(client, pairs(tmp_path / "a.jsonl"))
    job = client.fine_tuning.jobs.create(model="scratch", training_file=file, hyperparameters={"n_epochs": 1})
    model = wait(client, job.id).fine_tuned_model
    asked = {"model": model, "messages": [{"role": "user", "content": "station?"}]}
    chunks = client.chat.completions.create(**asked, temperature=2, seed=3, max_tokens=200, stream=True)
    next(iter(chunks))
    client.models.delete(model)
    assert list(chunks)[-1].choices[0].finish_reason in ("stop", "length")
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(**asked)


def test_a_model_that_vanishes_between_the_look_and_the_opening_is_not_found(tmp_path) -> None:
    """404, not a failure of the server: another client deleted it just then."""
    library = Library(State(tmp_path / "serve"), Config(), tmp_path)
    with pytest.raises(Problem) as problem:
        library.open(Place("ft:scratch:local::gone", "gone", tmp_path / "serve" / "models" / "gone"))
    assert (problem.value.status, problem.value.code) == (404, "model_not_found")


def test_many_may_ask_a_model_for_the_first_time_at_once(own: Service) -> None:
    """It is opened once, and each of them is answered."""
    client = own.start().client()
    client.chat.completions.create(model="scratch", messages=[{"role": "user", "content": "x"}], max_tokens=1)
    body = json.dumps({"model": "scratch", "messages": [{"role": "user", "content": "x"}], "max_tokens": 1}).encode()
    found: list[int] = []

    def ask() -> None:
        found.append(raw(own, "POST", "/v1/chat/completions", body, Content_Type="application/json")[0])

    for _ in range(5):
        own.kill()
        own.start()
        threads = [threading.Thread(target=ask) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [200] * 80


def test_clients_that_leave_while_streaming_cost_no_place(shared: Service) -> None:
    """After more of them than the server answers at once, it still answers."""
    host, port = shared.url.removeprefix("http://").split(":")
    body = json.dumps({"model": "scratch", "messages": [{"role": "user", "content": "x"}], "stream": True, "max_tokens": 300}).encode()

    def leave() -> None:
        with socket.create_connection((host, int(port))) as connection:
            head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)
            connection.recv(200)

    for _ in range(5):
        threads = [threading.Thread(target=leave) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    ask = lambda: raw(shared, "POST", "/v1/chat/completions", body.replace(b"true", b"false").replace(b"300", b"2"), Content_Type="application/json")  # noqa: E731
    assert until(lambda: ask()[0] == 200, 30)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1/nowhere", b"", 404),
        ("PUT", "/v1/files", b"", 405),
        ("POST", "/v1/chat/completions", b"{", 400),
        ("POST", "/v1/chat/completions", b"", 400),
        ("POST", "/v1/chat/completions", b"[" * 200_000, 400),
        ("POST", "/v1/chat/completions", b'{"model": "scratch", "messages": [{"role": "user", "content": "\\ud800"}]}', 400),
        ("POST", "/v1/fine_tuning/jobs", b"[]", 400),
        ("POST", "/v1/files", b"nothing", 400),
        ("GET", "/v1/files?limit=0", b"", 400),
        ("GET", "/v1/files?limit=many", b"", 400),
        ("GET", "/v1/files/..%2f..%2fstate.sqlite/content", b"", 404),
        ("GET", "/v1/files/%00", b"", 404),
        ("GET", "/v1/models/..%2f..%2fserve", b"", 404),
        ("POST", "/v1/fine_tuning/jobs/ftjob-x/explode", b"", 400),
        ("GET", "/page.html/../../serve.toml", b"", 404),
    ],
)
def test_whatever_is_sent_the_error_has_openais_shape(shared: Service, method: str, path: str, body: bytes, status: int) -> None:
    """A wrong URL, method, body or path: never a 500, never a traceback."""
    found = raw(shared, method, path, body, Content_Type="application/json")
    assert found[0] == status
    error_of(found)


def test_a_form_that_is_cut_short_stores_nothing(shared: Service) -> None:
    """No closing boundary: 400, and no file more than before."""
    before = len(shared.client().files.list().data)
    form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n{"a": 1}'
    found = raw(shared, "POST", "/v1/files", form, Content_Type="multipart/form-data; boundary=b")
    assert error_of(found)["code"] == "invalid_form"
    assert len(shared.client().files.list().data) == before


def test_a_file_name_is_a_name_and_never_a_path(shared: Service) -> None:
    """What a client calls its file is shown without its folders, and stored under a name of ours."""
    client = shared.client()
    file = client.files.create(file=("../../..\\evil/../a\n.jsonl", b"{}"), purpose="fine-tune")
    assert "/" not in file.filename
    assert "\\" not in file.filename
    assert (shared.root / "serve" / "files" / file.id).is_file()
    client.files.delete(file.id)


def test_the_queue_is_bounded(shared: Service, tmp_path) -> None:
    """One job more than the server takes on: 429, and the SDK is told not to repeat it."""
    client = shared.client()
    file = upload(client, pairs(tmp_path / "a.jsonl"))
    create = lambda: client.fine_tuning.jobs.create(model="slow", training_file=file).id  # noqa: E731
    made = [create() for _ in range(40)]
    with pytest.raises(openai.RateLimitError) as error:
        create()
    assert error.value.code == "job_queue_full"
    assert error.value.response.headers["x-should-retry"] == "false"
    for job in made:
        client.fine_tuning.jobs.cancel(job)
