"""Exports of experts, each loaded back by a program that is not ours and asked what the expert was asked."""

import json
import random
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.models import open_model
from corpus_tuner.models.export import export
from corpus_tuner.models.gguf_tokens import LLAMA3
from corpus_tuner.records import Expert
from corpus_tuner.settings import TrainSettings
from corpus_tuner.store import write_jsonl
from corpus_tuner.train.scratch import ScratchTrainer

peft = pytest.importorskip("peft")
gguf = pytest.importorskip("gguf")
pytestmark = pytest.mark.usefixtures("one_thread")

WORDS = "Apollo Saturn Borman Lovell Anders orbit Moon launch Earthrise capsule Pacific don't 1968 3,000 It's".split()
CHATML = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
LLAMA = {"rope_parameters": {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}}
SORTS = {  # name -> (class of the configuration, how words are split, what else it has)
    "llama": ("LlamaConfig", None, {"tie_word_embeddings": True}),
    "llama3": ("LlamaConfig", LLAMA3, {"attention_bias": True, "head_dim": 32} | LLAMA),
    "qwen2": ("Qwen2Config", LLAMA3.replace("{1,3}", ""), {"tie_word_embeddings": True}),
    "qwen3": ("Qwen3Config", LLAMA3.replace("{1,3}", ""), {"head_dim": 128}),
}


def questions(count: int = 100) -> list[list[dict[str, str]]]:
    """Conversations of one question each."""
    chance = random.Random(3)
    return [[{"role": "user", "content": " ".join(chance.choices(WORDS, k=chance.randint(2, 8))) + "?"}] for _ in range(count)]


def make_base(folder: Path, sort: str, **more: object) -> None:
    """A tiny causal language model with random weights, its tokenizer of the sort that its architecture has."""
    import torch
    import transformers
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    name, split, options = SORTS[sort]
    tokenizer = Tokenizer(models.BPE(ignore_merges=split == LLAMA3))
    whole = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=split is None)
    tokenizer.pre_tokenizer = whole if split is None else pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(split), "isolated"), whole])
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    letters = [*map(chr, range(33, 127)), "Ġ", "Ċ"]  # no byte that is no character by itself: readers differ in what they make of those
    trainer = trainers.BpeTrainer(vocab_size=250, special_tokens=special, initial_alphabet=letters, show_progress=False)
    tokenizer.train_from_iterator([message[0]["content"] for message in questions(50)], trainer)
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>", pad_token="<|endoftext|>")
    tokenizer.chat_template = CHATML
    tokenizer.save_pretrained(folder)
    torch.manual_seed(1)
    config = getattr(transformers, name)(
        vocab_size=len(tokenizer) + 5, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=256, eos_token_id=0, bos_token_id=None, initializer_range=0.15,
        **options | more,
    )  # fmt: skip
    model = transformers.AutoModelForCausalLM.from_config(config)
    for weight in model.parameters():
        if weight.ndim == 1:  # norms and biases, so that one in the wrong place is noticed
            torch.nn.init.normal_(weight, mean=float(weight.mean().round()), std=0.1)
    model.save_pretrained(folder)


def make_expert(root: Path, sort: str, **more: object) -> Expert:
    """The receipt of an expert whose adapter is random and large."""
    import torch
    import transformers

    make_base(root / "base", sort, **more)
    model = transformers.AutoModelForCausalLM.from_pretrained(root / "base")
    torch.manual_seed(2)
    model = peft.get_peft_model(model, peft.LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False))
    model.save_pretrained(root / "expert", save_embedding_layers=False)
    transformers.AutoTokenizer.from_pretrained(root / "base").save_pretrained(root / "expert")
    (root / "expert" / "generation_config.json").write_text('{"eos_token_id": [0, 2]}')
    return Expert("expert", str(root / "base"), "transformers", folder="expert")


