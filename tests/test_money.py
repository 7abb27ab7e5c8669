"""Money from end to end: an estimate sends nothing, a bound holds, and what was paid is counted once."""

import json
import subprocess
from pathlib import Path

import stub
from test_resume import command, corpus, lines

PRICES = 'dated = "2026-11-21"\ncurrency = "EUR"\n[model.m]\ninput = 1\noutput = 10\n'


def generate(root: Path, url: str, *flags: str) -> subprocess.CompletedProcess:
    flags = ("--writer", "llm", "--model", "m", "--base-url", url, "--concurrency", "2", "--per-section", "3", "--save", *flags)
    return subprocess.run(command(root, "generate", "ports", *flags), capture_output=True, text=True)


def cost(root: Path) -> float:
    """What the record of paid calls adds up to, by this test's own sum."""
    usage = [json.loads(line)["usage"] for line in lines(root)]
    return sum(one["prompt_tokens"] + 10 * one["completion_tokens"] for one in usage) / 1_000_000


def test_the_bound_holds_over_runs_and_nothing_is_counted_twice(tmp_path: Path) -> None:
    """It stops with one line; the same again sends nothing; more money goes on from there, and the summary says the sum."""
    with stub.running("--latency", "0.01") as server:
        corpus(tmp_path)
        (tmp_path / "prices.toml").write_text(PRICES)
        stopped = generate(tmp_path, server.base_url, "--max-cost", "0.05")
        assert stopped.returncode == 2
        assert "max_cost = 0.05 EUR" in stopped.stderr.splitlines()[-1]
        made = len(lines(tmp_path))
        assert 0 < made < 16
        assert cost(tmp_path) <= 0.05
        assert generate(tmp_path, server.base_url).returncode == 2
        assert len(lines(tmp_path)) == made
        whole = generate(tmp_path, server.base_url, "--max-cost", "5")
        assert whole.returncode == 0, whole.stderr
        assert len(lines(tmp_path)) == 16
        assert "16 calls paid so far" in whole.stderr
        assert f"{round(cost(tmp_path), 4):,} EUR" in whole.stderr


def test_an_estimate_sends_nothing_and_comes_near(tmp_path: Path) -> None:
    """Its input tokens are within a third of what the stub then counts (at four letters a token, too)."""
    with stub.running("--latency", "0.01") as server:
        corpus(tmp_path)
        (tmp_path / "prices.toml").write_text(PRICES)
        flags = ("--writer", "llm", "--model", "m", "--base-url", server.base_url, "--per-section", "3", "--save")
        told = subprocess.run(command(tmp_path, "estimate", "ports", *flags, "--json"), capture_output=True, text=True)
        found = json.loads(told.stdout)
        assert lines(tmp_path) == []
        assert found["sections"] == 8
        assert generate(tmp_path, server.base_url).returncode == 0
        used = sum(json.loads(line)["usage"]["prompt_tokens"] for line in lines(tmp_path))
        assert 0.66 < found["prompt_tokens"] / used < 1.5
        again = subprocess.run(command(tmp_path, "estimate", "ports"), capture_output=True, text=True)
        assert "paid so far: 16 calls" in again.stdout
        toml = tmp_path / "sources" / "ports.toml"
        toml.write_text(toml.read_text().replace("[generate]\n", "[generate]\nround_trip = true\njudge = true\n"))
        checked = json.loads(subprocess.run(command(tmp_path, "estimate", "ports", "--json"), capture_output=True, text=True).stdout)
        assert checked["requests"] == 3 * 16 * 1.1 // 1 + 1
        assert checked["cost"] > 1.5 * found["cost"]


def test_an_unknown_model_is_a_clear_line(tmp_path: Path) -> None:
    """For an estimate as for a bound; without either, no price is needed."""
    with stub.running("--latency", "0.01") as server:
        corpus(tmp_path)
        for verb, flags in (("generate", ("--max-cost", "1")), ("estimate", ())):
            flags = ("--writer", "llm", "--model", "m", "--base-url", server.base_url, "--save", *flags)
            told = subprocess.run(command(tmp_path, verb, "ports", *flags), capture_output=True, text=True)
            assert told.returncode == 2
            assert "no price is known for the model 'm'" in told.stderr.splitlines()[-1]
