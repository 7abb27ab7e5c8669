"""Rows of a recipe by a model: what it is told, how often it is asked, and what of its replies is kept."""

from __future__ import annotations

import json
from importlib import resources
from string import Template
from typing import Any

import pytest

from corpus_tuner import generate as room
from corpus_tuner.errors import CorpusTunerError, Declined, OverBudget
from corpus_tuner.generate import generate
from corpus_tuner.generate.recipe_llm import MARK, PROBLEMS, RecipeLlmWriter, messages, orders, read
from corpus_tuner.records import Example, Reason, Reject, Reply, Section
from corpus_tuner.settings import Settings, parse
from corpus_tuner.testing import ScriptedModel
from corpus_tuner.text import sentences

GRID = {"sector": ["bakery", "florist"], "city": ["Oslo", "Porto", "Lisbon"]}
ASK = {"task": "Praise a $sector in $city."}


def settings(ask: dict[str, Any] | None = None, concurrency: int = 1, **recipe: Any) -> Settings:
    """A grid whose rows a model writes, one request at a time so that a script is read in order."""
    found = {"prompt": "$sector, $city", "grid": GRID, "ask": ask or ASK} | recipe
    generate = {"writer": "llm", "model": "m", "concurrency": concurrency}
    return parse({"corpus": {"name": "a"}, "generate": generate, "recipe": found}, "a.toml")


def sections(*rows: dict[str, str]) -> list[Section]:
    texts = [json.dumps(row) for row in rows or [{"sector": s, "city": c} for s in GRID["sector"] for c in GRID["city"]]]
    return [Section(f"r{n}", "d", "Grid", (f"row {n}",), text, sentences(text)) for n, text in enumerate(texts)]


def write(model: ScriptedModel, wanted: Settings, *rows: dict[str, str]) -> list[Example | Reject]:
    return list(generate(sections(*rows), RecipeLlmWriter(wanted, model), {}))


def test_every_sample_of_every_combination_is_a_request_of_its_own_at_temperature_1() -> None:
    """Equal prompts are told apart by the number of the sample; the rows come in the order of the grid."""
    model = ScriptedModel(lambda messages: messages[1]["content"] + " Go.")
    found = write(model, settings(samples=3))
    asked = [(options["sample"], options["temperature"], options["attempt"], said[1]["content"]) for said, options in model.asked]
    assert asked == [(sample, 1.0, 0, f"Praise a {s} in {c}.") for s in GRID["sector"] for c in GRID["city"] for sample in range(3)]
    rows = [one for one in found if isinstance(one, Example)]
    assert [one.question for one in rows] == [f"{s}, {c}" for s in GRID["sector"] for c in GRID["city"]]
    assert [one.reason for one in found if isinstance(one, Reject)] == [Reason.DUPLICATE] * 12  # this model says the same each time


def test_different_samples_of_one_prompt_are_all_kept() -> None:
    """Three wordings are three rows."""
    model = ScriptedModel(["One.", "Two.", "Three."])
    found = write(model, settings(samples=3, grid={"sector": ["bakery"], "city": ["Oslo"]}), {"sector": "bakery", "city": "Oslo"})
    assert [(one.question, one.answer) for one in found] == [("bakery, Oslo", f"{word}.") for word in ("One", "Two", "Three")]
    assert len({one.id for one in found}) == 3


def test_the_prompt_has_every_field_that_is_set_and_no_trace_of_the_others() -> None:
    """Role, context, length, what to avoid, examples; the task alone stands in the user's message, behind what all share."""
    whole = {
        "role": "You write for $sector windows.", "context": "It rains in $city.", "task": "Praise a $sector in $city.",
        "most_words": 12, "avoid": ["prices", "the word $city twice"], "examples": [{"input": "a $5 tea", "output": "Hot {tea}."}],
    }  # fmt: skip
    recipe = settings(whole).recipe
    system, user = messages(recipe, {"sector": "bakery", "city": "Oslo"})
    assert user["content"] == "Praise a bakery in Oslo."
    for told in ("You write for bakery windows.", "It rains in Oslo.", "at most 12 words", "- prices\n- the word Oslo twice", "Input: a $5 tea\nOutput: Hot {tea}."):
        assert told in system["content"]
    bare = messages(settings().recipe, {"sector": "bakery", "city": "Oslo"})[0]["content"]
    assert bare == "Reply with the text that was asked for alone: no heading, no comment, no quotation marks around it."
    assert MARK in messages(settings(ASK | {"reasoning": True}).recipe, {"sector": "x", "city": "y"})[0]["content"]


