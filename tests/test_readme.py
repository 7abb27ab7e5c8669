"""The manual holds: its TOML is read by the settings, its Python compiles, its files exist."""

import re
import tomllib
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
