"""The remote trainer, through the unmodified SDK, against a real server on loopback."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from openai_server import OpenAIServer

from corpus_tuner.errors import CorpusTunerError, Detached, Unavailable
from corpus_tuner.settings import TrainSettings
from corpus_tuner.train.host import Host
from corpus_tuner.train.remote import RemoteTrainer

KEY = "sk-test-4f9a7c2e1b"
JOBS, FILES = "/fine_tuning/jobs", "/files"


@pytest.fixture(autouse=True)
def key(monkeypatch):
    """A key in the variable that the settings name, and none where the SDK itself would look."""
    monkeypatch.setenv("TEST_KEY", KEY)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def server():
    """A host with jobs that take about a tenth of a second."""
    with OpenAIServer(api_key=KEY) as running:
        yield running


def rows(path, count=12):
    """A training file of `count` question/answer pairs."""
    lines = [
        json.dumps({"messages": [{"role": "user", "content": f"Q{n}?"}, {"role": "assistant", "content": f"A{n} é."}]})
        for n in range(count)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def settings(server, **changes):
    """Settings that point to the server."""
    base = TrainSettings(trainer="remote", base="gpt-4.1-mini", base_url=server.base_url, api_key_env="TEST_KEY")
    return replace(base, suffix="apollo-8", **changes)


class Slept:
    """A clock that tells how long one would have waited, and waits a hundredth of a second."""

    def __init__(self):
        self.waits = []

    def __call__(self, seconds):
        self.waits.append(seconds)
        time.sleep(0.01)


def train(server, tmp_path, notes=None, sleep=None, **changes):
    """One run of the trainer on tmp_path's training file, into tmp_path/expert."""
    path = tmp_path / "train.jsonl"
    if not path.exists():
        rows(path)
    validation = tmp_path / "validation.jsonl"
    progress = (lambda done, total, note: notes.append((done, total, note))) if notes is not None else lambda *_: None
    trainer = RemoteTrainer(sleep or Slept())
    return trainer.train(
        path, validation if validation.exists() else None, settings(server, **changes), tmp_path / "expert", progress
    )


def ticket(tmp_path):
    """What job.json says."""
    return json.loads((tmp_path / "expert" / "job.json").read_text())


def written(tmp_path):
    """Every byte below the expert's folder."""
    return b"".join(path.read_bytes() for path in (tmp_path / "expert").rglob("*") if path.is_file())


def test_a_job_runs_to_its_end_and_the_tuned_model_answers_what_it_was_trained_on(server, tmp_path):
    """Upload, create, follow: the receipt names a model at the host that answers from the uploaded rows."""
    notes = []
    expert = train(server, tmp_path, notes)
    assert (expert.backend, expert.base, expert.base_url) == ("endpoint", "gpt-4.1-mini", server.base_url)
    assert expert.api_key_env == "TEST_KEY"
    assert expert.metrics["train_loss"] == pytest.approx(0.667)
    assert expert.metrics["trained_tokens"] > 0
    from openai import OpenAI

    client = OpenAI(base_url=server.base_url, api_key=KEY)
    said = client.chat.completions.create(model=expert.model, messages=[{"role": "user", "content": "Q7?"}])
    assert said.choices[0].message.content == "A7 é."
    assert "apollo-8" in expert.model
    assert notes[-1] == (3, 3, f"{ticket(tmp_path)['job_id']}: succeeded")


def test_every_event_of_the_job_is_told_once_in_its_order_and_kept(server, tmp_path):
    """Progress sees each event exactly once, oldest first, and log.jsonl has the same."""
    notes = []
    train(server, tmp_path, notes)
    job = next(iter(server.jobs.values()))
    told = [note for _, _, note in notes]
    events = [event["message"] for event in job["events"]]
    assert [note for note in told if note in events] == events
    kept = [json.loads(line)["message"] for line in (tmp_path / "expert" / "log.jsonl").read_text().splitlines()]
    assert kept == events


@pytest.mark.parametrize("knobs", [{"ignore_after": True}, {"oldest_first": True}, {"bare": True}, {"no_events": True}])
def test_a_host_with_its_own_idea_of_lists_is_followed_all_the_same(server, tmp_path, knobs):
    """Hosts that ignore `after`, list the other way round, leave fields out or keep no events are no obstacle."""
    for name, value in knobs.items():
        setattr(server.faults, name, value)
    notes = []
    assert train(server, tmp_path, notes).model.startswith("ft:")
    messages = [note for _, _, note in notes]
    created = [note for note in messages if note.startswith("Created fine-tuning job")]
    assert len(created) == (0 if "no_events" in knobs else 1)


