"""The LoRA trainer on a tiny Llama with random weights, made on the spot."""

import json
import os
import re
import shutil
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
from corpus_tuner.train.render import encode

pytest.importorskip("peft")
pytestmark = pytest.mark.usefixtures("one_thread")

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
        "import sys, time, torch; from pathlib import Path; from corpus_tuner.settings import TrainSettings\n"
        "torch.set_num_threads(1)\n"
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


def test_checkpoints_of_another_training_do_not_push_out_its_own(base: Path, train: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shorter training in the folder of a longer one that was cut off can be cut off and gone on from, too."""
    folder = tmp_path / "expert"
    monkeypatch.setattr(checkpoints, "clear", lambda folder: None)
    lora.LoraTrainer().train(train, None, settings(base, epochs=3), folder)
    lora.LoraTrainer().train(train, None, settings(base, epochs=1, rank=4), folder)
    assert [path.name for path in sorted((folder / "checkpoints").iterdir())] == ["00000003"]


def weights_of(folder: Path) -> dict:
    """The adapter, or the model, that lies in `folder`."""
    from safetensors.torch import load_file

    return load_file(next(path for path in folder.glob("*model.safetensors")))


def alike(one: dict, other: dict, within: float = 0.0) -> bool:
    """Whether two sets of weights differ by no more than `within`."""
    return one.keys() == other.keys() and all((one[name] - other[name]).abs().max() <= within for name in one)


def lines(folder: Path) -> list[dict]:
    """The lines of a training's log."""
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_the_seed_decides_the_weights(base: Path, train: Path, tmp_path: Path) -> None:
    """The same seed ends in the same weights to the bit, another in others."""
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        lora.LoraTrainer().train(train, None, settings(base, seed=seed), tmp_path / name)
    a, b, c = (weights_of(tmp_path / name) for name in "abc")
    assert alike(a, b)
    assert not alike(a, c)


@pytest.mark.parametrize("changes", [{"packing": True}, {"tokens_at_once": 20}, {"gradient_checkpointing": True}], ids=str)
def test_how_a_step_is_computed_does_not_change_what_it_learns(
    base: Path, train: Path, tmp_path: Path, changes: dict
) -> None:
    """Packing, accumulation and checkpointing end in the weights of a plain run, up to rounding."""
    lora.LoraTrainer().train(train, train, settings(base), tmp_path / "plain")
    lora.LoraTrainer().train(train, train, settings(base, **changes), tmp_path / "other")
    assert alike(weights_of(tmp_path / "plain"), weights_of(tmp_path / "other"), 1e-5)
    ours, plain = lines(tmp_path / "other")[-1], lines(tmp_path / "plain")[-1]
    assert ours["validation_loss"] == pytest.approx(plain["validation_loss"], abs=1e-4)


def test_accumulation_and_checkpointing_do_what_they_are_for(base: Path, train: Path) -> None:
    """A small bound makes several passes of a step; checkpointing recomputes each layer on the way back."""
    from corpus_tuner.train.world import World

    tokenizer = lora.hub.load_tokenizer(str(base), "a test")
    run = lora.begin(train, None, tokenizer, settings(base, tokens_at_once=20, gradient_checkpointing=True), World())
    parts = run.objective.parts(run.rows[:4])
    assert len(parts) > 1
    calls = []
    for layer in run.model.get_base_model().model.layers:
        layer.self_attn.register_forward_pre_hook(lambda *_: calls.append(1))
    run.objective.loss(run.model, parts[0])[0].backward()
    assert len(calls) == 2 * run.model.config.num_hidden_layers


def test_all_weights_are_trained_saved_in_the_base_s_numbers_and_answer(base: Path, train: Path, tmp_path: Path) -> None:
    """With `full` the folder is a model of its own: every matrix has changed, tied weights stay tied, and it answers."""
    import torch
    from transformers import AutoModelForCausalLM

    half = tmp_path / "half"
    shutil.copytree(base, half)
    AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16).save_pretrained(half)
    folder = tmp_path / "expert"
    expert = lora.LoraTrainer().train(train, train, settings(half, full=True, epochs=30, learning_rate=0.003, batch_size=12), folder)
    before, after = weights_of(half), weights_of(folder)
    assert before.keys() == after.keys()
    assert {weight.dtype for weight in after.values()} == {torch.bfloat16}
    assert json.loads((folder / "config.json").read_text())["dtype"] == "bfloat16"
    assert all((before[name] != after[name]).any() for name in before if before[name].ndim > 1)
    log = lines(folder)
    assert log[-1]["loss"] < log[0]["loss"] / 2
    reply = open_model(replace(expert, folder="expert"), tmp_path).complete([{"role": "user", "content": PAIRS[0][0]}], max_tokens=12)
    assert reply.text == PAIRS[0][1]


