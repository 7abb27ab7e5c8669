"""The stub server that the tests of the LLM writer ask, and sections to ask about."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from corpus_tuner.records import Section
from corpus_tuner.text import sentences

ROOT = Path(__file__).parents[2]


class Stub:
    """A running scripts/stub_llm.py."""

    def __init__(self, root: str) -> None:
        self.url = root + "/v1"
        self._root = root

    def get(self, path: str) -> dict:
        """One of its own pages: /stats, /mark, /reset."""
        with urllib.request.urlopen(self._root + path, timeout=10) as reply:
            return json.load(reply)

    def set(self, **knobs: object) -> None:
        """Changes its latency, faults and so on while it runs."""
        request = urllib.request.Request(self._root + "/config", json.dumps(knobs).encode(), method="POST")
        urllib.request.urlopen(request, timeout=10).close()


@contextmanager
def running(*options: str) -> Iterator[Stub]:
    command = [sys.executable, str(ROOT / "scripts/stub_llm.py"), "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield Stub(server.stdout.readline().split()[2].removesuffix("/v1"))
        finally:
            server.terminate()


@pytest.fixture
def stub() -> Iterator[Callable[..., Stub]]:
    """Starts a stub server with the options of its command line."""
    with ExitStack() as stack:
        yield lambda *options: stack.enter_context(running("--latency", "0.01", *options))


def ships(number: int, count: int = 8) -> Section:
    """A section of made-up sentences, each with names and numbers of its own."""
    text = " ".join(
        f"In {1700 + 7 * number + i} the vessel {name}{number} carried {20 + 13 * i + number} crates of copper from Lenn to the "
        f"harbour of {name}ville within {3 + i} days."
        for i, name in enumerate(
            ["Aldra", "Borisk", "Calmory", "Dunwen", "Esteral", "Farhold", "Gravina", "Hestor"][:count]
        )
    )
    return Section(f"s{number}", "d", "Ships", ("Voyages", f"Year {number}"), text, sentences(text), language="en")
