"""How fast the LLM writer is, and what it loses when the server fails: one table, beside the limit and the bare SDK.

  python scripts/bench_generate.py [--runs 3] [--latency 0.5] [--concurrency 64] [--only clean,facts,faults,kills,limited,log,million]
Loopback only: scripts/stub_llm.py answers, in its own process. 60 sections of about 260 words of made-up prose; each run is
a fresh process, timed from its start to its exit. limit = ceil(requests / concurrency) x latency: what waiting alone costs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import platform
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent

WRITER = """
import sys
from pathlib import Path
from corpus_tuner.models.endpoint import Endpoint
url, folder, concurrency, kinds = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4].split(",")
from corpus_tuner.store import Calls, read_jsonl, write_jsonl
calls = Calls(folder / "calls.jsonl")
model = Endpoint(url, "", "stub", calls, concurrency=concurrency, timeout=20)
from corpus_tuner.generate import generate
from corpus_tuner.generate.llm import LlmWriter
from corpus_tuner.records import Example, Section
from corpus_tuner.settings import GenerateSettings, Settings
sections = list(read_jsonl(folder / "sections.jsonl", Section))
plan = {} if kinds == ["facts"] else {"plan": "classic", "kinds": {kind: 20 for kind in kinds}}
settings = Settings(generate=GenerateSettings(writer="llm", concurrency=concurrency, **plan))
items = list(generate(sections, LlmWriter(settings, model), settings.generate.counts))
write_jsonl(folder / "examples.jsonl", (item for item in items if isinstance(item, Example)))
write_jsonl(folder / "rejects.jsonl", (item for item in items if not isinstance(item, Example)))
"""

BARE = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from openai import OpenAI
url, folder, concurrency, kinds = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4].split(",")
sections = [json.loads(line) for line in open(folder + "/sections.jsonl")]
client = OpenAI(base_url=url, api_key="none", max_retries=0)
def ask(job):
    prompt = f"{job[1]}: write 20 question-answer pairs as JSON, as in \\"question\\" and \\"answer\\".\\nText:\\n{job[0]['text']}"
    return client.chat.completions.create(model="stub", messages=[{"role": "user", "content": prompt}])
with ThreadPoolExecutor(concurrency) as pool:
    list(pool.map(ask, [(section, kind) for section in sections for kind in kinds]))
"""


@contextmanager
def stub(*options: str):
    """A stub server on a free port; yields its root URL."""
    command = [sys.executable, str(HERE / "stub_llm.py"), "--port", "0", *options]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield server.stdout.readline().split()[2].removesuffix("/v1")
    finally:
        server.terminate()
        server.wait()


def control(root: str, path: str) -> dict:
    """One of the stub's own pages."""
    with urllib.request.urlopen(root + path, timeout=10) as reply:
        return json.load(reply)


def prose(random_: random.Random, sentences: int) -> list[str]:
    """Made-up sentences of about twenty words, no two alike, each with names and numbers to check."""
    ships = ["Aldra", "Borisk", "Calmory", "Dunwen", "Esteral", "Farhold", "Gravina", "Hestor", "Irmelin", "Jorvald"]
    towns = ["Lenn", "Vasmere", "Tolquist", "Harrow Bay", "Osterwick", "Pellan", "Quarrenton", "Rimsey", "Sunder", "Torvik"]
    goods = ["copper", "salted herring", "timber", "printed cotton", "barley", "lamp oil", "marble", "wool", "tin", "sugar"]
    return [
        f"In {random_.randint(1700, 1900)} the {random_.choice(ships)} of captain {random_.choice(towns)} carried "
        f"{random_.randint(20, 9999)} crates of {random_.choice(goods)} from {random_.choice(towns)} to the harbour of "
        f"{random_.choice(towns)} within {random_.randint(3, 90)} days."
        for _ in range(sentences)
    ]


def write_sections(folder: Path, count: int) -> None:
    """`sections.jsonl` of `count` sections."""
    from corpus_tuner.records import Section
    from corpus_tuner.store import write_jsonl
    from corpus_tuner.text import sentences

    random_ = random.Random(7)
    rows = []
    for number in range(count):
        text = " ".join(prose(random_, 11))
        rows.append(Section(f"s{number}", "d", "Ships", (f"Year {number}",), text, sentences(text), language="en"))
    write_jsonl(folder / "sections.jsonl", rows)


