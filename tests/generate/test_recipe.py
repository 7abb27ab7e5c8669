"""Rows of a recipe without a model: the items, the function, the labelled row, and what is lost by name."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.generate import generate
from corpus_tuner.generate.pig_latin import pig_latin
from corpus_tuner.generate.recipe import RecipeWriter, fill, items
from corpus_tuner.records import Example, Reason, Reject, Section
from corpus_tuner.settings import Settings, parse
from corpus_tuner.text import sentences, words


def rows(*values: dict[str, str]) -> list[Section]:
    """Rows as the cleaner gives them."""
    texts = [json.dumps(one, ensure_ascii=False) for one in values]
    return [Section(f"r{n}", "d", "Table", (f"row {n}",), text, sentences(text)) for n, text in enumerate(texts, start=1)]


def text(*lines: str) -> list[Section]:
    """Sections of prose, one a line."""
    return [Section(f"s{n}", "d", "Text", (), line, sentences(line)) for n, line in enumerate(lines, start=1)]


def settings(**recipe: object) -> Settings:
    """A corpus with this recipe."""
    return parse({"corpus": {"name": "a"}, "source": [{"locator": "x"}], "recipe": recipe}, "a.toml")


def write(sections: list[Section], **recipe: object) -> list[Example | Reject]:
    found = settings(**recipe)
    return list(generate(sections, RecipeWriter(found), found.generate.counts))


@pytest.fixture
def mine(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable], str]:
    """Makes a function importable as a user's own would be; returns its name."""
    module = types.ModuleType("my_functions")
    monkeypatch.setitem(sys.modules, "my_functions", module)

    def add(function: Callable) -> str:
        module.f = function
        return "my_functions:f"

    return add


def test_each_row_of_a_table_becomes_the_filled_prompt_and_answer() -> None:
    """A row rests on itself, keeps the recipe's own kind, and `$$` is a dollar sign."""
    table = rows({"text": "A film to see.", "label": "positive"}, {"text": "Two lost hours.", "label": "negative"})
    found = write(table, items="rows", prompt="Review for $$1: $text", answer="$label", kind="sentiment")
    assert [(one.kind, one.question, one.answer) for one in found] == [
        ("sentiment", "Review for $1: A film to see.", "positive"),
        ("sentiment", "Review for $1: Two lost hours.", "negative"),
    ]
    assert found[0].evidence == (("r1", 1),)


@given(st.dictionaries(st.sampled_from(["text", "label", "more"]), st.text(min_size=1), min_size=3))
def test_a_cell_is_never_read_as_a_template(values) -> None:
    """Whatever stands in a table: its dollar signs, braces and backslashes stay as they are."""
    assert fill("$text|${label}", values) == f"{values['text']}|{values['label']}".strip()


def test_a_row_without_text_or_label_is_lost_by_name_and_a_repeated_one_counted() -> None:
    """Input = rows + rejects."""
    table = rows({"t": "", "l": "a"}, {"t": "x", "l": ""}, {"t": "x", "l": "a"}, {"t": "x", "l": "a"}, {"t": "x", "l": "b"})
    found = write(table, items="rows", prompt="Text: $t", answer="$l")
    lost = [one.reason for one in found if isinstance(one, Reject)]
    assert lost == [Reason.EMPTY_TEXT, Reason.EMPTY_TEXT, Reason.DUPLICATE]
    assert len(found) == len(table)


def test_each_word_of_a_text_comes_once_where_it_stands_first() -> None:
    """Upper and lower case are one word, in the order of the text; `most` takes the first ones."""
    sections = text("The rocket rose. The crew slept.", "A rocket, the CREW and Überschall.")
    found = list(items(sections, settings(items="words", prompt="$word", answer="$word").recipe))
    assert [one.values["word"] for one in found] == ["the", "rocket", "rose", "crew", "slept", "a", "and", "überschall"]
    assert [(one.section.id, one.numbers) for one in found[:2]] + [(found[3].section.id, found[3].numbers)] == [
        ("s1", (1,)), ("s1", (1,)), ("s1", (2,)),
    ]  # fmt: skip
    assert len(list(items(sections, settings(items="words", prompt="$word", answer="$word", most=3).recipe))) == 3


def test_a_function_gets_the_values_by_name_and_leaves_out_what_it_gives_nothing_for(mine) -> None:
    """None and the empty text are its way to say no."""
    name = mine(lambda word: {"one": "1", "two": " 2 ", "three": ""}.get(word))
    found = write(text("One two three four."), items="words", prompt="$word?", function=name)
    assert [(one.question, one.answer) for one in found if isinstance(one, Example)] == [("one?", "1"), ("two?", "2")]
    assert [one.reason for one in found if isinstance(one, Reject)] == [Reason.LEFT_OUT] * 2


