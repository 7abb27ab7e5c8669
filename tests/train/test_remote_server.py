"""The test server keeps to the published schema: what it says, and what the trainer says to it."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
from openai_server import OpenAIServer
from test_remote import KEY, rows, train

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.train import jobs

DATA = Path(__file__).parent.parent / "data" / "openai" / "openapi.json"
SCHEMA = json.loads(DATA.read_text(encoding="utf-8"))


@pytest.fixture
def server(monkeypatch):
    """A host that knows one key."""
    monkeypatch.setenv("TEST_KEY", KEY)
    with OpenAIServer(api_key=KEY) as running:
        yield running


def violations(schema, value):
    """Where a value breaks a schema of the document."""
    document = {**schema, "components": SCHEMA["components"]}
    return [error.message for error in jsonschema.Draft202012Validator(document).iter_errors(value)]


def operation(method, path):
    """What the document says about a request."""
    for template, methods in sorted(SCHEMA["paths"].items(), key=lambda item: item[0].count("{")):
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path) and method.lower() in methods:
            return methods[method.lower()]
    return None


def check(exchange):
    """Every way in which an exchange breaks the document."""
    if exchange.status >= 400:
        return violations({"$ref": "#/components/schemas/ErrorResponse"}, exchange.response)
    described = operation(exchange.method, exchange.path)
    found = violations(described["responses"]["200"]["content"]["application/json"]["schema"], exchange.response)
    if "requestBody" in described:
        found += violations(described["requestBody"]["content"]["application/json"]["schema"], exchange.request)
    return found


def test_every_exchange_of_every_kind_validates_against_the_published_schema(server, tmp_path):
    """Uploads, jobs that succeed, fail and are cancelled, events, models, chat, deletions and refusals."""
    from openai import APIStatusError, OpenAI

    rows(tmp_path / "validation.jsonl", 2)
    expert = train(server, tmp_path, epochs=3)
    server.faults.fail = "blocked"
    with pytest.raises(CorpusTunerError):
        train(server, tmp_path, epochs=2)
    server.faults.fail, server.faults.hold = "", "running"
    client = OpenAI(base_url=server.base_url, api_key=KEY, max_retries=0)
    file = next(iter(server.files))
    job = client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=file, hyperparameters={"n_epochs": "auto"})
    client.fine_tuning.jobs.cancel(job.id)
    client.fine_tuning.jobs.list()
    client.models.list()
    client.models.retrieve(expert.model)
    client.chat.completions.create(model=expert.model, messages=[{"role": "user", "content": "Q1?"}])
    client.files.list()
    jobs.delete(server.base_url, "TEST_KEY", expert.model)
    jobs.delete(server.base_url, "TEST_KEY", file)
    for wrong in (
        lambda: client.files.retrieve(file),
        lambda: client.models.retrieve(expert.model),
        lambda: client.fine_tuning.jobs.cancel(job.id),
        lambda: client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file="file-none"),
        lambda: client.post("/nowhere", cast_to=object),
    ):
        with pytest.raises(APIStatusError):
            wrong()
    kinds = {(exchange.method, re.sub(r"(file-|ftjob-|ft:)[^/]+", "ID", exchange.path)) for exchange in server.log}
    assert len(kinds) >= 13
    assert {f"{e.method} {e.path}": check(e) for e in server.log if check(e)} == {}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda job: job.update(status="dreaming"),
        lambda job: job.pop("seed"),
        lambda job: job.update(error={"code": "x", "message": "y"}),
        lambda job: job["hyperparameters"].update(n_epochs=51),
    ],
)
def test_the_check_finds_what_it_is_there_to_find(server, tmp_path, spoil):
    """A job object with one fault breaks the schema: the test above can fail."""
    train(server, tmp_path)
    exchange = next(e for e in server.log if (e.method, e.path) == ("POST", "/fine_tuning/jobs"))
    assert check(exchange) == []
    spoil(exchange.response)
    assert check(exchange) != []
