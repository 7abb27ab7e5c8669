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
from corpus_tuner.text import normalise_answer, words

NEAR = 0.7
"""Token-set Jaccard similarity from which two questions count as the same wording."""

RUN = 12
"""Words in a row of a held-out question that no trained question or answer may have (GPT-3 took 13, Brown et al. 2020)."""


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
    near = _NearDuplicates([example for example in kept if splits[example.id] == "train"], texts)
    for example, split in _paraphrases(near, settings):
        splits[example.id] = split
    for example in kept:
        if splits.get(example.id, "train") != "train":
            for leak in near.of(example):
                if splits.get(leak.id) == "train":
                    del splits[leak.id]
                    rejects.append(Reject("dataset", leak.id, Reason.NEAR_DUPLICATE, leak.question))
    return [Split(example.id, splits[example.id]) for example in kept if example.id in splits], rejects


def _fact(texts: Mapping[str, Section], evidence: tuple[str, int]) -> str:
    section, number = evidence
    return " ".join(words(texts[section].sentence(number)))


def _share(salt: str, text: str) -> float:
    """A number in [0, 1) that is a property of the text."""
    return int.from_bytes(hashlib.sha256(f"{salt}\0{text}".encode("utf-8", "surrogatepass")).digest()[:8]) / 2**64


def _paraphrases(near: _NearDuplicates, settings: DatasetSettings) -> Iterable[tuple[Example, str]]:
    """One wording of each chosen sentence, whose answer other trained pairs of that sentence give too."""
    by_fact: dict[str, list[Example]] = defaultdict(list)
    for example in near.trained:
        if len(example.evidence) == 1:
            by_fact[_fact(near.texts, example.evidence[0])].append(example)
    for fact, group in by_fact.items():
        place = _share("paraphrase", fact)
        if place >= settings.paraphrase + settings.validation:
            continue
        for example in sorted(group, key=lambda one: _share("wording", one.question)):
            if _has_twin(example, group) and not near.in_its_document(example):
                yield example, "paraphrase" if place < settings.paraphrase else "validation"
                break


def _has_twin(example: Example, group: list[Example]) -> bool:
    """Whether another pair of the same sentence gives the same answer."""
    answer = normalise_answer(example.answer)
    return any(normalise_answer(other.answer) == answer for other in group if other.id != example.id)


def _runs(text: str) -> set[int]:
    """Hashes of every RUN words in a row."""
    spelled = words(text)
    return {hash(tuple(spelled[at : at + RUN])) for at in range(len(spelled) - RUN + 1)}


class _NearDuplicates:
    """Trained questions by their rarest words, to find those in nearly the words of another; and what else of a trained
    pair, its answer too, has RUN words in a row with a question."""

    def __init__(self, trained: list[Example], texts: Mapping[str, Section]) -> None:
        self.trained, self.texts = trained, texts
        self._sets = [frozenset(words(example.question)) for example in trained]
        self._frequency = Counter(word for tokens in self._sets for word in tokens)
        self._places: dict[str, list[int]] = defaultdict(list)
        for index, tokens in enumerate(self._sets):
            for word in tokens:
                self._places[word].append(index)
        self._runs: dict[int, list[int]] = defaultdict(list)
        for index, example in enumerate(trained):
            for run in _runs(example.question) | _runs(example.answer):
                self._runs[run].append(index)

    def of(self, example: Example) -> list[Example]:
        """The others with a token-set Jaccard similarity of NEAR or more, or with RUN words of its question in a row.

        Of the former, only those that share one of the rarest words need a look: prefix filtering, Chaudhuri et al. 2006.
        """
        tokens = frozenset(words(example.question))
        ranked = sorted(tokens, key=lambda word: (self._frequency[word], word))
        prefix = ranked[: len(ranked) - math.ceil(NEAR * len(ranked)) + 1]
        indices = {index for word in prefix for index in self._places.get(word, ())}
        near = {i for i in indices if len(tokens & self._sets[i]) >= NEAR * len(tokens | self._sets[i])}
        near |= {index for run in _runs(example.question) for index in self._runs.get(run, ())}
        return [self.trained[i] for i in sorted(near) if self.trained[i].id != example.id]

    def in_its_document(self, example: Example) -> bool:
        """Whether one of them belongs to the same document: holding this one out would cost another fact its pair.

        Other documents do not count, so that adding one moves no old question; there the trained pair gives way.
        """
        own = self._documents(example)
        return any(own & self._documents(other) for other in self.of(example))

    def _documents(self, example: Example) -> set[str]:
        return {self.texts[section].document_id for section, _ in example.evidence}
