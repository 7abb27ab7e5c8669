"""Answers of a transformers model with an adapter, on a tiny Llama made on the spot."""

import json
from pathlib import Path

import pytest
import tiny_llama

from corpus_tuner.errors import CorpusTunerError, Declined
from corpus_tuner.models import local, tokens
from corpus_tuner.models.local_tokens import LocalReader, spelling
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


def test_a_base_that_thinks_is_asked_not_to(root: Path) -> None:
    """The room for an answer holds no thought; the expert's prompt stays the one that it was trained on."""
    template = (
        "{% for m in messages %}{{ m['content'] }}{% endfor %}Assistant:"
        "{% if enable_thinking is defined and enable_thinking is false %}<think></think>{% endif %}"
    )
    read = {}
    for base in (True, False):
        model = local.open_expert(receipt(root), root, base=base)
        model.tokenizer.chat_template = template
        read[base] = model.tokenizer.decode(model.encode(asked("Who?")))
    assert read == {True: "Who?Assistant:<think></think>", False: "Who?Assistant:"}


def test_passages_fill_no_more_room_than_the_model_has(root: Path) -> None:
    """What goes before the question leaves room for the answer within the positions of the loaded model."""
    from corpus_tuner.models.prompted import Prompted
    from corpus_tuner.records import Section

    base = local.open_expert(receipt(root), root, base=True)
    base.module.config.max_position_embeddings = 1500
    text = "Who? " * base.room
    section = Section("s", "d", "Apollo 8", (), text, tuple((at, at + 4) for at in range(0, len(text), 5)))
    arm = Prompted(base, "Apollo 8", lambda _: [section])
    assert base.room - 40 < len(base.encode(arm.prompt(asked("Who?"), 20))) + 20 <= base.room


def test_base_and_expert_differ_by_the_adapter(root: Path) -> None:
    """`base` answers as the model that the adapter was trained on, through the same chat template."""
    from transformers import AutoModelForCausalLM

    base, expert = (local.open_expert(receipt(root), root, base=base) for base in (True, False))
    assert base.complete(asked("Who?"), max_tokens=8).text != expert.complete(asked("Who?"), max_tokens=8).text
    plain = AutoModelForCausalLM.from_pretrained(root / "model")
    tokenizer = base.tokenizer
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


def streamed(model: local.LocalModel, text: str, **more) -> tuple[list, object]:
    """The tokens of a streamed answer, and its end."""
    *found, end = tokens.stream(LocalReader(model), asked(text), **{"max_tokens": 8} | more)
    return found, end


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_streamed_answer_is_the_whole_one(root: Path, question: str) -> None:
    """Greedy, token by token with a cache: the same text and the same counts."""
    model = local.open_expert(receipt(root), root)
    found, end = streamed(model, question)
    whole = model.complete(asked(question), max_tokens=8)
    assert "".join(token.text for token in found).strip() == whole.text
    assert {"prompt_tokens": end.prompt_tokens, "completion_tokens": end.completion_tokens} == whole.usage
    assert end.finish_reason == whole.finish_reason


def test_log_probabilities_are_those_of_the_model(root: Path) -> None:
    """Each is what one pass over the whole text gives its token, and the likeliest stand first."""
    import torch

    model = local.open_expert(receipt(root), root)
    found, _ = streamed(model, "Who?", top=3)
    ids = model.encode(asked("Who?"))
    for token in found:
        with torch.no_grad():
            chances = model.module(input_ids=torch.tensor([ids])).logits[0, -1].log_softmax(-1)
        likely = chances.topk(3)
        assert token.logprob == pytest.approx(float(likely.values[0]), abs=1e-4)
        assert [value for _, value in token.top] == pytest.approx(likely.values.tolist(), abs=1e-4)
        assert token.top[0] == (token.bytes, token.logprob)
        ids.append(int(likely.indices[0]))


