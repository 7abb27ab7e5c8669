"""The tables of what templates say."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest

from corpus_tuner.clean.wikitext.definitions import compile_definition, load_definitions, project_of, read_definitions
from corpus_tuner.errors import CorpusTunerError

TABLES = sorted(path.name for path in (files("corpus_tuner.clean") / "templates").iterdir())


@pytest.mark.parametrize(
    ("definition", "arguments", "said"),
    [
        ("a {{{1}}} b", {"1": "x"}, "a x b"),
        ("{{{1|y}}}", {}, "y"),
        ("{{{1|y}}}", {"1": ""}, ""),
        ("{{{a|{{{b|c}}}}}}", {"b": "d"}, "d"),
        ("{{{1}}}", {}, ""),
        ("{{#if:{{{1|}}}|{{{1}}}!|none}}", {"1": "x"}, "x!"),
        ("{{#if:{{{1|}}}|{{{1}}}!|none}}", {"1": " "}, "none"),
        ("{{#if:{{{1|}}}|{{#if:{{{2|}}}|{{{1}}}/{{{2}}}|{{{1}}}}}}}", {"1": "a", "2": "b"}, "a/b"),
        ("{{#switch:{{{1|}}}|a|b=AB|c=C|else}}", {"1": "a"}, "AB"),
        ("{{#switch:{{{1|}}}|a|b=AB|c=C|else}}", {"1": "c"}, "C"),
        ("{{#switch:{{{1|}}}|a|b=AB|c=C|else}}", {"1": "z"}, "else"),
        ("{{#switch:{{{1|}}}|a=A}}", {"1": "z"}, ""),
        ("= | =", {}, "= | ="),
    ],
)
def test_definitions_say_what_a_template_page_would(definition: str, arguments: dict[str, str], said: str) -> None:
    """Parameters, defaults, #if and #switch mean what they mean in MediaWiki; what is not given is nothing."""
    assert compile_definition(definition)(arguments) == said


@pytest.mark.parametrize("definition", ["{{{1", "{{{1|a", "{{#if:a|b", "a }} b", "{{{"])
def test_a_broken_definition_is_refused(definition: str) -> None:
    """A table with unmatched braces is the user's mistake, not a silent loss."""
    with pytest.raises(CorpusTunerError, match="template definition"):
        compile_definition(definition)


@pytest.mark.parametrize("name", TABLES)
def test_every_table_compiles_and_names_no_template_twice(name: str) -> None:
    """The tables that ship are sound: lower-case names, each said in one way."""
    toml = (files("corpus_tuner.clean") / "templates" / name).read_text(encoding="utf-8")
    names = [template for table in tomllib.loads(toml).values() for templates in table.values() for template in templates]
    assert sorted(read_definitions(toml)) == sorted(names)
    assert [template for template in names if template != template.lower()] == []


def test_a_language_goes_before_what_is_common() -> None:
    """A wiki's own table overrides the common one, and what it does not name is as everywhere."""
    assert load_definitions("fr")["citation"]({"1": "a"}) == "« a »"
    assert "citation" not in load_definitions("en")
    assert load_definitions("fr")["nowrap"]({"1": "a"}) == load_definitions("xx")["nowrap"]({"1": "a"}) == "a"


def test_a_project_goes_before_its_language() -> None:
    """On Wiktionary {{m}} is a word; on every other Italian wiki it is a measure."""
    assert load_definitions("it", project_of("https://it.wiktionary.org/wiki/A"))["m"]({"1": "la", "2": "aqua"}) == "''aqua''"
    assert load_definitions("it", project_of("https://it.wikipedia.org/wiki/A"))["m"]({"1": "5", "u": "km"}) == "5 km"
    assert project_of("https://en.m.wikivoyage.org/wiki/Boston") == "wikivoyage"
    assert project_of("https://en.wikipedia.org/wiki/.wiktionary.org") == ""


def test_a_language_is_never_a_path() -> None:
    """A document's language that is no language reads no other file."""
    assert load_definitions("../templates/fr").keys() == load_definitions("en").keys()
