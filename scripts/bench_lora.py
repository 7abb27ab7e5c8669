"""Training speed of `lora` against trl's SFTTrainer: same random-weight model, rows, examples a step, and checkpointing.

    python scripts/bench_lora.py [--rows FILE.jsonl] [--repeats 3] [--epochs 2] [--batch 8] [--rank 16] [--width 256]
                                 [--layers 4] [--threads N] [--checkpointing] [--packing]

Without --rows: the pairs of the shipped article. Speed is non-padding tokens a second, from the first step to the last,
of the clock and of the processor's time (which, with one thread, other programs disturb less), the runs taken in turns. The
losses are those of a tenth of the rows that neither trains on, after the last step, in one and the same function. With a GPU: one run of ours on a random-weight model of Qwen3-0.6B's shape, with the share of the device's
peak (--peak, in TFLOP/s of bfloat16) that its arithmetic is. Needs trl (pip install trl), which the project itself does not.
"""

import argparse
import math
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

from corpus_tuner import hub
from corpus_tuner.corpus import Corpus
from corpus_tuner.settings import TrainSettings
from corpus_tuner.store import write_jsonl
from corpus_tuner.train import loop, lora
from corpus_tuner.train.loss import learnt_logits, parts
from corpus_tuner.train.render import encode
from corpus_tuner.train.rows import read_rows
from corpus_tuner.train.world import World

ROOT = Path(__file__).parent.parent
QWEN = {  # Qwen3-0.6B's config.json
    "vocab_size": 151936, "hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": 28, "num_attention_heads": 16,
    "num_key_value_heads": 8, "head_dim": 128, "tie_word_embeddings": True, "max_position_embeddings": 40960,
}  # fmt: skip


