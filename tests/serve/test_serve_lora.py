"""A Hugging Face base at the service: trained by the lora trainer, answered beside its expert, its epochs kept."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
import tiny_llama
from service import Service, pairs, upload, violations, wait

pytest.importorskip("peft")

QUESTION = [{"role": "user", "content": "What is the code of station 3?"}]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A server whose gpt-4.1-mini is a tiny Llama with random weights."""
    root = tmp_path_factory.mktemp("lora")
    tiny_llama.make(root / "tiny", [f"What is the code of station {n}? It is K{n * 37 % 100}." for n in range(20)])
    (root / "serve.toml").write_text('[models]\n"gpt-4.1-mini" = "tiny"\n')
    running = Service(root).start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def trained(service: Service, tmp_path_factory: pytest.TempPathFactory):
    """A finished job of four epochs, its validation file the training file."""
    client, path = service.client(), pairs(tmp_path_factory.mktemp("rows") / "a.jsonl")
    numbers = {"n_epochs": 4, "batch_size": 5, "learning_rate_multiplier": 10.0}
    job = client.fine_tuning.jobs.create(
        model="gpt-4.1-mini", training_file=upload(client, path), validation_file=upload(client, path), seed=5,
        method={"type": "supervised", "supervised": {"hyperparameters": numbers}},
    )  # fmt: skip
    done = wait(client, job.id, seconds=90)
    assert done.status == "succeeded", done.error
    return done


def ask(client, model: str, **more):
    return client.chat.completions.create(model=model, messages=QUESTION, **{"max_tokens": 12} | more)


def test_a_hugging_face_base_is_trained_and_answers_with_its_expert(service: Service, trained) -> None:
    """A folder named in serve.toml: the job's steps are counted, base and expert answer, multiplier and seed are heard."""
    client = service.client()
    assert trained.fine_tuned_model.startswith("ft:gpt-4.1-mini:local::")
    assert trained.trained_tokens > 100
    steps = [e.data for e in client.fine_tuning.jobs.list_events(trained.id, limit=100).data if e.type == "metrics"][::-1]
    assert [data["step"] for data in steps] == list(range(1, 17))
    assert steps[-1]["total_steps"] == 16
    assert max(data["learning_rate"] for data in steps) == pytest.approx(2e-3)
    assert [data["step"] for data in steps if "valid_loss" in data] == [4, 8, 12, 16]
    for model in ("gpt-4.1-mini", trained.fine_tuned_model):
        assert ask(client, model).usage.completion_tokens > 0


def test_checkpoints_are_the_last_three_epochs_and_answer(service: Service, trained) -> None:
    """The newest first, each with the metrics of its step and a model of its own; the last one is the model itself."""
    client = service.client()
    found = client.fine_tuning.jobs.checkpoints.list(trained.id).data
    name = trained.fine_tuned_model
    assert [one.step_number for one in found] == [16, 12, 8]
    assert [one.fine_tuned_model_checkpoint for one in found] == [name, f"{name}:ckpt-step-12", f"{name}:ckpt-step-8"]
    assert [one.metrics.step for one in found] == [16, 12, 8]
    assert all(one.metrics.full_valid_loss > 0 for one in found)
    assert found[0].metrics.full_valid_loss < found[2].metrics.full_valid_loss
    likely = [ask(client, one.fine_tuned_model_checkpoint, logprobs=True, max_tokens=1).choices[0].logprobs.content[0].logprob for one in found]
    assert len(set(likely)) == 3
    assert client.models.retrieve(f"{name}:ckpt-step-8").id == f"{name}:ckpt-step-8"
    with pytest.raises(openai.NotFoundError):
        ask(client, f"{name}:ckpt-step-4")
    assert [one for call in service.seen for one in violations(*call)] == []


def test_checkpoints_go_with_their_model(service: Service, tmp_path) -> None:
    """After the model is deleted none of its epochs answers, and nothing of them is left on disk."""
    client = service.client()
    job = client.fine_tuning.jobs.create(
        model="gpt-4.1-mini", training_file=upload(client, pairs(tmp_path / "a.jsonl")), hyperparameters={"n_epochs": 2}
    )
    done = wait(client, job.id, seconds=90)
    earlier = client.fine_tuning.jobs.checkpoints.list(job.id).data[-1].fine_tuned_model_checkpoint
    assert earlier != done.fine_tuned_model
    assert ask(client, earlier).choices
    with pytest.raises(openai.PermissionDeniedError):
        client.models.delete(earlier)
    client.models.delete(done.fine_tuned_model)
    with pytest.raises(openai.NotFoundError):
        ask(client, earlier)
    assert not (service.root / "serve" / "models" / job.id).exists()


def preference(number: int, **more: object) -> dict:
    """A row in OpenAI's format for DPO."""
    said = [{"role": "assistant", "content": f"It is K{number * 37 % 100}."}], [{"role": "assistant", "content": "What station?"}]
    asked = {"messages": [{"role": "user", "content": f"What is the code of station {number}?"}]}
    return {"input": asked, "preferred_output": said[0], "non_preferred_output": said[1], **more}


