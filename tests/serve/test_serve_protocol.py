"""The unmodified SDK against the running service: what it asks for it gets, in OpenAI's shapes."""

from __future__ import annotations

import csv
import io
import json

import openai
import pytest
from service import ENDED, Service, pairs, until, upload, violations, wait


@pytest.fixture(scope="module")
def trained(shared: Service, tmp_path_factory: pytest.TempPathFactory):
    """A job of the embedded base that has succeeded, and the states that it was seen in."""
    client = shared.client()
    file = upload(client, pairs(tmp_path_factory.mktemp("rows") / "stations.jsonl"))
    job = client.fine_tuning.jobs.create(model="gpt-3.5-turbo", training_file=file, suffix="stations", hyperparameters={"n_epochs": 4})
    states = [job.status]
    while states[-1] not in ENDED:
        status = client.fine_tuning.jobs.retrieve(job.id).status
        states += [status] if status != states[-1] else []
    return client.fine_tuning.jobs.retrieve(job.id), states


def ask(client, model, content="What is the code of station 3?", **more):
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": content}], **more)


def test_the_tutorial_of_2023_runs_as_it_was_written(shared: Service, tmp_path) -> None:
    """Upload, fine_tuning.jobs.create with the old base's name, follow the events, ask ft:..."""
    client = shared.client()
    marv = [("What's the capital of France?", "Paris, as if everyone doesn't know that already."),
            ("Who wrote 'Romeo and Juliet'?", "Oh, just some guy named William Shakespeare. Ever heard of him?")]  # fmt: skip
    rows = [{"messages": [{"role": "system", "content": "Marv is a factual chatbot that is also sarcastic."},
                          {"role": "user", "content": q}, {"role": "assistant", "content": a}]} for q, a in marv * 5]  # fmt: skip
    path = tmp_path / "marv.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    file = client.files.create(file=open(path, "rb"), purpose="fine-tune")  # noqa: SIM115 - as the tutorial has it
    job = client.fine_tuning.jobs.create(training_file=file.id, model="gpt-3.5-turbo", hyperparameters={"n_epochs": 3})
    seen: list[str] = []
    while client.fine_tuning.jobs.retrieve(job.id).status not in ("succeeded", "failed", "cancelled"):
        seen = [event.message for event in client.fine_tuning.jobs.list_events(fine_tuning_job_id=job.id, limit=10).data]
    job = client.fine_tuning.jobs.retrieve(job.id)
    assert job.status == "succeeded"
    assert seen
    completion = client.chat.completions.create(
        model=job.fine_tuned_model,
        messages=[{"role": "system", "content": "Marv is a factual chatbot that is also sarcastic."},
                  {"role": "user", "content": marv[0][0]}],
    )  # fmt: skip
    assert completion.choices[0].message.content == marv[0][1]


def test_a_job_walks_through_its_states_in_order(trained) -> None:
    """validating_files, queued, running, succeeded; none is seen twice."""
    job, states = trained
    order = ["validating_files", "queued", "running", "succeeded"]
    assert [state for state in order if state in states] == states
    assert job.status == states[-1] == "succeeded"
    assert job.fine_tuned_model.startswith("ft:gpt-3.5-turbo:local:stations:")
    assert job.trained_tokens > 20
    assert job.finished_at >= job.created_at


def test_events_tell_of_every_state_and_measure_the_steps(shared: Service, trained) -> None:
    """Newest first in pages, metrics with steps that grow, a loss that falls; what n_epochs means is said."""
    events = list(shared.client().fine_tuning.jobs.list_events(trained[0].id, limit=7))[::-1]
    assert len({event.id for event in events}) == len(events)
    metrics = [event.data for event in events if event.type == "metrics"]
    steps = [data["step"] for data in metrics]
    assert steps == sorted(set(steps))
    assert len(steps) == 80
    assert metrics[-1]["train_loss"] < metrics[0]["train_loss"] / 2
    assert metrics[-1]["step"] == metrics[-1]["total_steps"]
    said = [event.message for event in events if event.type == "message"]
    assert said[0].startswith("Created fine-tuning job")
    assert said[-1] == "The job has successfully completed"
    assert any("80 passes" in line for line in said)


def test_events_come_as_a_stream_too(shared: Service, trained) -> None:
    """stream=true: all events, the oldest first, then [DONE]."""
    client = shared.client()
    pages = [event.id for event in client.fine_tuning.jobs.list_events(trained[0].id, limit=100)]
    with client.fine_tuning.jobs.with_streaming_response.list_events(trained[0].id, extra_query={"stream": "true"}) as response:
        lines = [line.removeprefix("data: ") for line in response.iter_lines() if line]
    assert lines[-1] == "[DONE]"
    assert [json.loads(line)["id"] for line in lines[:-1]] == pages[::-1]


