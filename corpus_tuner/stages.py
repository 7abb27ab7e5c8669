"""The stages of a build, each a plain function of files on disk: what it depends on, how it runs, what it writes."""

from __future__ import annotations

import math
import shutil
from collections import Counter
from dataclasses import asdict, replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus_tuner import plugins, recipes
from corpus_tuner.asking import evaluate, evaluate_inputs, run_folder
from corpus_tuner.documents import fetch, fetch_inputs, raw_files
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.place import Counts, Place, Stage, keep_rejects
from corpus_tuner.records import Document, Example, Model, Progress, Reason, Reject, Section
from corpus_tuner.sections import clean, clean_inputs
from corpus_tuner.settings import TrainSettings
from corpus_tuner.settings.checks import LORA_ONLY
from corpus_tuner.store import (
    Calls,
    digest,
    file_digest,
    files_of,
    read_jsonl,
    to_json,
    write_json,
    write_jsonl,
    write_text,
)

if TYPE_CHECKING:
    from corpus_tuner.models.prices import Meter

# ---------------------------------------------------------------------------------------------------------- generate


def generate(place: Place, progress: Progress) -> Counts:
    """Question/answer pairs of every section."""
    from corpus_tuner.generate import generate as write_pairs
    from corpus_tuner.generate.coverage import coverage

    settings = place.settings
    sections = list(islice(read_jsonl(place.sections, Section), settings.generate.limit or None))
    writer_class = recipes.writer(settings)
    calls = place.calls() if writer_class.needs_model else None
    model, meter = _teacher(place, calls) if calls is not None else (None, None)
    examples: list[Example] = []
    rejects: list[Reject] = []
    try:
        for item in write_pairs(sections, writer_class(settings, model), settings.generate.counts, _telling(progress, meter)):
            (rejects if isinstance(item, Reject) else examples).append(item)
    finally:
        if calls is not None:
            calls.close()
    keep_rejects(place, "generate", rejects)
    _check_yield(place, len(examples), rejects)
    write_json(place.folder / "coverage.json", coverage([] if settings.recipe.sort else sections, examples, rejects))
    write_jsonl(place.examples, examples)
    counts = {"examples": len(examples), "rejects": len(rejects)}
    return counts | (_used(place) if calls is not None else {})


def _teacher(place: Place, calls: Calls) -> tuple[Model, Meter]:
    """The writing model, and what counts its tokens and money, those of earlier runs included, and holds them to max_cost."""
    from corpus_tuner.models.endpoint import Endpoint
    from corpus_tuner.models.prices import Meter, known_price, paid, price_of

    wanted = place.settings.generate
    if not wanted.model:
        raise CorpusTunerError("the llm writer needs a model: --model NAME (and --base-url for another host than OpenAI)")
    price = (known_price if wanted.max_cost else price_of)(wanted.model, place.prices)
    meter = Meter(price, wanted.max_cost or math.inf, paid(calls.path, wanted.base_url, wanted.model, price))
    endpoint = Endpoint(wanted.base_url, wanted.api_key_env, wanted.model, calls, concurrency=wanted.concurrency, meter=meter)
    return endpoint, meter


def _telling(progress: Progress, meter: Meter | None) -> Progress:
    """`progress` with what is paid so far beside each note."""
    return progress if meter is None else lambda done, total, note: progress(done, total, f"{note}, {meter}" if note else str(meter))


def _used(place: Place) -> Counts:
    """What the writing model has used so far, each recorded call once, whichever run made it."""
    from corpus_tuner.models.prices import paid, price_of

    wanted = place.settings.generate
    price = price_of(wanted.model, place.prices)
    found = paid(place.folder / "calls.jsonl", wanted.base_url, wanted.model, price)
    counts = {"calls paid so far": found.calls}
    counts |= {f"{name.removesuffix('_tokens')} tokens": n for name, n in found.usage.items() if name in _TOKENS}
    return counts | ({price.currency: round(found.cost, 4)} if price else {})


_TOKENS = ("prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens")
_NO_LOSS = (Reason.DUPLICATE, Reason.REPEATED, Reason.SURPLUS, Reason.GIVEN_UP, Reason.LEFT_OUT)