def test_early_stopping_ends_with_the_best_epoch(base: Path, train: Path, tmp_path: Path) -> None:
    """At a rate that destroys, training ends after two epochs without a lower validation loss, with the best one's weights."""
    other = tmp_path / "validation.jsonl"
    write_jsonl(other, [row("Who flew?", "ten Saturn V"), row("Which moon?", "William Borman")])
    wanted = settings(base, epochs=30, learning_rate=0.1, early_stopping=2, keep_epochs=30)
    expert = lora.LoraTrainer().train(train, other, wanted, tmp_path / "expert")
    found = [line["validation_loss"] for line in lines(tmp_path / "expert") if "validation_loss" in line]
    best = found.index(min(found)) + 1
    assert len(found) == best + 2 < 30
    assert expert.metrics["best_epoch"] == best
    assert expert.metrics["validation_loss"] == min(found)
    assert expert.metrics["epochs"] == best + 2
    assert alike(weights_of(tmp_path / "expert"), weights_of(tmp_path / "expert" / "epochs" / f"{best * 3:08d}"))
    assert not (tmp_path / "expert" / "best").exists()


def test_early_stopping_without_validation_rows_is_an_error(base: Path, train: Path, tmp_path: Path) -> None:
    """There is nothing to stop by, and the line says which setting gives it."""
    with pytest.raises(CorpusTunerError, match=r"dataset\.validation"):
        lora.LoraTrainer().train(train, None, settings(base, early_stopping=1), tmp_path / "expert")


def test_a_general_file_that_cannot_be_is_told_from_the_training_file(base: Path, train: Path, tmp_path: Path) -> None:
    """The line names the key."""
    (tmp_path / "empty.jsonl").touch()
    for name in ("missing.jsonl", "empty.jsonl"):
        with pytest.raises(CorpusTunerError, match=rf"train\.replay: .*{name}"):
            lora.LoraTrainer().train(train, None, settings(base, replay=str(tmp_path / name)), tmp_path / "expert")


def test_general_rows_are_a_share_of_every_epoch(base: Path, train: Path, tmp_path: Path) -> None:
    """Of an epoch's rows `replay_share` come from the general file, others each time while there are others."""
    from corpus_tuner.train.loop import _epoch
    from corpus_tuner.train.world import World

    general = tmp_path / "general.jsonl"
    write_jsonl(general, [row(f"What is {number} and {number}?", str(2 * number)) for number in range(50)])
    tokenizer = lora.hub.load_tokenizer(str(base), "a test")
    run = lora.begin(train, None, tokenizer, settings(base, replay=str(general), replay_share=0.25), World())
    seen = []
    for epoch in range(3):
        rows = [one for batch in _epoch(run, epoch) for one in batch]
        assert len(rows) == 16
        assert sorted(one for one in rows if one in run.rows) == sorted(run.rows)
        seen.append([one for one in rows if one in run.replay])
        assert len(seen[-1]) == 4
    assert seen[0] != seen[1] != seen[2]
    assert run.steps == 3 * 4


