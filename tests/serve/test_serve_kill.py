"""kill -9 of the server or the worker at any moment: no job is lost, none is run twice."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from itertools import groupby
from pathlib import Path

import openai
import pytest
from service import Service, pairs, until, upload, wait


@pytest.mark.parametrize("seed", [1, 2])
def test_jobs_survive_kills_of_server_and_worker(own: Service, tmp_path, seed: int) -> None:
    """After kills at random moments every job has succeeded once, and its passes were run by one worker after another."""
    chance = random.Random(seed)
    client = own.start().client()
    file = upload(client, pairs(tmp_path / "a.jsonl"))
    jobs = [client.fine_tuning.jobs.create(model=model, training_file=file).id for model in ("steady", "gpt-4o-mini", "steady")]
    kills = 8
    for _ in range(kills):
        time.sleep(chance.uniform(0.0, 0.6))
        victims = own.workers() if chance.random() < 0.5 else []
        for victim in victims:
            with_suppressed_kill(victim)
        if not victims:
            own.kill()
            own.start()
    client = own.client()
    for job in jobs:
        done = wait(client, job, seconds=90)
        assert done.status == "succeeded", done.error
        messages = [event.message for event in client.fine_tuning.jobs.list_events(job, limit=100)]
        assert messages.count("The job has successfully completed") == 1
        steps = [event.data["step"] for event in client.fine_tuning.jobs.list_events(job, limit=100) if event.type == "metrics"]
        assert steps == sorted(set(steps), reverse=True)
        assert [m.id for m in client.models.list()].count(done.fine_tuned_model) == 1
    tuned = [model.id for model in client.models.list() if model.id.startswith("ft:")]
    assert len(tuned) == len(jobs)
    assert len(list((own.root / "serve" / "models").iterdir())) == len(jobs)


def with_suppressed_kill(process: int) -> None:
    """kill -9, if it is still there."""
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return


def test_a_worker_outlives_its_server_and_is_not_doubled(own: Service, tmp_path) -> None:
    """The next server waits for it; the passes were run once, by one process."""
    client = own.start().client()
    job = client.fine_tuning.jobs.create(model="steady", training_file=upload(client, pairs(tmp_path / "a.jsonl"))).id
    until(lambda: len(own.trail(job)) >= 2)
    own.kill()
    own.start()
    trail = until(lambda: len(own.trail(job)) >= 11 and own.trail(job))
    assert len({process for _, process in trail}) == 1
    assert wait(own.client(), job).status == "succeeded"


def test_a_killed_worker_goes_on_from_its_checkpoint(own: Service, tmp_path) -> None:
    """A second worker runs the passes that are left; at most the one under way is run again."""
    client = own.start().client()
    job = client.fine_tuning.jobs.create(model="steady", training_file=upload(client, pairs(tmp_path / "a.jsonl"))).id
    until(lambda: len(own.trail(job)) >= 4)
    for worker in own.workers():
        with_suppressed_kill(worker)
    trail = until(lambda: len({process for _, process in own.trail(job)}) == 2 and len(own.trail(job)) >= 11 and own.trail(job))
    numbers = [int(number) for number, _ in trail]
    assert set(numbers) >= set(range(1, 12))
    assert len(numbers) - len(set(numbers)) <= 1
    assert len(list(groupby(process for _, process in trail))) == 2
    done = wait(client, job)
    assert done.status == "succeeded"
    assert any("was lost (signal 9" in event.message for event in client.fine_tuning.jobs.list_events(job, limit=100).data)


def test_a_server_that_is_asked_to_end_ends_its_worker_too(own: Service, tmp_path) -> None:
    """SIGTERM: no process is left, the job is; the next server trains it to its end."""
    client = own.start().client()
    job = client.fine_tuning.jobs.create(model="steady", training_file=upload(client, pairs(tmp_path / "a.jsonl"))).id
    until(lambda: own.trail(job))
    own.process.terminate()
    own.process.wait(20)
    assert own.workers() == []
    assert wait(own.start().client(), job).status == "succeeded"


def test_two_servers_on_one_folder_are_refused(shared: Service) -> None:
    """The second ends with 2 and says why; the first goes on."""
    command = [sys.executable, "-m", "corpus_tuner.cli", "serve", "--port", "0", "--root", str(shared.root)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 2
    assert "another server is at work" in second.stderr
    assert shared.client().models.list().data


def test_what_a_killed_upload_left_is_swept_away(own: Service) -> None:
    """Parts of uploads and files that the database does not know are removed at the next start; known ones stay."""
    client = own.start().client()
    kept = upload(client, pairs(own.root / "a.jsonl"))
    own.kill()
    folder = own.root / "serve"
    for left in ("incoming/file-part", "files/file-orphan"):
        (folder / left).write_text("x")
    (folder / "jobs" / "ftjob-orphan").mkdir()
    own.start()
    assert [path.name for path in (folder / "files").iterdir()] == [kept]
    assert not list((folder / "incoming").iterdir()) + list((folder / "jobs").iterdir())


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 3 MB, where the tests may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if not mount or subprocess.run([mount, "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", "-l", folder], check=False)


def test_a_full_disk_is_said_and_nothing_is_lost(small_disk: Path) -> None:
    """An upload that does not fit: 507, not to be repeated; what was there stays, and room helps."""
    running = Service(small_disk).start()
    try:
        client = running.client()
        kept = upload(client, pairs(small_disk / "a.jsonl"))
        big = b'{"x": "%s"}\n' % (b"x" * 4_000_000)
        with pytest.raises(openai.InternalServerError) as error:
            client.files.create(file=("b.jsonl", big), purpose="fine-tune")
        assert (error.value.status_code, error.value.code) == (507, "disk_full")
        assert [file.id for file in client.files.list()] == [kept]
        assert client.files.create(file=("c.jsonl", b"{}"), purpose="fine-tune").id
    finally:
        running.stop()


def test_a_disk_that_fills_up_in_the_middle_of_a_training_loses_nothing(small_disk: Path) -> None:
    """While it is full the job is neither lost nor called done and the server answers; with room again it goes on."""
    (small_disk / "serve.toml").write_text('[models]\nfilling = { base = "6 0.01 fill", trainer = "scripted" }\n')
    running = Service(small_disk).start()
    try:
        client = running.client()
        job = client.fine_tuning.jobs.create(model="filling", training_file=upload(client, pairs(small_disk / "a.jsonl")))
        filler = small_disk / "serve" / "jobs" / job.id / "expert" / "filler"
        until(lambda: filler.exists() and not shutil.disk_usage(small_disk).free)
        time.sleep(2)
        assert client.fine_tuning.jobs.retrieve(job.id).status == "running"
        with filler.open("wb"):  # emptied: the trainer knows by it that this was done
            pass
        done = wait(client, job.id)
        assert done.status == "succeeded", done.error
        steps = [e.data["step"] for e in client.fine_tuning.jobs.list_events(job.id, limit=100).data if e.type == "metrics"]
        assert steps == [6, 5, 4, 3, 2, 1]
    finally:
        running.stop()
