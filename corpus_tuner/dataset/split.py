"""Which pair is trained on and which is held out: by digest of the sentence it rests on, so that no twin leaks.

A fact is a sentence. Whatever is decided about one is a function of its own text and of the pairs that rest on it:
adding an article moves no old question.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from corpus_tuner.records import Example, Reason, Reject, Section
from corpus_tuner.settings import DatasetSettings
from corpus_tuner.text import jaccard, normalise_answer, words

NEAR = 0.7
"""Token-set Jaccard similarity from which two questions count as the same wording."""


@dataclass(frozen=True, slots=True)
class Split:
    """Where one example went: train, validation, paraphrase or unseen."""

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
        unseen = [_share("unseen", _fact(texts, item)) < settings.unseen for item in example.evidence]
        if any(unseen) and not all(unseen):
            rejects.append(Reject("dataset", example.id, Reason.MIXED_SPLIT, example.question))
            continue
        splits[example.id] = "unseen" if unseen and all(unseen) else "train"
        kept.append(example)
    trained = [example for example in kept if splits[example.id] == "train"]
    for example, split in _paraphrases(trained, texts, settings):
        splits[example.id] = split
    for example in _leaks(kept, splits):
        del splits[example.id]
        rejects.append(Reject("dataset", example.id, Reason.NEAR_DUPLICATE, example.question))
    return [Split(example.id, splits[example.id]) for example in kept if example.id in splits], rejects


def _fact(texts: Mapping[str, Section], evidence: tuple[str, int]) -> str:
    section, number = evidence
    return " ".join(words(texts[section].sentence(number)))


def _share(salt: str, text: str) -> float:
    """A number in [0, 1) that is a property of the text."""
    return int.from_bytes(hashlib.sha256(f"{salt}\0{text}".encode("utf-8", "surrogatepass")).digest()[:8]) / 2**64


def _paraphrases(
    trained: list[Example], texts: Mapping[str, Section], settings: DatasetSettings
) -> Iterable[tuple[Example, str]]:
    """One wording of each chosen sentence, whose answer other trained pairs of that sentence give too."""
    by_fact: dict[str, list[Example]] = defaultdict(list)
    for example in trained:
        if len(example.evidence) == 1:
            by_fact[_fact(texts, example.evidence[0])].append(example)
    for fact, group in by_fact.items():
        place = _share("paraphrase", fact)
        if place >= settings.paraphrase + settings.validation:
            continue
        for example in sorted(group, key=lambda one: _share("wording", one.question)):
            if _has_twin(example, group):
                yield example, "paraphrase" if place < settings.paraphrase else "validation"
                break


def _has_twin(example: Example, group: list[Example]) -> bool:
    """Whether the same sentence's other pairs give this answer, and none of them in nearly these words."""
    others = [other for other in group if other.id != example.id]
    answer = normalise_answer(example.answer)
    return any(normalise_answer(other.answer) == answer for other in others) and not any(
        jaccard(other.question, example.question) >= NEAR for other in others
    )


def _leaks(kept: list[Example], splits: Mapping[str, str]) -> list[Example]:
    """Trained pairs whose question is a near-duplicate of a held-out one."""
    trained = [example for example in kept if splits[example.id] == "train"]
    sets = [frozenset(words(example.question)) for example in trained]
    frequency = Counter(word for tokens in sets for word in tokens)
    places: dict[str, list[int]] = defaultdict(list)
    for index, tokens in enumerate(sets):
        for word in tokens:
            places[word].append(index)
    found: set[int] = set()
    for example in kept:
        if splits[example.id] == "train":
            continue
        held = frozenset(words(example.question))
        for word in _prefix(held, frequency):
            found.update(i for i in places.get(word, ()) if len(held & sets[i]) >= NEAR * len(held | sets[i]))
    return [trained[index] for index in sorted(found)]


def _prefix(tokens: frozenset[str], frequency: Counter[str]) -> list[str]:
    """The rarest tokens, of which every set with Jaccard >= NEAR must hold one (prefix filtering, Chaudhuri et al. 2006)."""
    ranked = sorted(tokens, key=lambda word: (frequency[word], word))
    return ranked[: len(ranked) - math.ceil(NEAR * len(ranked)) + 1]