def run(code: str, root: str, folder: Path, concurrency: int, kinds: str) -> float:
    """Seconds from the start of a process to its exit."""
    start = time.perf_counter()
    command = [sys.executable, "-c", code, f"{root}/v1", str(folder), str(concurrency), kinds]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(HERE.parent)})
    return time.perf_counter() - start


def count(path: Path) -> int:
    return sum(1 for _ in path.open("rb"))


def clean(options: argparse.Namespace) -> None:
    """Process start to exit, ours and the bare SDK's."""
    print("\n| run | requests | limit s | median s | runs s | first request to last reply s | tokens a pair |")
    print("|---|---|---|---|---|---|---|")
    with stub("--latency", str(options.latency)) as root, tempfile.TemporaryDirectory() as name:
        for sections, kinds in ((60, "basic"), (300, "basic,detailed")):
            for label, code in (("corpus_tuner", WRITER), ("bare SDK, threads", BARE)):
                folder = Path(name)
                write_sections(folder, sections)
                seconds = []
                for _ in range(options.runs):
                    (folder / "calls.jsonl").unlink(missing_ok=True)
                    control(root, "/reset")
                    seconds.append(run(code, root, folder, options.concurrency, kinds))
                stats = control(root, "/stats")
                limit = math.ceil(stats["requests"] / options.concurrency) * options.latency
                pairs = count(folder / "examples.jsonl") if code == WRITER else 0
                tokens = (stats["prompt_tokens"] + stats["completion_tokens"]) / pairs if pairs else math.nan
                print(
                    f"| {label}, {sections} sections, {kinds} | {stats['requests']} | {limit:.1f} | {statistics.median(seconds):.2f} "
                    f"| {' '.join(f'{one:.2f}' for one in seconds)} | {stats['span_s']:.2f} | {tokens:.0f} |",
                    flush=True,
                )


