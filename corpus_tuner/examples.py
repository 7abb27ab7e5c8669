"""The third stage of a build: question/answer pairs of every section, and what they cost."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any

from corpus_tuner import plugins, recipes
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.place import Counts, Place, keep_rejects
from corpus_tuner.records import Example, Model, Progress, Reason, Reject, Section
from corpus_tuner.store import Calls, file_digest, read_jsonl, write_json, write_jsonl

if TYPE_CHECKING:
    from corpus_tuner.models.prices import Meter, Price

_TOKENS = ("prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens")
_NO_LOSS = (Reason.DUPLICATE, Reason.REPEATED, Reason.SURPLUS, Reason.GIVEN_UP, Reason.LEFT_OUT)


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


def check_generate(place: Place) -> None:
    """Raises CorpusTunerError for a writer that is not installed, and for one that lacks its model."""
    wanted = place.settings.generate
    plugins.check("writers", wanted.writer)
    if wanted.writer == "llm":
        writing_price(place, bounded=wanted.max_cost > 0)


def _teacher(place: Place, calls: Calls) -> tuple[Model, Meter]:
    """The writing model, and what counts its tokens and money, those of earlier runs included, and holds them to max_cost."""
    from corpus_tuner.models.prices import Meter, paid

    wanted = place.settings.generate
    price = writing_price(place, bounded=wanted.max_cost > 0)
    meter = Meter(price, wanted.max_cost or math.inf, paid(calls.path, wanted.base_url, wanted.model, price))
    return writing_model(place, calls, meter), meter


def writing_price(place: Place, *, bounded: bool) -> Price | None:
    """The price of the writing model, if it is known. Raises CorpusTunerError where no model is named, and where what it
    costs is `bounded` and the price is not known."""
    from corpus_tuner.models.prices import known_price, price_of

    model = place.settings.generate.model
    if not model:
        raise CorpusTunerError("the llm writer needs a model: --model NAME (and --base-url for another host than OpenAI)")
    return (known_price if bounded else price_of)(model, place.prices)


def writing_model(place: Place, calls: Any, meter: Meter) -> Model:
    """The model that writes the pairs of a corpus; `calls` (Calls, or costs.Tagged) records what `meter` counts."""
    from corpus_tuner.models.endpoint import Endpoint

    wanted = place.settings.generate
    return Endpoint(wanted.base_url, wanted.api_key_env, wanted.model, calls, concurrency=wanted.concurrency, meter=meter)


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


def _check_yield(place: Place, examples: int, rejects: list[Reject]) -> None:
    """Raises CorpusTunerError where nothing, or too small a share, survived."""
    lost = Counter(reject.reason for reject in rejects if reject.reason not in _NO_LOSS)
    share = lost.total() / ((examples + lost.total()) or 1)
    why = ", ".join(f"{count} {reason}" for reason, count in lost.most_common(3))
    if not examples:
        left_out = sum(reject.reason == Reason.LEFT_OUT for reject in rejects)
        nothing = f"the function left out all {left_out:,}" if left_out else "no sentence of the sections states what can be asked for"
        cause = f" ({why}): see {place.rejects}" if why else f": {nothing}"
        raise CorpusTunerError(f"no pair could be written{cause}")
    if share > place.settings.generate.max_rejected:
        raise CorpusTunerError(
            f"{share:.0%} of the pairs were rejected ({why}), more than generate.max_rejected = "
            f"{place.settings.generate.max_rejected}: see {place.rejects}, try another model, or raise the bound"
        )


def generate_inputs(place: Place) -> Any:
    settings = asdict(place.settings.generate)
    for name in ("concurrency", "api_key_env", "max_rejected"):  # none of them changes a pair
        del settings[name]
    return [file_digest(place.sections), settings, *recipes.inputs(place.settings)]
