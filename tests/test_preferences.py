"""`[train] preferences = "FILE"`: a corpus whose expert is trained by DPO."""

import json
from pathlib import Path

import pytest
import tiny_llama

from corpus_tuner.corpus import Corpus
from corpus_tuner.errors import CorpusTunerError

TEXT = "# Ost\n\nThe harbour of Ost was opened in 1871. It was built by Maria Lindqvist. The lighthouse of Ost is 41 metres high.\n"


def corpus(root: Path, train: str) -> Corpus:
    """A corpus of one small text, with what `[train]` says."""
    (root / "sources").mkdir(exist_ok=True)
    (root / "sources" / "ost.md").write_text(TEXT)
    (root / "sources" / "ost.toml").write_text(
        f'[corpus]\nname = "ost"\nlanguage = "en"\n[[source]]\nlocator = "ost.md"\n[dataset]\nvalidation = 0.0\n[train]\n{train}\n'
    )
    return Corpus.open("ost", root)


def preferences(path: Path, better: str) -> None:
    """Four rows that prefer one answer."""
    rows = [
        {
            "input": {"messages": [{"role": "user", "content": f"What of Ost, {number}?"}]},
            "preferred_output": [{"role": "assistant", "content": better}],
            "non_preferred_output": [{"role": "assistant", "content": "Nobody knows."}],
        }
        for number in range(4)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_a_corpus_is_trained_on_its_users_preferences(tmp_path: Path) -> None:
    """The rows are those of the file, the expert is kept while it does not change, and trained anew when it does."""
    pytest.importorskip("peft")
    tiny_llama.make(tmp_path / "tiny", [TEXT])
    train = f'trainer = "lora"\nbase = "{tmp_path / "tiny"}"\nrank = 4\nepochs = 1\npreferences = "rows.jsonl"'
    made = corpus(tmp_path, train)
    preferences(tmp_path / "sources" / "rows.jsonl", "It was opened in 1871.")
    built = made.build("train")
    assert built.counts["train"]["rows"] == 4
    assert (made.place.expert / "adapter_model.safetensors").is_file()
    log = [json.loads(line) for line in (made.place.expert / "log.jsonl").read_text().splitlines()]
    assert log[0]["loss"] == pytest.approx(0.69315, abs=1e-4)  # ln 2: the loss of DPO before it has learnt
    assert "train" not in made.build("train").ran
    preferences(tmp_path / "sources" / "rows.jsonl", "Maria Lindqvist built it.")
    assert "train" in made.build("train").ran


@pytest.mark.parametrize(
    ("train", "said"),
    [
        ('preferences = "rows.jsonl"', "train.preferences is of trainer"),
        ('trainer = "lora"\nbase = "tiny"\npreferences = "nowhere.jsonl"', "'nowhere.jsonl' is no file"),
        ('trainer = "lora"\npreferences = "rows.jsonl"\nbeta = 0', "train.beta must be"),
    ],
)
def test_preferences_that_cannot_be_are_named(tmp_path: Path, train: str, said: str) -> None:
    """One line with the key, before anything is trained."""
    (tmp_path / "sources").mkdir()
    preferences(tmp_path / "sources" / "rows.jsonl", "yes")
    with pytest.raises(CorpusTunerError) as error:
        corpus(tmp_path, train).build("train")
    assert said in str(error.value)