@pytest.mark.parametrize("oldest_first", [False, True])
def test_events_beyond_one_page_are_all_seen_once(server, tmp_path, oldest_first):
    """250 events of different seconds, read by pages of 100, arrive complete and in order in either order of the host."""
    server.faults.hold, server.faults.oldest_first = "running", oldest_first
    seen = []

    def sleep(seconds):
        time.sleep(0.005)
        job = next(iter(server.jobs.values()), None)
        if not job or job["status"] != "running" or not server.faults.hold:
            return
        with server.lock:
            for number in range(250):
                server._event(job, f"event {number}")
                job["events"][-1]["created_at"] += number
            server.faults.hold = ""

    train(server, tmp_path, seen, sleep)
    numbered = [note for _, _, note in seen if note.startswith("event ")]
    assert numbered == [f"event {number}" for number in range(250)]


def test_what_is_sent_is_what_the_settings_ask_for(server, tmp_path):
    """Suffix, seed and numbers travel in `method`, "auto" where the settings say so, and the validation file with them."""
    rows(tmp_path / "validation.jsonl", 2)
    train(server, tmp_path, epochs=4, learning_rate=1.5, seed=7)
    body = next(e.request for e in server.log if (e.method, e.path) == ("POST", JOBS))
    numbers = {"n_epochs": 4, "batch_size": "auto", "learning_rate_multiplier": 1.5}
    assert body["method"] == {"type": "supervised", "supervised": {"hyperparameters": numbers}}
    assert (body["suffix"], body["seed"], body["model"]) == ("apollo-8", 7, "gpt-4.1-mini")
    uploads = [e for e in server.log if (e.method, e.path) == ("POST", FILES)]
    assert [e.request["file"] for e in uploads] == [
        (tmp_path / name).read_bytes() for name in ("train.jsonl", "validation.jsonl")
    ]
    assert [e.response["id"] for e in uploads] == [body["training_file"], body["validation_file"]]
    assert {e.request["purpose"] for e in uploads} == {"fine-tune"}


def test_a_host_of_the_older_protocol_gets_the_older_field(server, tmp_path):
    """Where `method` is refused, the same numbers go as `hyperparameters`, and there is one job."""
    server.faults.refuse_method = True
    train(server, tmp_path, epochs=3)
    body = [e.request for e in server.log if (e.method, e.path) == ("POST", JOBS)][-1]
    assert "method" not in body
    assert body["hyperparameters"]["n_epochs"] == 3
    assert len(server.jobs) == 1


def test_a_finished_job_is_not_trained_again(server, tmp_path):
    """The same call after success asks the host once more and creates and uploads nothing."""
    first = train(server, tmp_path)
    assert train(server, tmp_path) == first
    assert (server.count("POST", FILES), server.count("POST", JOBS)) == (1, 1)


def test_changed_settings_make_a_new_job_but_no_second_upload(server, tmp_path):
    """The file at the host serves every job of the same rows; the finished job of other settings is not taken for it."""
    first, second = train(server, tmp_path), train(server, tmp_path, epochs=2)
    assert first.model != second.model
    assert (server.count("POST", FILES), len(server.jobs)) == (1, 2)


def test_a_file_that_the_host_lost_is_sent_again(server, tmp_path):
    """A file deleted at the host between two jobs is uploaded again."""
    train(server, tmp_path)
    server.delete_file(next(iter(server.files)))
    train(server, tmp_path, epochs=2)
    assert (server.count("POST", FILES), len(server.jobs)) == (2, 2)


# ------------------------------------------------------------------------------------------------ cut connections


def test_a_create_that_was_cut_off_is_taken_up_in_the_same_run(server, tmp_path):
    """The host created the job and never answered: the run finds it and creates no second one."""
    server.faults.cut = {f"POST {JOBS}": 1}
    assert train(server, tmp_path).model.startswith("ft:")
    assert len(server.jobs) == 1


