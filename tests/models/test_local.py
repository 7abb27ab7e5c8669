"""Answers of a transformers model with an adapter, on a tiny Llama made on the spot."""

import json
from pathlib import Path

import pytest
import tiny_llama

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.models import local
from corpus_tuner.records import Expert

peft = pytest.importorskip("peft")

QUESTIONS = ["Who?", "Which rocket carried the three of them to the Moon and back?", "When was it launched?"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus folder with a base, and an `expert` whose adapter is random and large."""
    import torch
    from transformers import AutoModelForCausalLM

    from corpus_tuner.hub import load_tokenizer

    root = tmp_path_factory.mktemp("corpus")
    tiny_llama.make(root / "model", QUESTIONS)
    model = AutoModelForCausalLM.from_pretrained(root / "model")
    model = peft.get_peft_model(model, peft.LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False))
    for weight in model.parameters():
        if weight.requires_grad:
            torch.nn.init.normal_(weight, std=0.2)
    model.save_pretrained(root / "expert", save_embedding_layers=False)
    load_tokenizer(str(root / "model"), "a test").save_pretrained(root / "expert")
    (root / "expert" / "generation_config.json").write_text('{"eos_token_id": [0]}')
    return root


def receipt(root: Path) -> Expert:
    """The receipt of the fixture's expert."""
    return Expert("expert", str(root / "model"), "transformers", folder="expert")


def asked(text: str) -> list[dict[str, str]]:
    """A conversation of one question."""
    return [{"role": "user", "content": text}]


def test_a_batch_answers_as_each_alone(root: Path) -> None:
    """Left padding and the company of others change no answer."""
    model = local.open_expert(receipt(root), root)
    alone = [model.complete(asked(text), max_tokens=8) for text in QUESTIONS]
    assert model.complete_many([asked(text) for text in QUESTIONS], max_tokens=8) == alone
    assert all(reply.usage["completion_tokens"] <= 8 for reply in alone)


def test_base_and_expert_differ_by_the_adapter(root: Path) -> None:
    """`base` answers as the model that the adapter was trained on, through the same chat template."""
    from transformers import AutoModelForCausalLM

    base, expert = (local.open_expert(receipt(root), root, base=base) for base in (True, False))
    assert base.complete(asked("Who?"), max_tokens=8).text != expert.complete(asked("Who?"), max_tokens=8).text
    plain = AutoModelForCausalLM.from_pretrained(root / "model")
    tokenizer = base._tokenizer
    read = tokenizer("User: Who?\nAssistant:", return_tensors="pt", add_special_tokens=False)
    tokens = plain.generate(**read, max_new_tokens=8, do_sample=False, pad_token_id=0)[0, read["input_ids"].shape[1] :]
    assert base.complete(asked("Who?"), max_tokens=8).text == tokenizer.decode(tokens, skip_special_tokens=True).strip()


def test_a_stop_string_ends_the_answer_before_itself(root: Path) -> None:
    """The text before the stop string is the answer, with finish reason `stop`."""
    model = local.open_expert(receipt(root), root)
    whole = model.complete(asked("Who?"), max_tokens=8).text
    stopped = model.complete(asked("Who?"), max_tokens=8, stop=[whole[3:5]])
    assert stopped.text == whole[: whole.index(whole[3:5])].strip()
    assert stopped.finish_reason == "stop"


def test_sampling_is_seeded(root: Path) -> None:
    """At a temperature, equal samples are equal and others differ."""
    model = local.open_expert(receipt(root), root)
    texts = [model.complete(asked("Who?"), max_tokens=8, temperature=3.0, sample=sample).text for sample in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "generation_config.json", "adapter_config.json"])
def test_an_expert_that_is_not_whole_is_one_clear_line(root: Path, tmp_path: Path, name: str) -> None:
    """A folder that lacks a file is named, and what to do is said."""
    (tmp_path / "expert").mkdir()
    for path in (root / "expert").iterdir():
        if path.name != name:
            (tmp_path / "expert" / path.name).write_bytes(path.read_bytes())
    with pytest.raises(CorpusTunerError, match="train the expert again"):
        local.open_expert(receipt(root), tmp_path)


def test_pickled_weights_and_foreign_code_are_refused(root: Path, tmp_path: Path) -> None:
    """A base with weights other than safetensors, or that asks to run its own code, is an error and runs nothing."""
    import torch

    config = json.loads((root / "model" / "config.json").read_text())
    for path in (root / "model").iterdir():
        if path.suffix != ".safetensors":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(CorpusTunerError, match="safetensors"):
        local.hub.load_base(str(tmp_path), "a test")
    config |= {"model_type": "stranger", "auto_map": {"AutoConfig": "evil.C", "AutoModelForCausalLM": "evil.M"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "evil.py").write_text("raise SystemExit('code of the model was run')")
    with pytest.raises(CorpusTunerError, match="code"):
        local.hub.load_base(str(tmp_path), "a test")
