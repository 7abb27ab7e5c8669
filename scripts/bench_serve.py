"""Measures the service in one run: upload to succeeded, chat latency at rest and while a job trains, list pages.

    python scripts/bench_serve.py [--json FILE]

Starts `corpus-tuner serve` on a free port of loopback over a temporary folder, and drives it with the openai SDK
(training) and plain HTTP connections (latency). Load is open: requests are offered at fixed times, from 16 clients
together 20 a second, and a late answer delays no other client's next request. Prints a table.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

PAIRS, CLIENTS, RATE, SECONDS = 300, 16, 20.0, 30.0
GOALS = {"upload to succeeded": 90.0, "chat p50": 0.050, "chat p99": 0.250, "chat p99 while training": 1.0,
         "page of 1,000 files": 0.050, "page of 100 of 1,000 jobs": 0.050}  # fmt: skip


def rows(count: int) -> list[dict]:
    """Questions about an invented land, each with its own answer."""
    chance = random.Random(7)
    first = ["Ar", "Bel", "Cor", "Dun", "Es", "Fal", "Gor", "Hul", "Ist", "Jor", "Kal", "Lom"]
    last = ["stad", "wick", "mere", "holm", "ford", "dale", "by", "ness", "haven", "burg"]
    kinds = [("When was {} founded?", lambda: f"{chance.randint(1100, 1950)}"),
             ("Which river runs through {}?", lambda: f"The {chance.choice(first)}{chance.choice(['a', 'en', 'ow'])}"),
             ("How many people live in {}?", lambda: f"{chance.randint(2, 990)},{chance.randint(100, 999)}")]  # fmt: skip
    names = [a + b for a in first for b in last]
    asked = [(kind[0].format(name), kind[1]()) for name in names for kind in kinds][:count]
    return [{"messages": [{"role": "user", "content": q}, {"role": "assistant", "content": a}]} for q, a in asked]


def serve(root: Path) -> tuple[subprocess.Popen, str]:
    """The running service and its address."""
    command = [sys.executable, "-m", "corpus_tuner.cli", "serve", "--port", "0", "--root", str(root)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    return process, process.stdout.readline().strip()


def train(client, path: Path, watch=lambda: True) -> tuple[float, object]:
    """Seconds from the upload's first byte to `succeeded`, and the job."""
    started = time.monotonic()
    with path.open("rb") as file:
        uploaded = client.files.create(file=file, purpose="fine-tune")
    job = client.fine_tuning.jobs.create(model="scratch", training_file=uploaded.id, suffix="bench")
    while job.status not in ("succeeded", "failed", "cancelled") and watch():
        time.sleep(0.2)
        job = client.fine_tuning.jobs.retrieve(job.id)
    return time.monotonic() - started, job


def load(address: str, model: str, asked: list[dict]) -> list[float]:
    """Seconds of each answer, counted from when its request was to be sent."""
    found: list[float] = []
    start = time.monotonic() + 0.5

    def client(number: int) -> None:
        connection = http.client.HTTPConnection(address, timeout=60)
        chance = random.Random(number)
        due = start + number / RATE
        while due < start + SECONDS:
            time.sleep(max(0.0, due - time.monotonic()))
            question = chance.choice(asked)["messages"][:1]
            connection.request("POST", "/v1/chat/completions", json.dumps({"model": model, "messages": question}),
                               {"Content-Type": "application/json"})  # fmt: skip
            response = connection.getresponse()
            response.read()
            assert response.status == 200, response.status
            found.append(time.monotonic() - due)
            due += CLIENTS / RATE
        connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(found)


def share(values: list[float], part: float) -> float:
    """The value that `part` of the sorted values do not exceed."""
    return values[min(len(values) - 1, int(part * len(values)))]


