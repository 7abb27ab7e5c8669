"""Rows that trainers and people read."""

import json

import pytest

from corpus_tuner.dataset import formats
from corpus_tuner.dataset.card import card, licence_tag
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.records import Document, Example, Section
from corpus_tuner.settings import DatasetSettings
from corpus_tuner.text import sentences

TEXT = "They saw the Earth rise. It was blue."
SECTION = Section("s1", "d1", "Apollo 8", ("Mission", "Lunar orbit"), TEXT, sentences(TEXT), "https://example.org/a#b")
PAIR = Example("e1", "basic", "What did they see rise?", "the Earth", (("s1", 1),), "s1", "rules")


def test_messages_hold_the_pair_and_never_the_passage() -> None:
    """A chat row is the question and the answer."""
    assert formats.messages(PAIR) == {
        "messages": [{"role": "user", "content": PAIR.question}, {"role": "assistant", "content": PAIR.answer}]
    }


def test_prompt_completion_is_what_tutorials_write() -> None:
    """Title, section and subsection in the prompt, a separator, a completion that opens with a space and ends in the stop."""
    row = formats.prompt_completion(PAIR, formats.place(SECTION, "x"), DatasetSettings())
    assert row == {
        "prompt": "Answer the following question about Apollo 8, Section Mission, subsection Lunar orbit: "
        "What did they see rise? ###",
        "completion": " the Earth [DONE]",
    }


def test_an_unknown_placeholder_is_the_users_mistake() -> None:
    """The line names the placeholders that there are."""
    with pytest.raises(CorpusTunerError, match=r"\$place and \$question"):
        formats.prompt_completion(PAIR, "", DatasetSettings(prompt_template="$titel"))


@pytest.mark.parametrize("name", ["csv", "parquet"])
def test_frames_come_back_as_they_went(tmp_path, name) -> None:
    """CSV and Parquet hold the pair with its evidence in words."""
    import pandas as pd

    formats.export(name, [PAIR], {"s1": SECTION}, "t", DatasetSettings(), tmp_path / "train")
    frame = pd.read_csv(tmp_path / "train.csv") if name == "csv" else pd.read_parquet(tmp_path / "train.parquet")
    assert frame.loc[0, "evidence"] == "They saw the Earth rise."
    assert frame.loc[0, "section"] == "Apollo 8 > Mission > Lunar orbit"


def test_a_formula_in_a_cell_is_disarmed_in_csv(tmp_path) -> None:
    """A spreadsheet that opens the file runs nothing."""
    bad = Example("e2", "basic", "=cmd|' /C calc'!A0", "@SUM(1)", (), "s1", "rules")
    formats.export("csv", [bad], {}, "t", DatasetSettings(), tmp_path / "train")
    assert "'=cmd|" in (tmp_path / "train.csv").read_text()
    assert "'@SUM" in (tmp_path / "train.csv").read_text()


def test_the_card_carries_licence_revision_and_origin(tmp_path) -> None:
    """Attribution goes with the data, and the YAML head can be read by a YAML parser."""
    from collections import Counter

    import yaml

    document = Document(
        "d1",
        "Apollo 8 | [x](evil)",
        "https://en.wikipedia.org/wiki/Apollo_8",
        "wikitext",
        "",
        "en",
        "716637143",
        "CC BY-SA 3.0",
    )
    text = card("Apollo: 8", [document], {"train": 9, "test": 1}, Counter({"duplicate": 2}), "rules")
    head = yaml.safe_load(text.split("---")[1])
    assert head["license"] == "cc-by-sa-3.0"
    assert head["configs"][0]["data_files"] == [
        {"split": "train", "path": "train.jsonl"},
        {"split": "test", "path": "test.jsonl"},
    ]
    assert "716637143" in text
    assert "<https://en.wikipedia.org/wiki/Apollo_8>" in text
    assert "[x](evil)" not in text


def test_documents_of_two_licences_are_tagged_other() -> None:
    """One tag cannot speak for two licences."""
    both = [Document("a", "a", "", "text", "", licence=licence) for licence in ("MIT", "CC BY 4.0")]
    assert licence_tag(both) == "other"
    assert licence_tag(both[:1]) == "mit"


def test_datasets_loads_the_folder(tmp_path) -> None:
    """`datasets.load_dataset` on the dataset folder gives the splits."""
    datasets = pytest.importorskip("datasets")
    from collections import Counter

    for split in ("train", "test"):
        (tmp_path / "d").mkdir(exist_ok=True)
        (tmp_path / "d" / f"{split}.jsonl").write_text(json.dumps(formats.messages(PAIR)) + "\n")
    (tmp_path / "d" / "README.md").write_text(
        card("t", [], {"train": 1, "validation": 0, "test": 1}, Counter(), "rules")
    )
    loaded = datasets.load_dataset(str(tmp_path / "d"), cache_dir=str(tmp_path / "cache"))
    assert loaded["train"][0]["messages"][1]["content"] == "the Earth"
    assert set(loaded) == {"train", "test"}
