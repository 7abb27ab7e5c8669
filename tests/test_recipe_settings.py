"""The TOML of a recipe: what can be carried out is read, and each mistake is one line that says what to do."""

import copy

import pytest

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.settings import parse
from corpus_tuner.settings.recipe import MOST_ROWS

GRID = {"sector": ["bakery", "florist"], "city": ["Oslo", "Porto"]}
GOOD = {
    "grid": {"prompt": "$sector in $city", "answer": "The $sector of $city.", "grid": GRID},
    "words": {"items": "words", "prompt": "$word", "function": "pig_latin"},
    "rows": {"items": "rows", "prompt": "$text", "answer": "$label"},
    "llm": {"prompt": "$sector in $city", "grid": GRID, "ask": {"task": "Praise a $sector in $city."}},
}


def table(sort: str, generate: dict | None = None, **changes: object) -> dict:
    """The TOML of a good recipe, with changes."""
    recipe = copy.deepcopy(GOOD[sort]) | changes
    found = {"corpus": {"name": "a"}, "recipe": {key: value for key, value in recipe.items() if value is not None}}
    if sort in ("words", "rows"):
        found["source"] = [{"locator": "x.csv"}]
    if sort == "llm":
        found["generate"] = {"writer": "llm", "model": "m"}
    return found | ({"generate": generate} if generate is not None else {})


def refusal(found: dict) -> str:
    """The line with which a table is refused."""
    with pytest.raises(CorpusTunerError) as caught:
        parse(found, "a.toml")
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("a.toml: ")
    return str(caught.value)


@pytest.mark.parametrize("sort", GOOD)
def test_every_sort_of_recipe_is_read(sort) -> None:
    """With what a recipe wants otherwise as its defaults: no arm that reads a text, a prompt that stays as it is."""
    settings = parse(table(sort), "a.toml")
    assert settings.recipe.sort == ("grid" if sort == "llm" else sort)
    assert settings.evaluate.arms == ("base", "expert", "nearest")
    assert settings.dataset.prompt_template == "$question"


def test_what_the_toml_says_goes_before_the_defaults_of_a_recipe() -> None:
    """An arm that is named is asked."""
    found = table("rows") | {"evaluate": {"arms": ["retrieval"]}, "dataset": {"prompt_template": "Q: $question"}}
    settings = parse(found, "a.toml")
    assert (settings.evaluate.arms, settings.dataset.prompt_template) == (("retrieval",), "Q: $question")


def test_a_grid_of_ten_million_combinations_is_refused_with_its_count_the_bound_and_a_way_out() -> None:
    """Before anything is written out: the line is there at once."""
    names = "abcdefg"
    grid = {name: [f"{name}{number}" for number in range(10)] for name in names}
    told = refusal(table("grid", prompt=" ".join(f"${name}" for name in names), answer="$a", grid=grid))
    assert "10,000,000 combinations" in told
    assert f"{MOST_ROWS:,}" in told
    assert "CSV" in told


def test_samples_count_among_the_rows_of_a_grid() -> None:
    """A grid that is just small enough is not, three times."""
    changes = {"grid": {"a": [str(number) for number in range(400)], "b": [str(number) for number in range(200)]}}
    changes |= {"prompt": "$a $b", "ask": {"task": "$a $b"}}
    parse(table("llm", **changes), "a.toml")
    assert "x 3 samples = 240,000 rows" in refusal(table("llm", samples=3, **changes))


@pytest.mark.parametrize(
    ("grid", "told"),
    [
        ({}, "recipe.items"),
        ({"city": []}, "grid.city must be a list of texts"),
        ({"city": ["Oslo", ""]}, "none of them empty"),
        ({"city": ["Oslo", "  "]}, "none of them empty"),
        ({"city": "Oslo"}, "must be a list"),
        ({"city": [1, 2]}, "in quotes"),
        ({"city": ["Oslo", "Porto", "Oslo"]}, "'Oslo' twice"),
        ({"city": ["caf\u00e9", "cafe\u0301"]}, "twice"),
        ({"1st": ["a"]}, "'1st' cannot stand behind a $"),
        ({"ci ty": ["a"]}, "cannot stand behind a $"),
    ],
)
def test_attributes_are_lists_of_different_texts(grid, told) -> None:
    """An empty attribute would make an empty grid, a repeated value the same row twice."""
    assert told in refusal(table("grid", prompt="$city", answer="$city", grid=grid))