def test_a_streamed_answer_is_seeded_on_its_own(root: Path) -> None:
    """Equal seeds agree whatever is drawn elsewhere; a small top_p takes the likeliest token alone."""
    model = local.open_expert(receipt(root), root)
    say = lambda **more: "".join(token.text for token in streamed(model, "Who?", **more)[0])  # noqa: E731
    texts = [say(temperature=3.0, seed=seed) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
    assert say(temperature=3.0, seed=2, top_p=1e-6) == say()


@pytest.mark.parametrize("form", ["bytes", "pieces"])
def test_the_bytes_of_the_tokens_spell_the_text(form: str) -> None:
    """For a byte-level vocabulary and for one of SentencePiece's kind with bytes to fall back on; special tokens say nothing."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    text = "Der Mond ist 384.400 km fern — «Größe» 月 <think>x</think>\n\n  zwei"
    tokenizer = Tokenizer(models.BPE(byte_fallback=form == "pieces", unk_token=None))
    special = ["<eos>"]
    if form == "bytes":
        tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
        letters = pre_tokenizers.ByteLevel.alphabet()
    else:
        tokenizer.normalizer = normalizers.Replace(" ", "▁")
        tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
        letters, special = ["▁"], ["<eos>", *(f"<0x{byte:02X}>" for byte in range(256))]
    tokenizer.train_from_iterator(["Der Mond ist fern 3840. km Größe zwei x\n"], trainers.BpeTrainer(vocab_size=600, special_tokens=special, initial_alphabet=letters))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(_without_bytes(tokenizer.to_str())), eos_token="<eos>")
    tokenizer.add_tokens(["<think>", "</think>"])
    ids = tokenizer(text)["input_ids"]
    spell = spelling(tokenizer)
    assert b"".join(map(spell, ids)).decode() == tokenizer.decode(ids) == text
    assert spell(tokenizer.eos_token_id) == b""


def _without_bytes(text: str) -> str:
    """A tokenizer whose byte tokens are of the vocabulary, but not added as special ones."""
    value = json.loads(text)
    value["added_tokens"] = [one for one in value["added_tokens"] if one["content"] == "<eos>"]
    return json.dumps(value)


class Scripted:
    """A Reader that writes given pieces of text, one a token."""

    room, longest, thinks = 1000, 100, True

    def __init__(self, *pieces: str) -> None:
        self.pieces, self.ends = pieces, frozenset([len(pieces)])

    def encode(self, messages) -> list[int]:
        return [0]

    def begin(self, length: int):
        import numpy as np

        turn = iter(range(len(self.pieces) + 1))
        return lambda ids: np.eye(len(self.pieces) + 1)[next(turn)]

    def spell(self, token: int) -> bytes:
        return self.pieces[token].encode()


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        (["<think>", "\n\n", "</think>", "\n\n", "Ten", "."], "\n\nTen."),
        (["\n<th", "ink>a", " b</thi", "nk> Ten", "."], " Ten."),
        (["<", "b>", "Ten"], "<b>Ten"),
        (["Ten ", "<think>x</think>"], "Ten <think>x</think>"),
        (["<think>", "for", " ever"], "<think>for ever"),
        (["</think>", "Ten"], "</think>Ten"),
        ([" "], " "),
    ],
)
def test_a_thought_that_opens_an_answer_is_not_streamed(pieces: list[str], said: str) -> None:
    """What is left is what the whole answer would be; every token is counted."""
    *found, end = tokens.stream(Scripted(*pieces), [])
    assert "".join(token.text for token in found) == said == local.THOUGHT.sub("", "".join(pieces))
    assert (len(found), end.completion_tokens) == (len(pieces), len(pieces) + 1)


def test_messages_that_the_template_refuses_are_declined(root: Path) -> None:
    """One line with the template's own words, not a failure of the program."""
    model = local.open_expert(receipt(root), root)
    model.tokenizer.chat_template = "{{ raise_exception('roles must alternate') }}"
    with pytest.raises(Declined, match="roles must alternate"):
        model.complete(asked("Who?"))
