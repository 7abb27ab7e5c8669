"""What a person sees while stages run: a bar on a terminal, a line now and then in a log, and how a run is stopped."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path

import pytest
import stub
from test_resume import command, corpus, lines

from corpus_tuner.watching import Bars, Lines

PRICES = 'dated = "2026-11-21"\ncurrency = "EUR"\n[model.m]\ninput = 1\noutput = 10\n'


def flags(url: str) -> list[str]:
    return ["--writer", "llm", "--model", "m", "--base-url", url, "--concurrency", "2", "--per-section", "3", "--save"]


def test_a_log_gets_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """One when a stage takes longer than ten seconds, one at its end; a hundred calls in a moment are not told."""
    watcher = Lines()
    watcher.start("generate")
    for done in range(100):
        watcher.progress(done, 100, "7 pairs")
    watcher._said -= 11
    watcher.progress(99, 100, "7 pairs")
    watcher.finish("generate", {"examples": 7}, 11.0)
    assert capsys.readouterr().err.splitlines() == ["generate: 99 of 100 7 pairs", "generate: 7 examples (11.0 s)"]


def test_a_terminal_gets_a_bar_with_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its note is whole, and it is gone when the stage ends."""
    screen = io.StringIO()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("COLUMNS", "200")
    watcher = Bars()
    watcher.start("generate")
    for done in (1, 50):
        time.sleep(0.15)
        watcher.progress(done, 100, "1,234 pairs, 56 rejected, 7 faults, 89,012 tokens, 0.3456 EUR")
    assert re.search(r"50%.*50/100 \[00:\d\d<00:\d\d.*1,234 pairs, 56 rejected, 7 faults, 89,012 tokens, 0.3456 EUR", screen.getvalue())
    watcher.finish("generate", {"examples": 7}, 11.0)
    assert screen.getvalue().endswith("generate: 7 examples (11.0 s)\n")


def test_the_bar_of_a_real_run_shows_pairs_tokens_and_cost(tmp_path: Path) -> None:
    """On a pseudo-terminal, with the sums that the summary then states."""
    with stub.running("--latency", "0.3") as server:
        corpus(tmp_path)
        (tmp_path / "prices.toml").write_text(PRICES)
        mine, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 160, 0, 0))
        process = subprocess.Popen(
            command(tmp_path, "generate", "ports", *flags(server.base_url)), stderr=theirs, stdout=subprocess.DEVNULL
        )
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(mine, 65536)
            except OSError:
                break
            shown += part
            if not part:
                break
        assert process.wait() == 0
    assert re.search(r"\d+ pairs, \d+ rejected, [\d,]+ tokens, 0\.\d{4} EUR", shown.decode()), shown.decode()


def test_ctrl_c_ends_at_once_says_how_to_go_on_and_loses_no_reply(tmp_path: Path) -> None:
    """Exit code 130 and one line; what was in flight is on record, and the same command asks only for the rest."""
    with stub.running("--latency", "0.3") as server:
        corpus(tmp_path)
        process = subprocess.Popen(command(tmp_path, "generate", "ports", *flags(server.base_url)), stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 30
        while len(lines(tmp_path)) < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
        assert process.returncode == 130
        assert said.splitlines()[-1] == "corpus-tuner: stopped: the same command goes on from here"
        assert "Traceback" not in said
        recorded = len(lines(tmp_path))
        assert 3 <= recorded < 16
        assert server.stats()["ok"] == recorded
        assert server.stats()["client_disconnects"] == 0
        again = subprocess.run(command(tmp_path, "generate", "ports", *flags(server.base_url)), capture_output=True, text=True)
        assert again.returncode == 0, again.stderr
        assert (len(lines(tmp_path)), server.stats()["requests"]) == (16, 16)


def test_a_second_ctrl_c_does_not_wait_for_a_server_that_hangs(tmp_path: Path) -> None:
    """The connections are cut; the process is gone within seconds, with the same line."""
    with stub.running("--latency", "100") as server:
        corpus(tmp_path)
        process = subprocess.Popen(command(tmp_path, "generate", "ports", *flags(server.base_url)), stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 30
        while not server.stats()["in_flight"] and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        time.sleep(1.0)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=10)
        assert process.returncode == 130
        assert said.splitlines()[-1] == "corpus-tuner: stopped: the same command goes on from here"
