"""What a recipe changes in the stages of a build: who writes, what that depends on, and how the rows are split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from corpus_tuner import plugins
from corpus_tuner.records import Example, Section
from corpus_tuner.settings import Settings
from corpus_tuner.store import file_digest

LETTERS = 6  # of a word with its space
UNKNOWN = 400  # letters of a reply whose length nothing tells


def writer(settings: Settings) -> Any:
    """The class of the writer that the settings name."""
    if not settings.recipe.sort:
        return plugins.load("writers", settings.generate.writer)
    if settings.generate.writer == "llm":
        from corpus_tuner.generate.recipe_llm import RecipeLlmWriter

        return RecipeLlmWriter
    from corpus_tuner.generate.recipe import RecipeWriter

    return RecipeWriter


def inputs(settings: Settings) -> list[Any]:
    """What the rows depend on beside the sections: the recipe and the code of its function. Without a recipe, nothing."""
    recipe = settings.recipe
    return [asdict(recipe), _code(recipe.function)] if recipe.sort else []


def _code(function: str) -> str:
    """The digest of the module that a function stands in, without running it; "" where there is no such file."""
    module = plugins.module_of(function)
    try:
        spec = find_spec(module) if module else None
    except (Exception, SystemExit):  # noqa: BLE001  to find a module runs the packages above it: what fails there is told when it is called
        return ""
    return file_digest(Path(spec.origin)) if spec and spec.origin and Path(spec.origin).is_file() else ""


def assign(examples: Iterable[Example], sections: Mapping[str, Section], settings: Settings) -> list[Any]:
    """The split of a recipe's rows."""
    from corpus_tuner.dataset import rows
    from corpus_tuner.generate.recipe import fill, values_of

    template, names = settings.recipe.group, settings.recipe.names()
    return rows.assign(
        examples,
        settings.dataset,
        lambda example: fill(template, values_of(sections[example.evidence[0][0]], names)) if template else "",
    )


def work(sections: Sequence[Section], settings: Settings) -> list[tuple[str, int]]:
    """(prompt, letters of the reply) of every request of a recipe that asks a model."""
    from corpus_tuner.generate.recipe_llm import messages, orders

    ask = settings.recipe.ask
    shown = [len(one.output) for one in ask.examples]
    letters = LETTERS * ask.most_words or (sum(shown) // len(shown) if shown else UNKNOWN)
    found = orders(sections, settings.recipe)
    return [("".join(one["content"] for one in messages(settings.recipe, order.item.values)), letters) for order in found]