def test_the_result_file_holds_the_loss_of_every_step(shared: Service, trained) -> None:
    """step_metrics.csv, as a file of the owner's."""
    client = shared.client()
    file = client.files.retrieve(trained[0].result_files[0])
    rows = list(csv.DictReader(io.StringIO(client.files.content(file.id).text)))
    assert (file.purpose, file.filename) == ("fine-tune-results", "step_metrics.csv")
    assert [int(row["step"]) for row in rows] == list(range(1, 81))
    assert all(float(row["train_loss"]) > 0 for row in rows)


def test_the_checkpoint_of_a_finished_job_can_be_asked(shared: Service, trained) -> None:
    """It names a model that answers."""
    client = shared.client()
    found = client.fine_tuning.jobs.checkpoints.list(trained[0].id).data
    assert [one.step_number for one in found] == [80]
    assert ask(client, found[0].fine_tuned_model_checkpoint).choices[0].finish_reason == "stop"


def test_a_stream_and_a_whole_answer_are_the_same(shared: Service, trained) -> None:
    """Deltas joined give the content; usage comes when asked for."""
    client = shared.client()
    whole = ask(client, trained[0].fine_tuned_model)
    chunks = list(ask(client, trained[0].fine_tuned_model, stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == whole.choices[0].message.content
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage == whole.usage
    assert len(chunks) > 4


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_ends_before_a_stop_sequence(shared: Service, trained, stream: bool) -> None:
    """Also where it lies across tokens; nothing of it is sent."""
    client = shared.client()
    text = ask(client, trained[0].fine_tuned_model).choices[0].message.content
    mark = text[4:7]
    answer = ask(client, trained[0].fine_tuned_model, stop=[mark, "never"], stream=stream)
    got = "".join(c.choices[0].delta.content or "" for c in answer) if stream else answer.choices[0].message.content
    assert got == text[: text.index(mark)].rstrip()


def test_seeds_make_sampling_repeatable(shared: Service, trained) -> None:
    """At a high temperature equal seeds agree, others do not; temperature 0 needs none."""
    client = shared.client()
    texts = [ask(client, trained[0].fine_tuned_model, temperature=2, seed=seed, max_tokens=20).choices[0].message.content for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
    many = ask(client, trained[0].fine_tuned_model, temperature=2, seed=1, max_tokens=20, n=3)
    assert many.choices[0].message.content == texts[0]
    assert [choice.index for choice in many.choices] == [0, 1, 2]


def test_log_probabilities_are_of_the_tokens_that_were_written(shared: Service, trained) -> None:
    """Each is at most 0, the greedy token is the likeliest, the bytes spell the answer."""
    choice = ask(shared.client(), trained[0].fine_tuned_model, logprobs=True, top_logprobs=2).choices[0]
    content = choice.logprobs.content
    assert bytes(byte for token in content for byte in token.bytes).decode().strip() == choice.message.content
    for token in content:
        assert token.logprob <= 0
        assert token.top_logprobs[0].token == token.token
        assert token.top_logprobs[0].logprob >= token.top_logprobs[1].logprob


def test_max_tokens_cuts_and_says_so(shared: Service, trained) -> None:
    """finish_reason length, and usage that counts."""
    answer = ask(shared.client(), trained[0].fine_tuned_model, max_completion_tokens=2)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 2


def test_the_older_completions_answer_prompts(shared: Service, trained) -> None:
    """One choice for each prompt, log probabilities with offsets, and a stream."""
    client, model = shared.client(), trained[0].fine_tuned_model
    prompts = ["What is the code of station 3?", "What is the code of station 4?"]
    found = client.completions.create(model=model, prompt=prompts, logprobs=2, max_tokens=30)
    chats = [ask(client, model, prompt).choices[0].message.content for prompt in prompts]
    assert [choice.text for choice in found.choices] == chats
    assert len(found.choices[0].logprobs.tokens) == len(found.choices[0].logprobs.text_offset)
    streamed = client.completions.create(model=model, prompt=prompts[0], max_tokens=30, stream=True)
    assert "".join(chunk.choices[0].text for chunk in streamed) == chats[0]


def test_bases_and_trained_models_are_listed_and_deleted(shared: Service, tmp_path) -> None:
    """A deleted model answers no more; a base is not ours to delete."""
    client = shared.client()
    job = client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=upload(client, pairs(tmp_path / "a.jsonl")))
    model = wait(client, job.id).fine_tuned_model
    assert {"scratch", "gpt-4o-mini", model} <= {one.id for one in client.models.list()}
    assert client.models.retrieve(model).id == model
    assert ask(client, model).choices[0].message.content == "It is K11."
    assert client.models.delete(model).deleted
    for gone in (lambda: ask(client, model), lambda: client.models.retrieve(model), lambda: client.models.delete(model)):
        with pytest.raises(openai.NotFoundError) as error:
            gone()
        assert error.value.code == "model_not_found"
    with pytest.raises(openai.PermissionDeniedError):
        client.models.delete("scratch")


def test_preference_rows_reach_a_trainer_that_knows_them(shared: Service, tmp_path) -> None:
    """DPO where the trainer names it; a 400 at once for the embedded base."""
    client = shared.client()
    said = [{"role": "assistant", "content": "yes"}], [{"role": "assistant", "content": "no"}]
    row = {"input": {"messages": [{"role": "user", "content": "?"}]}, "preferred_output": said[0], "non_preferred_output": said[1]}
    (tmp_path / "p.jsonl").write_text(f"{json.dumps(row)}\n" * 10)
    file = upload(client, tmp_path / "p.jsonl")
    method = {"type": "dpo", "dpo": {"hyperparameters": {"beta": 0.2}}}
    job = client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=file, method=method)
    assert wait(client, job.id).status == "succeeded"
    with pytest.raises(openai.BadRequestError) as error:
        client.fine_tuning.jobs.create(model="scratch", training_file=file, method=method)
    assert error.value.param == "method.type"


def test_a_job_is_paused_and_goes_on_from_its_checkpoint(shared: Service, tmp_path) -> None:
    """pausing, paused, queued, running, succeeded: and no pass was run twice."""
    client = shared.client()
    job = client.fine_tuning.jobs.create(model="steady", training_file=upload(client, pairs(tmp_path / "a.jsonl")), seed=1)
    wait(client, job.id, "running")
    until(lambda: client.fine_tuning.jobs.list_events(job.id).data[0].type == "metrics")
    assert client.fine_tuning.jobs.pause(job.id).status in ("pausing", "paused")
    wait(client, job.id, "paused")
    trail = shared.trail(job.id)
    assert client.fine_tuning.jobs.resume(job.id).status == "queued"
    done = wait(client, job.id)
    assert done.status == "succeeded"
    assert 0 < len(trail) < 12
    with pytest.raises(openai.BadRequestError, match="Only a paused job"):
        client.fine_tuning.jobs.resume(job.id)
    steps = [e.data["step"] for e in client.fine_tuning.jobs.list_events(job.id, limit=100).data if e.type == "metrics"]
    assert steps[::-1] == list(range(1, 13))


def test_pages_end_and_hold_everything_once(shared: Service, tmp_path) -> None:
    """Files and jobs in pages of three are the same as in one."""
    client = shared.client()
    for number in range(7):
        upload(client, pairs(tmp_path / f"{number}.jsonl", 1))
    for listing in (client.files.list, client.fine_tuning.jobs.list):
        assert [one.id for one in listing(limit=3)] == [one.id for one in listing(limit=1000).data]
    assert [file.filename for file in client.files.list(limit=7).data] == [f"{number}.jsonl" for number in range(6, -1, -1)]
    assert client.files.list(order="asc", limit=1).data[0].id == [file.id for file in client.files.list()][-1]


def test_a_file_may_be_deleted_while_its_job_runs(shared: Service, tmp_path) -> None:
    """The job keeps its own copy."""
    client = shared.client()
    file = upload(client, pairs(tmp_path / "a.jsonl"))
    job = client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=file)
    assert client.files.delete(file).deleted
    assert wait(client, job.id).status == "succeeded"
    with pytest.raises(openai.NotFoundError):
        client.files.content(file)


def test_metadata_and_expiry_are_kept(shared: Service, tmp_path) -> None:
    """What the client said of a job and of a file comes back, and chooses jobs of a list."""
    client = shared.client()
    path = pairs(tmp_path / "a.jsonl")
    with path.open("rb") as data:
        file = client.files.create(file=data, purpose="fine-tune", expires_after={"anchor": "created_at", "seconds": 3600})
    assert file.expires_at == file.created_at + 3600
    job = client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=file.id, metadata={"study": "one"}, seed=7)
    assert (job.metadata, job.seed) == ({"study": "one"}, 7)
    listed = client.fine_tuning.jobs.list(metadata={"study": "one"}).data
    assert [one.id for one in listed] == [job.id]
    assert wait(client, job.id).status == "succeeded"


def test_every_response_of_these_tests_keeps_to_the_published_schema(shared: Service) -> None:
    """All exchanges so far, of every kind."""
    kinds = {(method, path.split("/")[2], status) for method, path, status, _ in shared.seen}
    assert len(kinds) >= 12
    broken = {f"{method} {path} {status}": found for method, path, status, value in shared.seen if (found := violations(method, path, status, value))}
    assert broken == {}