def _check_yield(place: Place, examples: int, rejects: list[Reject]) -> None:
    """Raises CorpusTunerError where nothing, or too small a share, survived."""
    lost = Counter(reject.reason for reject in rejects if reject.reason not in _NO_LOSS)
    share = lost.total() / ((examples + lost.total()) or 1)
    why = ", ".join(f"{count} {reason}" for reason, count in lost.most_common(3))
    if not examples:
        cause = f" ({why}): see {place.rejects}" if why else ": no sentence of the sections states what can be asked for"
        raise CorpusTunerError(f"no pair could be written{cause}")
    if share > place.settings.generate.max_rejected:
        raise CorpusTunerError(
            f"{share:.0%} of the pairs were rejected ({why}), more than generate.max_rejected = "
            f"{place.settings.generate.max_rejected}: see {place.rejects}, try another model, or raise the bound"
        )


def _generate_inputs(place: Place) -> Any:
    settings = asdict(place.settings.generate)
    for name in ("concurrency", "api_key_env", "max_rejected"):  # none of them changes a pair
        del settings[name]
    return [file_digest(place.sections), settings, *recipes.inputs(place.settings)]


# ----------------------------------------------------------------------------------------------------------- dataset


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


def _dataset_inputs(place: Place) -> Any:
    return [
        file_digest(place.examples),
        file_digest(place.sections),
        asdict(place.settings.dataset),
        place.settings.corpus.title,
        *([place.settings.recipe.group] if place.settings.recipe.sort else []),
        *([file_digest(place.improved)] if place.improved.exists() else []),
    ]


# ------------------------------------------------------------------------------------------------------------- train


def train(place: Place, progress: Progress) -> Counts:
    """The expert, in a folder that takes its place only when it is whole."""
    inputs = digest(_train_inputs(place))
    if _was_finished(place, inputs):
        return _trained(place)
    settings = place.settings.train
    if settings.trainer == "remote" and not settings.suffix:
        settings = replace(settings, suffix=place.settings.corpus.name[:18])  # Azure's bound, the shortest known
    if settings.replay:
        settings = replace(settings, replay=str(place.toml.parent / settings.replay))
    if settings.preferences and "dpo" not in plugins.methods(settings.trainer):
        raise CorpusTunerError(f'the {settings.trainer} trainer knows no preferences: use trainer = "lora"')
    trainer = plugins.load("trainers", settings.trainer)()
    rows, validation = _rows(place)
    partial = place.expert.with_name(f".{place.expert.name}-{inputs[:8]}.partial")
    partial.mkdir(parents=True, exist_ok=True)
    expert = trainer.train(rows, validation, settings, partial, progress)
    folder = str(place.expert.relative_to(place.folder))
    write_json(partial / "expert.json", to_json(replace(expert, name=place.expert.name, folder=folder, inputs=inputs)))
    old = place.expert.with_name(f".{place.expert.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if place.expert.exists():
        place.expert.rename(old)
    partial.rename(place.expert)
    local = place.expert.parent.glob(f".{place.expert.name}-*.partial") if settings.trainer != "remote" else ()
    for left in (old, *local):  # of other inputs; a remote one may hold the only note of a job that still runs
        shutil.rmtree(left, ignore_errors=True)
    return _trained(place)


def _rows(place: Place) -> tuple[Path, Path | None]:
    """What is trained on, and the validation file if there is one: the pairs of the corpus, or the user's preferences."""
    if place.settings.train.preferences:
        rows = place.toml.parent / place.settings.train.preferences
        if not rows.is_file():
            raise CorpusTunerError(f"{place.toml}: train.preferences names {rows}, which is not there")
        return rows, None
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


def _train_inputs(place: Place) -> Any:
    settings = asdict(place.settings.train)
    del settings["api_key_env"]
    settings = {key: value for key, value in settings.items() if key not in LORA_ONLY or value != getattr(TrainSettings(), key)}
    digests = [file_digest(place.dataset / "train.jsonl"), file_digest(place.dataset / "validation.jsonl"), settings]
    if "replay" in settings:
        digests.append(file_digest(place.toml.parent / settings["replay"]))
    return [*digests, file_digest(_rows(place)[0])] if "preferences" in settings else digests


STAGES = (
    Stage("fetch", fetch_inputs, fetch, lambda place: [*files_of(place.documents), *files_of(place.lost("fetch")), *raw_files(place)]),
    Stage("clean", clean_inputs, clean, lambda place: [*files_of(place.sections), *files_of(place.lost("clean"))]),
    Stage("generate", _generate_inputs, generate, lambda place: [place.examples, place.folder / "coverage.json"]),
    Stage(
        "dataset",
        _dataset_inputs,
        dataset,
        lambda place: [*sorted(place.dataset.rglob("*.*")), place.splits],
    ),
    Stage("train", _train_inputs, train, lambda place: [place.expert / "expert.json"]),
    Stage("evaluate", evaluate_inputs, evaluate, lambda place: [run_folder(place) / name for name in ("report.json", "table.txt")]),
)
