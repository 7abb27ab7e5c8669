"""Servers of the tests of this room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from service import TOML, Service


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One server for all tests that leave it as it was."""
    root = tmp_path_factory.mktemp("service")
    (root / "serve.toml").write_text(TOML)
    running = Service(root).start()
    yield running
    running.stop()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Service]:
    """A server of the test's own, to kill."""
    (tmp_path / "serve.toml").write_text(TOML)
    running = Service(tmp_path)
    yield running
    running.stop()
