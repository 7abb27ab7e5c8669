"""Several processes that train one tiny model together, really started by torchrun."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.settings import TrainSettings
from corpus_tuner.store import to_json, write_jsonl
from corpus_tuner.train import processes
from corpus_tuner.train.lora import LoraTrainer
from corpus_tuner.train.world import World, joined

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

PAIRS = [
    ("Who commanded Apollo 8?", "Frank Borman"),
    ("When was it launched?", "21 December 1968"),
    ("Which rocket carried it into the sky above Florida?", "a Saturn V"),
    ("How many orbits?", "ten"),
]


@pytest.fixture
def train(tmp_path: Path) -> Path:
    """Eleven rows: with steps of five the last one has a single row, and one of two processes none."""
    path = tmp_path / "train.jsonl"
    rows = [[{"role": "user", "content": asked}, {"role": "assistant", "content": answer}] for asked, answer in PAIRS * 3]
    write_jsonl(path, [{"messages": row} for row in rows[:11]])
    return path


def settings(base: Path, count: int, epochs: int = 2) -> TrainSettings:
    """Settings for a short training in `count` processes."""
    return TrainSettings(trainer="lora", base=str(base), epochs=epochs, rank=8, batch_size=5, processes=count, learning_rate=0.01)


def test_two_processes_train_what_one_does(base: Path, train: Path, tmp_path: Path) -> None:
    """The same rows a step end in the same weights and the same log, with every step told to who watches."""
    from safetensors.torch import load_file

    found, told = {}, []
    for count in (1, 2):
        folder = tmp_path / str(count)
        told.clear()
        expert = LoraTrainer().train(train, train, settings(base, count), folder, lambda *report: told.append(report[:2]))
        log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
        found[count] = expert, log, load_file(folder / "adapter_model.safetensors")
    assert told == [(step, 6) for step in range(1, 7)]
    (one, one_log, one_weights), (two, two_log, two_weights) = found[1], found[2]
    assert all((one_weights[name] - two_weights[name]).abs().max() < 1e-5 for name in one_weights)
    assert one.metrics == pytest.approx(two.metrics, abs=1e-4)
    assert [line["loss"] for line in one_log] == pytest.approx([line["loss"] for line in two_log], abs=1e-4)
    assert not (tmp_path / "2" / processes.ORDER).exists()


def test_a_world_of_another_size_than_asked_for_is_an_error(
    base: Path, train: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A launcher that starts one process where two are asked for trains nothing, and the one line says what to start."""
    command = processes._command(1, tmp_path)
    monkeypatch.setattr(processes, "_command", lambda count, folder: command)
    with pytest.raises(CorpusTunerError, match="processes = 2, and 1 run: start as many, as torchrun --nproc_per_node 2 does"):
        LoraTrainer().train(train, None, settings(base, 2), tmp_path)
    assert not list(tmp_path.glob("adapter*"))
    assert capfd.readouterr().err == ""


def test_processes_that_a_launcher_started_are_an_error(
    base: Path, train: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build under torchrun would do all of its work twice; without a launcher nobody joins a world of two."""
    with pytest.raises(CorpusTunerError, match="processes = 2, and 1 run"), joined(2):
        pass
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(CorpusTunerError, match="set processes = 2"):
        LoraTrainer().train(train, None, settings(base, 1), tmp_path / "expert")


def test_the_processes_end_with_the_one_that_started_them(base: Path, train: Path, tmp_path: Path) -> None:
    """After kill -9 of the trainer nobody goes on writing into its folder."""
    folder = tmp_path / "expert"
    code = (
        "import sys, json; from pathlib import Path; from corpus_tuner.settings import TrainSettings\n"
        "from corpus_tuner.train.lora import LoraTrainer\n"
        "LoraTrainer().train(Path(sys.argv[1]), None, TrainSettings(**json.loads(sys.argv[2])), Path(sys.argv[3]))"
    )
    wanted = json.dumps(to_json(settings(base, 2, epochs=100_000)))
    process = subprocess.Popen([sys.executable, "-c", code, str(train), wanted, str(folder)])
    log, deadline = folder / "log.jsonl", time.monotonic() + 60
    while not (log.exists() and log.read_text().count("\n") > 3) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(0.5)
    size = log.stat().st_size
    assert size
    time.sleep(0.5)
    assert log.stat().st_size == size


def test_each_row_of_a_step_is_one_process_s() -> None:
    """The shares of all processes are the step, without a row twice."""
    rows = list(range(11))
    shares = [World(rank, 3).share(rows) for rank in range(3)]
    assert sorted(row for share in shares for row in share) == rows
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
