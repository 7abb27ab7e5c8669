"""Direct preference optimisation on a tiny Llama with random weights, made on the spot."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.models import open_model
from corpus_tuner.settings import TrainSettings
from corpus_tuner.store import write_jsonl
from corpus_tuner.train import dpo
from corpus_tuner.train.lora import LoraTrainer
from corpus_tuner.train.preferences import Pair, encode_pairs, read_preferences

pytest.importorskip("peft")
pytestmark = pytest.mark.usefixtures("one_thread")

CHOICES = [
    ("Who commanded Apollo 8?", "Frank Borman did", "I would not know"),
    ("When was it launched?", "21 December 1968", "some day, I guess"),
    ("Which rocket carried it?", "a Saturn V", "no idea at all"),
    ("Where did it land?", "in the Pacific", "who can tell?"),
]


def preference(question: str, better: str, worse: str, **more: object) -> dict:
    """A row in OpenAI's format."""
    said = {name: [{"role": "assistant", "content": text}] for name, text in (("preferred_output", better), ("non_preferred_output", worse))}
    return {"input": {"messages": [{"role": "user", "content": question}]}, **said, **more}


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A file of twelve preference rows."""
    path = tmp_path / "preferences.jsonl"
    write_jsonl(path, [preference(*texts) for texts in CHOICES * 3])
    return path


def settings(base: Path, **changes: object) -> TrainSettings:
    """Settings for a short training on `base`."""
    wanted = {"trainer": "lora", "base": str(base), "preferences": "preferences.jsonl", "epochs": 3, "rank": 8, "batch_size": 4}
    return TrainSettings(**wanted | changes)


def loaded(base: Path):
    """The base and its tokenizer."""
    from corpus_tuner import hub

    return hub.load_base(str(base), "a test"), hub.load_tokenizer(str(base), "a test")


def test_the_chosen_answer_wins_over_the_rejected_one(base: Path, rows: Path, tmp_path: Path) -> None:
    """The loss begins at ln 2, where the margin is 0, and falls; the expert prefers every chosen answer by more than its
    base does, and is right about all of the validation rows."""
    expert = LoraTrainer().train(rows, rows, settings(base, epochs=8, learning_rate=3e-3), tmp_path / "expert")
    log = [json.loads(line) for line in (tmp_path / "expert" / "log.jsonl").read_text().splitlines()]
    assert len(log) == 24
    assert log[0]["loss"] == pytest.approx(math.log(2), abs=1e-4)
    assert log[-1]["validation_loss"] < log[2]["validation_loss"] < math.log(2)
    assert expert.metrics["validation_accuracy"] == 1
    ours, before = (open_model(replace(expert, folder="expert"), tmp_path, base=which).module for which in (False, True))
    pairs = encode_pairs(read_preferences(rows), loaded(base)[1], 100)[:4]
    assert all(dpo.preferences(ours, pairs) > dpo.preferences(before, pairs) + 5)


def test_the_loss_is_equation_7_of_the_paper(base: Path) -> None:
    """From whole logits, row by row and without padding, the same number comes out; the reference is the base."""
    import peft
    import torch

    model, _ = loaded(base)
    ids = [([5, 6, 7, 8, 9], [False, False, False, True, True]), ([5, 6, 7, 9], [False, False, False, True])]
    more = [([9, 8, 7, 6], [False, False, True, True]), ([9, 8, 3, 2, 1], [False, False, True, True, True])]

    def likelihood(row) -> float:
        tokens, learnt = row
        chances = model(input_ids=torch.tensor([tokens])).logits[0].log_softmax(-1)
        return sum(float(chances[at - 1, tokens[at]].detach()) for at in range(len(tokens)) if learnt[at])

    expected = [likelihood(chosen) - likelihood(rejected) for chosen, rejected in (ids, more)]
    adapted = peft.get_peft_model(model, peft.LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False))
    objective = dpo.Choices(0.3, 100)
    pairs = dpo.with_reference(adapted, [Pair(*ids), Pair(*more)], objective)
    assert [pair.reference for pair in pairs] == pytest.approx(expected, rel=1e-4)
    now = [likelihood(chosen) - likelihood(rejected) for chosen, rejected in (ids, more)]  # the adapter sits in `model`
    wanted = [0.3 * (one - before) for one, before in zip(now, expected)]
    assert objective.margins(adapted, pairs).tolist() == pytest.approx(wanted, rel=1e-3, abs=1e-4)
    loss, right = objective.loss(adapted, pairs)
    assert float(loss.detach()) == pytest.approx(sum(math.log(1 + math.exp(-margin)) for margin in wanted), rel=1e-3)
    assert int(right) == sum(margin > 0 for margin in wanted)
    assert now != pytest.approx(expected, rel=1e-3)


def test_beta_holds_the_expert_to_its_base(base: Path, rows: Path, tmp_path: Path) -> None:
    """With a larger beta the answers' likelihoods move less for the same gain in loss."""
    moved = []
    before, tokenizer = loaded(base)
    pairs = encode_pairs(read_preferences(rows), tokenizer, 100)[:4]
    for beta in (0.05, 1.0):
        expert = LoraTrainer().train(rows, None, settings(base, epochs=10, learning_rate=3e-3, beta=beta), tmp_path / str(beta))
        model = open_model(replace(expert, folder=str(beta)), tmp_path).module
        moved.append(float((dpo.preferences(model, pairs) - dpo.preferences(before, pairs)).mean().detach()))
    assert moved[0] > 1.5 * moved[1] > 0