def by_transformers(folder: Path, file: str | None = None) -> Callable[[list[dict[str, str]]], str]:
    """A function that answers as transformers does with the model in `folder`, or in its GGUF `file`."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    options = {"gguf_file": file} if file else {}
    tokenizer = AutoTokenizer.from_pretrained(folder, **options)
    model = AutoModelForCausalLM.from_pretrained(folder, **options)

    def answer(messages: list[dict[str, str]]) -> str:
        read = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        written = model.generate(**read, max_new_tokens=8, do_sample=False, eos_token_id=[0, 2], pad_token_id=0)
        return tokenizer.decode(written[0, read["input_ids"].shape[1] :], skip_special_tokens=True)

    return answer


def by_llama_cpp(path: Path) -> Callable[[list[dict[str, str]]], str]:
    """The same by llama.cpp, which knows nothing but the file."""
    llama_cpp = pytest.importorskip("llama_cpp")
    exact = {"type_k": 0, "type_v": 0}  # its cache in float32, as transformers has it
    model = llama_cpp.Llama(str(path), n_ctx=256, n_threads=1, n_threads_batch=1, verbose=False, seed=1, **exact)
    return lambda messages: model.create_chat_completion(messages, temperature=0, max_tokens=8)["choices"][0]["message"]["content"] or ""


def same(expert: list[str], export: list[str]) -> int:
    """How many answers are equal, but for white space around them and the names of embeddings without a token, which
    only a random model says."""
    return sum(one.strip() == re.sub(r"\[PAD\d+\]", "", other).strip() for one, other in zip(expert, export))


def answers(expert: Expert, root: Path, asked: list[list[dict[str, str]]]) -> list[str]:
    """What the expert itself says."""
    return [reply.text for reply in open_model(expert, root).complete_many(asked, max_tokens=8)]


@pytest.fixture(scope="module", params=list(SORTS))
def expert(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Expert, Path]:
    """An expert of each architecture, and where it lies."""
    root = tmp_path_factory.mktemp(request.param)
    return make_expert(root, request.param), root


def test_a_merged_export_answers_as_the_expert(expert: tuple[Expert, Path], tmp_path: Path) -> None:
    """100 greedy answers are the same, by transformers alone; the chat template and the ends of an answer came along."""
    receipt, root = expert
    out = export(receipt, root, "merged", tmp_path / "out", "a")
    asked = questions()
    said = answers(receipt, root, asked)
    assert len(set(said)) > 50
    assert same(said, list(map(by_transformers(out), asked))) == 100
    assert not list(out.glob("*adapter*"))
    assert json.loads((out / "generation_config.json").read_text())["eos_token_id"] == [0, 2]


@pytest.mark.parametrize("reader", ["llama.cpp", "transformers"])
def test_a_gguf_export_answers_as_the_expert(expert: tuple[Expert, Path], tmp_path: Path, reader: str) -> None:
    """100 greedy answers, by two readers that share no code with the writer: tokenizer and template come from the file."""
    receipt, root = expert
    if reader == "transformers" and root.name.startswith("llama3"):
        pytest.skip("this reader ignores the scaling of positions, and biases of attention")
    path = export(receipt, root, "gguf", tmp_path / "out", "apollo")
    assert path == tmp_path / "out" / "apollo.gguf"
    assert [one.name for one in path.parent.iterdir()] == ["apollo.gguf"]
    asked = questions(100)
    answer = by_llama_cpp(path) if reader == "llama.cpp" else by_transformers(path.parent, path.name)
    assert same(answers(receipt, root, asked), list(map(answer, asked))) == 100


def test_an_adapter_export_holds_what_peft_needs(expert: tuple[Expert, Path], tmp_path: Path) -> None:
    """Adapter, tokenizer and template, and no log or receipt of ours; peft opens it."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    receipt, root = expert
    (root / "expert" / "log.jsonl").write_text("{}")
    out = export(receipt, root, "adapter", tmp_path / "out", "a")
    assert not (out / "log.jsonl").exists()
    assert peft.PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(receipt.base), out)
    assert AutoTokenizer.from_pretrained(out).chat_template == CHATML


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> tuple[Expert, Path, list[list[dict[str, str]]]]:
    """A scratch expert that knows a hundred codes, and what it is asked."""
    root = tmp_path_factory.mktemp("student")
    asked = [[{"role": "user", "content": f"What is the code of station {number}, please?"}] for number in range(100)]
    rows = [{"messages": [*one, {"role": "assistant", "content": f"It's K{number * 37 % 100}, «sure»."}]} for number, one in enumerate(asked)]
    write_jsonl(root / "train.jsonl", rows)
    made = ScratchTrainer().train(root / "train.jsonl", None, TrainSettings(epochs=3), root / "expert")
    return Expert(made.name, made.base, made.backend, folder="expert"), root, asked


@pytest.mark.parametrize("reader", ["llama.cpp", "transformers"])
def test_a_student_from_nothing_is_exported_too(student, tmp_path: Path, reader: str) -> None:
    """It is a small Llama: llama.cpp and transformers answer as our own inference does."""
    receipt, root, asked = student
    out = export(receipt, root, "gguf" if reader == "llama.cpp" else "merged", tmp_path / "out", "a")
    answer = by_llama_cpp(out) if reader == "llama.cpp" else by_transformers(out)
    said = answers(receipt, root, asked)
    assert sum("K" in one for one in said) > 50
    assert same(said, [answer(messages) for messages in asked]) == 100


def test_numbers_stay_those_of_the_base(tmp_path: Path) -> None:
    """A base in bfloat16 is merged into bfloat16, and its matrices are such in the GGUF file; vectors are float32."""
    from safetensors import safe_open

    receipt = make_expert(tmp_path, "qwen3", dtype="bfloat16")
    import torch
    from transformers import AutoModelForCausalLM

    AutoModelForCausalLM.from_pretrained(tmp_path / "base", dtype=torch.bfloat16).save_pretrained(tmp_path / "base")
    merged = export(receipt, tmp_path, "merged", tmp_path / "merged", "a")
    with safe_open(merged / "model.safetensors", framework="pt") as file:
        assert {file.get_tensor(name).dtype for name in file.keys()} == {torch.bfloat16}  # noqa: SIM118
    path = export(receipt, tmp_path, "gguf", tmp_path / "gguf", "a")
    kinds = {(len(one.shape), one.tensor_type.name) for one in gguf.GGUFReader(path).tensors}
    assert kinds == {(1, "F32"), (2, "BF16")}


