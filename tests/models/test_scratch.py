"""Inference with numpy: batches, padding, stops, sampling, and folders that are not whole."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.models.scratch import ScratchModel

QUESTIONS = ["who", "who went to the moon and when", "a b c d e f g h i j k l m", "when was it", "x"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A student of two layers with large random weights: its answers are noise, but not all alike."""
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    from corpus_tuner.train import chat, student

    folder = tmp_path_factory.mktemp("student")
    rows = [({"role": "user", "content": text}, {"role": "assistant", "content": text.upper()}) for text in QUESTIONS]
    tokenizer = chat.train_tokenizer(rows, 300)
    config = student.configuration(tokenizer.get_vocab_size(), 3, width=64, layers=2, positions=128)
    weights = student.initial_weights(config | {"initializer_range": 0.3}, 0)
    save_file({name: weight.contiguous() for name, weight in weights.items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text(tokenizer.to_str())
    (folder / "tokenizer_config.json").write_text(json.dumps(chat.tokenizer_config(128)))
    assert torch
    return folder


def asked(text: str) -> list[dict[str, str]]:
    """A conversation of one question."""
    return [{"role": "user", "content": text}]


def test_logits_are_those_of_transformers(folder: Path) -> None:
    """On the same files, LlamaForCausalLM computes the same numbers at every position."""
    transformers, torch = pytest.importorskip("transformers"), pytest.importorskip("torch")
    ours = ScratchModel(folder)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(folder)
    ids = ours.encode(asked(QUESTIONS[1]))
    expected = theirs(torch.tensor([ids])).logits[0].detach().numpy()
    assert abs(ours.logits(ids) - expected).max() < 1e-4


def test_a_batch_answers_as_each_alone(folder: Path) -> None:
    """Padding and the company of others change no answer and no count, in whatever order they are asked."""
    model = ScratchModel(folder)
    alone = [model.complete(asked(text), max_tokens=30) for text in QUESTIONS]
    assert model.complete_many([asked(text) for text in QUESTIONS], max_tokens=30) == alone
    assert model.complete_many([asked(text) for text in QUESTIONS[::-1]], max_tokens=30) == alone[::-1]
    assert len({reply.text for reply in alone}) > 2
    assert model.complete_many([]) == []


def test_the_reply_ends_where_it_must(folder: Path) -> None:
    """max_tokens cuts with `length`; a stop string cuts before itself with `stop`."""
    model = ScratchModel(folder)
    whole = model.complete(asked("who"), max_tokens=30)
    cut = model.complete(asked("who"), max_tokens=5)
    assert (cut.finish_reason, cut.usage["completion_tokens"]) == ("length", 5)
    mark = whole.text[4:6]
    stopped = model.complete(asked("who"), max_tokens=30, stop=[mark, "never"])
    assert stopped.text == whole.text[: whole.text.index(mark)].strip()
    assert stopped.finish_reason == "stop"


def test_sampling_is_seeded(folder: Path) -> None:
    """At a temperature, equal samples are equal and others differ."""
    model = ScratchModel(folder)
    texts = [model.complete(asked("who"), temperature=2.0, sample=sample).text for sample in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_a_question_longer_than_the_window_is_answered(folder: Path) -> None:
    """What does not fit is dropped from the question's beginning; nothing fails."""
    assert ScratchModel(folder).complete(asked("word " * 500), max_tokens=10).usage["completion_tokens"] >= 0


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"])
@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_a_folder_that_is_not_whole_is_one_clear_line(folder: Path, tmp_path: Path, name: str, damage: str) -> None:
    """A missing or a cut file is named as such, and what to do is said."""
    for path in folder.iterdir():
        if path.name != name or damage == "cut":
            content = path.read_bytes()
            (tmp_path / path.name).write_bytes(content[: len(content) // 2] if path.name == name else content)
    with pytest.raises(CorpusTunerError, match="train it again"):
        ScratchModel(tmp_path)


def test_an_answer_needs_neither_torch_nor_transformers(folder: Path) -> None:
    """A process that opens the expert and answers imports none of the heavy packages."""
    code = (
        "import sys; from pathlib import Path; from corpus_tuner.models.scratch import ScratchModel\n"
        f"ScratchModel(Path({str(folder)!r})).complete([{{'role': 'user', 'content': 'who'}}], max_tokens=3)\n"
        "print(*{'torch', 'transformers', 'pandas', 'bm25s'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