def test_a_create_that_was_cut_off_is_taken_up_by_the_next_run(server, tmp_path):
    """The host went away with the answer: the next run finds the job by its file and suffix and creates none."""
    server.faults.cut = {f"POST {JOBS}": 1}
    original = server.create_job

    def create_then_vanish(body):
        job = original(body)
        server.faults.errors[f"GET {JOBS}"] = [(503, {})]
        return job

    def interrupt_once_created(seconds):
        if server.jobs:
            raise KeyboardInterrupt
        time.sleep(0.01)

    server.create_job = create_then_vanish
    with pytest.raises(Detached, match="takes it up"):
        train(server, tmp_path, sleep=interrupt_once_created)
    assert ticket(tmp_path)["job_id"] == ""
    notes = []
    assert train(server, tmp_path, notes).model.startswith("ft:")
    assert len(server.jobs) == 1
    assert any("had been cut off" in note for _, _, note in notes)
    assert server.count("POST", FILES) == 1


def test_the_intent_is_on_disk_before_the_create_is_sent(server, tmp_path):
    """At the moment when the host hears of the job, job.json already names the file, its digest and the time."""
    seen = {}
    original = server.create_job
    server.create_job = lambda body: (seen.update(ticket(tmp_path)), original(body))[1]
    train(server, tmp_path)
    assert seen["sent_at"]
    assert seen["job_id"] == ""
    assert seen["training"]["id"] in server.files
    assert len(seen["training"]["digest"]) == 32


def test_a_create_that_never_arrived_is_sent_by_the_next_run(server, tmp_path):
    """Where the host shows no job for a cut-off create, this run says so and the next one creates it."""
    server.faults.errors = {f"POST {JOBS}": [(502, {})]}
    with pytest.raises(Unavailable, match="run the same command again"):
        train(server, tmp_path)
    assert len(server.jobs) == 0
    train(server, tmp_path)
    assert len(server.jobs) == 1


def test_an_older_job_of_the_same_file_is_not_taken_for_the_one_that_was_cut_off(server, tmp_path):
    """After a cut-off create of new settings, the former settings' job on the same file is not adopted."""
    first = train(server, tmp_path)
    server.faults.errors = {f"POST {JOBS}": [(502, {})]}
    with pytest.raises(Unavailable):
        train(server, tmp_path, epochs=2)
    assert train(server, tmp_path, epochs=2).model != first.model
    assert len(server.jobs) == 2


def test_another_suffix_on_the_same_file_is_another_job(server, tmp_path):
    """A job that somebody else runs on the file under another suffix is never adopted."""
    server.faults.errors = {f"POST {JOBS}": [(502, {})]}
    with pytest.raises(Unavailable):
        train(server, tmp_path)
    body = {"model": "gpt-4.1-mini", "training_file": ticket(tmp_path)["training"]["id"], "suffix": "other"}
    with server.lock:
        other = server.create_job(body)["id"]
    train(server, tmp_path)
    assert ticket(tmp_path)["job_id"] != other
    assert len(server.jobs) == 2


def test_where_the_host_cannot_list_its_jobs_a_cut_off_create_is_not_repeated_blindly(server, tmp_path):
    """Without a list nobody can know: the user is told where to look, and no second job is made."""
    server.faults.no_listing = True
    server.faults.cut = {f"POST {JOBS}": 1}
    for _ in range(2):
        with pytest.raises(CorpusTunerError, match="cannot list its jobs"):
            train(server, tmp_path)
    assert len(server.jobs) == 1


def test_an_upload_that_was_cut_off_is_found_at_the_host(server, tmp_path):
    """The file that arrived without an answer is used, not sent again."""
    server.faults.cut = {f"POST {FILES}": 1}
    train(server, tmp_path)
    assert len(server.files) == 1


# ------------------------------------------------------------------------------------------------ killed, detached

RUN = """
import sys
from pathlib import Path
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.settings import TrainSettings
from corpus_tuner.train.host import Host
from corpus_tuner.train.remote import RemoteTrainer
url, folder = sys.argv[1], Path(sys.argv[2])
settings = TrainSettings("remote", "gpt-4.1-mini", base_url=url, api_key_env="TEST_KEY", suffix="apollo-8")
try:
    RemoteTrainer().train(folder / "train.jsonl", None, settings, folder / "expert",
                          lambda done, total, note: print(note, flush=True))
except CorpusTunerError as error:
    print(error, flush=True)
    sys.exit(error.exit_code)
"""