def test_an_expert_is_stale_once_its_general_rows_change_and_not_before(base: Path, tmp_path: Path) -> None:
    """The file's words count, not only its name; a key at its default counts for nothing, so that old experts stay fresh."""
    from corpus_tuner.place import Place
    from corpus_tuner.settings import Settings
    from corpus_tuner.training import train_inputs

    def inputs(**changes: object) -> object:
        return train_inputs(Place(Settings(train=settings(base, **changes)), tmp_path / "a.toml", tmp_path))

    general = tmp_path / "general.jsonl"
    seen = []
    for rows in (PAIRS[:1], PAIRS[:2]):
        write_jsonl(general, [row(*pair) for pair in rows])
        seen.append(inputs(replay="general.jsonl"))
    assert seen[0] != seen[1]
    assert inputs() == inputs(replay="", packing=False)
    assert "packing" not in inputs()[2]


def test_a_chat_template_is_kept_and_stored_with_the_expert(base: Path, train: Path, tmp_path: Path) -> None:
    """A base's own template goes with its expert unchanged; a base without one gets ours."""
    from corpus_tuner.hub import PLAIN_TEMPLATE, load_tokenizer

    own, template = tmp_path / "own", "{% for m in messages %}<eos>{{ m['content'] }}{% endfor %}<eos>"
    shutil.copytree(base, own)
    tokenizer = load_tokenizer(str(own), "a test")
    tokenizer.chat_template = template
    tokenizer.save_pretrained(own)
    for place, expected, said in ((own, template, "the base's own"), (base, PLAIN_TEMPLATE, "plain")):
        expert = lora.LoraTrainer().train(train, None, settings(place, epochs=1), tmp_path / said)
        assert expert.chat_format == said
        assert load_tokenizer(str(tmp_path / said), "a test").chat_template == expected


