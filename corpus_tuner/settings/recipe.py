"""`[recipe]`: a data set of rows (a grid of attributes, the words of a text, a labelled table) instead of questions about a text."""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from string import Template
from typing import TYPE_CHECKING, Any

from corpus_tuner.errors import CorpusTunerError

if TYPE_CHECKING:
    from corpus_tuner.settings import Settings

GRID, WORDS, ROWS = "grid", "words", "rows"
MOST_ROWS = 100_000  # of a grid: it is written out, and a writing model is paid for each
LOCATOR = "recipe://grid"  # of the one source of a grid
ARMS = ("base", "expert", "nearest")  # the best sentence of a row would be the row itself
_KIND = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_TAKEN = ("rewrite", "abstain", "reverse", "cross", "inference")  # kinds that the split or an evaluation treats otherwise
_OF_TEXTS = ("plan", "kinds", "reworded", "round_trip", "judge", "max_section_words")  # keys of [generate]
_NAME = re.compile(r"[_a-z][_a-z0-9]*", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Shot:
    """`[[recipe.ask.examples]]`: an input, and what is written for it."""

    input: str = ""
    output: str = ""


@dataclass(frozen=True, slots=True)
class AskSettings:
    """`[recipe.ask]`: what the writing model is told. A field that is empty is left out; `$name` stands for an item's value."""

    role: str = ""
    context: str = ""
    task: str = ""
    examples: tuple[Shot, ...] = ()
    reasoning: bool = False  # step by step before the answer; only the answer is kept
    most_words: int = 0  # 0: as long as it takes
    avoid: tuple[str, ...] = ()  # what not to do

    def texts(self) -> Iterator[tuple[str, str]]:
        """(key, text) of every field that may name an item's values."""
        yield from (("role", self.role), ("context", self.context), ("task", self.task))
        yield from (("avoid", line) for line in self.avoid)


@dataclass(frozen=True, slots=True)
class RecipeSettings:
    """`[recipe]`"""

    items: str = ""  # grid, words (of the sources' text) or rows (of the sources' tables)
    prompt: str = ""  # what the expert is trained on: "$sector in $city"; an item's values by their names
    answer: str = ""  # of a labelled row: "$label"
    function: str = ""  # or what makes the answer: "module:name", called with the item's values by name
    samples: int = 1  # replies of the writing model for each item
    temperature: float = 1.0
    most: int = 0  # only the first so many items; 0: all
    kind: str = ""  # of the examples; default: that of the items
    group: str = ""  # rows that agree in this stay together in the split: "$conversation"; default: those of one prompt
    columns: dict[str, str] = field(default_factory=dict)  # name in the templates = column of the table; default: the same
    grid: dict[str, list[str]] = field(default_factory=dict)  # attribute = its values
    ask: AskSettings = field(default_factory=AskSettings)

    @property
    def sort(self) -> str:
        """grid, words or rows; "" where there is no recipe."""
        return self.items or (GRID if self.grid else "")

    @property
    def size(self) -> int:
        """Combinations of a grid."""
        return math.prod(len(values) for values in self.grid.values())

    def templates(self) -> Iterator[tuple[str, str]]:
        """(key, text) of everything that may name an item's values."""
        yield from (("prompt", self.prompt), ("answer", self.answer), ("group", self.group))
        yield from ((f"ask.{key}", text) for key, text in self.ask.texts())

    def names(self) -> tuple[str, ...]:
        """The names of an item's values: of a grid its attributes; of words `word`; of rows what the templates name."""
        if self.sort == ROWS:
            used = [name for _, text in self.templates() for name in placeholders(text)]
            return tuple(dict.fromkeys([*used, *self.columns]))
        return tuple(self.grid) if self.sort == GRID else ("word",)


def placeholders(template: str) -> list[str]:
    """The names that a template leaves open."""
    return Template(template).get_identifiers()


def check_recipe(settings: Settings, table: dict[str, Any], where: str) -> None:
    """Raises CorpusTunerError, naming the key, for a recipe that cannot be carried out."""
    recipe, where = settings.recipe, f"{where}: recipe"
    if "recipe" not in table:
        return
    if recipe.sort not in (GRID, WORDS, ROWS) or (recipe.grid and recipe.sort != GRID):
        raise CorpusTunerError(f'{where}.items = {recipe.items!r} must be "grid" (with a table [recipe.grid]), "words" or "rows"')
    if recipe.columns and recipe.sort != ROWS:
        raise CorpusTunerError(f"{where}.columns is for the columns of a table: set items = \"rows\", or leave it out")
    if recipe.group and recipe.sort == WORDS:
        raise CorpusTunerError(f"{where}.group is for rows and grids: a word has nothing to agree in")
    if recipe.samples > 1 and not recipe.ask.task:
        raise CorpusTunerError(f"{where}.samples = {recipe.samples} needs a model that writes them: add [recipe.ask] with a task")
    if recipe.sort == GRID:
        _check_grid(recipe, where)
    _check_templates(recipe, where)
    _check_writer(settings, where)
    _check_numbers(recipe, where)
    alien = [key for key in _OF_TEXTS if key in table.get("generate", {})]
    if alien:
        raise CorpusTunerError(f"{where}: generate.{alien[0]} is for questions about a text: leave it out")


def _check_grid(recipe: RecipeSettings, where: str) -> None:
    if not recipe.grid:
        raise CorpusTunerError(f'{where}.grid has no attribute: write one such as city = ["Paris", "Oslo"]')
    for name, values in recipe.grid.items():
        if not _NAME.fullmatch(name):
            raise CorpusTunerError(f"{where}.grid: {name!r} cannot stand behind a $: letters, digits and _, first no digit")
        if not isinstance(values, list) or not values or not all(isinstance(value, str) and value.strip() for value in values):
            raise CorpusTunerError(f"{where}.grid.{name} must be a list of texts in quotes, at least one, and none of them empty")
        twice = _twice(values)
        if twice is not None:
            raise CorpusTunerError(f"{where}.grid.{name} has the value {twice!r} twice")
    rows = recipe.size * recipe.samples
    if rows > MOST_ROWS:
        raise CorpusTunerError(
            f"{where}.grid makes {recipe.size:,} combinations x {recipe.samples} samples = {rows:,} rows, more than {MOST_ROWS:,}: "
            'take values away, or write the combinations that you want into a CSV and use items = "rows"'
        )


def _twice(values: Iterable[str]) -> str | None:
    seen = set()
    for value in values:
        plain = " ".join(unicodedata.normalize("NFC", value).split())
        if plain in seen:
            return value
        seen.add(plain)
    return None


def _check_templates(recipe: RecipeSettings, where: str) -> None:
    if not recipe.prompt.strip():
        raise CorpusTunerError(f"{where}.prompt is missing: what the expert is asked, as in prompt = \"$word in Pig Latin\"")
    for key, text in recipe.templates():
        if not Template(text).is_valid():
            raise CorpusTunerError(f"{where}.{key}: a $ stands before a name, as in $city, and $$ is a dollar sign")
        for name in placeholders(text):
            if name not in recipe.names():
                near = difflib.get_close_matches(name, recipe.names(), n=1, cutoff=0.5)
                hint = f"did you mean ${near[0]}?" if near else f"there is {', '.join(f'${one}' for one in recipe.names())}"
                raise CorpusTunerError(f"{where}.{key} names ${name}, which the items do not have; {hint}")
    if not placeholders(recipe.prompt):
        first = next(iter(recipe.names()), "text")
        raise CorpusTunerError(f"{where}.prompt names no value of the items, so that all rows would ask the same: add one, such as ${first}")
    for name, column in recipe.columns.items():
        if not _NAME.fullmatch(name) or not isinstance(column, str) or not column.strip():
            raise CorpusTunerError(f'{where}.columns.{name} must be a column\'s name in quotes: text = "Review Text"')


def _check_writer(settings: Settings, where: str) -> None:
    """Who answers: a model that has a task, or else a function or the row itself."""
    recipe = settings.recipe
    if settings.generate.writer not in ("rules", "llm"):
        raise CorpusTunerError(f"{where}: the writer {settings.generate.writer!r} knows no recipes: leave writer out, or set it to llm")
    if recipe.answer and recipe.function:
        raise CorpusTunerError(f"{where} has an answer and a function: leave one out")
    if settings.generate.writer == "llm":
        if not recipe.ask.task.strip():
            raise CorpusTunerError(f'{where}.ask.task is missing: what the model shall write (or leave out writer = "llm")')
        unused = set(recipe.grid) - {name for _, text in recipe.ask.texts() for name in placeholders(text)}
        if unused:
            raise CorpusTunerError(f"{where}.ask names ${min(unused)} nowhere: the model would be asked the same for each of its values")
    elif not recipe.answer and not recipe.function:
        more = 'set generate.writer = "llm" and a model' if recipe.ask.task else 'give answer = "$label", a function, or [recipe.ask]'
        raise CorpusTunerError(f"{where} does not say who answers: {more}")
    elif not recipe.function:
        unused = set(recipe.grid) - {name for text in (recipe.prompt, recipe.answer) for name in placeholders(text)}
        if unused:
            raise CorpusTunerError(f"{where}: ${min(unused)} stands neither in prompt nor in answer: take the attribute away")


def _check_numbers(recipe: RecipeSettings, where: str) -> None:
    ask = recipe.ask
    if not 1 <= recipe.samples <= 1000:
        raise CorpusTunerError(f"{where}.samples must be from 1 to 1000")
    if not 0 <= recipe.temperature <= 2:
        raise CorpusTunerError(f"{where}.temperature must be from 0 to 2")
    if min(recipe.most, ask.most_words) < 0:
        raise CorpusTunerError(f"{where}: most and ask.most_words must be 0 (no bound) or more")
    if recipe.samples > 1 and recipe.temperature == 0:
        raise CorpusTunerError(f"{where}: samples = {recipe.samples} at temperature 0 would all be the same: raise the temperature")
    if recipe.kind and (not _KIND.fullmatch(recipe.kind) or recipe.kind in _TAKEN):
        raise CorpusTunerError(f"{where}.kind = {recipe.kind!r} must be a plain name in lower case, and none of {', '.join(_TAKEN)}")
    if any(not shot.input.strip() or not shot.output.strip() for shot in ask.examples):
        raise CorpusTunerError(f"{where}.ask.examples: each needs an input and an output")


def defaults(settings: Settings, table: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What a recipe sets otherwise where the TOML says nothing, by table: no arm that reads a text, a prompt as it is."""
    if not settings.recipe.sort:
        return {}
    chosen: dict[str, dict[str, Any]] = {"evaluate": {"arms": ARMS}, "dataset": {"prompt_template": "$question"}}
    return {name: {key: value for key, value in keys.items() if key not in table.get(name, {})} for name, keys in chosen.items()}

