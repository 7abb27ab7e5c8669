"""The public fakes keep the shape of the real things."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import pytest

from corpus_tuner import records
from corpus_tuner.models.endpoint import Endpoint
from corpus_tuner.records import Document, Reply
from corpus_tuner.testing import ParrotTrainer, ScriptedModel, ScriptedSource

MESSAGES = [{"role": "user", "content": "Who?"}]


@pytest.mark.parametrize(
    ("fake", "protocol", "method"),
    [
        (ScriptedSource, records.Source, "claims"),
        (ScriptedSource, records.Source, "fetch"),
        (ScriptedModel, records.Model, "complete"),
        (Endpoint, records.Model, "complete"),
        (ParrotTrainer, records.Trainer, "train"),
    ],
)
def test_a_fake_takes_what_its_protocol_takes(fake: type, protocol: type, method: str) -> None:
    """The same parameters, in the same order, with the same defaults."""
    ours, theirs = (inspect.signature(getattr(one, method)).parameters.values() for one in (fake, protocol))
    assert [(one.name, one.kind, one.default) for one in ours] == [(one.name, one.kind, one.default) for one in theirs]


def test_a_scripted_model_speaks_its_lines_and_remembers_its_questions() -> None:
    """Strings, replies and exceptions in turn; the end of the script is an error of the test."""
    model = ScriptedModel(["one", Reply("two", "length"), ValueError("three")])
    assert (model.complete(MESSAGES).text, model.complete(MESSAGES, attempt=2).finish_reason) == ("one", "length")
    with pytest.raises(ValueError, match="three"):
        model.complete(MESSAGES)
    with pytest.raises(AssertionError, match="at its end"):
        model.complete(MESSAGES)
    assert model.asked[1] == (tuple(MESSAGES), model.asked[0][1] | {"attempt": 2})


def test_a_scripted_source_serves_a_revision_once() -> None:
    """A known revision comes back as it was; another one is fetched."""
    document = Document("d", "Title", "https://example.org/d", "text", "Text.", revision="1")
    source = ScriptedSource(documents=[document])
    assert source.claims(document.url)
    assert not source.claims("https://example.org/other")
    assert list(source.fetch(document.url, {})) == list(source.fetch(document.url, {"d": document})) == [document]
    assert source.fetched == [document.url]


def test_a_parrot_repeats_what_it_was_trained_on(tmp_path: Path) -> None:
    """Word for word, and nothing else; its base knows nothing."""
    row = {"messages": [*MESSAGES, {"role": "assistant", "content": "Borman"}]}
    (tmp_path / "train.jsonl").write_text(json.dumps(row) + "\n")
    expert = ParrotTrainer().train(tmp_path / "train.jsonl", None, None, tmp_path)
    model = ParrotTrainer.open_expert(expert, tmp_path)
    assert model.complete(MESSAGES).text == "Borman"
    assert model.complete([{"role": "user", "content": "Where?"}]).text == ""
    assert ParrotTrainer.open_expert(expert, tmp_path, base=True).complete(MESSAGES).text == ""
