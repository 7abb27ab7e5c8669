"""The stages of a build in their order, each a plain function of files on disk: what it depends on, how it runs, what it writes."""

from __future__ import annotations

from corpus_tuner.asking import evaluate, evaluate_inputs, run_folder
from corpus_tuner.documents import fetch, fetch_inputs, raw_files
from corpus_tuner.examples import generate, generate_inputs
from corpus_tuner.place import Stage
from corpus_tuner.sections import clean, clean_inputs
from corpus_tuner.store import files_of
from corpus_tuner.training import dataset, dataset_inputs, train, train_inputs

STAGES = (
    Stage("fetch", fetch_inputs, fetch, lambda place: [*files_of(place.documents), *files_of(place.lost("fetch")), *raw_files(place)]),
    Stage("clean", clean_inputs, clean, lambda place: [*files_of(place.sections), *files_of(place.lost("clean"))]),
    Stage("generate", generate_inputs, generate, lambda place: [place.examples, place.folder / "coverage.json"]),
    Stage("dataset", dataset_inputs, dataset, lambda place: [*sorted(place.dataset.rglob("*.*")), place.splits]),
    Stage("train", train_inputs, train, lambda place: [place.expert / "expert.json"]),
    Stage("evaluate", evaluate_inputs, evaluate, lambda place: [run_folder(place) / name for name in ("report.json", "table.txt")]),
)