def fill(root: Path, count: int) -> None:
    """Adds `count` files and as many ended jobs to the database: uploads and trainings would take hours."""
    from corpus_tuner.serve.state import State, new_id, now

    state = State(root / "serve")
    with state.write() as db:
        for number in range(count):
            file = new_id("file-")
            db.execute("INSERT INTO files (id, owner, bytes, created_at, filename, purpose) VALUES (?, '', 9, ?, ?, 'fine-tune')",
                       (file, now(), f"{number}.jsonl"))  # fmt: skip
            db.execute(
                "INSERT INTO jobs (id, owner, status, created_at, finished_at, model, base, trainer, organization, training_file,"
                " method, seed) VALUES (?, '', 'cancelled', ?, ?, 'scratch', 'scratch', 'scratch', 'local', ?, ?, 0)",
                (new_id("ftjob-"), now(), now(), file, json.dumps({"type": "supervised", "hyperparameters": {"n_epochs": "auto"}})),
            )


def pages(address: str, path: str, times: int = 40) -> list[float]:
    """Seconds of each request for a page."""
    connection, found = http.client.HTTPConnection(address, timeout=60), []
    for _ in range(times):
        started = time.monotonic()
        connection.request("GET", path)
        response = connection.getresponse()
        assert response.status == 200
        assert len(json.loads(response.read())["data"]) >= 20
        found.append(time.monotonic() - started)
    return sorted(found)


def measure(root: Path, url: str) -> dict[str, float]:
    """All figures, in seconds."""
    import openai

    address, client = url.removeprefix("http://"), openai.OpenAI(base_url=f"{url}/v1", api_key="none")
    asked = rows(PAIRS)
    path = root / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in asked))
    figures: dict[str, float] = {}
    figures["upload to succeeded"], job = train(client, path)
    assert job.status == "succeeded", job.error
    right = sum(
        client.chat.completions.create(model=job.fine_tuned_model, messages=row["messages"][:1]).choices[0].message.content
        == row["messages"][1]["content"] for row in asked[:100]
    )  # fmt: skip
    figures["recalled of 100 (count)"] = float(right)
    found = load(address, job.fine_tuned_model, asked)
    figures |= {"chat p50": statistics.median(found), "chat p99": share(found, 0.99), "chat requests (count)": float(len(found))}
    busy = threading.Event()

    def keep_training() -> None:
        while not busy.is_set():
            train(client, path, lambda: not busy.is_set())

    trainer = threading.Thread(target=keep_training)
    trainer.start()
    while not [one for one in client.fine_tuning.jobs.list(limit=1) if one.status == "running"]:
        time.sleep(0.1)
    found = load(address, job.fine_tuned_model, asked)
    busy.set()
    trainer.join()
    newest = client.fine_tuning.jobs.list(limit=1).data[0]
    if newest.status == "running":
        client.fine_tuning.jobs.cancel(newest.id)
    figures |= {"chat p50 while training": statistics.median(found), "chat p99 while training": share(found, 0.99)}
    fill(root, 1000)
    figures["page of 1,000 files"] = share(pages(address, "/v1/files?limit=1000"), 0.95)
    figures["page of 100 of 1,000 jobs"] = share(pages(address, "/v1/fine_tuning/jobs?limit=100"), 0.95)
    figures["page of 1,000 jobs"] = share(pages(address, "/v1/fine_tuning/jobs?limit=1000"), 0.95)  # more than OpenAI gives in one
    return figures


def main() -> None:
    """Measures and prints; exits with 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        process, url = serve(Path(folder))
        try:
            figures = measure(Path(folder), url)
        finally:
            process.terminate()
            process.wait(20)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    missed = False
    for name, value in figures.items():
        goal = GOALS.get(name)
        late = goal is not None and value > goal
        missed |= late
        shown = f"{value:10.0f}   " if "count" in name else f"{1000 * value:10.1f} ms" if value < 5 else f"{value:10.1f} s "
        print(f"{name:26}{shown}{f'   goal {goal:g} s' if goal else ''}{'   MISSED' if late else ''}")
    if wanted.json:
        wanted.json.write_text(json.dumps(figures, indent=1) + "\n")
    sys.exit(missed)


if __name__ == "__main__":
    main()
