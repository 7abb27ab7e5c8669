"""What templates say: definitions in MediaWiki's own notation, compiled to functions of a call's arguments.

A definition is text with parameters `{{{name|default}}}` and the parser functions `{{#if:test|then|else}}` and
`{{#switch:value|case=text|default}}`: what a wiki's own template page would say if it carried words alone. The tables
lie in `clean/templates/`: `common.toml` for every wiki, over it that of its language, over both that of its project
(Wiktionary). The name `<math>` stands for the tag of that name, whose content is the parameter `{{{1}}}`; by
default formulas are dropped.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from urllib.parse import urlsplit

from corpus_tuner.errors import CorpusTunerError

PROJECTS = ("wikisource", "wiktionary", "wikivoyage")

Arguments = Mapping[str, str]
Words = Callable[[Arguments], str]

_END_OF_BRANCH = frozenset({"|", "}}"})
_END_OF_CASE = frozenset({"|", "}}", "="})
_PIECE = re.compile(r"\{\{\{|\{\{#(?:if|switch):|\}|\||=")


def compile_definition(text: str) -> Words:
    """The function that `text` defines. Raises CorpusTunerError if its braces do not match."""
    tokens = _split(text)
    words, rest = _sequence(tokens, 0, frozenset())
    if rest != len(tokens):
        raise CorpusTunerError(f"template definition {text!r}: unmatched {tokens[rest]!r}")
    return words


def _split(text: str) -> list[str]:
    """Tokens of a definition; a run of closing braces is divided by what it closes, innermost first."""
    tokens: list[str] = []
    opened: list[int] = []
    position = 0
    while found := _PIECE.search(text, position):
        tokens.append(text[position : found.start()])
        piece = found.group()
        if piece.startswith("{"):
            opened.append(3 if piece == "{{{" else 2)
        elif piece == "}":
            if not opened:
                raise CorpusTunerError(f"template definition {text!r}: a brace closes nothing")
            piece = "}" * opened.pop()
        tokens.append(piece)
        position = found.start() + len(piece)
    return [piece for piece in [*tokens, text[position:]] if piece]


def _sequence(tokens: list[str], at: int, stop: frozenset[str]) -> tuple[Words, int]:
    """Parses up to a piece of `stop`, which stays unread."""
    parts: list[str | Words] = []
    while at < len(tokens) and tokens[at] not in stop:
        piece = tokens[at]
        if piece == "{{{":
            part, at = _parameter(tokens, at + 1)
        elif piece.startswith("{{#"):
            part, at = _function(tokens, at + 1, piece)
        else:
            part, at = piece, at + 1
        parts.append(part)
    return _join(parts), at


def _join(parts: list[str | Words]) -> Words:
    if all(isinstance(part, str) for part in parts):
        text = "".join(parts)
        return lambda _: text
    if len(parts) == 1:
        return parts[0]
    return lambda arguments: "".join([part if isinstance(part, str) else part(arguments) for part in parts])


def _parameter(tokens: list[str], at: int) -> tuple[Words, int]:
    """`{{{name|default}}}` from behind its opening braces."""
    if at + 1 >= len(tokens):
        raise CorpusTunerError("template definition: a parameter is not closed")
    name, default = tokens[at], None
    at += 1
    if tokens[at] == "|":
        default, at = _sequence(tokens, at + 1, frozenset({"}}}"}))
    if at >= len(tokens) or tokens[at] != "}}}":
        raise CorpusTunerError(f"template definition: parameter {name!r} is not closed")
    if default is None:
        return (lambda arguments: arguments.get(name, "")), at + 1

    def value(arguments: Arguments) -> str:
        found = arguments.get(name)
        return default(arguments) if found is None else found

    return value, at + 1


def _function(tokens: list[str], at: int, opening: str) -> tuple[Words, int]:
    """`{{#if:...}}` or `{{#switch:...}}` from behind its colon."""
    switch = opening == "{{#switch:"
    head, at = _sequence(tokens, at, _END_OF_BRANCH)
    branches: list[tuple[Words, Words | None]] = []
    while at < len(tokens) and tokens[at] == "|":
        left, at = _sequence(tokens, at + 1, _END_OF_CASE if switch else _END_OF_BRANCH)
        right = None
        if at < len(tokens) and tokens[at] == "=":
            right, at = _sequence(tokens, at + 1, _END_OF_BRANCH)
        branches.append((left, right))
    if at >= len(tokens):
        raise CorpusTunerError(f"template definition: {opening!r} is not closed")
    return (_switch(head, branches) if switch else _if(head, [left for left, _ in branches])), at + 1


def _if(test: Words, branches: list[Words]) -> Words:
    then, otherwise = [*branches, _join([]), _join([])][:2]
    return lambda arguments: (then if test(arguments).strip() else otherwise)(arguments).strip()


def _switch(value: Words, branches: list[tuple[Words, Words | None]]) -> Words:
    def words(arguments: Arguments) -> str:
        wanted, found = value(arguments).strip(), False
        for left, right in branches:
            found = found or left(arguments).strip() == wanted
            if found and right is not None:
                return right(arguments).strip()
        left, right = branches[-1]
        return left(arguments).strip() if right is None and not found else ""

    return words


@cache
def load_definitions(language: str, project: str = "") -> Mapping[str, Words]:
    """Definitions by template name (lower case, spaces) of one wiki: its project's over its language's over the common ones."""
    return {**_table("common"), **_table(language.lower()), **_table(project)}


def project_of(url: str) -> str:
    """The project with a table of its own that a page belongs to, as in en.wiktionary.org; "" for any other."""
    host = urlsplit(url).hostname or ""
    return next((project for project in PROJECTS if host.endswith(f".{project}.org")), "")


@cache
def _table(name: str) -> Mapping[str, Words]:
    """The definitions of one file, which may be absent."""
    path = files("corpus_tuner.clean") / "templates" / f"{name}.toml"
    return read_definitions(path.read_text(encoding="utf-8")) if re.fullmatch(r"[a-z-]+", name) and path.is_file() else {}


def read_definitions(toml: str) -> dict[str, Words]:
    """Reads one file: in each of its tables, what is said = [the templates that say it]. Raises CorpusTunerError for one
    that is not so."""
    try:
        tables = tomllib.loads(toml)
    except tomllib.TOMLDecodeError as fault:
        raise CorpusTunerError(f"the table of templates (source.templates) is not valid TOML: {fault}") from None
    found: dict[str, Words] = {}
    for title, table in tables.items():
        for text, names in table.items() if isinstance(table, dict) else [(title, None)]:
            if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
                raise CorpusTunerError(f'the table of templates (source.templates) has lines such as "{{{{{{1|}}}}}}" = ["nowrap"] under a [title]; this is none: {text}')
            found |= dict.fromkeys((" ".join(name.replace("_", " ").split()).lower() for name in names), compile_definition(text))
    return found
