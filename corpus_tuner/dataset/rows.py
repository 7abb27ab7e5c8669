"""The split of a recipe's rows: a row is a fact of its own, and what agrees in its prompt, or in its group, stays together."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from corpus_tuner.dataset.near import share
from corpus_tuner.dataset.split import Split
from corpus_tuner.records import Example
from corpus_tuner.settings import DatasetSettings
from corpus_tuner.text import words


def assign(examples: Iterable[Example], settings: DatasetSettings, group: Callable[[Example], str]) -> list[Split]:
    """The split of every row, in the order given: `settings.unseen` of the groups are tested on and `settings.validation`
    of the others watched, by digest, so that further rows move no old one. Rows whose group is "" go by their prompt."""
    return [Split(example.id, _split(" ".join(words(group(example) or example.question)), settings)) for example in examples]


def _split(fact: str, settings: DatasetSettings) -> str:
    if share("unseen", fact) < settings.unseen:
        return "unseen"
    return "validation" if share("validation", fact) < settings.validation else "train"
