"""The last two stages before the evaluation: the training files, and the expert that is made of them."""

from __future__ import annotations

import shutil
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from typing import Any

from corpus_tuner import plugins, recipes
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.place import Counts, Place, keep_rejects, put_expert
from corpus_tuner.records import Document, Example, Progress, Section
from corpus_tuner.settings import TrainSettings
from corpus_tuner.settings.checks import LORA_ONLY
from corpus_tuner.store import digest, file_digest, read_jsonl, to_json, write_json, write_jsonl, write_text


def dataset(place: Place, progress: Progress) -> Counts:
    """Training files, their card, and the further exports."""
    from corpus_tuner.dataset import added, card, formats, split

    settings = place.settings.dataset
    examples = {example.id: example for example in read_jsonl(place.examples, Example)}
    later = list(read_jsonl(place.improved, Example))
    cited = {section for one in chain(examples.values(), later) for section, _ in one.evidence}  # a dump has millions more
    sections = {section.id: section for section in read_jsonl(place.sections, Section) if section.id in cited}
    recipe = place.settings.recipe
    if recipe.sort:
        splits, rejects = recipes.assign(examples.values(), sections, place.settings), []
    else:
        splits, rejects = split.assign(examples.values(), sections.values(), settings)
    if not any(one.split == "train" for one in splits):
        raise CorpusTunerError("no pair is left to train on: lower dataset.unseen, or generate more pairs")
    more = added.add(later, {one.id: one.split for one in splits}, examples.values(), sections.values(), settings)
    splits, rejects = splits + more[0], rejects + more[1]
    examples |= {one.id: one for one in later if one.id not in examples}
    shutil.rmtree(place.dataset, ignore_errors=True)
    keep_rejects(place, "dataset", rejects)
    files = {name: [] for name in ("train", "validation", "test")}
    for one in splits:
        files[one.split if one.split in files else "test"].append(examples[one.id])
    for name, rows in files.items():
        if rows:
            write_jsonl(place.dataset / f"{name}.jsonl", (formats.messages(example) for example in rows))
            for export in settings.formats:
                formats.export(export, rows, sections, place.title, settings, place.dataset / export / name)
    counts = {name: len(rows) for name, rows in files.items()}
    documents = [replace(document, text="") for document in read_jsonl(place.documents, Document)]  # a dump's texts are many
    losses = place.losses_by_reason()
    writer = recipe.function or place.settings.generate.writer
    write_text(place.dataset / "README.md", card.card(place.title, documents, counts, losses, writer, bool(recipe.sort)))
    write_jsonl(place.splits, splits)
    progress(len(splits), len(splits), "")
    return counts | {"rejects": len(rejects)}


def dataset_inputs(place: Place) -> Any:
    return [
        file_digest(place.examples),
        file_digest(place.sections),
        asdict(place.settings.dataset),
        place.settings.corpus.title,
        *([place.settings.recipe.group] if place.settings.recipe.sort else []),
        *([file_digest(place.improved)] if place.improved.exists() else []),
    ]


def check_train(place: Place) -> None:
    """Raises CorpusTunerError for a trainer that is not installed, a method that it does not know, and a file of rows that is
    not there."""
    settings = place.settings.train
    plugins.check("trainers", settings.trainer)
    if settings.preferences and "dpo" not in plugins.methods(settings.trainer):
        raise CorpusTunerError(f'the {settings.trainer} trainer knows no preferences: use trainer = "lora"')
    for key in ("replay", "preferences"):
        name = getattr(settings, key)
        if name and not (place.toml.parent / name).is_file():
            raise CorpusTunerError(f"{place.toml}: train.{key} = {name!r} is no file that is there: give its path, from beside the TOML")


def train(place: Place, progress: Progress) -> Counts:
    """The expert, in a folder that takes its place only when it is whole."""
    inputs = digest(train_inputs(place))
    if _was_finished(place, inputs):
        return _trained(place)
    settings = place.settings.train
    if settings.trainer == "remote" and not settings.suffix:
        settings = replace(settings, suffix=place.settings.corpus.name[:18])  # Azure's bound, the shortest known
    if settings.replay:
        settings = replace(settings, replay=str(place.toml.parent / settings.replay))
    trainer = plugins.load("trainers", settings.trainer)()
    rows, validation = _rows(place)
    partial = place.expert.with_name(f".{place.expert.name}-{inputs[:8]}.partial")
    partial.mkdir(parents=True, exist_ok=True)
    expert = trainer.train(rows, validation, settings, partial, progress)
    folder = str(place.expert.relative_to(place.folder))
    write_json(partial / "expert.json", to_json(replace(expert, name=place.expert.name, folder=folder, inputs=inputs)))
    put_expert(place, partial)
    local = place.expert.parent.glob(f".{place.expert.name}-*.partial") if settings.trainer != "remote" else ()
    for left in local:  # of other inputs; a remote one may hold the only note of a job that still runs
        shutil.rmtree(left, ignore_errors=True)
    return _trained(place)


def _rows(place: Place) -> tuple[Path, Path | None]:
    """What is trained on, and the validation file if there is one: the pairs of the corpus, or the user's preferences."""
    if place.settings.train.preferences:
        return place.toml.parent / place.settings.train.preferences, None
    validation = place.dataset / "validation.jsonl"
    return place.dataset / "train.jsonl", validation if validation.exists() else None


def _was_finished(place: Place, inputs: str) -> bool:
    """Whether this very expert stands there already and only the manifest, the last write, was cut off."""
    receipt = place.expert / "expert.json"
    known = place.manifest().get("train", {}).get("outputs", {})
    return (
        receipt.is_file()
        and place.receipt().inputs == inputs
        and file_digest(receipt) != known.get(str(receipt.relative_to(place.folder)))
    )


def _trained(place: Place) -> Counts:
    with _rows(place)[0].open("rb") as rows:
        return {"rows": sum(1 for line in rows if line.strip())}


def train_inputs(place: Place) -> Any:
    settings = asdict(place.settings.train)
    del settings["api_key_env"]
    settings = {key: value for key, value in settings.items() if key not in LORA_ONLY or value != getattr(TrainSettings(), key)}
    digests = [file_digest(place.dataset / "train.jsonl"), file_digest(place.dataset / "validation.jsonl"), settings]
    if "replay" in settings:
        digests.append(file_digest(place.toml.parent / settings["replay"]))
    return [*digests, file_digest(_rows(place)[0])] if "preferences" in settings else digests
