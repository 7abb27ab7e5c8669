"""Keeps the service busy with mixed work and kills, and checks at the end that nothing was lost and nothing leaked.

    python scripts/soak_serve.py [--minutes 30] [--only ask,stream] [--seed 0] [--json FILE]

Clients upload, create, cancel, pause and resume jobs, ask and stream, delete files and models, leave in the middle of
a stream; the worker is killed with signal 9 every 20 seconds or so, and for the first half of the time the server every
minute or so. The server of the second half lives on, and its memory is measured: the first fifth of its life is left
out (it opens models and threads), then the line of least squares through its resident size, one reading a second, may
not rise by more than 10 % from its beginning to its end. Every job that was created must have succeeded, failed with a
reason or been cancelled by us, and no model may be there twice.

--only does some of the deeds and kills nothing: it tells whether memory that grows is the chats' or the jobs'.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

CLIENTS, LEAK = 4, 0.10
WARM_UP = 0.2  # of the life of the last server: until then it opens models, connections and threads
DEEDS = ("upload", "create", "ask", "ask", "stream", "cancel", "pause", "look", "delete")
GONE = (400, 404, 409, 429)  # answers that a client must expect when others delete and cancel, too


class Soak:
    """The service under load, and what its clients were told."""

    def __init__(self, root: Path, seed: int, minutes: float, only: tuple[str, ...]) -> None:
        self.root, self.seed, self.chance = root, seed, random.Random(seed)
        self.only = only
        self.half = time.monotonic() + 30 * minutes
        self.until = time.monotonic() + 60 * minutes
        self.counts: Counter[str] = Counter()
        self.jobs: set[str] = set()
        self.cancelled: set[str] = set()
        self.wrong: list[str] = []
        self.process: subprocess.Popen | None = None
        self.port = 0
        self.memory: list[int] = []  # of the server that lives now, a reading a second
        self.highest = 0
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
        chance = random.Random(f"{self.seed}:{number}")
        deeds = [getattr(self, name) for name in self.only or DEEDS]
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
            self.memory.append(resident(self.process.pid))
            self.highest = max(self.highest, self.memory[-1])
            if self.only:
                continue
            if time.monotonic() > worker:
                worker += self.chance.uniform(10, 30)
                for pid in workers(self.root):
                    try:
                        os.kill(pid, signal.SIGKILL)
                        self.counts["worker killed"] += 1
                    except ProcessLookupError:
                        continue
            if server < time.monotonic() < self.half:
                server += self.chance.uniform(40, 80)
                self.up.clear()
                self.process.kill()
                self.process.wait()
                self.counts["server killed"] += 1
                self.memory = []
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


def growth(memory: list[int]) -> float:
    """The share by which the line of least squares through readings of a server's memory rises, the warm-up left out."""
    held = memory[int(WARM_UP * len(memory)) :]
    slope, start = statistics.linear_regression(range(len(held)), held)
    return slope * (len(held) - 1) / start


def quarter(memory: list[int], number: int) -> list[int]:
    """The first to fourth quarter of the readings behind the warm-up."""
    held = memory[int(WARM_UP * len(memory)) :]
    return held[(number - 1) * len(held) // 4 : number * len(held) // 4]


def main() -> None:
    """Soaks, prints a table, exits with 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--only", type=lambda text: tuple(text.split(",")), default=(), help=f"of {', '.join(sorted(set(DEEDS)))}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the figures and the readings of memory there, too")
    wanted = parser.parse_args()
    if strange := set(wanted.only) - set(DEEDS):
        parser.error(f"--only: there is no {', '.join(strange)}")
    with tempfile.TemporaryDirectory() as folder:
        soak = Soak(Path(folder), wanted.seed, wanted.minutes, wanted.only)
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
    first, last = (sum(part) / len(part) / 2**20 for part in (quarter(soak.memory, 1), quarter(soak.memory, 4)))
    print(f"{'memory':16}{soak.highest / 2**20:8,.0f} MB at most; of the last server, which lived {len(soak.memory):,} s: {grown:+.1%} by least squares")
    print(f"{'':16}after the warm-up, mean of the first quarter {first:,.1f} MB, of the last {last:,.1f} MB")
    if "Traceback" in said:
        print(said[said.rindex("Traceback") :][-2000:])
    print("\n".join(soak.wrong) or "nothing lost, nothing twice")
    if wanted.json:
        wanted.json.write_text(json.dumps({"counts": soak.counts, "growth": grown, "wrong": soak.wrong, "memory": soak.memory}, indent=1) + "\n")
    sys.exit(bool(soak.wrong))


if __name__ == "__main__":
    main()
