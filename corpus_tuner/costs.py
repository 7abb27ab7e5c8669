"""What a corpus has cost so far, stage by stage, and from how many questions on a tuned model pays."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus_tuner.models.prices import MILLION, Price, price_of
from corpus_tuner.place import Place
from corpus_tuner.records import Section
from corpus_tuner.store import Calls, read_jsonl

LETTERS = 4  # of one token; a rule of thumb for English, others take more
QUESTION, ANSWER = 30, 30  # tokens of a question to the finished expert, and of its answer
PASSAGES = 900  # tokens of what a retrieval puts before a question
TUNED, RETRIEVED, WHOLE = "tuned model", "retrieval", "corpus in every prompt"
STAGES = ("fetch", "clean", "generate", "dataset", "train", "evaluate", "judge", "improve")
MAKING = ("generate", "train", "improve")  # what making the expert took; the others measure it
_MODEL = re.compile(rb'"request": \{"model": "((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Way:
    """One way to answers about the corpus: what it costs once, and for each question."""

    name: str
    once: float
    question: float
    breakeven: int | None = None  # questions from which the tuned model costs less; None: never


@dataclass(frozen=True, slots=True)
class Spent:
    """What a stage took of one model: all recorded calls, each once, whichever run made it; or the training at a host."""

    stage: str
    model: str
    calls: int
    tokens: Mapping[str, int]  # prompt, cached, completion, reasoning, trained
    cost: float | None  # None where the price table has no price


@dataclass(frozen=True, slots=True)
class Costs:
    """Time of each stage's last run in seconds, and what was paid; `ways` is empty where no price is known."""

    seconds: Mapping[str, float]
    spent: tuple[Spent, ...]
    ways: tuple[Way, ...]
    currency: str = ""
    dated: str = ""


@dataclass(frozen=True, slots=True)
class _Call:
    stage: str
    arm: str
    model: str
    usage: Mapping[str, int]


class Tagged:
    """The record of paid exchanges for one user of it: what is added says by `tags` whose it is."""

    def __init__(self, calls: Calls, **tags: str) -> None:
        self._calls, self._tags = calls, tags

    def get(self, key: str) -> dict[str, Any] | None:
        """As Calls has it, whoever added it."""
        return self._calls.get(key)

    def add(self, key: str, **exchange: Any) -> None:
        """As Calls has it, with the tags."""
        self._calls.add(key, **exchange, **self._tags)


def costs(place: Place, seconds: Mapping[str, float]) -> Costs:
    """What `place` has cost; `seconds` is the time of each stage. A price in another currency counts as unknown, and where
    the price of pairs or of training is unknown, so is what the tuned model took."""
    calls = list(_calls(place.folder / "calls.jsonl"))
    price = _price(place)
    known = {one: price_of(one, place.prices) for one in dict.fromkeys(call.model for call in calls)}
    named = price or next((one for one in known.values() if one), None)
    known = {model: one if one and named and one.currency == named.currency else None for model, one in known.items()}
    groups: dict[tuple[str, str], list[_Call]] = {}
    for call in calls:
        groups.setdefault((call.stage, call.model), []).append(call)
    spent = [_spent(stage, model, held, known[model]) for (stage, model), held in groups.items()]
    spent += _training(place)
    spent.sort(key=lambda one: STAGES.index(one.stage) if one.stage in STAGES else len(STAGES))
    whole = all(one.cost is not None for one in spent if one.stage in MAKING)
    searchable = not place.settings.recipe.sort  # a recipe is no text to search
    ways_ = _ways_of(place, spent, calls, price) if price and whole and searchable else ()
    return Costs(seconds, tuple(spent), ways_, named.currency if named else "", named.dated if named else "")


def _calls(path: Path) -> Iterator[_Call]:
    """The exchanges on record, by the head and the tail of each line; those of the writer have no tag."""
    if not path.is_file():
        return
    with path.open("rb", buffering=1 << 20) as file:
        for line in file:
            at, head = line.rfind(b', "usage": {'), _MODEL.search(line[:4096])
            if not head or at < 0 or not line.endswith(b"\n"):
                continue
            model, rest = json.loads(b'"' + head[1] + b'"'), json.loads(b"{" + line[at + 2 :])
            yield _Call(rest.get("stage", "generate"), rest.get("arm", ""), model, rest["usage"])


def _spent(stage: str, model: str, calls: list[_Call], price: Price | None) -> Spent:
    sums: Counter[str] = Counter()
    for call in calls:
        sums.update({name: call.usage.get(f"{name}_tokens", 0) for name in ("prompt", "cached", "completion", "reasoning")})
    return Spent(stage, model, len(calls), dict(sums), sum(price.of(call.usage) for call in calls) if price else None)


def _training(place: Place) -> Iterator[Spent]:
    """What a host charges for training, by the tokens that it counted; a training on this machine is not paid for."""
    receipt = place.receipt()
    trained = receipt.metrics.get("trained_tokens")
    if receipt.backend == "endpoint" and trained:
        price = price_of(receipt.base, place.prices)
        yield Spent("train", receipt.base, 0, {"trained": trained}, trained * price.training / MILLION if price and price.training else None)


def _price(place: Place) -> Price | None:
    """At which answers are compared: of the model that was tuned at a host, else of the one that wrote the pairs."""
    receipt, wanted = place.receipt(), place.settings.generate
    model = receipt.base if receipt.backend == "endpoint" else wanted.model if wanted.writer == "llm" else ""
    return price_of(model, place.prices) if model else None


def _ways_of(place: Place, spent: list[Spent], calls: list[_Call], price: Price) -> tuple[Way, ...]:
    """The ways at what was paid; an answer at what those of its arm cost on the mean, if that arm asked a priced model."""
    once = sum(one.cost or 0.0 for one in spent if one.stage in MAKING)
    arms: dict[str, list[float]] = {}
    for call in calls:
        arms.setdefault(call.arm, []).append(price.of(call.usage))
    means = {arm: sum(paid) / len(paid) for arm, paid in arms.items() if arm}
    here = {} if place.receipt().backend == "endpoint" else {"expert": 0.0}
    corpus = sum(tokens(section.text) for section in read_jsonl(place.sections, Section))
    return ways(TUNED, once, corpus, price, means | here)


def ways(name: str, once: float, corpus: int, price: Price, answers: Mapping[str, float]) -> tuple[Way, ...]:
    """A tuned model called `name`, the `corpus` (in tokens) in every prompt, and retrieval; all at the price of one model.

    `answers`: what an answer of the arms expert and base+retrieval costs, where that is known.
    """
    ask = {"prompt_tokens": QUESTION, "completion_tokens": ANSWER}
    tuned = Way(name, once, answers.get("expert", price.of(ask)))
    long = price.of(ask | {"prompt_tokens": QUESTION + corpus, "cached_tokens": corpus})
    found = answers.get("base+retrieval", price.of(ask | {"prompt_tokens": QUESTION + PASSAGES}))
    return (tuned, *(Way(name, 0.0, cost, _breakeven(tuned, cost)) for name, cost in ((WHOLE, long), (RETRIEVED, found))))


def _breakeven(tuned: Way, question: float) -> int | None:
    saved = question - tuned.question
    return math.ceil(tuned.once / saved) if saved > 0 else None


def tokens(text: str) -> int:
    """About how many tokens a text has."""
    return math.ceil(len(text) / LETTERS)