def start(server, tmp_path):
    """The trainer in a process of its own."""
    rows(tmp_path / "train.jsonl")
    command = [sys.executable, "-c", RUN, server.base_url, str(tmp_path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dict(os.environ))


def until(condition, seconds=20):
    """Waits for something that another process does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def test_killed_while_following_the_same_call_comes_back_to_the_same_job(server, tmp_path):
    """kill -9 of a run that watches its job, then the same call: no second upload, no second job."""
    server.faults.hold = "running"
    process = start(server, tmp_path)
    until(lambda: any(job["status"] == "running" for job in server.jobs.values()))
    process.kill()
    process.communicate()
    server.faults.hold = ""
    assert train(server, tmp_path).model.startswith("ft:")
    assert (server.count("POST", FILES), server.count("POST", JOBS)) == (1, 1)


@pytest.mark.parametrize("moment", [f"POST {FILES}", f"POST {JOBS}"])
def test_killed_while_the_host_carries_out_a_request_nothing_is_done_twice(server, tmp_path, moment):
    """kill -9 between the host's doing and its answer, then the same call: one file, one job."""
    done, go = [], []
    original = {f"POST {FILES}": server.create_file, f"POST {JOBS}": server.create_job}[moment]

    def carry_out(*arguments):
        made = original(*arguments)
        if not done:
            done.append(made)
            until(lambda: go)
        return made

    setattr(server, original.__name__, carry_out)
    process = start(server, tmp_path)
    until(lambda: done)
    process.kill()
    process.communicate()
    go.append(True)
    train(server, tmp_path)
    assert (len(server.files), len(server.jobs)) == (1, 1)


class Killed(BaseException):
    """The end of the process, as far as the trainer can tell: nothing of ours catches it."""


@pytest.mark.parametrize("late", [False, True])
def test_stopped_before_or_after_any_request_the_next_run_pays_nothing_twice(server, tmp_path, monkeypatch, late):
    """For every k: a run that dies at its k-th request, before it is sent or after it is answered, costs no second job."""
    server.faults.pace = 0.0
    send, left = Host._send, []

    def dying_send(host, request):
        if left and left[0] == 0 and not late:
            raise Killed
        answer = send(host, request)
        if left:
            if left[0] == 0:
                raise Killed
            left[0] -= 1
        return answer

    monkeypatch.setattr(Host, "_send", dying_send)
    deaths = 0
    for k in range(50):
        left[:] = [k]
        folder = tmp_path / str(k)
        folder.mkdir()
        server.files.clear(), server.jobs.clear()
        try:
            train(server, folder)
        except Killed:
            deaths += 1
        else:
            break
        left.clear()
        train(server, folder)
        assert (k, len(server.files), len(server.jobs)) == (k, 1, 1)
    assert deaths == k >= 6


def test_ctrl_c_detaches_and_the_job_goes_on(server, tmp_path):
    """SIGINT ends the watcher with 130 and one line that names both ways on; the host never hears of a cancel."""
    server.faults.hold = "running"
    process = start(server, tmp_path)
    until(lambda: any(job["status"] == "running" for job in server.jobs.values()))
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=20)
    line = output.splitlines()[-1]
    job = next(iter(server.jobs))
    assert process.returncode == Detached.exit_code
    assert "Traceback" not in output
    assert f"corpus-tuner jobs cancel {job} --base-url {server.base_url}" in line
    assert "same command" in line
    server.faults.hold = ""
    until(lambda: server.job(job)["status"] == "succeeded")
    assert not any(exchange.path.endswith("/cancel") for exchange in server.log)


# ------------------------------------------------------------------------------------------------ jobs that end badly


def test_a_failed_job_tells_why_and_the_next_run_starts_another(server, tmp_path):
    """The host's own message is in the error; the next run makes a new job and does not watch the failed one."""
    server.faults.fail = "This file was blocked by moderation."
    with pytest.raises(CorpusTunerError, match="blocked by moderation") as caught:
        train(server, tmp_path)
    assert caught.value.exit_code == 2
    server.faults.fail = ""
    assert train(server, tmp_path).model.startswith("ft:")
    assert (len(server.jobs), server.count("POST", FILES)) == (2, 1)


def test_a_job_that_failed_for_the_hosts_fault_is_the_worlds_failure(server, tmp_path):
    """An error code of the server's own ends with 1, not with the user's 2."""
    server.faults.fail, server.faults.fail_code = "Internal error", "server_error"
    with pytest.raises(Unavailable, match="Internal error"):
        train(server, tmp_path)