def facts(options: argparse.Namespace) -> None:
    """The plan by sentences: the share of sentences with three pairs, one of them reverse, and what a pair costs."""
    from corpus_tuner.generate.coverage import coverage
    from corpus_tuner.records import Example, Section
    from corpus_tuner.store import read_jsonl

    print("\n| plan by sentences | sentences | with three pairs, one reverse | requests | pairs | tokens a pair |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_sections(folder, 60)
        for label, plan in (("clean", []), ("20 % malformed, 5 % HTTP faults", ["--fault", "malformed=0.20", "--fault", "http=0.05"])):
            (folder / "calls.jsonl").unlink(missing_ok=True)
            with stub("--latency", "0.05", *plan) as root:
                run(WRITER, root, folder, options.concurrency, "facts")
                stats = control(root, "/stats")
            sections, examples = (list(read_jsonl(folder / f"{one.__name__.lower()}s.jsonl", one)) for one in (Section, Example))
            found = coverage(sections, examples)
            tokens = (stats["prompt_tokens"] + stats["completion_tokens"]) / len(examples)
            print(
                f"| {label} | {found['sentences']} | {found['full_share']:.2%} | {stats['requests']} | {len(examples)} | {tokens:.0f} |",
                flush=True,
            )


def faults(options: argparse.Namespace) -> None:
    """Pairs kept of those of a perfect run, and where the others went."""
    print("\n| 20 % malformed, 5 % HTTP faults | perfect run | kept | lost | changed | requests | seconds | rejects by reason |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_sections(folder, 60)
        for seed in range(options.runs):
            pairs = []
            for plan in ([], ["--fault", "malformed=0.20", "--fault", "http=0.05"]):
                with stub("--latency", "0.05", "--seed", str(seed), *plan) as root:
                    (folder / "calls.jsonl").unlink(missing_ok=True)
                    seconds = run(WRITER, root, folder, options.concurrency, "basic,detailed")
                    stats = control(root, "/stats")
                rows = [json.loads(line) for line in (folder / "examples.jsonl").open()]
                pairs.append({(row["question"], row["answer"]) for row in rows})
            perfect, kept = pairs
            reasons: dict[str, int] = {}
            for line in (folder / "rejects.jsonl").open():
                reason = json.loads(line)["reason"]
                reasons[reason] = reasons.get(reason, 0) + 1
            print(
                f"| seed {seed} | {len(perfect)} | {len(kept & perfect)} | {len(perfect - kept)} | {len(kept - perfect)} "
                f"| {stats['requests']} | {seconds:.1f} | {reasons} |",
                flush=True,
            )


READ_MARKS = """
import hashlib, itertools, json, mmap, os, openai
from corpus_tuner.models.wire import package_of
response = package_of(openai.DefaultHttpxClient).Response
read, marks, place = response.read, mmap.mmap(os.open(os.environ["READ_MARKS"], os.O_RDWR), 0), itertools.count()
def marking(self):
    content = read(self)
    if self.status_code == 200 and self.request.url.path.endswith("/chat/completions") and not hasattr(self, "_marked"):
        self._marked, at = True, 16 * next(place)
        marks[at : at + 16] = hashlib.md5(json.loads(self.request.content)["messages"][1]["content"].encode()).digest()
    return content
response.read = marking
"""


def kills(options: argparse.Namespace) -> None:
    """kill -9 at random moments, and the same again.

    A reply counts as read when its last byte came out of the HTTP client: a hook there sets a mark at once, in shared
    memory, since a system call would let another thread in between. Marked replies without a line in calls.jsonl were
    read and lost; those with two lines after the second run were asked twice.
    """
    print("\n| killed with | replies read | of these not recorded | recorded and asked again | pairs at the end |")
    print("|---|---|---|---|---|")
    random_ = random.Random(1)
    total = [0, 0, 0]
    with stub("--latency", "0.4") as root:
        for _ in range(options.kills):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                write_sections(folder, 150)
                control(root, "/reset")
                command = [sys.executable, "-c", READ_MARKS + WRITER, f"{root}/v1", name, str(options.concurrency), "basic,detailed"]
                (folder / "marks").write_bytes(bytes(16 * 1000))
                environment = {**os.environ, "PYTHONPATH": str(HERE.parent), "READ_MARKS": str(folder / "marks")}
                process = subprocess.Popen(command, env=environment)
                while not control(root, "/stats")["ok"]:
                    time.sleep(0.01)
                time.sleep(random_.uniform(0, 1.5))
                flight = control(root, "/stats")["in_flight"]
                process.send_signal(signal.SIGKILL)
                process.wait()
                recorded = prompts(folder)
                marks = (folder / "marks").read_bytes()
                read = {marks[at : at + 16] for at in range(0, len(marks), 16)} - {bytes(16)}
                run(WRITER, root, folder, options.concurrency, "basic,detailed")
                again = len(prompts(folder)) - len(set(prompts(folder)))
                known = {hashlib.md5(prompt.encode()).digest() for prompt in recorded}
                counts = [len(read), len(read - known), again]
                total = [one + other for one, other in zip(total, counts)]
                pairs = count(folder / "examples.jsonl")
                print(f"| {flight} in flight | {' | '.join(map(str, counts))} | {pairs} |", flush=True)
    print(f"| all | {' | '.join(map(str, total))} | |")


def prompts(folder: Path) -> list[str]:
    """The prompts of the whole lines in calls.jsonl."""
    path = folder / "calls.jsonl"
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    return [json.loads(line)["request"]["messages"][1]["content"] for line in lines if line.endswith(b"\n")]


LOG = """
import resource, sys, time
from pathlib import Path
from corpus_tuner.store import Calls
start = time.perf_counter()
calls = Calls(Path(sys.argv[1]))
ready = time.perf_counter() - start
assert calls.get("k00099999")["reply"]["text"]
print(len(calls), ready, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
start = time.perf_counter()
from corpus_tuner.models.prices import Price, paid
found = paid(Path(sys.argv[1]), "http://h/v1", "m", Price(1.0, 2.0))
print(found.calls, time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def log(options: argparse.Namespace) -> None:  # noqa: ARG001
    """100,000 calls of 5 KB already on record: until it is ready, until all that was paid is added up, and the memory."""
    print("\n| calls.jsonl of 100,000 calls | calls | seconds | peak memory MB |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "calls.jsonl"
        with path.open("w") as file:
            for number in range(100_000):
                exchange = {"base_url": "http://h/v1", "request": {"model": "m", "messages": [{"role": "user", "content": "x" * 2500}]}}
                exchange |= {"reply": {"text": "y" * 2250, "finish_reason": "stop"}, "usage": {"prompt_tokens": 625, "completion_tokens": 560}}
                file.write(json.dumps({"key": f"k{number:08}", **exchange, "sample": 0, "attempt": 0, "time": ""}) + "\n")
        said = subprocess.run([sys.executable, "-c", LOG, str(path)], check=True, capture_output=True, text=True).stdout
        for label, line in zip(("ready", "what was paid added up"), said.splitlines()):
            calls, seconds, memory = line.split()
            print(f"| {label} | {calls} | {float(seconds):.2f} | {float(memory):.0f} |")


MEASURED = WRITER + """
import resource
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
MILLION = 1_000_000


def million(options: argparse.Namespace) -> None:
    """What a million sections of 11 sentences take by the plan of sentences, from what this machine can send and hold."""
    counts, memory, rate, bytes_ = (100, 600), [], 0.0, 0.0
    requests = pairs = 0
    with stub("--latency", "0.05") as root:
        for sections in counts:
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                write_sections(folder, sections)
                control(root, "/reset")
                command = [sys.executable, "-c", MEASURED, f"{root}/v1", name, str(options.concurrency), "facts"]
                said = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(HERE.parent)})
                stats = control(root, "/stats")
                memory.append(float(said.stdout))
                rate = stats["requests"] / stats["span_s"]
                requests, pairs = stats["requests"] / sections, count(folder / "examples.jsonl") / sections
                bytes_ = sum((folder / name).stat().st_size for name in ("calls.jsonl", "examples.jsonl")) / sections
    each = (memory[1] - memory[0]) / (counts[1] - counts[0])
    print("\n| measured with one process | |\n|---|---|")
    print(f"| most requests it sends, checks included, with a server that answers at once | {rate:.0f} a second |")
    print(f"| requests and pairs of a section | {requests:.2f} and {pairs:.1f} |")
    print(f"| on disk | {bytes_ / 1000:.0f} kB a section, {bytes_ * MILLION / 1e12:.2f} TB for a million |")
    print(f"| in memory | {memory[0] - counts[0] * each:.0f} MB and {each * 1000:.0f} kB a section: {each * MILLION / 1e6:.2f} TB for a million |")
    print("\n| 1,000,000 sections: in flight | a reply takes 1 s | 5 s | 20 s |\n|---|---|---|---|")
    for flight in (64, 512, 4096):
        days = [requests * MILLION / min(rate, flight / seconds) / 86400 for seconds in (1, 5, 20)]
        print(f"| {flight} | {' | '.join(f'{one:.1f} days' for one in days)} |")


def limited(options: argparse.Namespace) -> None:
    """A server that bears 8 requests at once and refuses the others."""
    print("\n| a server that refuses more than 8 at once | requests answered | refused | seconds | limit s |")
    print("|---|---|---|---|---|")
    plan = ("--latency", "0.2", "--max-concurrency", "8", "--overflow", "reject", "--retry-after", "1")
    with stub(*plan) as root, tempfile.TemporaryDirectory() as name:
        write_sections(Path(name), 120)
        seconds = run(WRITER, root, Path(name), options.concurrency, "basic,detailed")
        stats = control(root, "/stats")
        print(f"| 64 threads | {stats['ok']} | {stats['limited_429']} | {seconds:.1f} | {stats['ok'] / 8 * 0.2:.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--latency", type=float, default=0.5)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--only", default="clean,facts,faults,kills,limited,log,million")
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}")
    for name in options.only.split(","):
        {"clean": clean, "facts": facts, "faults": faults, "kills": kills, "limited": limited, "log": log, "million": million}[name](options)


if __name__ == "__main__":
    main()
