"""What the service trained, for commands beside it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from service import Service, pairs, upload, wait

from corpus_tuner.cli import app
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.serve.experts import find


def test_a_model_of_the_service_is_exported_by_its_name(shared: Service, tmp_path) -> None:
    """By the command line, while the server runs: a folder that transformers reads."""
    transformers = pytest.importorskip("transformers")
    client = shared.client()
    job = client.fine_tuning.jobs.create(
        model="scratch", training_file=upload(client, pairs(tmp_path / "a.jsonl")), hyperparameters={"n_epochs": 1}
    )
    model = wait(client, job.id).fine_tuned_model
    command = ["export", model, "--out", str(tmp_path / "out"), "--root", str(shared.root), "--json"]
    result = CliRunner().invoke(app, command)
    assert json.loads(result.stdout) == {"path": str(tmp_path / "out")}
    assert transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out").config.model_type == "llama"
    assert not (tmp_path / "out" / "expert.json").exists()
    again = CliRunner().invoke(app, command)
    assert again.exit_code == 2


@pytest.mark.parametrize("name", ["ft:scratch:local::nowhere", "ft:../../etc"])
def test_a_model_that_is_not_there_is_one_line(shared: Service, tmp_path, name: str) -> None:
    """Also where there is no service at all; none is made by the question."""
    for root in (shared.root, tmp_path):
        with pytest.raises(CorpusTunerError, match="has no model"):
            find(root, name)
    assert list(tmp_path.iterdir()) == []
