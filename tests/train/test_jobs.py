"""The `jobs` commands' functions, against a real server on loopback."""

import time

import pytest
from openai_server import OpenAIServer
from test_remote import KEY, rows, train

from corpus_tuner.errors import CorpusTunerError, Detached
from corpus_tuner.train import jobs


@pytest.fixture
def server(monkeypatch):
    """A host that knows one key."""
    monkeypatch.setenv("TEST_KEY", KEY)
    with OpenAIServer(api_key=KEY, pace=0.01) as running:
        yield running


@pytest.fixture
def file(server, tmp_path):
    """The id of a training file at the host."""
    return server.create_file("train.jsonl", "fine-tune", rows(tmp_path / "train.jsonl").read_bytes())["id"]


def create(server, file, **more):
    """A job at the host."""
    return server.create_job({"model": "gpt-4o-mini", "training_file": file, **more})["id"]


def nap(_):
    """A clock that hardly waits."""
    time.sleep(0.005)


@pytest.mark.parametrize("ignore_after", [False, True])
def test_the_list_tells_the_newest_jobs_up_to_the_limit(server, file, ignore_after):
    """Newest first, over pages of a hundred, no job twice, and an end even where the host repeats itself."""
    made = [create(server, file, suffix="s") for _ in range(130)]
    server.faults.ignore_after = ignore_after
    told = jobs.list_jobs(server.base_url, "TEST_KEY", limit=120)
    assert [job.id for job in told] == made[::-1][: 100 if ignore_after else 120]
    assert [job.id for job in jobs.list_jobs(server.base_url, "TEST_KEY", limit=2)] == made[:-3:-1]
    assert {(job.suffix, job.model) for job in told} == {("s", "gpt-4o-mini")}
    assert all(job.created_at > 1_700_000_000 for job in told)


def test_a_host_that_leaves_fields_out_is_listed_all_the_same(server, file):
    """What the host does not tell is empty."""
    name = create(server, file)
    server.faults.bare = True
    assert [(job.id, job.created_at, job.suffix) for job in jobs.list_jobs(server.base_url, "TEST_KEY")] == [(name, 0, "")]


def test_following_a_job_ends_with_it_whatever_its_end(server, file):
    """The last state comes back, failure too, with the events on the way."""
    lines = []
    good = jobs.follow(server.base_url, "TEST_KEY", create(server, file), lines.append, sleep=nap)
    assert (good.status, good.fine_tuned_model[:3]) == ("succeeded", "ft:")
    assert any("Step 3/3" in line for line in lines)
    server.faults.fail = "no good"
    bad = jobs.follow(server.base_url, "TEST_KEY", create(server, file), lines.append, sleep=nap)
    assert (bad.status, bad.error) == ("failed", "no good")


def test_ctrl_c_while_following_leaves_the_job_alone(server, file):
    """Detached, with the command that comes back."""
    server.faults.hold = "running"
    name = create(server, file)

    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(Detached, match=f"jobs follow {name}"):
        jobs.follow(server.base_url, "TEST_KEY", name, print, sleep=interrupt)
    assert server.job(name)["status"] != "cancelled"


def test_cancel_cancels_and_says_why_it_cannot(server, file):
    """A running job is cancelled; one that has ended, or never was, is the host's refusal in one line."""
    server.faults.hold = "running"
    name = create(server, file)
    assert jobs.cancel(server.base_url, "TEST_KEY", name).status == "cancelled"
    with pytest.raises(CorpusTunerError, match="already completed"):
        jobs.cancel(server.base_url, "TEST_KEY", name)
    with pytest.raises(CorpusTunerError, match="404"):
        jobs.cancel(server.base_url, "TEST_KEY", "ftjob-none")


def test_a_tuned_model_and_a_file_are_deleted_at_the_host(server, tmp_path):
    """`ft:...` and `file-...` are gone afterwards; a second time is the host's refusal."""
    expert = train(server, tmp_path)
    file = next(iter(server.files))
    jobs.delete(server.base_url, "TEST_KEY", expert.model)
    jobs.delete(server.base_url, "TEST_KEY", file)
    assert expert.model not in server.models
    assert server.files == {}
    with pytest.raises(CorpusTunerError, match="404"):
        jobs.delete(server.base_url, "TEST_KEY", file)


@pytest.mark.parametrize("name", ["gpt-4o-mini", "", "ftjob-000001", "file-../models/gpt", "ft:", "ft:a/../b", "FT:x"])
def test_nothing_else_is_ever_deleted(server, name):
    """A base model, a job or a path is refused before any request."""
    with pytest.raises(CorpusTunerError, match="not deleted"):
        jobs.delete(server.base_url, "TEST_KEY", name)
    assert server.log == []


@pytest.mark.parametrize("name", ["", "a/b", "../files", "x y"])
def test_a_job_id_is_never_a_path(server, name):
    """What cannot be an id is refused before any request."""
    with pytest.raises(CorpusTunerError, match="not the id of a job"):
        jobs.cancel(server.base_url, "TEST_KEY", name)
    assert server.log == []


def test_an_address_where_nobody_listens_is_one_line(monkeypatch):
    """No connection: Unavailable with the address, no traceback of the SDK's."""
    monkeypatch.setattr("corpus_tuner.train.host.ASKS", 1)
    monkeypatch.setenv("TEST_KEY", KEY)
    with pytest.raises(CorpusTunerError, match=r"127\.0\.0\.1:9") as caught:
        jobs.list_jobs("http://127.0.0.1:9/v1", "TEST_KEY")
    assert caught.value.exit_code == 1
    assert KEY not in str(caught.value)
