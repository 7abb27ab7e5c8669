"""A corpus of ports, three of its nine sections thinly asked about, and the plug-in that writes and learns it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from corpus_tuner import plugins

PLUGINS = Path(__file__).parent / "plugins"
TOML = """[corpus]
name = "ports"
[[source]]
locator = "ports.md"
[generate]
writer = "ports"
kinds = {{ basic = 100 }}
[dataset]
paraphrase = 0.3
validation = {validation}
unseen = {unseen}
[train]
trainer = "ports"
[evaluate]
arms = ["base", "expert"]
"""


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(PLUGINS))
    monkeypatch.setenv("PYTHONPATH", str(PLUGINS))
    plugins._group.cache_clear()
    yield
    sys.modules.pop("ports_plugin", None)
    plugins._group.cache_clear()


def write_corpus(root: Path, validation: float = 0.3, unseen: float = 0.0, poor: int = 3) -> Path:
    """Nine sections of six facts in `root`; the first `poor` of them are asked about in two wordings each, the others in five."""
    text = ["# Ports\n"]
    for section in range(9):
        text.append(f"## {'Poor' if section < poor else 'Rich'} coast {section}\n")
        text.append(" ".join(f"The port Port{'abcdefghi'[section]}{'uvwxyz'[n]} was opened in {1500 + 10 * section + n}." for n in range(6)) + "\n")
    (root / "sources").mkdir(parents=True)
    (root / "sources" / "ports.md").write_text("\n".join(text), encoding="utf-8")
    (root / "sources" / "ports.toml").write_text(TOML.format(validation=validation, unseen=unseen), encoding="utf-8")
    return root


@pytest.fixture
def root(tmp_path: Path, plugin: None) -> Path:
    return write_corpus(tmp_path)
