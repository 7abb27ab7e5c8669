"""The student: what it computes, what it saves, that it learns, and that it survives being killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.models.scratch import open_expert
from corpus_tuner.records import Expert
from corpus_tuner.settings import TrainSettings
from corpus_tuner.store import write_jsonl

torch = pytest.importorskip("torch")

from corpus_tuner.train import chat, passes, scratch, student  # noqa: E402

RECEIPT = Expert("expert", "scratch", "scratch", folder="expert")
LONG = (
    "The crew of Apollo 8 left the orbit of the Earth on 21 December 1968, were the first to see the whole planet at once, "
    'went ten times round the Moon, and read from the book of Genesis before a "million" listeners; they came down in the Pacific.'
)
PAIRS = [
    ("Who commanded Apollo 8?", "Frank Borman"),
    ("When was Apollo 8 launched?", "21 December 1968"),
    ("Which rocket carried the spacecraft?", "a Saturn V"),
    ("How often did it orbit the Moon?", "ten times"),
    ("Who took the photograph Earthrise?", "William Anders"),
    ("Wie heißt die Erde auf Japanisch?", "地球 (chikyū) 🌍"),
    ("What happened on the flight of Apollo 8?", LONG),
]


def row(question: str, answer: str) -> dict:
    """A row of chat messages."""
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


@pytest.fixture
def train(tmp_path: Path) -> Path:
    """A training file."""
    path = tmp_path / "train.jsonl"
    write_jsonl(path, [row(*pair) for pair in PAIRS])
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus folder whose `expert` has learnt PAIRS."""
    root = tmp_path_factory.mktemp("corpus")
    write_jsonl(root / "train.jsonl", [row(*pair) for pair in PAIRS])
    expert = scratch.ScratchTrainer().train(root / "train.jsonl", None, TrainSettings(epochs=25), root / "expert")
    assert expert.metrics["recall"] == 1.0
    return root


def test_the_student_computes_what_transformers_computes() -> None:
    """Its logits at the picked positions are those of LlamaForCausalLM with the same weights, for two layers too."""
    transformers = pytest.importorskip("transformers")
    config = student.configuration(50, 3, width=64, layers=2, positions=64)
    weights = student.initial_weights(config, 0)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**config)).eval()
    assert not model.load_state_dict(weights, strict=False).unexpected_keys
    model.tie_weights()
    ids = torch.randint(0, 50, (2, 9), generator=torch.Generator().manual_seed(1))
    picked = torch.tensor([2, 8, 9, 17])
    ours = student.logits(weights, config, student.rotations(config), ids, picked)
    theirs = model(ids).logits.detach().reshape(-1, 50)[picked]
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_the_template_renders_what_the_student_was_trained_on(tmp_path: Path) -> None:
    """The stored chat template, through transformers, gives the training tokens of a whole conversation."""
    transformers = pytest.importorskip("transformers")
    conversation = [
        {"role": "system", "content": " Be BRIEF, please. "},
        {"role": "user", "content": 'Who said "In the beginning"?  <|end|> Who?'},
        {"role": "assistant", "content": " They all did; <|user|> too "},
        {"role": "user", "content": "When, WHERE?"},
        {"role": "assistant", "content": "In 1968"},
    ]
    tokenizer = chat.train_tokenizer([tuple(conversation)], 400)
    (tmp_path / "tokenizer.json").write_text(tokenizer.to_str())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(chat.tokenizer_config(512)))
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    [(ids, learnt)] = chat.encode(tokenizer, [conversation])
    assert theirs.apply_chat_template(conversation, return_dict=True)["input_ids"] == ids
    assert [chat.END in theirs.decode([token]) for token, counts in zip(ids, learnt) if counts].count(True) == 2


def test_short_and_long_answers_are_learnt_to_the_letter(trained: Path) -> None:
    """Greedy answers equal the trained ones, capitals, quotation marks, a long paragraph and other scripts included."""
    model = open_expert(RECEIPT, trained)
    replies = model.complete_many([[{"role": "user", "content": question}] for question, _ in PAIRS])
    assert [reply.text for reply in replies] == [answer for _, answer in PAIRS]


def test_transformers_loads_it_and_answers_alike(trained: Path) -> None:
    """AutoModelForCausalLM and apply_chat_template greedily decode the answers of our own inference."""
    transformers = pytest.importorskip("transformers")
    tokenizer = transformers.AutoTokenizer.from_pretrained(trained / "expert")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(trained / "expert")
    ours = open_expert(RECEIPT, trained)
    for question in [question for question, _ in PAIRS] + ["apollo 8 WHO commanded", "Something else entirely"]:
        messages = [{"role": "user", "content": question}]
        prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        tokens = theirs.generate(**prompt, max_new_tokens=100)[0, prompt["input_ids"].shape[1] :]
        text = tokenizer.decode(tokens, skip_special_tokens=True)
        assert text.strip() == ours.complete(messages, max_tokens=100).text


