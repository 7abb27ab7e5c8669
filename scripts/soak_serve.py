"""Keeps the service busy with mixed work and kills, and checks at the end that nothing was lost and nothing leaked.

    python scripts/soak_serve.py [--minutes 2] [--seed 0] [--json FILE]

Clients upload, create, cancel, pause and resume jobs, ask and stream, delete files and models, leave in the middle of
a stream; the worker is killed with signal 9 every 20 seconds or so, the server every minute or so. At the end every job
that was created must have succeeded, failed with a reason or been cancelled by us; no model may be there twice; and the
server's memory after the second half may not exceed that after the first by more than 10 %.
The issue's figure is for --minutes 30.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

CLIENTS, LEAK = 4, 0.10
GONE = (400, 404, 409, 429)  # answers that a client must expect when others delete and cancel, too


class Soak:
    """The service under load, and what its clients were told."""

    def __init__(self, root: Path, seed: int, minutes: float) -> None:
        self.root, self.chance = root, random.Random(seed)
        self.until = time.monotonic() + 60 * minutes
        self.counts: Counter[str] = Counter()
        self.jobs: set[str] = set()
        self.cancelled: set[str] = set()
        self.wrong: list[str] = []
        self.process: subprocess.Popen | None = None
        self.port = 0
        self.memory: list[tuple[float, int]] = []
        self.up = threading.Event()
        self.log = (root / "server.log").open("ab")

    def start(self) -> None:
        """Starts the server; the port stays what it was."""
        command = [sys.executable, "-m", "corpus_tuner.cli", "serve", "--port", str(self.port), "--root", str(self.root)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        assert self.process.stdout
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])
        self.up.set()

    def client(self, number: int) -> None:
        """One client: a random deed after another."""
        import openai

        sdk = openai.OpenAI(base_url=f"http://127.0.0.1:{self.port}/v1", api_key="none", max_retries=0, timeout=30)
        chance = random.Random(number)
        deeds = [self.upload, self.create, self.ask, self.ask, self.stream, self.cancel, self.pause, self.look, self.delete]
        while time.monotonic() < self.until:
            deed = chance.choice(deeds)
            try:
                deed(sdk, chance)
                self.counts[deed.__name__] += 1
            except openai.APIStatusError as error:
                if error.status_code not in GONE:
                    self.wrong.append(f"{deed.__name__}: {error.status_code} {error}")
                self.counts["refused"] += 1
            except (openai.APIError, OSError, StopIteration):  # the server was just killed
                self.counts["cut off"] += 1
                self.up.wait(30)
            time.sleep(chance.uniform(0.0, 0.4))

    def upload(self, sdk, chance) -> None:
        count = chance.choice([20, 20, 20, 5])
        rows = [{"messages": [{"role": "user", "content": f"What is {n}?"}, {"role": "assistant", "content": f"It is {n * 7}."}]} for n in range(count)]
        sdk.files.create(file=("rows.jsonl", "".join(json.dumps(row) + "\n" for row in rows).encode()), purpose="fine-tune")

    def create(self, sdk, chance) -> None:
        files = sdk.files.list(purpose="fine-tune", limit=50).data
        if not files or len([job for job in sdk.fine_tuning.jobs.list(limit=50) if job.status in ("queued", "validating_files")]) > 4:
            return
        job = sdk.fine_tuning.jobs.create(model="scratch", training_file=chance.choice(files).id, hyperparameters={"n_epochs": 1})
        self.jobs.add(job.id)

    def ask(self, sdk, chance) -> None:
        model = self._model(sdk, chance)
        sdk.chat.completions.create(model=model, messages=[{"role": "user", "content": f"What is {chance.randint(0, 19)}?"}], max_tokens=30)

    def stream(self, sdk, chance) -> None:
        chunks = sdk.chat.completions.create(model=self._model(sdk, chance), messages=[{"role": "user", "content": "What is 3?"}], max_tokens=30, stream=True)
        for place, _ in enumerate(chunks):
            if chance.random() < 0.3 and place > 1:
                chunks.close()
                return

    def _model(self, sdk, chance) -> str:
        return chance.choice([model.id for model in sdk.models.list()])

    def cancel(self, sdk, chance) -> None:
        job = self._going(sdk, chance)
        if job and chance.random() < 0.3:
            self.cancelled.add(job)
            sdk.fine_tuning.jobs.cancel(job)

    def pause(self, sdk, chance) -> None:
        job = self._going(sdk, chance)
        if job:
            sdk.fine_tuning.jobs.pause(job)
            time.sleep(1)
            sdk.fine_tuning.jobs.resume(job)

    def _going(self, sdk, chance) -> str | None:
        going = [job.id for job in sdk.fine_tuning.jobs.list(limit=20).data if job.status in ("queued", "running")]
        return chance.choice(going) if going else None

    def look(self, sdk, _) -> None:
        for job in sdk.fine_tuning.jobs.list(limit=5).data:
            sdk.fine_tuning.jobs.list_events(job.id, limit=50)
            sdk.fine_tuning.jobs.checkpoints.list(job.id)

    def delete(self, sdk, _) -> None:
        files = sdk.files.list(limit=100).data
        if len(files) > 30:
            sdk.files.delete(files[-1].id)
        models = [model.id for model in sdk.models.list() if model.id.startswith("ft:")]
        if len(models) > 5:
            sdk.models.delete(models[-1])

    def killer(self) -> None:
        """Signal 9 to the worker and to the server, and a look at the server's memory."""
        worker, server = time.monotonic() + 10, time.monotonic() + 60
        while time.monotonic() < self.until:
            time.sleep(1)
            self.memory.append((time.monotonic(), resident(self.process.pid)))
            if time.monotonic() > worker:
                worker += self.chance.uniform(10, 30)
                for pid in workers(self.root):
                    try:
                        os.kill(pid, signal.SIGKILL)
                        self.counts["worker killed"] += 1
                    except ProcessLookupError:
                        continue
            if time.monotonic() > server and time.monotonic() < self.until - 60:
                server += self.chance.uniform(40, 80)
                self.up.clear()
                self.process.kill()
                self.process.wait()
                self.counts["server killed"] += 1
                self.start()

    def settle(self) -> None:
        """Waits for what is left, and notes what is not as it should be."""
        import openai

        sdk = openai.OpenAI(base_url=f"http://127.0.0.1:{self.port}/v1", api_key="none")
        end = time.monotonic() + 300
        while time.monotonic() < end:
            jobs = {job.id: job for job in sdk.fine_tuning.jobs.list(limit=100)}
            for job in jobs.values():
                if job.status == "paused":
                    sdk.fine_tuning.jobs.resume(job.id)
            if all(job.status in ("succeeded", "failed", "cancelled") for job in jobs.values()):
                break
            time.sleep(0.5)
        self.wrong += [f"{name} was lost" for name in self.jobs - set(jobs)]
        for job in jobs.values():
            self.counts[job.status] += 1
            done = [event.message for event in sdk.fine_tuning.jobs.list_events(job.id, limit=100)].count("The job has successfully completed")
            if job.status not in ("succeeded", "failed", "cancelled") or done != (job.status == "succeeded"):
                self.wrong.append(f"{job.id} is {job.status}, completed {done} times")
            if job.status == "failed" and not (job.error and job.error.message):
                self.wrong.append(f"{job.id} failed without a reason")
            if job.status == "failed" and job.error and job.error.code != "invalid_n_examples":
                self.wrong.append(f"{job.id} failed: {job.error.message}")
            if job.status == "cancelled" and job.id not in self.cancelled:
                self.wrong.append(f"{job.id} was cancelled by nobody")
        names = [model.id for model in sdk.models.list()]
        self.wrong += [f"{name} is there twice" for name, times in Counter(names).items() if times > 1]