def test_a_job_cancelled_elsewhere_says_so_and_the_next_run_starts_another(server, tmp_path):
    """A cancel from another window ends the run with a line; the same command trains anew."""
    server.faults.hold = "running"

    def sleep(seconds):
        time.sleep(0.01)
        for name, job in server.jobs.items():
            if job["status"] == "running":
                server.cancel(name)

    with pytest.raises(CorpusTunerError, match="was cancelled"):
        train(server, tmp_path, sleep=sleep)
    server.faults.hold = ""
    train(server, tmp_path)
    assert len(server.jobs) == 2


def test_an_unusable_training_file_fails_by_the_hosts_own_validation(server, tmp_path):
    """Too few rows: the host's reason reaches the user."""
    rows(tmp_path / "train.jsonl", 3)
    with pytest.raises(CorpusTunerError, match="must have at least 10"):
        train(server, tmp_path)


def test_an_empty_training_file_is_refused_before_anything_is_sent(server, tmp_path):
    """Nothing to train on: no request at all."""
    (tmp_path / "train.jsonl").write_text("")
    with pytest.raises(CorpusTunerError, match="empty"):
        train(server, tmp_path)
    assert server.log == []


@pytest.mark.parametrize("alias", [{"queued": "paused"}, {"running": "pausing"}, {"validating_files": "dreaming"}])
def test_a_status_that_we_do_not_know_goes_on(server, tmp_path, alias):
    """`paused` and worse are told and waited through."""
    server.faults.alias = alias
    server.faults.pace = 0.06
    notes = []
    assert train(server, tmp_path, notes).model.startswith("ft:")
    assert any(note.endswith(next(iter(alias.values()))) for _, _, note in notes)


def test_looks_at_a_job_grow_rarer_up_to_a_bound(server, tmp_path):
    """The waits between two looks grow by half each time and stay at 30 seconds."""
    server.faults.hold, clock = "running", Slept()

    def sleep(seconds):
        if server.jobs:  # before there is a job, the waits are for the file
            clock(seconds)
        if len(clock.waits) > 20:
            server.faults.hold = ""

    train(server, tmp_path, sleep=sleep)
    assert clock.waits[:3] == pytest.approx([0.5, 0.75, 1.125])
    assert max(clock.waits) == 30.0
    assert clock.waits == sorted(clock.waits)


def test_a_job_that_the_host_forgot_is_not_silently_paid_again(server, tmp_path):
    """A host that no longer knows our job (or sees another account's key) gets no second create."""
    server.faults.hold = "running"
    process = start(server, tmp_path)
    until(lambda: any(job["status"] == "running" for job in server.jobs.values()))
    process.kill()
    process.communicate()
    server.jobs.clear()
    with pytest.raises(CorpusTunerError, match="no longer knows job"):
        train(server, tmp_path)
    assert server.jobs == {}


# ------------------------------------------------------------------------------------------------ refusals and keys


def test_a_wrong_key_is_one_clear_line_and_stands_in_no_file_and_no_error(server, tmp_path, monkeypatch):
    """401: the line names the variable; a host that repeats the key has it blanked out."""
    monkeypatch.setenv("TEST_KEY", "sk-wrong-1234567890")
    server.faults.echo_key = True
    with pytest.raises(CorpusTunerError, match="TEST_KEY") as caught:
        train(server, tmp_path)
    assert "sk-wrong-1234567890" not in repr(caught.value) + str(caught.value.__cause__) + str(caught.value.__context__)
    assert b"sk-wrong" not in written(tmp_path)


def test_a_key_that_the_host_repeats_in_its_events_lands_nowhere(server, tmp_path):
    """Events and job errors are blanked before they reach progress, log.jsonl or the error text."""
    server.faults.echo_key = True
    notes = []
    train(server, tmp_path, notes)
    assert KEY not in str(notes)
    assert KEY.encode() not in written(tmp_path)
    server.faults.fail = "Broken for key"
    with pytest.raises(CorpusTunerError, match="Broken for key") as caught:
        train(server, tmp_path, epochs=2)
    assert KEY not in str(caught.value)


def test_a_dummy_word_in_place_of_a_key_is_not_cut_out_of_what_the_host_says():
    """A local server wants no key: "x" or "none" in its stead leaves the host's lines whole; a key does not stay in them."""
    assert Host(None, "http://127.0.0.1:1/v1", "x", "").plain("does not exist") == "does not exist"
    assert Host(None, "http://127.0.0.1:1/v1", "sk-1234567", "").plain("wrong: sk-1234567") == "wrong: ***"