def main() -> None:
    """Reads the arguments, makes model and rows, prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=Path)
    for name, value in (("repeats", 3), ("epochs", 2), ("batch", 8), ("rank", 16), ("width", 256), ("layers", 4), ("vocabulary", 8192)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--peak", type=float, default=989.0, help="an H100's or H200's, dense")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--checkpointing", action="store_true")
    parser.add_argument("--packing", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        rows = given.rows or _shipped(folder)
        train, held_out = _split(rows, folder)
        if torch.cuda.is_available():
            on_a_gpu(given, train, folder)
        else:
            against_trl(given, train, held_out, folder)


def against_trl(given: argparse.Namespace, train: Path, held_out: Path, folder: Path) -> None:
    """Both trainers in turns; prints a table of their speeds and losses."""
    shape = {
        "vocab_size": given.vocabulary, "hidden_size": given.width, "intermediate_size": given.width * 3,
        "num_hidden_layers": given.layers, "num_attention_heads": given.width // 64, "num_key_value_heads": given.width // 128,
        "head_dim": 64, "tie_word_embeddings": True, "max_position_embeddings": 4096,
    }  # fmt: skip
    make(folder / "base", shape, train)
    tokenizer = hub.load_tokenizer(str(folder / "base"), "a benchmark")
    encoded = encode(read_rows(train), tokenizer, 1024)
    tokens = given.epochs * sum(len(ids) for ids, _ in encoded)
    asked = encode(read_rows(held_out), tokenizer, 1024)
    found: dict[str, list[tuple[float, float, float]]] = {"trl": [], "ours": []}
    for seed in range(given.repeats):
        for name, run in (("trl", with_trl), ("ours", with_ours)):
            model, (seconds, work), seen = run(given, train, folder, seed)
            if seen != tokens:
                raise SystemExit(f"{name} saw {seen:,} tokens of {tokens:,}: the two do not train on the same rows")
            found[name].append((tokens / seconds, tokens / work, loss_of(model, asked)))
    print(f"{len(encoded)} rows, {tokens:,} tokens in {given.epochs} epochs, {given.batch} rows a step, {torch.get_num_threads()} threads")
    for name, runs in found.items():
        speeds, works, losses = zip(*runs)
        spread = statistics.stdev(losses) if len(losses) > 1 else 0.0
        print(
            f"{name:5} {statistics.median(speeds):9,.0f} tokens/s {statistics.median(works):9,.0f} tokens/CPU s"
            f"   held-out loss {statistics.mean(losses):.4f} ± {spread:.4f}"
        )
    for place, what in enumerate(("clock", "CPU")):
        ratios = [ours[place] / trl[place] for trl, ours in zip(found["trl"], found["ours"])]
        print(f"ours / trl, {what}: {statistics.median(ratios):.2f} (from {min(ratios):.2f} to {max(ratios):.2f})")


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the clock and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - processor


def with_ours(given: argparse.Namespace, train: Path, folder: Path, seed: int) -> tuple[torch.nn.Module, tuple[float, float], int]:
    """The trained model, the seconds of its steps, and the tokens that it saw."""
    run = begun(given, train, folder, seed)
    with tempfile.TemporaryDirectory() as place:
        seconds = timed(lambda: loop.learn(run, Path(place), "a benchmark", lambda *_: None))
    return run.model, seconds, given.epochs * run.objective.tokens(run.rows)


def begun(given: argparse.Namespace, train: Path, folder: Path, seed: int) -> loop.Run:
    """Our run before its first step."""
    settings = TrainSettings(
        trainer="lora", base=str(folder / "base"), epochs=given.epochs, batch_size=given.batch, rank=given.rank, seed=seed,
        learning_rate=given.rate, gradient_checkpointing=given.checkpointing, packing=given.packing,
    )  # fmt: skip
    return lora.begin(train, None, hub.load_tokenizer(settings.base, "a benchmark"), settings, World())


def with_trl(given: argparse.Namespace, train: Path, folder: Path, seed: int) -> tuple[torch.nn.Module, tuple[float, float], int]:
    """The same by SFTTrainer, as its documentation has it, for prompt/completion rows."""
    import peft
    from datasets import Dataset
    from transformers import PrinterCallback
    from transformers.utils import logging
    from trl import SFTConfig, SFTTrainer

    logging.set_verbosity_error()
    rows = [{"prompt": list(row[:-1]), "completion": [row[-1]]} for row in read_rows(train)]
    with tempfile.TemporaryDirectory() as place:
        config = SFTConfig(
            output_dir=place, num_train_epochs=given.epochs, per_device_train_batch_size=given.batch, learning_rate=given.rate,
            lr_scheduler_type="cosine", warmup_steps=loop.WARM_UP, weight_decay=0.0, max_length=1024, seed=seed,
            gradient_checkpointing=given.checkpointing, save_strategy="epoch", logging_steps=10, report_to="none", bf16=False,
            use_cpu=True, disable_tqdm=True, dataloader_pin_memory=False,
        )  # fmt: skip
        trainer = SFTTrainer(
            model=hub.load_base(str(folder / "base"), "a benchmark"),
            args=config,
            train_dataset=Dataset.from_list(rows),
            processing_class=hub.load_tokenizer(str(folder / "base"), "a benchmark"),
            peft_config=peft.LoraConfig(
                r=given.rank, lora_alpha=2 * given.rank, target_modules="all-linear", task_type="CAUSAL_LM"
            ),
        )
        trainer.remove_callback(PrinterCallback)
        seconds = timed(trainer.train)
    return trainer.model, seconds, trainer._total_train_tokens


def loss_of(model: torch.nn.Module, rows: list) -> float:
    """Mean cross-entropy of the learnt tokens of `rows`."""
    model.eval()
    total = count = 0.0
    with torch.no_grad():
        for part in parts(rows, 4096):
            logits, goals = learnt_logits(model, part)
            total += float(torch.nn.functional.cross_entropy(logits, goals, reduction="sum"))
            count += len(goals)
    return total / count


def on_a_gpu(given: argparse.Namespace, train: Path, folder: Path) -> None:
    """Our trainer alone; prints tokens a second and the share of the device's peak."""
    make(folder / "base", QWEN, train)
    run = begun(given, train, folder, 0)
    trained = sum(weight.numel() for weight in run.weights)
    head = run.model.get_output_embeddings().weight.numel()
    body = sum(weight.numel() for weight in run.model.parameters()) - trained - head
    learnt = run.objective.weight(run.rows) / run.objective.tokens(run.rows)
    for epochs in (1, given.epochs):  # the first warms up
        run.step, run.epochs = 0, epochs
        torch.cuda.synchronize()
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as place:
            loop.learn(run, Path(place), "a benchmark", lambda *_: None)
        torch.cuda.synchronize()
        seconds = time.perf_counter() - started
    speed = epochs * run.objective.tokens(run.rows) / seconds
    # of a token: forward 2 and backward 2 for each weight, 2 more for a trained one; the head is asked for learnt tokens only
    arithmetic = 4 * body + 6 * trained + 4 * head * learnt
    print(f"{torch.cuda.get_device_name()}: {speed:,.0f} tokens/s, {speed * arithmetic / given.peak / 1e12:.1%} of {given.peak} TFLOP/s")


def make(folder: Path, shape: dict, train: Path) -> None:
    """A model of random weights in Qwen3's architecture, and a tokenizer trained on the rows."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=min(8192, shape["vocab_size"]), special_tokens=["<eos>", "<pad>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    tokenizer.train_from_iterator((message["content"] for row in read_rows(train) for message in row), trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>", pad_token="<pad>")
    fast.chat_template = hub.PLAIN_TEMPLATE
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = AutoConfig.for_model("qwen3", **shape, eos_token_id=0, pad_token_id=1, bos_token_id=None)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)


def _shipped(folder: Path) -> Path:
    """The training rows of the shipped article, made by the offline writer."""
    import shutil

    shutil.copytree(ROOT / "sources", folder / "sources")
    corpus = Corpus.open("apollo-8", folder)
    corpus.build("dataset")
    return folder / "generated" / "apollo-8" / "dataset" / "train.jsonl"


def _split(rows: Path, folder: Path) -> tuple[Path, Path]:
    """Nine tenths to train on, a tenth to ask."""
    found = [{"messages": list(row)} for row in read_rows(rows)]
    Random(0).shuffle(found)
    cut = math.ceil(len(found) / 10)
    write_jsonl(folder / "held-out.jsonl", found[:cut])
    write_jsonl(folder / "rows.jsonl", found[cut:])
    return folder / "rows.jsonl", folder / "held-out.jsonl"


if __name__ == "__main__":
    main()