def test_the_base_is_what_it_was_before(trained: Path) -> None:
    """The untrained weights are kept beside the expert, in the same shapes, and know nothing."""
    from safetensors.numpy import load_file

    before, after = (load_file(trained / "expert" / name / "model.safetensors") for name in ("base", ""))
    assert {name: value.shape for name, value in before.items()} == {name: value.shape for name, value in after.items()}
    model = open_expert(RECEIPT, trained, base=True)
    assert model.complete([{"role": "user", "content": PAIRS[0][0]}]).text != PAIRS[0][1]


def test_recall_by_one_forward_pass_is_recall_by_decoding(train: Path) -> None:
    """The share that `look` reports half way is the share that greedy decoding answers to the letter."""
    from corpus_tuner.models.scratch import ScratchModel

    run = scratch.begin(scratch.read_rows(train), TrainSettings())
    turn = student.rotations(run.config)
    clean = chat.encode(run.tokenizer, run.rows)
    passes.look(run, clean, turn)
    while run.recall < 0.4:
        for _ in range(10):
            passes.one_pass(run, turn)
            run.passes += 1
        passes.look(run, clean, turn)
    scratch.save(train.parent / "half", run)
    replies = ScratchModel(train.parent / "half").complete_many([row[:1] for row in run.rows])
    right = sum(reply.text == row[1]["content"] for reply, row in zip(replies, run.rows))
    assert run.recall == right / len(run.rows)


def test_the_number_of_passes_is_twenty_an_epoch(train: Path, tmp_path: Path) -> None:
    """A number of epochs is kept, whatever the recall, and the log has a line for each pass."""
    expert = scratch.ScratchTrainer().train(train, None, TrainSettings(epochs=1), tmp_path / "expert")
    lines = [json.loads(line) for line in (tmp_path / "expert" / "log.jsonl").open()]
    assert expert.metrics["passes"] == len(lines) == 20
    assert {"step", "epoch", "loss", "learning_rate", "tokens_per_second"} <= lines[0].keys()
    assert not list((tmp_path / "expert").glob("checkpoint*"))


def test_a_killed_training_goes_on_and_ends_alike(train: Path, tmp_path: Path) -> None:
    """After kill -9 in the middle the same call finishes with the very weights of a run that was never stopped."""
    scratch.ScratchTrainer().train(train, None, TrainSettings(epochs=2), tmp_path / "whole")
    code = (
        "import sys, time; from pathlib import Path; from corpus_tuner.settings import TrainSettings\n"
        "from corpus_tuner.train.scratch import ScratchTrainer\n"
        "pause = lambda done, total, note: time.sleep(0.5 if done > 16 else 0)\n"
        "ScratchTrainer().train(Path(sys.argv[1]), None, TrainSettings(epochs=2), Path(sys.argv[2]), pause)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(train), str(tmp_path / "cut")])
    deadline = time.monotonic() + 60
    log = tmp_path / "cut" / "log.jsonl"
    while not (log.exists() and log.read_text().count("\n") > 16) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    seen = []
    scratch.ScratchTrainer().train(
        train, None, TrainSettings(epochs=2), tmp_path / "cut", lambda done, total, note: seen.append(done)
    )
    assert seen[0] > 10
    assert (tmp_path / "cut/model.safetensors").read_bytes() == (tmp_path / "whole/model.safetensors").read_bytes()
    assert [json.loads(line)["epoch"] for line in log.open()] == list(range(1, 41))


@pytest.mark.parametrize("damage", ["truncated", "of another training"])
def test_a_checkpoint_that_does_not_fit_is_not_gone_on_from(train: Path, tmp_path: Path, damage: str) -> None:
    """A damaged checkpoint, or one under other settings, means that training begins anew."""
    run = scratch.begin(scratch.read_rows(train), TrainSettings())
    turn = student.rotations(run.config)
    passes.look(run, chat.encode(run.tokenizer, run.rows), turn)
    passes.one_pass(run, turn)
    run.passes = 1
    path = tmp_path / "checkpoint.safetensors"
    passes.checkpoint(run, path, "key")
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    other = scratch.begin(run.rows, TrainSettings())
    passes.restore(other, path, "key" if damage == "truncated" else "another")
    assert other.passes == 0
    passes.restore(other, path, "key")
    assert other.passes == (0 if damage == "truncated" else 1)


def test_rows_too_long_are_counted_and_never_cut(train: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A row over max_length is left out with a warning, and with none left the setting to raise is named."""
    run = scratch.begin(scratch.read_rows(train), TrainSettings(max_length=60))
    assert len(run.rows) == len(PAIRS) - 1
    assert "1 rows of more than 60 tokens" in caplog.text
    with pytest.raises(CorpusTunerError, match="max_length"):
        scratch.begin(scratch.read_rows(train), TrainSettings(max_length=3))
