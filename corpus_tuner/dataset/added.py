"""Pairs that are written later, for facts that are trained already: where each goes beside those that are placed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from corpus_tuner.dataset.near import NearDuplicates, fact_of, share
from corpus_tuner.dataset.split import Split
from corpus_tuner.records import Example, Reason, Reject, Section
from corpus_tuner.settings import DatasetSettings
from corpus_tuner.store import digest
from corpus_tuner.text import normalise_answer

KEPT_BACK = 1 / 3  # of the later questions: so many are never trained, and validate


def name(example: Example, texts: Mapping[str, Section]) -> str:
    """What a later pair is called: by its own words and those of its sentences, so that one whose sentences have changed
    since it was written shows. Raises KeyError or IndexError where a sentence is gone."""
    sentences = [texts[section].sentence(number) for section, number in example.evidence]
    return digest("later", sentences, example.kind, example.question, example.answer)


def add(
    later: Sequence[Example], placed: Mapping[str, str], examples: Iterable[Example], sections: Iterable[Section], settings: DatasetSettings
) -> tuple[list[Split], list[Reject]]:
    """The split of every pair of `later`, in their order, and a Reject for each that fits none; `placed` is the split of
    the `examples` that were there before, of which none moves.

    A third of the questions, by digest, validate: those whose answer a trained pair of the same sentence gives in other
    words. The others are trained, unless they rest on a sentence that is held out, or say nearly the words of a question
    that is. Each is placed by those before it, so that more of them move none.
    """
    if not later:
        return [], []
    texts = {section.id: section for section in sections}
    known = list(examples)
    rejects = [Reject("dataset", one.id, Reason.STALE, one.question) for one in later if not _is_current(one, texts)]
    gone = {reject.item_id for reject in rejects}
    near = NearDuplicates([*known, *(one for one in later if one.id not in gone)], texts)
    blocked = {other.id for one in known if placed.get(one.id, "train") != "train" for other in near.of(one)}
    trained = {one.id: one for one in known if placed.get(one.id) == "train"}
    taught = {fact for one in trained.values() for fact in _facts(one)}
    splits: dict[str, str] = {}
    for one in later:
        if one.id in gone or one.id in splits or one.id in placed:
            continue
        reason = _obstacle(one, texts, settings, blocked)
        if reason:
            rejects.append(Reject("dataset", one.id, reason, one.question))
            continue
        close = near.of(one)
        known_fact = len(one.evidence) == 1 and any(fact in taught for fact in _facts(one))
        if known_fact and share("later", one.question) < KEPT_BACK and not any(other.id in trained for other in close):
            splits[one.id] = "validation"
            blocked |= {other.id for other in close}
        else:
            splits[one.id] = "train"
            trained[one.id] = one
            taught |= set(_facts(one))
    return [Split(*item) for item in splits.items()], rejects


def _is_current(example: Example, texts: Mapping[str, Section]) -> bool:
    try:
        return bool(example.evidence) and name(example, texts) == example.id
    except (KeyError, IndexError):
        return False


def _obstacle(one: Example, texts: Mapping[str, Section], settings: DatasetSettings, blocked: set[str]) -> Reason | None:
    if any(share("unseen", fact_of(texts, place)) < settings.unseen for place in one.evidence):
        return Reason.MIXED_SPLIT
    return Reason.NEAR_DUPLICATE if one.id in blocked else None


def _facts(example: Example) -> Iterator[tuple[tuple[str, int], str]]:
    """The sentences that an example rests on, each with its answer."""
    return ((place, normalise_answer(example.answer)) for place in example.evidence)
