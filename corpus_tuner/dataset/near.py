"""Facts by the text of their sentence, shares by digest, and questions in nearly the words of another."""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Mapping

from corpus_tuner.records import Example, Section
from corpus_tuner.text import words

NEAR = 0.7
"""Token-set Jaccard similarity from which two questions count as the same wording."""

RUN = 12
"""Words in a row of a held-out question that no trained question or answer may have (GPT-3 took 13, Brown et al. 2020)."""


def fact_of(texts: Mapping[str, Section], evidence: tuple[str, int]) -> str:
    """What a fact goes by, wherever it stands: the words of its sentence."""
    section, number = evidence
    return " ".join(words(texts[section].sentence(number)))


def share(salt: str, text: str) -> float:
    """A number in [0, 1) that is a property of the text."""
    return int.from_bytes(hashlib.sha256(f"{salt}\0{text}".encode("utf-8", "surrogatepass")).digest()[:8]) / 2**64


def _runs(text: str) -> set[int]:
    """Hashes of every RUN words in a row."""
    spelled = words(text)
    return {hash(tuple(spelled[at : at + RUN])) for at in range(len(spelled) - RUN + 1)}


class NearDuplicates:
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
        own = self.documents(example)
        return any(own & self.documents(other) for other in self.of(example))

    def documents(self, example: Example) -> set[str]:
        """The ids of the documents that an example rests on."""
        return {self.texts[section].document_id for section, _ in example.evidence}
