"""The source of a recipe's grid: every combination of the attributes that the TOML names, as one table."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping

from corpus_tuner.records import Document
from corpus_tuner.settings import Settings
from corpus_tuner.settings.recipe import LOCATOR
from corpus_tuner.store import digest


class Grid:
    """Writes the grid out: the last attribute changes fastest. How many combinations there may be is for the settings to say."""

    def __init__(self, settings: Settings) -> None:
        self._corpus = settings.corpus
        self._grid = settings.recipe.grid

    def claims(self, locator: str) -> bool:
        """Whether it is the locator that stands for the grid of the TOML."""
        return locator == LOCATOR

    def fetch(self, locator: str, known: Mapping[str, Document]) -> Iterator[Document]:  # noqa: ARG002
        """One Document of the format `rows`."""
        rows = (dict(zip(self._grid, values)) for values in itertools.product(*self._grid.values()))
        text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        title = self._corpus.title or self._corpus.name
        yield Document("grid", title, "", "rows", text, language=self._corpus.language, revision=digest(text))
