"""The corpus of ports and the plug-in that writes and learns it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from port_corpus import write_corpus

from corpus_tuner import plugins

PLUGINS = Path(__file__).parent / "plugins"


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(PLUGINS))
    monkeypatch.setenv("PYTHONPATH", str(PLUGINS))
    plugins._group.cache_clear()
    yield
    sys.modules.pop("ports_plugin", None)
    plugins._group.cache_clear()


@pytest.fixture
def root(tmp_path: Path, plugin: None) -> Path:
    return write_corpus(tmp_path)
