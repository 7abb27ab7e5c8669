"""What an improvement may cost: one bound for all calls that it makes, in all runs together."""

from __future__ import annotations

import math
from collections.abc import Sequence

from corpus_tuner.costs import Tagged, costs
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.examples import writing_model, writing_price
from corpus_tuner.models.prices import MILLION, Meter, Paid, known_price, paid
from corpus_tuner.place import Place
from corpus_tuner.records import Model, Question
from corpus_tuner.store import Calls

STAGE = "improve"  # what the calls are tagged with


def spent(place: Place) -> float:
    """What the calls of all improvements of a corpus have cost, as far as their prices are known."""
    return sum(one.cost or 0.0 for one in costs(place, {}).spent if one.stage == STAGE)


def teacher(place: Place, calls: Calls, max_cost: float) -> Model:
    """The writing model, held to `max_cost` for improvements, and to that of the settings for everything; 0: no bound.

    Raises CorpusTunerError where no model is named, or a bound is given and its price is not known.
    """
    wanted = place.settings.generate
    price = writing_price(place, bounded=max_cost > 0 or wanted.max_cost > 0)
    before = spent(place)
    whole = wanted.max_cost - paid(calls.path, wanted.base_url, wanted.model, price).cost if wanted.max_cost else math.inf
    bound = min(max_cost or math.inf, before + whole)
    return writing_model(place, Tagged(calls, stage=STAGE), Meter(price, bound, Paid(cost=before)))


def check_training(place: Place, trial: Place, max_cost: float) -> None:
    """Raises CorpusTunerError where a training at a host might pass `max_cost`: a token is a byte at least."""
    wanted = place.settings.train
    if not max_cost or wanted.trainer != "remote":
        return
    if not isinstance(wanted.epochs, int):
        raise CorpusTunerError('--max-cost cannot bound a training of epochs = "auto" at a host: set train.epochs to a number')
    price = known_price(wanted.base, place.prices)
    size = sum(path.stat().st_size for name in ("train", "validation") if (path := trial.dataset / f"{name}.jsonl").exists())
    _check(price.training * wanted.epochs * size / MILLION, "training again", place, max_cost)


def check_asking(place: Place, trial: Place, asked: Sequence[Question], max_tokens: int, max_cost: float) -> None:
    """Raises CorpusTunerError where the answers of an expert at a host might pass `max_cost`."""
    receipt = trial.receipt()
    if not max_cost or receipt.backend != "endpoint":
        return
    price = known_price(receipt.base, place.prices)
    bodies = ({"messages": [{"role": "user", "content": one.text}], "model": receipt.model, "max_tokens": max_tokens} for one in asked)
    _check(sum(price.at_most(body) for body in bodies), f"asking {len(asked)} questions", place, max_cost)


def _check(most: float, what: str, place: Place, max_cost: float) -> None:
    before = spent(place)
    if before + most > max_cost:
        raise CorpusTunerError(
            f"stopped before {what}, which might pass --max-cost {max_cost:g}: {before:.4f} is paid, it costs up to {most:.4f}; "
            "all is kept, raise --max-cost and run again"
        )
