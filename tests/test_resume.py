"""Stop it at any moment and run it again: nothing is paid twice, nothing done runs again, nothing is half-written."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import stub
from click.testing import CliRunner

from corpus_tuner.cli import app

TEXT = "\n".join(
    f"# Harbour {n}\n\nThe harbour of Port {n} was opened by Ada Keller in {1850 + n}. It holds {n + 3} ships of the line. "
    f"Its lighthouse stands {20 + n} metres above the sea, and a keeper named Tom Brandt {n} lights it every evening."
    for n in range(8)
)


def corpus(root: Path) -> None:
    """A small handbook of eight sections."""
    (root / "sources").mkdir(parents=True)
    (root / "sources" / "ports.md").write_text(TEXT)
    (root / "sources" / "ports.toml").write_text('[corpus]\nname = "ports"\n[[source]]\nlocator = "ports.md"\n[train]\nepochs = 1\n')


def command(root: Path, *words: str) -> list[str]:
    """The console script's own module, as a new user would run it."""
    return [sys.executable, "-m", "corpus_tuner.cli", *words, "--root", str(root)]


def llm(root: Path, base_url: str) -> list[str]:
    """Generation through an endpoint, few requests at a time so that a kill finds it at work."""
    flags = ("--writer", "llm", "--model", "m", "--base-url", base_url, "--concurrency", "2", "--per-section", "3", "--save")
    return command(root, "dataset", "ports", *flags)


def undisturbed(words: list[str]) -> str:
    """What a command that nobody kills prints; in this process, which need not start anew for it."""
    done = CliRunner().invoke(app, words[3:])
    assert done.exit_code == 0, done.stderr
    return done.stdout


def lines(root: Path) -> list[bytes]:
    """Whole lines of the record of paid calls."""
    path = root / "generated" / "ports" / "calls.jsonl"
    return [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")] if path.exists() else []


def kill_after(process: subprocess.Popen, reached) -> None:
    """A real kill -9 of the whole process as soon as `reached()` is true."""
    while process.poll() is None and not reached():
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_killed_after_any_call_nothing_is_paid_twice(tmp_path) -> None:
    """For every k: kill -9 after k answered calls, run again; the recorded k are not asked again and the result is the same."""
    with stub.running("--latency", "0.05") as server:
        corpus(tmp_path / "whole")
        undisturbed(llm(tmp_path / "whole", server.base_url))
        calls = len(lines(tmp_path / "whole"))
        want = (tmp_path / "whole" / "generated" / "ports" / "examples.jsonl").read_bytes()
        assert calls == 16
        for k in range(1, calls, 3):
            root = tmp_path / str(k)
            corpus(root)
            process = subprocess.Popen(llm(root, server.base_url), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            kill_after(process, lambda root=root, k=k: len(lines(root)) >= k)
            before, asked = lines(root), server.stats()["requests"]
            assert len(before) >= k
            undisturbed(llm(root, server.base_url))
            after = lines(root)
            assert after[: len(before)] == before
            assert server.stats()["requests"] - asked == calls - len(before)
            assert len({json.loads(line)["key"] for line in after}) == len(after) == calls
            assert (root / "generated" / "ports" / "examples.jsonl").read_bytes() == want


def test_killed_at_random_moments_a_whole_build_ends_as_if_undisturbed(tmp_path) -> None:
    """Four kills anywhere between fetch and report; then the build ends, and a third run does nothing and says so."""
    pytest.importorskip("torch")
    corpus(tmp_path)
    draw = random.Random(7)
    for longest in (2, 3, 4, 5):  # seconds
        process = subprocess.Popen(command(tmp_path, "build", "ports"), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        end = time.monotonic() + draw.uniform(0.3, longest)
        kill_after(process, lambda end=end: time.monotonic() > end)
        for path in (tmp_path / "generated").rglob("*.jsonl"):
            if ".partial" not in str(path):
                for line in path.read_text().splitlines():
                    json.loads(line)
    undisturbed(command(tmp_path, "build", "ports"))
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "generated").rglob("*") if path.is_file()}
    assert "ports is up to date" in undisturbed(command(tmp_path, "build", "ports"))
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "generated").rglob("*") if path.is_file()} == stamps
    assert not [path for path in stamps if path.name.endswith(".tmp") or ".partial" in str(path)]


def test_two_builds_of_one_corpus_do_not_run_side_by_side(tmp_path) -> None:
    """The second says so and ends with 1; the lock of a killed one is free."""
    with stub.running("--latency", "3") as server:
        corpus(tmp_path)
        first = subprocess.Popen(llm(tmp_path, server.base_url), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        while not (tmp_path / "generated" / "ports" / "calls.jsonl").exists():
            time.sleep(0.02)
        second = subprocess.run(llm(tmp_path, server.base_url), capture_output=True, text=True)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    assert second.returncode == 1
    assert "another build of ports is under way" in second.stderr
    third = subprocess.run(command(tmp_path, "clean", "ports"), capture_output=True, text=True)
    assert third.returncode == 0
