"""The stages of a build in their order, each a plain function of files on disk, and when and how one is run."""

from __future__ import annotations

import importlib.metadata
import json
import time

from corpus_tuner.asking import check_evaluate, evaluate, evaluate_inputs, run_folder
from corpus_tuner.documents import check_fetch, fetch, fetch_inputs, raw_files
from corpus_tuner.examples import check_generate, generate, generate_inputs
from corpus_tuner.place import Place, Stage, Watcher
from corpus_tuner.sections import check_clean, clean, clean_inputs
from corpus_tuner.store import digest, files_of, remembered, write_json
from corpus_tuner.training import check_train, dataset, dataset_inputs, train, train_inputs

STAGES = (
    Stage("fetch", fetch_inputs, fetch, lambda place: [*files_of(place.documents), *files_of(place.lost("fetch")), *raw_files(place)], check_fetch),
    Stage("clean", clean_inputs, clean, lambda place: [*files_of(place.sections), *files_of(place.lost("clean"))], check_clean),
    Stage("generate", generate_inputs, generate, lambda place: [place.examples, place.folder / "coverage.json"], check_generate),
    Stage("dataset", dataset_inputs, dataset, lambda place: [*sorted(place.dataset.rglob("*.*")), place.splits]),
    Stage("train", train_inputs, train, lambda place: [place.expert / "expert.json"], check_train),
    Stage("evaluate", evaluate_inputs, evaluate, lambda place: [run_folder(place) / name for name in ("report.json", "table.txt")], check_evaluate),
)


def is_stale(stage: Stage, place: Place) -> bool:
    """Whether `stage` has not run yet, or what it depends on, or what it wrote, is not as the manifest has it."""
    entry = place.manifest().get(stage.name)
    if entry is None or entry["inputs"] != _digest(stage, place) or not entry["outputs"]:
        return True
    with remembered(place.digests) as digest_of:
        return any(digest_of(place.folder / name) != value for name, value in entry["outputs"].items())


def run(stage: Stage, place: Place, watcher: Watcher) -> None:
    """Runs `stage`; its entry in the manifest is the last write."""
    watcher.start(stage.name)
    inputs, started = _digest(stage, place), time.monotonic()
    try:
        counts = stage.run(place, watcher.progress)
    except BaseException:
        watcher.abort()
        raise
    seconds = round(time.monotonic() - started, 2)
    with remembered(place.digests) as digest_of:
        outputs = {str(path.relative_to(place.folder)): digest_of(path) for path in stage.outputs(place)}
    entry = {
        "inputs": inputs,
        "outputs": outputs,
        "counts": counts,
        "seconds": seconds,
        "finished_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "version": importlib.metadata.version("corpus-tuner"),
    }
    write_json(place.folder / "manifest.json", place.manifest() | {stage.name: entry})
    watcher.finish(stage.name, counts, seconds)


def _digest(stage: Stage, place: Place) -> str:
    return digest(stage.name, json.loads(json.dumps(stage.inputs(place))))