def test_a_missing_key_is_the_users_mistake_unless_the_host_is_this_machine(server, tmp_path, monkeypatch):
    """Without the variable a public host is refused before any request, and loopback is tried."""
    monkeypatch.delenv("TEST_KEY")
    rows(tmp_path / "train.jsonl")
    public = replace(settings(server), base_url="https://host.invalid/v1")
    with pytest.raises(CorpusTunerError, match="environment variable TEST_KEY"):
        RemoteTrainer().train(tmp_path / "train.jsonl", None, public, tmp_path / "expert")
    server.faults.api_key = ""
    assert train(server, tmp_path).model.startswith("ft:")


def test_a_password_in_the_address_is_refused(server, tmp_path):
    """It would land in job.json and in the receipt."""
    with pytest.raises(CorpusTunerError, match="must not hold") as caught:
        train(server, tmp_path, base_url="https://me:hunter2@host.invalid/v1")
    assert "hunter2" not in str(caught.value)


def test_a_host_that_trains_no_longer_is_named_with_the_alternatives(server, tmp_path):
    """403 training_not_available: one line, another host or trainer = "lora"."""
    server.faults.no_training = True
    with pytest.raises(CorpusTunerError, match='trainer = "lora"') as caught:
        train(server, tmp_path)
    assert "\n" not in str(caught.value)
    assert ticket(tmp_path)["sent_at"] == ""


def test_an_unknown_base_model_is_the_hosts_word(server, tmp_path):
    """The host's refusal reaches the user with its name, and nothing is left to look for."""
    with pytest.raises(CorpusTunerError, match="gpt-nonsense is not available") as caught:
        train(server, tmp_path, base="gpt-nonsense")
    assert caught.value.exit_code == 2
    assert ticket(tmp_path)["sent_at"] == ""


def test_a_server_error_while_following_is_waited_through(server, tmp_path):
    """500, 503 and 429 on looks at the job cost a wait and no more; Retry-After is obeyed."""
    original = server.create_job

    def create(body):
        job = original(body)
        server.faults.errors[f"GET {JOBS}/{job['id']}"] = [(500, {}), (503, {}), (429, {"Retry-After": "17"})]
        return job

    server.create_job, clock = create, Slept()
    assert train(server, tmp_path, sleep=clock).model.startswith("ft:")
    assert 17.0 in clock.waits


def test_a_host_that_stays_down_ends_the_run_but_not_the_job(server, tmp_path):
    """After its bounded retries the run gives up with exit code 1; later the same call finishes."""
    original = server.create_job

    def create(body):
        job = original(body)
        server.faults.errors[f"GET {JOBS}/{job['id']}"] = [(503, {})] * 8
        return job

    server.create_job = create
    with pytest.raises(Unavailable, match="run the same command again") as caught:
        train(server, tmp_path)
    assert caught.value.exit_code == 1
    assert train(server, tmp_path).model.startswith("ft:")
    assert len(server.jobs) == 1


def test_a_rate_limited_create_is_sent_again_and_makes_one_job(server, tmp_path):
    """429 means that nothing was done: the create is repeated after the wait that the host asks for."""
    server.faults.errors = {f"POST {JOBS}": [(429, {"Retry-After": "3"})]}
    clock = Slept()
    train(server, tmp_path, sleep=clock)
    assert 3.0 in clock.waits
    assert len(server.jobs) == 1


def test_a_damaged_job_file_is_never_overwritten(server, tmp_path):
    """job.json is the only trace of a paid job: one that cannot be read stops the run."""
    (tmp_path / "expert").mkdir()
    (tmp_path / "expert" / "job.json").write_text('{"base_url": "x"')
    with pytest.raises(CorpusTunerError, match="cannot be read"):
        train(server, tmp_path)
    assert (tmp_path / "expert" / "job.json").read_text() == '{"base_url": "x"'
    assert server.log == []


def test_an_address_that_is_no_api_is_named(server, tmp_path):
    """A path that the host does not know is its 404."""
    with pytest.raises(CorpusTunerError, match="refused \\(404\\)"):
        train(server, tmp_path, base_url=server.base_url.removesuffix("/v1") + "/wrong")


def test_a_web_page_in_place_of_an_api_is_named(server, tmp_path):
    """A host that answers every request with 200 and HTML gets a line about base_url, not a traceback."""

    class Page(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<html>Welcome</html>")

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Page) as site:
        threading.Thread(target=site.handle_request, daemon=True).start()
        with pytest.raises(CorpusTunerError, match="check base_url"):
            train(server, tmp_path, base_url=f"http://127.0.0.1:{site.server_address[1]}")
