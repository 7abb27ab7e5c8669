"""Money in improve: one hard bound over all runs, nothing paid twice, and only what is weak is asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import stub

PRICES = 'dated = "2026-11-21"\ncurrency = "EUR"\n[model.m]\ninput = 1\noutput = 10\n'
TOML = """[corpus]
name = "harbours"
[[source]]
locator = "harbours.md"
[generate]
writer = "llm"
model = "m"
base_url = "{url}"
concurrency = 2
max_rejected = 1.0
kinds = {{ basic = 8, reworded = 8 }}
[dataset]
validation = 0.4
[train]
trainer = "ports"
[evaluate]
arms = ["base", "expert"]
"""
TEXT = "# Harbours\n\n" + "\n".join(
    f"## Harbour {n}\n\nThe harbour of Port {n} was opened by Ada Keller in {1850 + n}. It holds {n + 3} ships of the line. "
    f"Its lighthouse stands {20 + n} metres above the sea, and a keeper named Tom Brandt {n} lights it every evening.\n"
    for n in range(6)
)


@pytest.fixture(autouse=True)
def dull(monkeypatch: pytest.MonkeyPatch) -> None:
    """A student that does not know a third of what it was taught, so that there is something weak."""
    monkeypatch.setenv("PORTS_STUDENT", "dull")


def improve(root: Path, *flags: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "corpus_tuner.cli", "improve", "harbours", "--root", str(root), *flags]
    return subprocess.run(command, capture_output=True, text=True)


def exchanges(root: Path) -> list[dict]:
    return [json.loads(line) for line in (root / "generated/harbours/calls.jsonl").read_text(encoding="utf-8").splitlines()]


def cost(calls: list[dict]) -> float:
    """By this test's own sum."""
    return sum(one["usage"]["prompt_tokens"] + 10 * one["usage"]["completion_tokens"] for one in calls) / 1_000_000


def test_the_bound_is_hard_and_holds_over_runs(plugin: None, tmp_path: Path) -> None:
    """Too little for a call: one line, exit code 2, the expert stays; the same again sends nothing; with more it goes on."""
    with stub.running("--latency", "0.01") as server:
        (tmp_path / "sources").mkdir()
        (tmp_path / "prices.toml").write_text(PRICES)
        (tmp_path / "sources/harbours.md").write_text(TEXT)
        (tmp_path / "sources/harbours.toml").write_text(TOML.format(url=server.base_url))
        stopped = improve(tmp_path, "--max-cost", "0.001")
        assert stopped.returncode == 2, stopped.stderr
        assert "max_cost = 0.001 EUR" in stopped.stderr.splitlines()[-1]
        first = exchanges(tmp_path)
        assert not [one for one in first if one.get("stage") == "improve"]
        assert (tmp_path / "generated/harbours/experts/ports/expert.json").is_file()
        asked = server.stats()["requests"]
        assert improve(tmp_path, "--max-cost", "0.001").returncode == 2
        assert server.stats()["requests"] == asked
        whole = improve(tmp_path, "--max-cost", "5", "--json")
        assert whole.returncode == 0, whole.stderr
        found = json.loads(whole.stdout)
        later = exchanges(tmp_path)[len(first) :]
        assert later
        assert {one.get("stage") for one in later} == {"improve"}
        assert found["paid"] == pytest.approx(cost(later), abs=1e-4)
        assert all("for each of the sentence(s)" in one["request"]["messages"][-1]["content"] for one in later)
        assert 0 < found["rounds"][0]["weak_sentences"] < 18
        assert found["rounds"][0]["written"] > 0
        asked = server.stats()["requests"]
        again = improve(tmp_path, "--max-cost", "5", "--json")
        assert json.loads(again.stdout)["rounds"] == found["rounds"]
        assert server.stats()["requests"] == asked


def test_a_part_that_the_bound_allows_is_used_and_said(plugin: None, tmp_path: Path) -> None:
    """What came before the bound is trained on and judged; no call passes it, nor does any of a run with hardly more."""
    with stub.running("--latency", "0.01") as server:
        (tmp_path / "sources").mkdir()
        (tmp_path / "prices.toml").write_text(PRICES)
        (tmp_path / "sources/harbours.md").write_text(TEXT)
        (tmp_path / "sources/harbours.toml").write_text(TOML.format(url=server.base_url))
        part = improve(tmp_path, "--max-cost", "0.05", "--json")
        assert part.returncode == 0, part.stderr
        found = json.loads(part.stdout)
        assert found["rounds"][0]["cut"]
        assert 0 < found["paid"] <= 0.05
        assert found["paid"] == pytest.approx(cost([one for one in exchanges(tmp_path) if one.get("stage") == "improve"]), abs=1e-4)
        more = improve(tmp_path, "--max-cost", "0.0501", "--json")
        assert more.returncode in (0, 2), more.stderr
        assert found["paid"] == pytest.approx(cost([one for one in exchanges(tmp_path) if one.get("stage") == "improve"]), abs=1e-4)