def test_a_function_of_a_table_gets_what_the_templates_and_the_columns_name(mine) -> None:
    """Also a value that stands in no prompt."""
    name = mine(lambda a, b: str(int(a) + int(b)))
    found = write(rows({"a": "2", "b": "3"}), items="rows", prompt="$a + ...?", function=name, columns={"b": "B"})
    assert [(one.question, one.answer) for one in found] == [("2 + ...?", "5")]


def test_a_function_that_raises_or_gives_no_text_is_one_line_with_the_item(mine) -> None:
    """The user's own code: named, with what it was given, and its traceback kept for --debug."""
    with pytest.raises(CorpusTunerError, match="my_functions:f failed for word = 'rocket': ZeroDivisionError") as caught:
        write(text("Rocket."), items="words", prompt="$word", function=mine(lambda word: 1 / 0))
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    for said in (5, b"x", ["x"], True):
        with pytest.raises(CorpusTunerError, match="and no text for word = 'rocket'"):
            write(text("Rocket."), items="words", prompt="$word", function=mine(lambda word, said=said: said))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("pig_latn", "choose from pig_latin"),
        ("no_such_module:f", "cannot be imported"),
        ("json:no_such_name", "cannot be imported"),
        ("math:pi", "is no function"),
        (":f", "choose from"),
        ("json:", "choose from"),
        ("../x:f", "choose from"),
        ("x/y.py:f", "choose from"),
    ],
)
def test_a_function_that_is_not_there_is_refused_by_name(name, told) -> None:
    """An entry point, or module:name on Python's own path; never a file."""
    with pytest.raises(CorpusTunerError, match=told):
        write(text("Rocket."), items="words", prompt="$word", function=name)


@pytest.mark.parametrize("body", ["Only prose.", '["text", "label"]', '{"text": "x"}', '{"text": 5, "label": "x"}', "[" * 100_000])
def test_what_is_no_row_is_refused_as_such(body) -> None:
    """A recipe of rows that reads a text says what it wants."""
    section = Section("s", "d", "Text", (), body, ((0, len(body)),))
    with pytest.raises(CorpusTunerError, match="is no row of a table"):
        write([section], items="rows", prompt="$text", answer="$label")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("apollo", "apolloway"), ("rocket", "ocketray"), ("square", "aresquay"), ("queen", "eenquay"), ("rhythm", "ythmrhay"),
        ("yellow", "ellowyay"), ("straße", "aßestray"), ("école", "écoleway"), ("nth", None), ("1968", None), ("it's", None),
        ("мир", None), ("月", None), ("", None),
    ],
)  # fmt: skip
def test_pig_latin_moves_the_first_consonants_behind(word, said) -> None:
    """A word with a vowel first gets `way`; what has no vowel, or is no word of Latin letters, is left out."""
    assert pig_latin(word) == said


@given(st.text(max_size=40))
def test_pig_latin_takes_any_text(word) -> None:
    """It never raises, and what it says is the word turned round."""
    said = pig_latin(word)
    assert said is None or sorted(said) == sorted(word + ("way" if said == word + "way" else "ay"))


@given(st.text(max_size=200))
def test_any_text_gives_its_different_words(body) -> None:
    """As many items as there are different words, each a word."""
    found = [one.values["word"] for one in items(text(body), settings(items="words", prompt="$word", answer="x").recipe)]
    assert len(found) == len(set(found))
    assert set(found) <= set(words(body)) | {word for word in found if words(word) == [word]}


def test_what_a_function_prints_leaves_stdout_alone(mine, capsys) -> None:
    """A result as JSON on stdout stays one."""

    def f(word):
        print("hello")  # noqa: T201
        return word.upper()

    write(text("One two."), items="words", prompt="$word", function=mine(f))
    assert capsys.readouterr() == ("", "hello\nhello\n")


def test_half_a_character_in_an_answer_is_replaced(mine) -> None:
    """No file can hold it."""
    (found,) = write(text("One."), items="words", prompt="$word", function=mine(lambda word: "a\ud800"))
    assert isinstance(found, Example)
    assert found.answer == "a\ufffd"


def test_a_function_that_ends_the_program_is_one_line_with_the_item(mine) -> None:
    """It never ends the build in silence."""
    with pytest.raises(CorpusTunerError, match="failed for word = 'one': SystemExit: 3"):
        write(text("One."), items="words", prompt="$word", function=mine(lambda word: sys.exit(3)))


@pytest.mark.parametrize("body", ["def f(:", "1/0", "import sys; sys.exit(4)"])
def test_a_module_that_fails_is_one_line(tmp_path, monkeypatch, body) -> None:
    """It is the user's own, and no bug of ours."""
    (tmp_path / "failing_functions.py").write_text(body)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(CorpusTunerError, match="failing_functions:f cannot be imported: its module fails with "):
        write(text("One."), items="words", prompt="$word", function="failing_functions:f")
    sys.modules.pop("failing_functions", None)
