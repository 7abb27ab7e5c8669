"""Trains the embedded student on a training file and measures what it recalls, what it makes of other wordings, and its speed.

    python scripts/bench_scratch.py TRAIN.jsonl [QUESTIONS.jsonl] [--seeds 0 1 2]

TRAIN holds rows of {"messages": [...]}; QUESTIONS holds {"question": ..., "answers": [...]}. Prints a JSON object per seed.
An answer of at most eight words counts as basic. CPU seconds are those of training alone.
"""

import argparse
import json
import resource
import statistics
import tempfile
import time
from pathlib import Path

from corpus_tuner.models.scratch import ScratchModel
from corpus_tuner.settings import TrainSettings
from corpus_tuner.text import exact_match, token_f1
from corpus_tuner.train.rows import read_rows
from corpus_tuner.train.scratch import ScratchTrainer

SHORT = 8  # words


def main() -> None:
    """Reads the arguments; one line of JSON for each seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("questions", type=Path, nargs="?")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--epochs", default="auto")
    given = parser.parse_args()
    for seed in given.seeds:
        settings = TrainSettings(seed=seed, epochs=given.epochs if given.epochs == "auto" else int(given.epochs))
        print(json.dumps(measure(given.train, given.questions, settings)), flush=True)


def measure(train: Path, questions: Path | None, settings: TrainSettings) -> dict[str, float]:
    """One training and its figures: shares from 0 to 1, seconds, milliseconds, megabytes."""
    with tempfile.TemporaryDirectory() as place:
        wall, cpu = time.perf_counter(), time.process_time()
        expert = ScratchTrainer().train(train, None, settings, Path(place) / "expert")
        figures = {"seed": settings.seed, "wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
        model = ScratchModel(Path(place) / "expert")
    pairs = [(row[-2]["content"], (row[-1]["content"],)) for row in read_rows(train)]
    short = [pair for pair in pairs if len(pair[1][0].split()) <= SHORT]
    long = [pair for pair in pairs if pair not in short]
    figures |= dict(expert.metrics) | {"rows": len(pairs), "basic_rows": len(short)}
    for name, asked in (("basic", short), ("detailed", long), ("other_wordings", _read(questions))):
        if asked:
            figures |= {f"{name}_{measure}": value for measure, value in _score(model, asked).items()}
    started = time.perf_counter()
    for question, _ in short[:100]:
        model.complete([{"role": "user", "content": question}])
    figures["ms_a_short_answer"] = (time.perf_counter() - started) * 1000 / max(1, len(short[:100]))
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {name: round(value, 3) for name, value in figures.items()}


def _read(path: Path | None) -> list[tuple[str, tuple[str, ...]]]:
    lines = path.read_text(encoding="utf-8").splitlines() if path else []
    return [(row["question"], tuple(row["answers"])) for row in map(json.loads, lines)]


def _score(model: ScratchModel, asked: list[tuple[str, tuple[str, ...]]]) -> dict[str, float]:
    replies = model.complete_many([[{"role": "user", "content": question}] for question, _ in asked])
    exact = [max(exact_match(reply.text, gold) for gold in answers) for reply, (_, answers) in zip(replies, asked)]
    overlap = [max(token_f1(reply.text, gold) for gold in answers) for reply, (_, answers) in zip(replies, asked)]
    return {"n": len(asked), "exact": statistics.mean(exact), "f1": statistics.mean(overlap)}


if __name__ == "__main__":
    main()
