"""The manual holds: its TOML is read by the settings, its Python compiles, its files exist."""

import re
import tomllib
from dataclasses import fields, replace
from pathlib import Path

from corpus_tuner import settings
from corpus_tuner.settings.recipe import LOCATOR

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_every_toml_of_the_manual_is_understood() -> None:
    """No key of the manual is refused."""
    assert blocks("toml")
    for block in blocks("toml"):
        settings.parse(tomllib.loads(block), "README.md")


def test_every_python_of_the_manual_compiles() -> None:
    """What a reader copies runs."""
    assert blocks("python")
    for block in blocks("python"):
        compile(block, "README.md", "exec")


def test_every_file_that_the_manual_names_is_there() -> None:
    """Scripts, pages and pictures."""
    named = set(re.findall(r"(?:scripts|docs|corpus_tuner)/[\w./-]+\w", README)) | set(re.findall(r"\]\(([\w./-]+)\)", README))
    assert len(named) > 5
    assert not [name for name in named if not (ROOT / name).exists()]


def test_the_shipped_corpora_are_valid() -> None:
    """Each TOML in sources/ is understood, and its local files are there."""
    for path in (ROOT / "sources").glob("*.toml"):
        for source in settings.read(path).source:
            assert source.locator == LOCATOR or (path.parent / source.locator).exists()


def test_the_page_of_settings_shows_every_key_with_its_default() -> None:
    """docs/settings.md is whole and true: no key is missing, none is made up, and each stands there as it is if left out."""
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    table = tomllib.loads(re.findall(r"```toml\n(.*?)```", page, re.DOTALL)[0])
    shown = {key: set(part[0] if isinstance(part, list) else part) for key, part in table.items()}
    parts = {field.name: getattr(settings.Settings(), field.name) for field in fields(settings.Settings) if field.name != "recipe"}
    parts["source"] = settings.SourceSettings()
    assert shown == {key: {field.name for field in fields(part)} for key, part in parts.items()}
    parsed = settings.parse(table, "docs/settings.md")
    assert replace(parsed.corpus, name="") == settings.CorpusSettings()
    assert replace(parsed.source[0], locator="") == settings.SourceSettings()
    assert parsed.generate.kinds == settings.GenerateSettings().counts
    asked = replace(parsed.generate, kinds={})  # which is what "none are named" is
    assert replace(parsed, corpus=settings.CorpusSettings(), source=(), generate=asked) == settings.Settings()