def change(folder: Path, file: str, edit: Callable[[dict], None]) -> None:
    """Edits a JSON file."""
    value = json.loads((folder / file).read_text())
    edit(value)
    (folder / file).write_text(json.dumps(value))


@pytest.mark.parametrize(
    ("file", "edit", "said"),
    [
        ("config.json", lambda c: c.update(architectures=["GPT2LMHeadModel"]), "not for GPT2LMHeadModel"),
        ("config.json", lambda c: c["rope_parameters"].update(rope_type="yarn"), "'yarn' are not written"),
        ("config.json", lambda c: c.update(vocab_size=50), "50 embeddings"),
        ("tokenizer.json", lambda t: t["model"].update(type="Unigram"), "byte-level BPE"),
        ("tokenizer.json", lambda t: t.update(normalizer={"type": "Lowercase"}), "byte-level BPE"),
        ("tokenizer.json", lambda t: t["pre_tokenizer"].update(use_regex=False), "cuts words"),
        ("tokenizer.json", lambda t: t["model"].update(ignore_merges=True), "cuts words"),
    ],
)
def test_what_gguf_is_not_written_for_is_refused(student, tmp_path: Path, file: str, edit, said: str) -> None:
    """One line, and nothing is left behind."""
    receipt, root, _ = student
    (tmp_path / "expert").mkdir()
    for path in (root / "expert").iterdir():
        if path.is_file():
            (tmp_path / "expert" / path.name).write_bytes(path.read_bytes())
    change(tmp_path / "expert", file, edit)
    with pytest.raises(CorpusTunerError) as error:
        export(receipt, tmp_path, "gguf", tmp_path / "out", "a")
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert [one.name for one in tmp_path.iterdir()] == ["expert"]


def test_a_folder_that_holds_something_is_left_alone(student, tmp_path: Path) -> None:
    """The user's files are never written over; an empty folder is taken."""
    receipt, root, _ = student
    (tmp_path / "out").mkdir()
    export(receipt, root, "merged", tmp_path / "out", "a")
    with pytest.raises(CorpusTunerError, match="choose another --out"):
        export(receipt, root, "merged", tmp_path / "out", "a")


@pytest.mark.parametrize(
    ("receipt", "kind", "said"),
    [
        (Expert("a", "scratch", "scratch", folder="expert"), "adapter", "has no adapter: use --format merged"),
        (Expert("a", "gpt", "endpoint", base_url="https://host/v1", model="ft:gpt"), "merged", "only its host"),
        (Expert("a", "base", "transformers", folder="nowhere"), "merged", "train the expert again"),
    ],
)
def test_what_there_is_not_cannot_be_exported(student, tmp_path: Path, receipt: Expert, kind: str, said: str) -> None:
    """One line that says why, and what else to do."""
    with pytest.raises(CorpusTunerError, match=said):
        export(receipt, student[1], kind, tmp_path / "out", "a")


def test_an_expert_whose_weights_are_damaged_is_not_exported(student, tmp_path: Path) -> None:
    """A file cut off, or gone, is one line, and nothing is left behind."""
    receipt, root, _ = student
    shutil.copytree(root / receipt.folder, tmp_path / "expert")
    weights, there = tmp_path / "expert" / "model.safetensors", replace(receipt, folder="expert")
    weights.write_bytes(weights.read_bytes()[:1000])
    for kind in ("merged", "gguf"):
        with pytest.raises(CorpusTunerError, match=r"missing or damaged .*: train the expert again"):
            export(there, tmp_path, kind, tmp_path / "out", "a")
    weights.unlink()
    with pytest.raises(CorpusTunerError, match="missing or damaged"):
        export(there, tmp_path, "merged", tmp_path / "out", "a")
    assert [one.name for one in tmp_path.iterdir()] == ["expert"]


def test_the_current_folder_and_a_link_are_written_into(student, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder stays the folder it was; a link stays a link; what a killed export left is no obstacle."""
    receipt, root, _ = student
    (tmp_path / "here" / ".partial").mkdir(parents=True)
    (tmp_path / "here" / ".partial" / "left").touch()
    before = (tmp_path / "here").stat().st_ino
    monkeypatch.chdir(tmp_path / "here")
    export(receipt, root, "merged", Path(), "a")
    assert (tmp_path / "here").stat().st_ino == before
    assert {"config.json", "model.safetensors"} <= (names := {path.name for path in Path().iterdir()})
    assert not {".partial", "left"} & names
    (tmp_path / "link").symlink_to("new")
    export(receipt, root, "merged", tmp_path / "link", "a")
    assert (tmp_path / "link").is_symlink()
    assert {path.name for path in (tmp_path / "new").iterdir()} == names
