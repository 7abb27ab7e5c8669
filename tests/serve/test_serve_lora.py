"""A Hugging Face base at the service: trained by the lora trainer, answered beside its expert."""

from __future__ import annotations

import pytest
import tiny_llama
from service import Service, pairs, upload, wait

pytest.importorskip("peft")


def test_a_hugging_face_base_is_trained_and_answers_with_its_expert(own: Service, tmp_path) -> None:
    """A folder named in serve.toml: the job's steps are counted, base and expert answer, multiplier and seed are heard."""
    texts = [f"What is the code of station {n}? It is K{n * 37 % 100}." for n in range(20)]
    tiny_llama.make(tmp_path / "tiny", texts)
    (tmp_path / "serve.toml").write_text('[models]\n"gpt-4.1-mini" = "tiny"\n')
    client = own.start().client()
    numbers = {"n_epochs": 2, "batch_size": 5, "learning_rate_multiplier": 2.0}
    job = client.fine_tuning.jobs.create(
        model="gpt-4.1-mini", training_file=upload(client, pairs(tmp_path / "a.jsonl")), seed=5,
        method={"type": "supervised", "supervised": {"hyperparameters": numbers}},
    )  # fmt: skip
    done = wait(client, job.id, seconds=90)
    assert done.status == "succeeded", done.error
    assert done.fine_tuned_model.startswith("ft:gpt-4.1-mini:local::")
    assert done.trained_tokens > 100
    steps = [e.data for e in client.fine_tuning.jobs.list_events(job.id, limit=100).data if e.type == "metrics"][::-1]
    assert [data["step"] for data in steps] == list(range(1, 9))
    assert steps[-1]["total_steps"] == 8
    for model in ("gpt-4.1-mini", done.fine_tuned_model):
        answer = client.chat.completions.create(model=model, messages=[{"role": "user", "content": "What is it?"}], max_tokens=5)
        assert answer.usage.completion_tokens > 0