def test_four_bits_without_bitsandbytes_is_one_clear_line(
    base: Path, train: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line says what to install."""
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CorpusTunerError, match="pip install bitsandbytes"):
        lora.LoraTrainer().train(train, None, settings(base, four_bit=True), tmp_path / "expert")


def test_a_base_in_four_bits_learns(base: Path, train: Path, tmp_path: Path) -> None:
    """The base is held in four bits, its adapter learns, and validation between epochs leaves the gradients right."""
    pytest.importorskip("bitsandbytes")
    import torch

    from corpus_tuner.train.loss import reading
    from corpus_tuner.train.world import World

    wanted = settings(base, four_bit=True, epochs=20, learning_rate=0.01)
    run = lora.begin(train, train, lora.hub.load_tokenizer(str(base), "a test"), wanted, World())
    assert sum(type(module).__module__.startswith("bitsandbytes") for module in run.model.modules()) == 14
    with torch.no_grad():  # with B = 0 an adapter's A has no gradient
        for weight in run.weights:
            weight += 0.01
    found = []
    for _ in range(2):
        run.objective.loss(run.model, run.rows)[0].backward()
        found.append([weight.grad.clone() for weight in run.weights])
        run.optimiser.zero_grad()
        with reading(run.model):
            run.objective.loss(run.model, run.rows)
    assert all(torch.equal(first, second) for first, second in zip(*found))
    lora.LoraTrainer().train(train, train, wanted, tmp_path / "expert")
    assert lines(tmp_path / "expert")[-1]["loss"] < lines(tmp_path / "expert")[0]["loss"] / 2


def test_rows_longer_than_the_base_s_positions_are_cut(train: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A base that counts its positions is never given more, whatever max_length says: GPT-2 would fail."""
    from transformers import GPT2Config, GPT2LMHeadModel

    place = tmp_path / "gpt2"
    tiny_llama.make(place, [" ".join(pair) for pair in PAIRS])
    GPT2LMHeadModel(GPT2Config(vocab_size=400, n_embd=32, n_layer=1, n_head=2, n_positions=32, eos_token_id=0)).save_pretrained(place)
    write_jsonl(train, [row(*PAIRS[0]), row(PAIRS[0][0], PAIRS[0][1] * 30)])
    lora.LoraTrainer().train(train, None, settings(place, epochs=2, packing=True), tmp_path / "expert")
    assert "1 rows are longer than 32 tokens" in caplog.text
    assert len(lines(tmp_path / "expert")) == 2


def test_a_loss_that_is_no_number_ends_the_training(base: Path, train: Path, tmp_path: Path) -> None:
    """A rate that blows the weights up is named, and no expert is left."""
    with pytest.raises(CorpusTunerError, match=r"loss of step \d+ is no number: lower learning_rate"):
        lora.LoraTrainer().train(train, None, settings(base, learning_rate=1e30), tmp_path / "expert")
    assert not (tmp_path / "expert" / "adapter_model.safetensors").exists()


def test_one_row_is_enough(base: Path, train: Path, tmp_path: Path) -> None:
    """A file of a single row is trained on, packed or not."""
    write_jsonl(train, [row(*PAIRS[0])])
    for packing in (False, True):
        expert = lora.LoraTrainer().train(train, train, settings(base, packing=packing), tmp_path / str(packing))
        assert expert.metrics["steps"] == 3


def test_a_model_that_cannot_pack_falls_back_and_says_so(train: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Bloom does not know packed rows apart: they lie side by side, and a warning says it."""
    from transformers import BloomConfig, BloomForCausalLM

    place = tmp_path / "bloom"
    tiny_llama.make(place, [" ".join(pair) for pair in PAIRS])
    BloomForCausalLM(BloomConfig(vocab_size=400, hidden_size=32, n_layer=2, n_head=4, eos_token_id=0)).save_pretrained(place)
    for name, packing in (("plain", False), ("packed", True)):
        lora.LoraTrainer().train(train, None, settings(place, epochs=1, packing=packing), tmp_path / name)
    assert "packing is off" in caplog.text
    assert alike(weights_of(tmp_path / "plain"), weights_of(tmp_path / "packed"))


@pytest.mark.parametrize("write", range(1, 5))
def test_killed_in_the_middle_of_saving_a_checkpoint(
    base: Path, train: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: int
) -> None:
    """Wherever a write of a checkpoint is cut off, the next run goes on from a whole one and ends alike."""
    from safetensors import torch as storage

    lora.LoraTrainer().train(train, None, settings(base), tmp_path / "whole")
    count, save, receipt = 0, storage.save_file, checkpoints.write_json

    def cut(original):
        def written(first, second):
            nonlocal count
            count += 1
            if count == write:
                for place in (first, second):
                    if isinstance(place, Path):
                        place.write_bytes(b"half")
                raise KeyboardInterrupt
            original(first, second)

        return written

    with monkeypatch.context() as patch:
        patch.setattr(storage, "save_file", cut(save))
        patch.setattr(checkpoints, "write_json", cut(receipt))
        with pytest.raises(KeyboardInterrupt):
            lora.LoraTrainer().train(train, None, settings(base), tmp_path / "cut")
    done: list[int] = []
    lora.LoraTrainer().train(train, None, settings(base), tmp_path / "cut", lambda step, total, note: done.append(step))
    assert done[0] == (1 if write <= 2 else 4)
    assert alike(weights_of(tmp_path / "whole"), weights_of(tmp_path / "cut"))
    assert [line["step"] for line in lines(tmp_path / "cut")] == list(range(1, 10))


def test_progress_tells_loss_speed_and_time_left(base: Path, train: Path, tmp_path: Path) -> None:
    """Each step says all three in a line that fits beside a bar."""
    notes: list[str] = []
    lora.LoraTrainer().train(train, None, settings(base), tmp_path / "expert", lambda done, total, note: notes.append(note))
    assert len(notes) == 9
    assert all(re.fullmatch(r"loss \d+\.\d{3}, [\d,]+ tokens/s, \d+ (s|min) left", note) for note in notes)
    assert notes[-1].endswith(", 0 s left")


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
