"""The writer of a recipe that needs no model: each item's answer from a function, or from the row itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from string import Template
from typing import Any

from corpus_tuner import plugins
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.generate.salvage import SURROGATE
from corpus_tuner.records import Example, Model, Progress, Reason, Reject, Section, silent
from corpus_tuner.settings import RecipeSettings, Settings
from corpus_tuner.settings.recipe import WORDS, placeholders
from corpus_tuner.store import digest
from corpus_tuner.text import words

SEEN_EVERY = 200  # items between two words to whoever watches


@dataclass(frozen=True, slots=True)
class Item:
    """One row to come: its values by name, and the sentences that it was read from."""

    values: Mapping[str, str]
    section: Section
    numbers: tuple[int, ...]


def items(sections: Iterable[Section], recipe: RecipeSettings) -> Iterator[Item]:
    """The items of a recipe, in order: the sections' rows, or their words, each where it stands first.

    Raises CorpusTunerError for a section that is no row.
    """
    found = _words(sections) if recipe.sort == WORDS else (_row(section, recipe.names()) for section in sections)
    for number, item in enumerate(found):
        if recipe.most and number == recipe.most:
            return
        yield item


def _words(sections: Iterable[Section]) -> Iterator[Item]:
    seen: set[str] = set()
    for section in sections:
        for number in range(1, len(section.sentences) + 1):
            for word in words(section.sentence(number)):
                if word not in seen:
                    seen.add(word)
                    yield Item({"word": word}, section, (number,))


def _row(section: Section, names: Iterable[str]) -> Item:
    return Item(values_of(section, names), section, tuple(range(1, len(section.sentences) + 1)))


def values_of(section: Section, names: Iterable[str]) -> Mapping[str, str]:
    """The values of a row by name. Raises CorpusTunerError for a section that is none, or has not these."""
    try:
        values = json.loads(section.text)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict) or not all(isinstance(values.get(name), str) for name in names):
        raise CorpusTunerError(
            f"{section.heading} is no row of a table: a recipe of rows reads CSV, TSV, XLSX, JSONL and Parquet (items = \"words\" reads texts)"
        )
    return values


def is_blank(item: Item, recipe: RecipeSettings) -> bool:
    """Whether every value that the prompt names is empty: nobody need be asked."""
    return not any(item.values[name].strip() for name in placeholders(recipe.prompt))


def fill(template: str, values: Mapping[str, str]) -> str:
    """The template with an item's values in it, which are never read as a template themselves."""
    return Template(template).substitute(values).strip()


class Kept:
    """What becomes of the rows: examples, none of them twice, and a Reject for each that is lost."""

    def __init__(self, recipe: RecipeSettings, writer: str) -> None:
        self._recipe = recipe
        self._writer = writer
        self._seen: set[tuple[str, str]] = set()

    @property
    def count(self) -> int:
        """How many examples there are so far."""
        return len(self._seen)

    def row(self, item: Item, answer: str, call: str = "", form: str = "strict") -> Example | Reject:
        """The row of one item and its answer."""
        question = fill(self._recipe.prompt, item.values)
        detail = f"{question} | {answer}"[:1000]
        kind = self._recipe.kind or self._recipe.sort
        identity = digest(item.section.id, kind, question, answer)[:16]
        if not answer or is_blank(item, self._recipe):
            reason = Reason.LEFT_OUT if self._recipe.function and not is_blank(item, self._recipe) else Reason.EMPTY_TEXT
            return Reject("generate", item.section.id, reason, detail)
        if (question, answer) in self._seen:
            return Reject("generate", identity, Reason.DUPLICATE, detail)
        self._seen.add((question, answer))
        evidence = tuple((item.section.id, number) for number in item.numbers)
        return Example(identity, kind, question, answer, evidence, call or item.section.id, self._writer, form)


class RecipeWriter:
    """Writes one row for each item: a Writer."""

    needs_model = False

    def __init__(self, settings: Settings, model: Model | None = None) -> None:  # noqa: ARG002
        self._recipe = settings.recipe

    def write(self, sections: Iterable[Section], kind: str, count: int) -> Iterator[Example | Reject]:  # noqa: ARG002
        """The rows of all items, whatever the kind: a recipe has its own."""
        return self.write_all(sections, {})

    def write_all(
        self, sections: Iterable[Section], kinds: Mapping[str, int], progress: Progress = silent  # noqa: ARG002
    ) -> Iterator[Example | Reject]:
        """A row or a Reject for each item, in order. Raises CorpusTunerError where the function fails."""
        recipe = self._recipe
        kept = Kept(recipe, recipe.function or "rows")
        answer = _function(recipe.function) if recipe.function else lambda values: fill(recipe.answer, values)
        for number, item in enumerate(items(sections, recipe), start=1):
            yield kept.row(item, answer(item.values))
            if number % SEEN_EVERY == 0:
                progress(number, None, f"{number} rows")


def _function(name: str) -> Callable[[Mapping[str, str]], str]:
    """The function of a recipe, held to text: None and "" leave an item out. What it prints goes to stderr: stdout is ours."""
    with redirect_stdout(sys.stderr):
        found = plugins.function(name)

    def answer(values: Mapping[str, str]) -> str:
        try:
            with redirect_stdout(sys.stderr):
                said: Any = found(**values)
        except (Exception, SystemExit) as error:  # whatever a stranger's function raises
            raise CorpusTunerError(f"recipe.function {name} failed for {_shown(values)}: {type(error).__name__}: {error}") from error
        if said is not None and not isinstance(said, str):
            raise CorpusTunerError(f"recipe.function {name} gave {type(said).__name__} and no text for {_shown(values)}")
        return SURROGATE.sub("\ufffd", said or "").strip()

    return answer


def _shown(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name} = {value[:60]!r}" for name, value in values.items())