@pytest.mark.parametrize(
    ("sort", "changes", "told"),
    [
        ("grid", {"prompt": "$sector in $citty"}, "did you mean $city?"),
        ("grid", {"prompt": "$sector costs $5"}, "$$ is a dollar sign"),
        ("grid", {"prompt": None}, "recipe.prompt is missing"),
        ("grid", {"prompt": "write something"}, "names no value"),
        ("grid", {"prompt": "$sector", "answer": "good"}, "$city stands neither in prompt nor in answer"),
        ("grid", {"answer": None}, "does not say who answers"),
        ("grid", {"function": "pig_latin"}, "an answer and a function"),
        ("grid", {"items": "rows"}, "recipe.items"),
        ("grid", {"items": "grids"}, "recipe.items = 'grids'"),
        ("words", {"prompt": "$wrod"}, "did you mean $word?"),
        ("words", {"prompt": "$city"}, "there is $word"),
        ("rows", {"columns": {"text": 5}}, "columns.text"),
        ("grid", {"columns": {"city": "City"}}, "columns is for the columns of a table"),
        ("words", {"group": "$word"}, "group is for rows and grids"),
        ("words", {"samples": 2}, "samples = 2 needs a model"),
        ("rows", {"kind": "rewrite"}, "recipe.kind"),
        ("rows", {"kind": "../x"}, "recipe.kind"),
        ("rows", {"most": -1}, "0 (no bound) or more"),
        ("rows", {"samples": 0}, "samples must be from 1"),
        ("rows", {"temperature": 2.5}, "temperature"),
        ("rows", {"colums": {}}, "did you mean 'columns'?"),
        ("llm", {"ask": {}}, "ask.task is missing"),
        ("llm", {"ask": {"task": "Praise a $sector."}}, "names $city nowhere"),
        ("llm", {"ask": {"task": "Praise a $sector in $town."}}, "ask.task names $town"),
        ("llm", {"samples": 3, "temperature": 0}, "would all be the same"),
        ("llm", {"ask": {"task": "$sector $city", "examples": [{"input": "x"}]}}, "an input and an output"),
        ("llm", {"ask": {"task": "$sector $city", "most_words": -1}}, "most_words"),
        ("llm", {"ask": {"task": "$sector $city", "rolle": "x"}}, "did you mean 'role'?"),
    ],
)  # fmt: skip
def test_each_mistake_in_a_recipe_is_one_line_that_names_it(sort, changes, told) -> None:
    """A misspelt name is told the nearest one."""
    assert told in refusal(table(sort, **changes))


def test_a_recipe_and_what_is_for_texts_or_has_its_own_source_do_not_go_together() -> None:
    """Said by name, not passed over."""
    assert "generate.kinds is for questions about a text" in refusal(table("rows", {"kinds": {"basic": 2}}))
    assert "no [[source]]" in refusal(table("grid") | {"source": [{"locator": "x.csv"}]})
    assert "knows no recipes" in refusal(table("rows", {"writer": "mine"}))
    assert 'set generate.writer = "llm"' in refusal(table("llm", {"writer": "rules"}))


def test_a_recipe_may_have_an_answer_to_rehearse_with_and_a_task_for_the_model() -> None:
    """One flag turns the one into the other."""
    both = {"answer": "The $sector of $city."}
    assert parse(table("llm", **both), "a.toml").generate.writer == "llm"
    assert parse(table("llm", {"writer": "rules"}, **both), "a.toml").generate.writer == "rules"