def test_a_stopped_training_goes_on_and_ends_alike(base: Path, rows: Path, tmp_path: Path) -> None:
    """Stopped after its second epoch, the same call ends with the weights of a run that was not."""
    from safetensors.torch import load_file

    class Stop(Exception):
        pass

    def stop(done: int, total: int | None, note: str) -> None:
        if done == 7:
            raise Stop

    LoraTrainer().train(rows, None, settings(base, keep_epochs=2), tmp_path / "whole")
    with pytest.raises(Stop):
        LoraTrainer().train(rows, None, settings(base, keep_epochs=2), tmp_path / "cut", stop)
    seen = []
    LoraTrainer().train(rows, None, settings(base, keep_epochs=2), tmp_path / "cut", lambda done, *_: seen.append(done))
    assert seen == [7, 8, 9]
    whole, cut = (load_file(tmp_path / name / "adapter_model.safetensors") for name in ("whole", "cut"))
    assert all((whole[name] == cut[name]).all() for name in whole)
    assert sorted(path.name for path in (tmp_path / "cut" / "epochs").iterdir()) == ["00000006", "00000009"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"messages": []}, "a preference row is"),
        ([1], "a preference row is"),
        (preference("q", "a", "b") | {"input": {"messages": []}}, "input.messages must be a list"),
        (preference("q", "a", "b") | {"preferred_output": "a"}, "preferred_output must be a list"),
        (preference("q", "", "b"), "preferred_output must be one assistant message, and not empty"),
        (preference("q", "a", "b") | {"non_preferred_output": [{"role": "user", "content": "b"}]}, "non_preferred_output must be one assistant"),
        (preference("q", "a", "b") | {"preferred_output": [{"role": "assistant", "content": "a"}] * 2}, "must be one assistant"),
        (preference("q", "same", " same "), "both outputs are the same"),
        (preference("q", "a", "b") | {"input": {"messages": [{"role": "robot", "content": "q"}]}}, "needs a role"),
    ],
)  # fmt: skip
def test_a_row_that_is_no_preference_is_named(tmp_path: Path, row: object, said: str) -> None:
    """The error names file and line, and what is wrong."""
    path = tmp_path / "rows.jsonl"
    path.write_text(f"{json.dumps(preference('q', 'a', 'b'))}\n\n{json.dumps(row)}\n")
    with pytest.raises(CorpusTunerError, match=r"rows\.jsonl:3") as error:
        read_preferences(path)
    assert said in str(error.value)


def test_an_answer_beyond_the_longest_row_is_not_trained_on(base: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The row is left out and counted; if none is left the setting to raise is named."""
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, [preference(*CHOICES[0]), preference("word " * 60, "a", "b")])
    assert len(encode_pairs(read_preferences(path), loaded(base)[1], 60)) == 1
    assert "1 rows have an answer beyond 60 tokens" in caplog.text
    with pytest.raises(CorpusTunerError, match="max_length"):
        LoraTrainer().train(path, None, settings(base, max_length=3), tmp_path / "expert")


def test_a_preference_file_without_rows_is_called_so(base: Path, tmp_path: Path) -> None:
    """It is not blamed on max_length."""
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(CorpusTunerError, match=r"empty\.jsonl has no rows"):
        LoraTrainer().train(tmp_path / "empty.jsonl", None, settings(base), tmp_path / "expert")


def test_what_preferences_do_not_go_with_is_refused(base: Path, rows: Path, tmp_path: Path) -> None:
    """A setting that would have no effect is named."""
    with pytest.raises(CorpusTunerError, match=r"train\.packing .* take it out"):
        LoraTrainer().train(rows, None, settings(base, packing=True), tmp_path / "expert")