def test_a_value_is_never_read_as_a_template() -> None:
    """What a table brings may hold $names and braces."""
    values = {"sector": "$city ${words} $$", "city": "{0} %s"}
    recipe = settings(ASK | {"context": "About $sector."}).recipe
    system, user = messages(recipe, values)
    assert user["content"] == "Praise a $city ${words} $$ in {0} %s."
    assert "About $city ${words} $$." in system["content"]


def test_the_prompt_files_leave_open_what_the_code_fills_and_nothing_else() -> None:
    """A forgotten name would fail in the middle of a paid run."""
    folder = resources.files(room).joinpath("prompts", "recipe")
    left = {file.name: set(Template(file.read_text(encoding="utf-8")).get_identifiers()) for file in folder.iterdir()}
    assert left == {
        "rules.md": {"role", "context", "words", "avoid", "final", "examples"},
        "plain.md": set(), "reasoned.md": {"mark"}, "example.md": {"input", "output"}, "again.md": {"problem"},
    }  # fmt: skip


def test_of_a_reasoning_only_what_it_led_to_is_kept() -> None:
    """However the line is dressed up; without it the model is asked again, and told why."""
    for said in (f"First, rain.\n{MARK}\nCome in.", f"So:\n**{MARK}** Come in.", f"<think>x</think>Hm.\n{MARK} Come in."):
        assert read(Reply(said), True, 0) == ("Come in.", None)
    model = ScriptedModel(["I think it is lovely.", f"Hm.\n{MARK}\nCome in."])
    found = write(model, settings(ASK | {"reasoning": True}), {"sector": "bakery", "city": "Oslo"})
    assert [(one.answer, one.form) for one in found] == [("Come in.", "again")]
    assert PROBLEMS[Reason.UNPARSABLE] in model.asked[1][0][1]["content"]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(""), Reason.EMPTY_REPLY),
        (Reply("<think>nothing</think> \n"), Reason.EMPTY_REPLY),
        (Reply("Come in and", "length"), Reason.CUT),
        (Reply("I cannot", "content_filter"), Reason.REFUSAL),
        (Reply(" ".join(["word"] * 40)), Reason.TOO_LONG),
        (Reply("praise a bakery in Oslo"), Reason.ANSWER_IS_QUESTION),
        (Reply("..."), Reason.ANSWER_IS_QUESTION),
    ],
)
def test_a_reply_that_cannot_be_used_is_asked_for_three_times_and_lost_by_name(reply, reason) -> None:
    """Each repeated ask says what was wrong and is a call of its own."""
    model = ScriptedModel([reply] * 3)
    found = write(model, settings(ASK | {"most_words": 20}), {"sector": "bakery", "city": "Oslo"})
    assert [one.reason for one in found] == [reason]
    assert [options["attempt"] for _, options in model.asked] == [0, 1, 2]
    assert all(PROBLEMS[reason] in said[1]["content"] for said, _ in model.asked[1:])


def test_a_few_words_more_than_asked_for_are_let_through() -> None:
    """Models count badly, and each ask is paid."""
    assert read(Reply(" ".join(["word"] * 25)), False, 20)[1] is None


def test_nobody_is_asked_about_an_empty_row() -> None:
    """It is lost by name before it costs anything."""
    model = ScriptedModel(["Come in."])
    found = write(model, settings(), {"sector": "", "city": " "}, {"sector": "bakery", "city": "Oslo"})
    assert [getattr(one, "reason", "kept") for one in found] == [Reason.EMPTY_TEXT, "kept"]
    assert len(model.asked) == 1


def test_what_the_money_bought_before_it_ran_out_is_kept_and_the_run_stops() -> None:
    """As in any generation."""
    model = ScriptedModel(["One.", "Two.", OverBudget("enough")])
    found = []
    with pytest.raises(OverBudget):
        found.extend(RecipeLlmWriter(settings(), model).write_all(sections(), {}))
    assert [one.answer for one in found] == ["One.", "Two."]
    assert len(model.asked) == 3


def test_a_host_that_declines_every_row_is_an_error_and_not_an_empty_data_set() -> None:
    """Its own words."""
    with pytest.raises(CorpusTunerError, match="against policy"):
        write(ScriptedModel([Declined("against policy")] * 6), settings())


def test_the_orders_of_a_grid_are_its_combinations_times_its_samples() -> None:
    """6 x 3 x 3 x 3 = 162, as in the tutorial."""
    grid = {"sector": list("abcdef"), "city": list("xyz"), "size": list("123")}
    recipe = settings(ASK | {"context": "$size"}, prompt="$sector $city $size", samples=3, grid=grid).recipe
    rows = [dict(zip(grid, (s, c, n))) for s in grid["sector"] for c in grid["city"] for n in grid["size"]]
    assert len(orders(sections(*rows), recipe)) == 162