def resident(pid: int) -> int:
    """Bytes of memory that a process holds; 0 for one that has gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def workers(root: Path) -> list[int]:
    """Process ids of the workers of a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if "corpus_tuner.serve.worker" in command and str((root / "serve").resolve()) in command:
            found.append(int(entry.name))
    return found


def growth(memory: list[tuple[float, int]]) -> float:
    """The most that a server's memory grew between the first and the last quarter of its life, as a share; a server
    that lived for less than four minutes is not counted, nor are the first two of any: it is still loading."""
    lives: list[list[int]] = [[]]
    for (at, held), (before, _) in zip(memory, [(memory[0][0], 0), *memory]):
        if lives[-1] and (held < 0.6 * lives[-1][-1] or at - before > 5):
            lives.append([])
        lives[-1].append(held)
    long = [life[120:] for life in lives if len(life) >= 240]
    quarters = [(life[: len(life) // 4], life[-(len(life) // 4) :]) for life in long]
    return max((sum(last) / len(last) / (sum(first) / len(first)) - 1 for first, last in quarters), default=0.0)


def main() -> None:
    """Soaks, prints a table, exits with 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        soak = Soak(Path(folder), wanted.seed, wanted.minutes)
        soak.start()
        threads = [threading.Thread(target=soak.client, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        soak.killer()
        for thread in threads:
            thread.join()
        soak.settle()
        soak.process.terminate()
        soak.process.wait(20)
        said = (Path(folder) / "server.log").read_text(encoding="utf-8", errors="replace")
    grown = growth(soak.memory)
    if grown > LEAK:
        soak.wrong.append(f"memory grew by {grown:.0%}")
    for name, count in sorted(soak.counts.items()):
        print(f"{name:16}{count:8,}")
    print(f"{'memory at most':16}{max(held for _, held in soak.memory) / 2**20:8,.0f} MB, grew by {grown:.1%}")
    if "Traceback" in said:
        print(said[said.rindex("Traceback") :][-2000:])
    print("\n".join(soak.wrong) or "nothing lost, nothing twice")
    if wanted.json:
        wanted.json.write_text(json.dumps({"counts": soak.counts, "growth": grown, "wrong": soak.wrong}, indent=1) + "\n")
    sys.exit(bool(soak.wrong))


if __name__ == "__main__":
    main()