def preferences(path: Path, *more: dict) -> Path:
    """A file of twelve good rows, and `more`."""
    path.write_text("".join(json.dumps(row) + "\n" for row in (*map(preference, range(12)), *more)))
    return path


def test_dpo_trains_a_hugging_face_base_on_preferences(service: Service, tmp_path) -> None:
    """The loss falls from ln 2, the method comes back as it was asked for, and the model answers."""
    client = service.client()
    method = {"type": "dpo", "dpo": {"hyperparameters": {"beta": 0.2, "n_epochs": 6, "batch_size": 4, "learning_rate_multiplier": 100.0}}}
    job = client.fine_tuning.jobs.create(model="gpt-4.1-mini", training_file=upload(client, preferences(tmp_path / "p.jsonl")), method=method)
    done = wait(client, job.id, seconds=90)
    assert done.status == "succeeded", done.error
    assert done.method.to_dict() == method
    losses = [e.data["train_loss"] for e in client.fine_tuning.jobs.list_events(job.id, limit=100).data if e.type == "metrics"][::-1]
    assert losses[0] == pytest.approx(math.log(2), abs=1e-4)
    assert losses[-1] < 0.5
    assert ask(client, done.fine_tuned_model).choices[0].message.content
    assert [one for call in service.seen for one in violations(*call)] == []


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}, "missing key 'input'"),
        (preference(1, colour="red"), "unknown key 'colour'"),
        (preference(1, input={"messages": []}), "'messages' must be a list of messages"),
        (preference(1, preferred_output=[{"role": "user", "content": "a"}]), "'preferred_output' must hold one message of the assistant"),
        (preference(1, non_preferred_output=[]), "'non_preferred_output' must be a list of messages"),
        (preference(1, non_preferred_output=preference(1)["preferred_output"]), "nothing to prefer"),
    ],
)  # fmt: skip
def test_a_row_that_is_no_preference_fails_its_dpo_job(service: Service, tmp_path, row: dict, said: str) -> None:
    """Before anything is trained, with the number of its line."""
    client = service.client()
    file = upload(client, preferences(tmp_path / "p.jsonl", row))
    done = wait(client, client.fine_tuning.jobs.create(model="gpt-4.1-mini", training_file=file, method={"type": "dpo"}).id)
    assert (done.status, done.error.code, done.error.param) == ("failed", "invalid_training_file", "training_file")
    assert "Line 13" in done.error.message
    assert said in done.error.message


def test_a_hugging_face_model_streams_what_it_answers_whole(service: Service, trained) -> None:
    """Deltas joined give the content, token by token; usage comes when asked for and is the same."""
    client = service.client()
    whole = ask(client, trained.fine_tuned_model)
    chunks = list(ask(client, trained.fine_tuned_model, stream=True, stream_options={"include_usage": True}))
    texts = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert "".join(texts) == whole.choices[0].message.content
    assert len(texts) > 3
    assert chunks[-1].usage == whole.usage


def test_stops_seeds_and_log_probabilities_are_for_hugging_face_models_too(service: Service, trained) -> None:
    """An answer ends before its stop sequence; equal seeds agree; the bytes of the tokens spell the answer."""
    client, model = service.client(), trained.fine_tuned_model
    text = ask(client, model).choices[0].message.content
    stopped = ask(client, model, stop=[text[3:6]])
    assert (stopped.choices[0].message.content, stopped.choices[0].finish_reason) == (text[: text.index(text[3:6])].rstrip(), "stop")
    drawn = [ask(client, model, temperature=2, seed=seed, top_p=0.9).choices[0].message.content for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    content = ask(client, model, logprobs=True, top_logprobs=2).choices[0].logprobs.content
    assert bytes(byte for token in content for byte in token.bytes).decode(errors="replace").strip() == text
    assert all(token.top_logprobs[0].logprob == token.logprob <= 0 for token in content)


def test_the_older_completions_ask_hugging_face_models_too(service: Service, trained) -> None:
    """A prompt is answered as a question, whole and streamed, with log probabilities."""
    client, prompt = service.client(), QUESTION[0]["content"]
    found = client.completions.create(model=trained.fine_tuned_model, prompt=prompt, max_tokens=12, logprobs=2)
    assert found.choices[0].text == ask(client, trained.fine_tuned_model).choices[0].message.content
    assert "".join(found.choices[0].logprobs.tokens).strip() == found.choices[0].text
    chunks = client.completions.create(model=trained.fine_tuned_model, prompt=prompt, max_tokens=12, stream=True)
    assert "".join(chunk.choices[0].text for chunk in chunks) == found.choices[0].text


def test_a_prompt_beyond_the_models_length_is_refused(service: Service, trained) -> None:
    """400 context_length_exceeded, as for the embedded base."""
    with pytest.raises(openai.BadRequestError) as error:
        service.client().chat.completions.create(model=trained.fine_tuned_model, messages=[{"role": "user", "content": "word " * 400}])
    assert error.value.code == "context_length_exceeded"
