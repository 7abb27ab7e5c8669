"""The LLM writer against a real server on loopback: its faults, its limits, its death, and our own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, Stub, ships

from corpus_tuner.errors import Unavailable
from corpus_tuner.generate import generate
from corpus_tuner.generate.llm import LlmWriter
from corpus_tuner.models.endpoint import Endpoint
from corpus_tuner.records import Example, Reject
from corpus_tuner.settings import GenerateSettings, Settings
from corpus_tuner.store import Calls, write_jsonl

Start = Callable[..., Stub]
FAULTS = [
    "truncated",
    "fence",
    "preamble",
    "trailing_comma",
    "single_quotes",
    "python_literals",
    "raw_newlines",
    "empty",
    "refusal",
]
FAULTS += ["http429", "http500", "http503", "reset"]


def write(
    stub: Stub | list[Stub], calls: Calls | None = None, sections: int = 12, timeout: float = 20.0
) -> list[Example | Reject]:
    settings = Settings(generate=GenerateSettings(concurrency=16))
    urls = [one.url for one in stub] if isinstance(stub, list) else stub.url
    model = Endpoint(urls, "", "stub", calls, timeout, concurrency=16)
    try:
        return list(generate([ships(n) for n in range(sections)], LlmWriter(settings, model), {"basic": 20}))
    finally:
        model.close()


def pairs(items: list[Example | Reject]) -> set[tuple[str, str]]:
    return {(item.question, item.answer) for item in items if isinstance(item, Example)}


@pytest.mark.parametrize("fault", FAULTS)
def test_one_reply_in_five_that_fails_costs_no_pair(stub: Start, fault: str) -> None:
    """Each fault of the server, met by a fifth of the requests: all pairs of a perfect run, none changed, none cut."""
    perfect = write(stub())
    broken = stub("--fault", f"{fault}=0.2", "--seed", "6", "--retry-after", "0.05")  # with 6 no request is faulted three times
    assert pairs(write(broken)) == pairs(perfect)
    assert broken.get("/stats")["by_fault"][fault] > 0


def test_a_server_that_hangs_is_asked_again(stub: Start) -> None:
    """Past the time for one exchange, the next ask."""
    hung = stub("--fault", "hang=0.2", "--seed", "2")
    assert pairs(write(hung, timeout=1.0)) == pairs(write(stub()))


def test_a_third_of_malformed_and_http_faults_together_loses_only_what_failed_three_times(stub: Start) -> None:
    """Whatever is missing has a reject that names it."""
    perfect = pairs(write(stub(), sections=30))
    items = write(stub("--fault", "malformed=0.3", "--fault", "http=0.1", "--retry-after", "0.05"), sections=30)
    lost = perfect - pairs(items)
    named = {item.item_id.split()[0] for item in items if isinstance(item, Reject)}
    assert pairs(items) <= perfect
    assert {
        question.split("vessel ")[1].split()[0].lstrip("ABCDEFGHIJKabcdefghijklmnopqrstuvwxyz") for question, _ in lost
    } <= {one[1:] for one in named}
    assert len(lost) < len(perfect) / 5


def test_the_schema_is_honoured_and_plain_replies_are_read(stub: Start) -> None:
    """The stub answers under the schema in its own shape: strict throughout."""
    assert {item.form for item in write(stub()) if isinstance(item, Example)} == {"strict"}


def test_a_server_with_a_limit_is_not_run_over(stub: Start) -> None:
    """More threads than it bears: refusals fall as the limit is found, and nothing is lost."""
    small = stub("--max-concurrency", "3", "--overflow", "reject", "--retry-after", "0.05")
    assert pairs(write(small)) == pairs(write(stub()))
    assert small.get("/stats")["limited_429"] > 0


def test_two_servers_share_the_work_and_one_may_die(stub: Start, tmp_path: Path) -> None:
    """Half each; with one dead all pairs of a perfect run; the list grown and turned round, nothing is sent again."""
    first, second = stub(), stub()
    perfect = write([first, second], Calls(tmp_path / "calls.jsonl"), sections=24)
    assert all(server.get("/stats")["ok"] >= 6 for server in (first, second))
    dead = Stub("http://127.0.0.1:9")
    assert pairs(write([dead, second], sections=24)) == pairs(perfect)
    sent = [server.get("/stats")["requests"] for server in (first, second)]
    assert write([stub(), second, dead, first], Calls(tmp_path / "calls.jsonl"), sections=24) == perfect
    assert [server.get("/stats")["requests"] for server in (first, second)] == sent


def test_the_whole_width_is_used(stub: Start) -> None:
    """As many requests are in flight as settings allow."""
    server = stub()
    server.set(latency=0.3)
    write(server, sections=40)
    assert server.get("/stats")["in_flight_peak"] == 16


def test_a_second_run_sends_nothing(stub: Start, tmp_path: Path) -> None:
    """Every reply is on record, also those of repeated asks."""
    server = stub("--fault", "malformed=0.3")
    first = write(server, Calls(tmp_path / "calls.jsonl"))
    sent = server.get("/stats")["requests"]
    assert write(server, Calls(tmp_path / "calls.jsonl")) == first
    assert server.get("/stats")["requests"] == sent


def test_a_port_where_nobody_listens_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within seconds, with one line."""
    from corpus_tuner import gate
    from corpus_tuner.generate import requests

    monkeypatch.setattr(requests, "Gate", lambda most: gate.Gate(most, knocks=0.5))
    start = time.monotonic()
    with pytest.raises(Unavailable, match="cannot be reached"):
        write(Stub("http://127.0.0.1:9"))
    assert time.monotonic() - start < 10


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from conftest import ships
from corpus_tuner.generate import generate
from corpus_tuner.generate.llm import LlmWriter
from corpus_tuner.models.endpoint import Endpoint
from corpus_tuner.settings import GenerateSettings, Settings
from corpus_tuner.store import Calls
model = Endpoint(sys.argv[1], "", "stub", Calls(Path(sys.argv[2])), concurrency=8)
list(generate([ships(n) for n in range(40)], LlmWriter(Settings(generate=GenerateSettings(concurrency=8)), model), {"basic": 20}))
"""


def start_writer(stub: Stub, calls: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WRITER, stub.url, str(calls), str(Path(__file__).parent)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE)


def recorded(calls: Path) -> list[str]:
    lines = calls.read_bytes().splitlines(keepends=True) if calls.exists() else []
    return [json.loads(line)["key"] for line in lines if line.endswith(b"\n")]


@pytest.mark.parametrize("wanted", [1, 17])
def test_killed_and_run_again_no_recorded_call_is_paid_again(stub: Start, tmp_path: Path, wanted: int) -> None:
    """kill -9 in the middle: the second run asks only for what is not on record, and ends where an unbroken one does."""
    server = stub()
    server.set(latency=0.2)
    calls = tmp_path / "calls.jsonl"
    process = start_writer(server, calls)
    deadline = time.monotonic() + 60
    while len(recorded(calls)) < wanted and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stderr.close()
    before = recorded(calls)
    assert wanted <= len(before) < 40
    time.sleep(0.5)
    server.get("/mark")
    unread = server.get("/stats")["ok"] - len(before)
    server.set(latency=0.01)
    second = start_writer(server, calls)
    assert second.wait(timeout=60) == 0
    second.stderr.close()
    after = recorded(calls)
    assert len(after) == len(set(after)) == 40
    assert server.get("/stats")["repeated_marked"] <= unread


def test_ctrl_c_ends_the_run_and_keeps_what_was_in_flight(stub: Start, tmp_path: Path) -> None:
    """The replies under way are waited for and recorded; then the process ends by KeyboardInterrupt."""
    server = stub()
    server.set(latency=0.4)
    calls = tmp_path / "calls.jsonl"
    process = start_writer(server, calls)
    deadline = time.monotonic() + 60
    while len(recorded(calls)) < 8 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert b"KeyboardInterrupt" in said
    stats = server.get("/stats")
    assert stats["requests"] < 40
    assert stats["client_disconnects"] == 0
    assert len(recorded(calls)) == stats["ok"]


def test_examples_lead_to_their_calls(stub: Start, tmp_path: Path) -> None:
    """The source of an example is the key of the exchange that made it."""
    calls = Calls(tmp_path / "calls.jsonl")
    examples = [item for item in write(stub(), calls, sections=2) if isinstance(item, Example)]
    write_jsonl(tmp_path / "examples.jsonl", examples)
    for example in examples:
        assert json.dumps(example.answer)[1:-1] in calls.get(example.source_id)["reply"]["text"]
    assert Counter(example.source_id for example in examples).total() == len(examples)
