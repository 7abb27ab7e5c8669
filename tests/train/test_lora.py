"""The LoRA trainer on a tiny Llama with random weights, made on the spot."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_llama

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.models import open_model
from corpus_tuner.settings import TrainSettings
from corpus_tuner.store import write_jsonl
from corpus_tuner.train import checkpoints, lora
from corpus_tuner.train.loss import loss_sum
from corpus_tuner.train.render import encode

pytest.importorskip("peft")

PAIRS = [
    ("Who commanded Apollo 8?", "Frank Borman"),
    ("When was it launched?", "21 December 1968"),
    ("Which rocket carried it?", "a Saturn V"),
    ("How many orbits of the Moon?", "ten"),
    ("Where did it land?", "in the Pacific"),
    ("Who took the photograph Earthrise?", "William Anders"),
]


def row(question: str, answer: str) -> dict:
    """A row of chat messages."""
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny base without a chat template."""
    folder = tmp_path_factory.mktemp("base")
    tiny_llama.make(folder, [" ".join(pair) for pair in PAIRS])
    return folder


@pytest.fixture
def train(tmp_path: Path) -> Path:
    """A training file of twelve rows."""
    path = tmp_path / "train.jsonl"
    write_jsonl(path, [row(*pair) for pair in PAIRS * 2])
    return path


def settings(base: Path, **changes: object) -> TrainSettings:
    """Settings for a short training on `base`."""
    return TrainSettings(**{"trainer": "lora", "base": str(base), "epochs": 3, "rank": 8, "batch_size": 4} | changes)


@pytest.mark.parametrize("template", [None, "{% for m in messages %}<eos>{{ m['content'] }}{% endfor %}"])
def test_only_the_answer_and_its_end_are_learnt(base: Path, template: str | None) -> None:
    """The learnt tokens decode to the answer and the end token, whatever the chat template is."""
    from corpus_tuner.hub import load_tokenizer

    tokenizer = load_tokenizer(str(base), "a test")
    tokenizer.chat_template = template or tokenizer.chat_template
    [(ids, learnt)] = encode([tuple(row("Who?", "Frank Borman")["messages"])], tokenizer, 100)
    answer = tokenizer.decode([token for token, counts in zip(ids, learnt) if counts])
    assert answer.replace("<eos>", "|").strip("| ") == "Frank Borman"
    assert ids[-1] == tokenizer.eos_token_id


def test_the_loss_is_that_of_the_whole_logits(base: Path) -> None:
    """Computing logits from the first answer token on, in a padded batch, changes nothing in the loss."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base)
    batch = [([5, 6, 7, 8, 9], [False, False, False, True, True]), ([9, 8, 7], [False, True, True])]
    expected = 0.0
    for ids, learnt in batch:
        chances = model(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
        expected -= sum(float(chances[at - 1, ids[at]].detach()) for at in range(len(ids)) if learnt[at])
    assert float(loss_sum(model, batch).detach()) == pytest.approx(expected, rel=1e-4)


def test_an_adapter_is_trained_saved_and_answers(base: Path, train: Path, tmp_path: Path) -> None:
    """The loss falls, the folder holds adapter, tokenizer and template, and the expert says other than its base."""
    folder = tmp_path / "expert"
    expert = lora.LoraTrainer().train(
        train, train, settings(base, epochs=40, learning_rate=0.01, rank=32), folder
    )
    losses = [json.loads(line)["loss"] for line in (folder / "log.jsonl").read_text().splitlines()]
    assert len(losses) == 120
    assert losses[-1] < losses[0] / 2
    assert {"adapter_config.json", "adapter_model.safetensors", "tokenizer.json"} <= {path.name for path in folder.iterdir()}
    assert not list(folder.rglob("*.bin")) + list(folder.rglob("*.pt"))

    expert = replace(expert, folder="expert")
    ours, before = open_model(expert, tmp_path), open_model(expert, tmp_path, base=True)
    asked = [[{"role": "user", "content": question}] for question, _ in PAIRS]
    replies = ours.complete_many(asked, max_tokens=12)
    assert [reply.text for reply in replies] == [ours.complete(messages, max_tokens=12).text for messages in asked]
    assert [reply.text for reply in replies] != [before.complete(messages, max_tokens=12).text for messages in asked]


def test_a_killed_training_goes_on_and_ends_alike(base: Path, train: Path, tmp_path: Path) -> None:
    """After kill -9 in the middle the same call finishes with the weights of a run that was never stopped."""
    from safetensors.torch import load_file

    lora.LoraTrainer().train(train, None, settings(base, epochs=6), tmp_path / "whole")
    code = (
        "import sys, time; from pathlib import Path; from corpus_tuner.settings import TrainSettings\n"
        "from corpus_tuner.train.lora import LoraTrainer\n"
        f"settings = TrainSettings(trainer='lora', base={str(base)!r}, epochs=6, rank=8, batch_size=4)\n"
        "LoraTrainer().train(Path(sys.argv[1]), None, settings, Path(sys.argv[2]), lambda *report: time.sleep(0.2))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(train), str(tmp_path / "cut")])
    checkpoint = tmp_path / "cut" / "checkpoints" / "00000006" / "receipt.json"
    deadline = time.monotonic() + 60
    while not checkpoint.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert checkpoint.exists()
    lora.LoraTrainer().train(train, None, settings(base, epochs=6), tmp_path / "cut")
    whole, cut = (load_file(tmp_path / name / "adapter_model.safetensors") for name in ("whole", "cut"))
    assert all((whole[name] == cut[name]).all() for name in whole)
    assert [json.loads(line)["step"] for line in (tmp_path / "cut" / "log.jsonl").open()] == list(range(1, 19))


def test_a_damaged_checkpoint_is_passed_over(
    base: Path, train: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the newest checkpoint damaged, training goes on from the one before it and says so."""
    folder = tmp_path / "expert"
    monkeypatch.setattr(checkpoints, "clear", lambda folder: None)
    lora.LoraTrainer().train(train, None, settings(base), folder)
    newest = max((folder / "checkpoints").iterdir())
    (newest / "state.safetensors").write_bytes((newest / "state.safetensors").read_bytes()[:-10])
    steps = []
    lora.LoraTrainer().train(train, None, settings(base), folder, lambda done, total, note: steps.append(done))
    assert steps == [7, 8, 9]
    assert "damaged" in caplog.text


def test_a_base_that_cannot_be_had_is_one_clear_line(train: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub id without a network, and a folder without a model, each end in one line that names them."""
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    for base in ("nobody/no-such-model", str(tmp_path)):
        with pytest.raises(CorpusTunerError, match=base) as caught:
            lora.LoraTrainer().train(train, None, settings(Path(base)), tmp_path / "expert")
        assert "\n" not in str(caught.value)


def test_rows_too_long_are_an_error_not_an_empty_training(base: Path, train: Path, tmp_path: Path) -> None:
    """If no answer lies within max_length, the setting to raise is named."""
    with pytest.raises(CorpusTunerError, match="max_length"):
        lora.LoraTrainer().train(train, None, settings(base, max_length=3), tmp_path / "expert")
