"""Who may do what: keys, owners, addresses, pages of other sites."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import openai
import pytest
from service import Service, pairs, upload, wait
from test_serve_wrong import error_of, raw


def command(root, *flags: str) -> subprocess.CompletedProcess[str]:
    """`corpus-tuner serve` with `flags`, which is expected to end."""
    whole = [sys.executable, "-m", "corpus_tuner.cli", "serve", "--root", str(root), *flags]
    return subprocess.run(whole, capture_output=True, text=True, timeout=60, check=False)


def test_keys_divide_what_is_whose_and_are_stored_nowhere(own: Service, tmp_path) -> None:
    """Two owners see and touch nothing of each other; a revoked key opens nothing; no file holds a key."""
    alice, bob = (command(tmp_path, "--new-key", name).stdout.strip() for name in ("alice", "bob"))
    assert command(tmp_path, "--new-key", "bob").returncode == 2
    own.start()
    hers, his = own.client(alice), own.client(bob)
    for nobody in (own.client("sk-wrong"), own.client("none")):
        with pytest.raises(openai.AuthenticationError) as error:
            nobody.models.list()
        assert error.value.code == "invalid_api_key"
    assert error_of(raw(own, "GET", "/v1/models"))["message"].startswith("You didn't provide")
    file = upload(hers, pairs(tmp_path / "a.jsonl"))
    job = hers.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=file)
    model = wait(hers, job.id).fine_tuned_model
    ask = {"model": model, "messages": [{"role": "user", "content": "What is the code of station 3?"}]}
    assert hers.chat.completions.create(**ask).choices[0].message.content
    for trespass in (
        lambda: his.files.retrieve(file),
        lambda: his.files.content(file),
        lambda: his.files.delete(file),
        lambda: his.fine_tuning.jobs.retrieve(job.id),
        lambda: his.fine_tuning.jobs.cancel(job.id),
        lambda: his.fine_tuning.jobs.list_events(job.id),
        lambda: his.fine_tuning.jobs.checkpoints.list(job.id),
        lambda: his.models.retrieve(model),
        lambda: his.models.delete(model),
        lambda: his.chat.completions.create(**ask),
    ):
        with pytest.raises(openai.NotFoundError):
            trespass()
    with pytest.raises(openai.BadRequestError):
        his.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=file)
    assert not his.files.list().data + his.fine_tuning.jobs.list().data
    assert model not in [one.id for one in his.models.list()]
    assert command(tmp_path, "--revoke-key", "bob").returncode == 0
    assert command(tmp_path, "--revoke-key", "alice").returncode == 0
    for revoked in (his, hers):  # the last one, too: the server was begun for those who have keys
        with pytest.raises(openai.AuthenticationError):
            revoked.models.list()
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert alice.encode() not in written
    assert bob.encode() not in written


def test_another_address_than_loopback_needs_a_key(tmp_path) -> None:
    """It is refused before anything listens."""
    ended = command(tmp_path, "--host", "0.0.0.0", "--port", "0")
    assert ended.returncode == 2
    assert "--new-key" in ended.stderr


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Host": "evil.example:80"}, "forbidden_host"),
        ({"Host": "127.0.0.1.evil.example"}, "forbidden_host"),
        ({"Origin": "https://evil.example"}, "forbidden_origin"),
        ({"Origin": "null"}, "forbidden_origin"),
    ],
)
def test_pages_of_other_sites_are_refused(shared: Service, headers, code: str) -> None:
    """A browser that was lured cannot speak for its owner."""
    found = raw(shared, "GET", "/v1/files", **headers)
    assert (found[0], error_of(found)["code"]) == (403, code)


def test_the_page_loads_nothing_from_elsewhere(shared: Service) -> None:
    """Its policy names no other origin and allows no inline script; it names no other address."""
    for path in ("/", "/page.js", "/page.css"):
        status, body, headers = raw(shared, "GET", path)
        assert status == 200
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert b"//cdn" not in body
        assert b"https://" not in body


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("[serve]\nupload_byte = 1", "did you mean 'upload_bytes'"),
        ("[serve]\nanswers = 0", "serve.answers"),
        ("[serve]\norganization = 'a/b'", "organization"),
        ("[models]\nx = 3", "models.x"),
        ("[models", "not valid TOML"),
        ("[elsewhere]", "[serve] and [models]"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, toml: str, said: str) -> None:
    """The server does not start, and says what to change."""
    (tmp_path / "serve.toml").write_text(toml)
    ended = command(tmp_path, "--port", "0")
    assert ended.returncode == 2
    assert said in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_experts_of_corpora_beside_are_listed_and_answer(own: Service, tmp_path) -> None:
    """Under a name with the corpus in it, and under the corpus' own; they are not a client's to delete."""
    client = own.start().client()
    job = client.fine_tuning.jobs.create(model="scratch", training_file=upload(client, pairs(tmp_path / "a.jsonl")), hyperparameters={"n_epochs": 1})
    trained = wait(client, job.id).fine_tuned_model
    expert = tmp_path / "generated" / "stations" / "experts" / "scratch"
    shutil.copytree(own.root / "serve" / "models" / job.id, expert)
    name = "ft:scratch:local:stations:scratch"
    assert name in [one.id for one in client.models.list()]
    asked = [{"role": "user", "content": "What is the code of station 3?"}]
    said = [client.chat.completions.create(model=model, messages=asked).choices[0].message.content for model in (trained, name, "stations")]
    assert len(set(said)) == 1
    with pytest.raises(openai.PermissionDeniedError):
        client.models.delete(name)
    assert expert.is_dir()


def test_keys_as_json(tmp_path) -> None:
    """A script reads the one that is made and the name of the one that is no more."""
    assert list(json.loads(command(tmp_path, "--new-key", "ann", "--json").stdout)) == ["key"]
    assert json.loads(command(tmp_path, "--revoke-key", "ann", "--json").stdout) == {"revoked": "ann"}
