"""Which pair is trained on and which is held out: by digest of the sentence it rests on, so that no twin leaks.

A fact is a sentence. Whatever is decided about one is a function of its own text and of the pairs that rest on it:
adding an article moves no old question. Nor does a pair that is written later: it finds its place beside the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from corpus_tuner.dataset.held_kinds import further
from corpus_tuner.dataset.near import NearDuplicates, fact_of, share
from corpus_tuner.records import Example, Reason, Reject, Section
from corpus_tuner.settings import DatasetSettings
from corpus_tuner.text import normalise_answer


@dataclass(frozen=True, slots=True)
class Split:
    """Where one example went: train, validation, paraphrase, unseen, reverse, cross, inference or near."""

    id: str
    split: str


def assign(
    examples: Iterable[Example], sections: Iterable[Section], settings: DatasetSettings
) -> tuple[list[Split], list[Reject]]:
    """The split of every example, in the order given, and a Reject for each that fits none."""
    texts = {section.id: section for section in sections}
    splits: dict[str, str] = {}
    rejects: list[Reject] = []
    kept = []
    for example in examples:
        unseen = [share("unseen", fact_of(texts, item)) < settings.unseen for item in example.evidence]
        if any(unseen) and not all(unseen):
            rejects.append(Reject("dataset", example.id, Reason.MIXED_SPLIT, example.question))
            continue
        splits[example.id] = "unseen" if unseen and all(unseen) else "train"
        kept.append(example)
    near = NearDuplicates([example for example in kept if splits[example.id] == "train"], texts)
    for example, split in _paraphrases(near, settings):
        splits[example.id] = split
    splits |= further(kept, splits, near, settings.paraphrase)
    for example in kept:
        if splits.get(example.id, "train") != "train":
            for leak in near.of(example):
                if splits.get(leak.id) == "train":
                    del splits[leak.id]
                    rejects.append(Reject("dataset", leak.id, Reason.NEAR_DUPLICATE, leak.question))
    return [Split(example.id, splits[example.id]) for example in kept if example.id in splits], rejects


def _paraphrases(near: NearDuplicates, settings: DatasetSettings) -> Iterable[tuple[Example, str]]:
    """One wording of each chosen sentence, whose answer other trained pairs of that sentence give too."""
    by_fact: dict[str, list[Example]] = defaultdict(list)
    for example in near.trained:
        if len(example.evidence) == 1:
            by_fact[fact_of(near.texts, example.evidence[0])].append(example)
    for fact, group in by_fact.items():
        place = share("paraphrase", fact)
        if place >= settings.paraphrase + settings.validation:
            continue
        for example in sorted(group, key=lambda one: share("wording", one.question)):
            if _has_twin(example, group) and not near.in_its_document(example):
                yield example, "paraphrase" if place < settings.paraphrase else "validation"
                break


def _has_twin(example: Example, group: list[Example]) -> bool:
    """Whether another pair of the same sentence gives the same answer."""
    answer = normalise_answer(example.answer)
    return any(normalise_answer(other.answer) == answer for other in group if other.id != example.id)
